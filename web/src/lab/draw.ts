/** Numbers that each student has others of, drawn as the server draws them (labs/draw.go). */
import type { LabDraw, LabExercise, LabSource } from './data';

const u64 = (n: bigint) => BigInt.asUintN(64, n);

/** What a seed draws. */
export function drawn(exercise: string, d: LabDraw, seed: bigint): number {
  let h = 0xcbf29ce484222325n;
  for (const c of new TextEncoder().encode(`${exercise}/${d.name}`)) h = u64((h ^ BigInt(c)) * 0x100000001b3n); // FNV-1a
  // A step of SplitMix64.
  let z = u64((seed ^ h) + 0x9e3779b97f4a7c15n);
  z = u64((z ^ z >> 30n) * 0xbf58476d1ce4e5b9n);
  z = u64((z ^ z >> 27n) * 0x94d049bb133111ebn);
  z ^= z >> 31n;
  return d.lo + Number(z % BigInt(d.hi - d.lo + 1));
}

/** Puts a student's numbers into the texts of an exercise; its solutions come later and are filled in by `fill`. */
export function personal(of: LabExercise, seed: bigint): LabExercise & { readonly own: readonly (readonly [name: string, value: number])[] } {
  const own = (of.draws ?? []).map(d => [d.name, drawn(of.id, d, seed)] as const), put = (text: string) => fill(text, own);
  return { ...of, own, setup: put(of.setup), trace: put(of.trace), grade: put(of.grade), starters: of.starters.map(s => ({ ...s, text: put(s.text) })) };
}

export const fill = (text: string, own: readonly (readonly [string, number])[]) => own.reduce((t, [name, value]) => t.replaceAll(`$${name}`, String(value)), text);

export const filled = (list: readonly LabSource[], own: readonly (readonly [string, number])[]) => list.map(s => ({ ...s, text: fill(s.text, own) }));
