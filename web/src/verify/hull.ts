/** What many paths that begin at one instruction have between them: the rounds of a loop. */
import { isConst } from './bounds';
import type { Paths } from './paths';
import { number } from './words';

/** So many paths are looked at: a state that is far away costs about a millisecond. */
const most = 4000;
const named = 2;

const known = new WeakMap<readonly number[], string>();

/** Whether all branched off at one instruction: of one path, or each of the one before it. */
export function isLoop(p: Paths, paths: readonly number[]): boolean {
  const at = (id: number) => p.trace.pcOf(p.all[id]!.fork), first = at(paths[0]!);
  return first >= 0 && at(paths[1]!) === first && at(paths.at(-1)!) === first;
}

/** "r6 0 … 169": numbers that are known and not the same where the paths begin, from the least to the largest; "" when there are none. */
export function hullOf(p: Paths, paths: readonly number[]): string {
  let words = known.get(paths);
  if (words === undefined) known.set(paths, words = make(p, paths));
  return words;
}

function make(p: Paths, paths: readonly number[]): string {
  if (paths.length > most) return '';
  const least: (bigint | null)[] = [], largest: bigint[] = [];
  // In the order of the walk, so that each chunk of the trace is read once.
  for (const id of [...paths].sort((a, b) => p.all[a]!.first - p.all[b]!.first)) {
    const f = p.trace.state(p.all[id]!.first)?.frames.at(-1);
    if (f === undefined) return '';
    f.regs.forEach((r, n) => {
      if (r.kind !== 'scalar' || !isConst(r.bounds)) {
        least[n] = null;
        return;
      }
      const v = r.bounds.umin, lo = least[n];
      if (lo === null) return;
      least[n] = lo === undefined || v < lo ? v : lo;
      largest[n] = lo === undefined || v > largest[n]! ? v : largest[n]!;
    });
  }
  return least.flatMap((lo, n) => (lo !== null && lo !== largest[n] ? [`r${n} ${number(lo)} … ${number(largest[n]!)}`] : [])).slice(0, named).join(', ');
}
