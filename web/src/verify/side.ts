/** One of two walks that are shown side by side, and how their steps are aligned. */
import { align } from '../trace/align';
import type { Walked } from './walk';
import type { State, Trace } from './types';
import { meaning } from './words';
import { sameReg } from './bounds';

export interface Side {
  readonly name: string;
  readonly trace: Trace;
  /** What the walk came to. */
  readonly verdict: string;
  /** Text of an instruction in its program. */
  text(pc: number): string;
}

/** Steps of each side; -1 where only the other has one. */
export interface Row { readonly a: number; readonly b: number; readonly differs: boolean }

export function sideOf(name: string, w: Walked): Side {
  const v = w.verdict;
  const words = v.outcome === 'accepted' ? '✓ accepted' : v.outcome === 'rejected' ? `✖ rejected: ${v.errors[0] ?? v.errnoName}` : 'no verdict';
  return { name, trace: w.trace, verdict: words, text: pc => w.trace.raw?.insn(pc)?.text.replace(/^\([0-9a-f]{2}\) /, '') ?? '' };
}

export function rowsOfSides(a: Side, b: Side): { readonly rows: readonly Row[]; readonly first: number } {
  if (a.trace.raw === null || b.trace.raw === null) return { rows: [], first: -1 }; // refused before its first instruction
  const x = align(a.trace.raw, b.trace.raw);
  const rows: Row[] = [];
  // Steps of which each side has one of its own stand beside each other.
  for (let i = 0; i < x.rows.length;) {
    let onlyA = 0, onlyB = 0;
    while (x.rows[i + onlyA]?.b === -1) onlyA++;
    while (x.rows[i + onlyA + onlyB]?.a === -1) onlyB++;
    if (onlyA + onlyB === 0) {
      const r = x.rows[i++]!;
      rows.push({ a: r.a, b: r.b, differs: !r.same });
      continue;
    }
    for (let k = 0; k < Math.max(onlyA, onlyB); k++) rows.push({ a: k < onlyA ? x.rows[i + k]!.a : -1, b: k < onlyB ? x.rows[i + onlyA + k]!.b : -1, differs: true });
    i += onlyA + onlyB;
  }
  return { rows, first: rows.findIndex(r => r.differs) };
}

/** What a step changed, in words: "r1 0 … 255". */
export function effect(s: Side, step: number): string {
  const t = s.trace, before = t.state(step), path = t.paths[t.pathOf(step)], after: State | null = path !== undefined && step + 1 < path.first + path.count ? t.state(step + 1) : null;
  if (before === null || after === null) return '';
  const out: string[] = [], was = before.frames[after.frames.length - 1];
  after.frames.at(-1)!.regs.forEach((r, i) => { if (r.kind !== 'unset' && !sameReg(was?.regs[i], r)) out.push(`r${i} ${meaning(r)}`); });
  return out.slice(0, 4).join(' · ');
}
