/**
 * Two walks side by side: the steps of a path of each, aligned by the text of
 * their instructions so that an edit that shifts them does not matter, and the
 * first row that differs.
 */
import type { Paths } from './paths';
import type { Trace } from './types';
import { meaning } from './words';

export interface Side {
  readonly name: string;
  readonly trace: Trace;
  readonly paths: Paths;
  readonly path: number;
  /** Text of an instruction in its program. */
  text(pc: number): string;
  /** What the walk came to. */
  readonly verdict: string;
}

/** Index on each side's path; -1 where only the other has a step. */
export interface Row { readonly a: number; readonly b: number; readonly differs: boolean }

/** Steps of each side that are aligned at most, and how far ahead a partner is sought. */
const most = 20_000, ahead = 64;

/** The path that matters: the refused one, else the first. */
export function mainPath(t: Trace): number { return t.paths.find(p => p.end === 'refused')?.id ?? 0; }

/** What a step changed, in words: "r1 0 … 255". */
export function effect(s: Side, n: number): string {
  const t = s.trace, step = s.paths.stepAt(s.path, n), before = step < 0 ? null : t.state(step), next = s.paths.stepAt(s.path, n + 1), after = next < 0 ? null : t.state(next);
  if (before === null || after === null) return '';
  const out: string[] = [];
  const f = after.frames.length - 1, was = before.frames[f];
  after.frames[f]!.regs.forEach((r, i) => {
    const old = was?.regs[i];
    if (r.kind !== 'unset' && (old === undefined || old.text.replace(/^P/, '') !== r.text.replace(/^P/, ''))) out.push(`r${i} ${meaning(r)}`);
  });
  return out.slice(0, 4).join(' · ');
}

export function alignSides(a: Side, b: Side): { readonly rows: readonly Row[]; readonly first: number } {
  const na = Math.min(most, a.paths.length(a.path)), nb = Math.min(most, b.paths.length(b.path)), rows: Row[] = [];
  const text = (s: Side, n: number) => s.text(s.trace.pcOf(s.paths.stepAt(s.path, n)));
  // The targets of jumps shift with an edit: they do not count.
  const key = (s: Side, n: number) => text(s, n).replace(/goto pc[+-]\d+|pc[+-]\d+$/, '');
  let i = 0, j = 0;
  while (i < na || j < nb) {
    if (i < na && j < nb && key(a, i) === key(b, j)) {
      rows.push({ a: i, b: j, differs: effect(a, i) !== effect(b, j) });
      i++;
      j++;
      continue;
    }
    let skipA = Infinity, skipB = Infinity;
    for (let k = 1; k <= ahead; k++) {
      if (skipA === Infinity && j < nb && i + k < na && key(a, i + k) === key(b, j)) skipA = k;
      if (skipB === Infinity && i < na && j + k < nb && key(a, i) === key(b, j + k)) skipB = k;
    }
    if (skipA === Infinity && skipB === Infinity) {
      rows.push({ a: i < na ? i : -1, b: j < nb ? j : -1, differs: true });
      i++;
      j++;
    } else if (skipA <= skipB) for (let k = 0; k < skipA; k++) rows.push({ a: i++, b: -1, differs: true });
    else for (let k = 0; k < skipB; k++) rows.push({ a: -1, b: j++, differs: true });
  }
  const first = rows.findIndex(r => r.differs);
  // What ends differently differs at its last step, even with equal states.
  if (first < 0 && a.verdict !== b.verdict && rows.length > 0) {
    rows[rows.length - 1] = { ...rows[rows.length - 1]!, differs: true };
    return { rows, first: rows.length - 1 };
  }
  return { rows, first };
}
