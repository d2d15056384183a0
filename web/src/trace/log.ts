/** Which line of the kernel's log is about which step, and back. */
import type { Trace } from './trace';

export interface LogLink {
  /** The step that a line is about, -1 for none. Lines are counted from 0. */
  stepOf(line: number): number;
  /** The line with the instruction of a step (of a pruned one, "safe"), -1 when it is not in the log. */
  lineOf(step: number): number;
}

const insnLine = /^\d+: (?:\([0-9a-f]{2}\) |BUG_)/;
const safeLine = /^(?:\d+|from \d+ to \d+.*): safe$/;
const fromLine = /^from \d+ to \d+/;
const sourceLine = /^; /;
const statLine = /^(?:verification time |stack depth |processed \d)/;
const cutLine = /^\[\.\.\. .* left out here \.\.\.\]$/;

/**
 * Links a log to its trace. Each step prints one line, in order: all steps at
 * level 2, at level 1 those of the path that failed. Of a log with its middle
 * left out the front is counted from the first step, the rest from the last.
 */
export function linkLog(t: Trace, log: string, level: number): LogLink {
  const lines = log.replace(/\n$/, '').split('\n');
  const order: number[] = [];
  if ((level & 2) !== 0) for (let i = 0; i < t.steps; i++) order.push(i);
  else if ((level & 1) !== 0 && t.outcome.verdict === 'rejected') for (const s of t.chain(t.lastPath)) for (let i = s.first; i < s.to; i++) order.push(i);
  // A step at which the walk stopped prints no line of its own.
  if (order.length > 0 && t.paths[t.lastPath]?.end === 'rejected' && t.step(t.steps - 1)?.kind === 'stopped') order.pop();

  const stepOf = new Int32Array(lines.length).fill(-1);
  const lineOf = new Map<number, number>();
  const isStep = (s: string): boolean => insnLine.test(s) || safeLine.test(s);
  const cut = lines.findIndex(s => cutLine.test(s));
  // Of a very long log the verifier itself forgets the front: what stands
  // before the cut is then from somewhere on the way.
  if (cut >= 0 && ((level & 2) === 0 || lines[0]!.startsWith('func#0 @'))) forwards(0, cut, 0);
  const behind = lines.slice(cut + 1).filter(isStep).length;
  forwards(cut + 1, lines.length, Math.max(0, order.length - behind));

  /** Numbers the lines from..to, of which the first step is order[n]. */
  function forwards(from: number, to: number, n: number): void {
    let current = n > 0 ? order[n - 1] ?? -1 : -1;
    let arriving = from; // lines from here on are about the step to come
    for (let i = from; i < to; i++) {
      const s = lines[i]!;
      if (isStep(s)) {
        current = order[n++] ?? -1;
        for (let j = arriving; j <= i; j++) stepOf[j] = current;
        if (current >= 0) lineOf.set(current, i);
        arriving = i + 1;
      } else if (statLine.test(s)) {
        arriving = i + 1;
      } else if (!(fromLine.test(s) || sourceLine.test(s) || s === '') && !(arriving < i && fromLine.test(lines[arriving] === '' ? lines[arriving + 1] ?? '' : lines[arriving]!))) {
        stepOf[i] = current; // what was said about the instruction above
        arriving = i + 1;
      }
    }
  }
  return { stepOf: line => stepOf[line] ?? -1, lineOf: step => lineOf.get(step) ?? -1 };
}
