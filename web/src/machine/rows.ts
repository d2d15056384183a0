/** A listing as rows of one height: the heading of each instruction, what was made of it in words, its code. */
import type { CodeInsn, CodeNote, MachineCode } from './client';

export type Row =
  /** slot -1: what comes before a function; the number of slots: what lies behind the program. */
  | { readonly kind: 'head'; readonly slot: number; /** Slot whose code does its work; -1. */ readonly within: number; readonly bytes: number }
  | { readonly kind: 'note'; readonly slot: number; readonly note: CodeNote }
  | { readonly kind: 'insn'; readonly slot: number; readonly insn: CodeInsn };

export interface Rows {
  readonly rows: readonly Row[];
  /** By slot: its first row, and the row behind its last. */
  readonly of: ReadonlyMap<number, readonly [number, number]>;
  /** Instructions of the machine, without those that are out of line. */
  readonly insns: number;
}

const made = new WeakMap<MachineCode, Rows>();

export function rowsOf(c: MachineCode): Rows {
  const had = made.get(c);
  if (had !== undefined) return had;
  const rows: Row[] = [], of = new Map<number, readonly [number, number]>();
  let insns = 0;
  for (const g of c.groups) {
    const from = rows.length;
    rows.push({ kind: 'head', slot: g.slot, within: g.head, bytes: g.insns.reduce((n, i) => n + i.size, 0) });
    for (const note of g.notes) rows.push({ kind: 'note', slot: g.slot, note });
    for (const insn of g.insns) rows.push({ kind: 'insn', slot: g.slot, insn });
    insns += g.insns.length;
    // The kernel's code of an instruction may lie in several places: the first leads there.
    if (g.slot >= 0 && !of.has(g.slot)) of.set(g.slot, [from, rows.length]);
  }
  const r = { rows, of, insns };
  made.set(c, r);
  return r;
}

/** The slot whose code does the work of an instruction: its own, or that of the group it was fused into. */
export function workOf(c: MachineCode, slot: number): number {
  const at = rowsOf(c).of.get(slot), row = at === undefined ? undefined : rowsOf(c).rows[at[0]];
  return row?.kind === 'head' && row.within >= 0 ? row.within : slot;
}

const kinds: Readonly<Record<CodeNote['kind'], string>> = { fusion: 'fused', dropped: 'check dropped', inlined: 'in place', interpreted: 'interpreter' };

/** What was made of an instruction: a word for its kind, and what it says. */
export function noteWords(n: CodeNote): readonly [string, string] {
  if (n.kind === 'dropped' && n.fact !== '') return [kinds.dropped, `${n.text}; it knows ${n.fact}`];
  return [kinds[n.kind], n.text];
}
