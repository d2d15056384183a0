/** Two verifications side by side: before and after an edit, or at two privileges. */
import { contentAt, place, regLoc, slotLoc, type Loc, type Slot, type State } from './state';
import { regText, slotText } from './text';
import type { Trace } from './trace';
import type { InsnText, Reg } from './zrecord';

export interface AlignedRow {
  /** Steps; -1 where the other one has no such step. */
  readonly a: number;
  readonly b: number;
  /** Both are there, and the states that they leave are equal. */
  readonly same: boolean;
}

export interface Alignment {
  readonly rows: readonly AlignedRow[];
  /** Index of the first row that differs, -1 when none does. */
  readonly first: number;
  /** For each slot of a the slot of b that is the same instruction, -1 for none. */
  readonly slots: ReadonlyMap<number, number>;
}

/** How many rows are made at most: what a table can show. */
const maxRows = 20_000;
/** Programs of more instructions than this are matched from both ends only. */
const maxTable = 1500;

/** Matches the instructions of two programs: a longest common subsequence over what stays the same when code moves. */
export function matchInsns(a: readonly InsnText[], b: readonly InsnText[]): Map<number, number> {
  const out = new Map<number, number>();
  let lo = 0;
  while (lo < a.length && lo < b.length && a[lo]!.key === b[lo]!.key) out.set(a[lo]!.slot, b[lo++]!.slot);
  let [ea, eb] = [a.length, b.length];
  while (ea > lo && eb > lo && a[ea - 1]!.key === b[eb - 1]!.key) out.set(a[--ea]!.slot, b[--eb]!.slot);
  const [n, m] = [ea - lo, eb - lo];
  if (n === 0 || m === 0 || n > maxTable || m > maxTable) return out;
  const len = new Uint16Array((n + 1) * (m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      len[i * (m + 1) + j] = a[lo + i]!.key === b[lo + j]!.key ? len[(i + 1) * (m + 1) + j + 1]! + 1
        : Math.max(len[(i + 1) * (m + 1) + j]!, len[i * (m + 1) + j + 1]!);
    }
  }
  for (let i = 0, j = 0; i < n && j < m;) {
    if (a[lo + i]!.key === b[lo + j]!.key) out.set(a[lo + i++]!.slot, b[lo + j++]!.slot);
    else if (len[(i + 1) * (m + 1) + j]! >= len[i * (m + 1) + j + 1]!) i++;
    else j++;
  }
  return out;
}

/** The places whose content two states do not have in common, ids and marks aside. */
export function differences(a: Trace, sa: State, b: Trace, sb: State): readonly Loc[] {
  const out: Loc[] = [];
  for (let frame = 0; frame < Math.max(sa.frames.length, sb.frames.length); frame++) {
    const [fa, fb] = [sa.frames[frame], sb.frames[frame]];
    for (let i = 0; i < 11; i++) differs(regLoc(frame, i));
    for (let i = 0; i < Math.max(fa?.slots.length ?? 0, fb?.slots.length ?? 0); i++) differs(slotLoc(frame, i));
  }
  return out;

  function differs(loc: Loc): void {
    if (plain(a, sa, loc) !== plain(b, sb, loc)) out.push(loc);
  }
}

/** Ids count up along the walk, so that an edit shifts them all: they say nothing by themselves. */
const noIds = (r: Reg): Reg => r.id === 0 && r.refObjId === 0 && !r.precise ? r : { ...r, id: r.id >= 0x8000_0000 ? 0x8000_0001 : r.id === 0 ? 0 : 1, refObjId: r.refObjId === 0 ? 0 : 1, precise: false };

function plain(t: Trace, s: State, loc: Loc): string {
  const c = contentAt(s, loc);
  const p = place(loc);
  if (c === undefined || p.kind === 'refs') return '';
  return p.kind === 'reg' ? regText(t, noIds(c as Reg), p.frame) : slotText(t, { ...c as Slot, reg: noIds((c as Slot).reg) }, p.frame);
}

/**
 * Aligns two traces by step. Paths are matched with those that the same step
 * queued; within a path an instruction that only one program has is a row of
 * its own.
 */
export function align(a: Trace, b: Trace): Alignment {
  const slots = matchInsns(a.program.insns, b.program.insns);
  const back = new Set(slots.values());
  const rows: AlignedRow[] = [];
  const entries = (t: Trace): number[] => t.paths.flatMap((p, i) => p.parent < 0 ? [i] : []);
  pair(entries(a), entries(b), (p, q) => slots.get(a.paths[p]!.insn) === b.paths[q]!.insn);
  return { rows, first: rows.findIndex(r => !r.same), slots };

  /** Walks paths that belong together, in the order in which they were walked. */
  function pair(pa: readonly number[], pb: readonly number[], match: (p: number, q: number) => boolean): void {
    const todo: (readonly [readonly number[], readonly number[], (p: number, q: number) => boolean])[] = [[pa, pb, match]];
    for (let job = todo.pop(); job !== undefined && rows.length < maxRows; job = todo.pop()) {
      const [ps, qs, same] = job;
      const left = new Set(qs);
      for (const p of ps) {
        const q = [...left].find(q => same(p, q)) ?? -1;
        left.delete(q);
        walk(p, q, todo);
      }
      for (const q of left) walk(-1, q, todo);
    }
  }

  function walk(p: number, q: number, todo: (readonly [readonly number[], readonly number[], (p: number, q: number) => boolean])[]): void {
    const [x, y] = [a.paths[p], b.paths[q]];
    let [i, j] = [x?.first ?? 0, y?.first ?? 0];
    const [ei, ej] = [i + (x?.steps ?? 0), j + (y?.steps ?? 0)];
    const pairs = new Map<number, number>(); // step of a to step of b
    while ((i < ei || j < ej) && rows.length < maxRows) {
      const [u, v] = [i < ei ? a.insnOf(i) : -1, j < ej ? b.insnOf(j) : -1];
      if (u >= 0 && v >= 0 && slots.get(u) === v) {
        pairs.set(i, j);
        rows.push({ a: i, b: j, same: equal(i++, j++) });
      } else if (u >= 0 && !slots.has(u)) {
        rows.push({ a: i++, b: -1, same: false });
      } else if (v >= 0 && !back.has(v)) {
        rows.push({ a: -1, b: j++, same: false });
      } else { // they went different ways
        for (; i < ei && rows.length < maxRows; i++) rows.push({ a: i, b: -1, same: false });
        for (; j < ej && rows.length < maxRows; j++) rows.push({ a: -1, b: j, same: false });
      }
    }
    const [ca, cb] = [p < 0 ? [] : a.children(p), q < 0 ? [] : b.children(q)];
    if (ca.length + cb.length > 0) {
      todo.push([ca, cb, (p, q) => pairs.get(a.paths[p]!.at) === b.paths[q]!.at && slots.get(a.paths[p]!.insn) === b.paths[q]!.insn]);
    }
  }

  function equal(i: number, j: number): boolean {
    const [x, y] = [a.after(i), b.after(j)];
    const [s, u] = [a.step(i), b.step(j)];
    return x !== null && y !== null && s?.kind === u?.kind && differences(a, x, b, y).length === 0;
  }
}
