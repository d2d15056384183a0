/** The engine of the page under the campaign: for node and for a Worker of a browser. */
import { FullSpeed } from '../../../../web/src/jit/fullspeed';

/** A Case of ../page.go. */
interface Case {
  readonly load: string; // frames in hex
  readonly begin: string;
  readonly state: string;
  readonly r0: string; // in hex
  readonly fault: string;
  readonly sum: string; // in hex
}

/** Runs a batch and says what was wrong with which case, '' for nothing. */
export function run(full: FullSpeed, cases: readonly Case[]): string[] {
  return cases.map(c => {
    try {
      return differ(full, c);
    } catch (e) {
      return String(e);
    }
  });
}

function differ(full: FullSpeed, c: Case): string {
  full.load(unhex(c.load));
  full.begin(unhex(c.begin));
  const s = full.run(1 << 16);
  if (s.state === 'running' || c.state === 'running') return '';
  const got = `${s.state} r0 ${s.r0.toString(16)} "${s.fault}"`, want = `${c.state} r0 ${c.r0} "${c.fault}"`;
  if (got !== want) return `${got}, the interpreter has ${want}`;
  return full.left().sum.toString(16) === c.sum ? '' : `${got}, but the memory differs`;
}

const digit = new Uint8Array(128);
for (let i = 0; i < 16; i++) digit['0123456789abcdef'.charCodeAt(i)] = i;

function unhex(s: string): Uint8Array {
  const b = new Uint8Array(s.length / 2);
  for (let i = 0; i < b.length; i++) b[i] = digit[s.charCodeAt(2 * i)]! << 4 | digit[s.charCodeAt(2 * i + 1)]!;
  return b;
}
