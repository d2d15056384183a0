/**
 * Programs with the result that the interpreter has for them, made by the test
 * of wasm/jit: run compiled and interpreted, both must leave that and the same
 * memory. For node and for a Worker in a browser.
 */
import { FullSpeed, type Standing } from './fullspeed';

export interface Case {
  readonly name: string;
  readonly load: string; // frames in hex
  readonly compiled: string;
  readonly interpreted: string;
  readonly r0: string; // in hex
  readonly fault: string;
}

export interface Cases {
  readonly cases: readonly Case[];
  readonly endless: Case;
  readonly wild: Case; // passed off as accepted
  readonly speed: readonly Case[]; // what `measure` is for
}

/** Says what is wrong with a case, '' for nothing. */
export function differ(f: FullSpeed, c: Case): string {
  const run = (begin: string): [Standing, string] => {
    f.load(unhex(c.load));
    f.begin(unhex(begin));
    const s = f.finish(100);
    const left = f.left();
    return [s, `${left.sum} ${left.packet.join()}`];
  };
  const [a, memory] = run(c.compiled), [b, want] = run(c.interpreted);
  for (const [who, s] of [['compiled', a], ['interpreted', b]] as const) {
    if (s.state !== (c.fault === '' ? 'exited' : 'faulted')) return `${who}: it has ${s.state}: ${s.fault}`;
    if (s.r0 !== BigInt(`0x${c.r0}`) || s.fault !== c.fault) return `${who}: r0 is ${s.r0.toString(16)}, want ${c.r0}; fault "${s.fault}", want "${c.fault}"`;
  }
  return memory === want ? '' : 'the memory differs';
}

/** Time of one run in ns: the least of some rounds, as others use the machine too. */
export function measure(f: FullSpeed, c: Case, begin: string, now: () => number): number {
  f.load(unhex(c.load));
  f.begin(unhex(begin));
  let n = 1, best = Infinity;
  for (let rounds = 0; rounds < 30;) {
    const from = now();
    f.repeat(n);
    const ms = now() - from;
    if (ms < 2 && n < 1 << 20) n *= 2;
    else {
      rounds++;
      best = Math.min(best, 1e6 * ms / n);
    }
  }
  return best;
}

export function unhex(s: string): Uint8Array {
  return Uint8Array.from(s.match(/../g) ?? [], b => parseInt(b, 16));
}
