/** Where a fact comes from, as rows of the drawer: the main chain, and what else was part of each link. */
import type { Place, State, Trace, Why } from './types';

export interface Link {
  readonly why: Why;
  /** Other places that went into it. */
  readonly also: readonly Place[];
  /** How many rounds of a loop, that say the same again, are left out behind it. */
  readonly again: number;
}

export const placeName = (p: Place): string => (p.kind === 'reg' ? `r${p.reg}` : `fp${p.off}`);
export const samePlace = (a: Place | null, b: Place | null): boolean =>
  a !== null && b !== null && a.frame === b.frame && placeName(a) === placeName(b);

/** Rounds of a loop that are listed. */
const shown = 2;
/** Links asked for at most. */
const most = 80;

/** The chain of a value in the state before a step. Where two things were combined it follows the one that says more. */
export function chainOf(t: Trace, step: number, p: Place): Link[] {
  const all = t.why(step, p, most), out: Link[] = [];
  const kids = all.map((): number[] => []);
  all.forEach((w, i) => { if (w.of >= 0) kids[w.of]!.push(i); });
  const rounds = new Map<string, number>();
  let again = 0;
  for (let i = 0; i >= 0 && i < all.length;) {
    const w = all[i]!, next = [...kids[i]!].sort((a, b) => weight(all[a]!) - weight(all[b]!));
    const key = `${w.pc} ${placeName(w.place)}`, round = (rounds.get(key) ?? 0) + 1;
    rounds.set(key, round);
    if (round <= shown) {
      out.push({ why: w, also: next.slice(1).map(k => all[k]!.place).filter(x => !samePlace(x, w.place)), again: 0 });
    } else again++;
    if (again > 0 && (round <= shown || next.length === 0)) {
      const at = round <= shown ? out.length - 2 : out.length - 1;
      out[at] = { ...out[at]!, again };
      again = 0;
    }
    i = next[0] ?? -1;
  }
  return out;
}

/** Pointers before numbers, those before constants. */
function weight(w: Why): number {
  if (w.value === null) return 1;
  return w.value.kind !== 'scalar' ? 0 : w.value.bounds.bits.mask === 0n ? 2 : 1;
}

/** What a place holds, in the kernel's words: equal when nothing changed. */
export function textAt(s: State | null, p: Place): string {
  const f = s?.frames[p.frame];
  if (p.kind === 'reg') return f?.regs[p.reg]?.text.replace(/^P/, '') ?? '';
  const slot = f?.slots.find(x => x.off === p.off);
  return slot === undefined ? '' : `${slot.bytes} ${slot.reg?.text.replace(/^P/, '') ?? ''}`;
}
