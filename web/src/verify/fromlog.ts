/**
 * Paths and states out of a log of level 2, as the kernel or our verifier
 * prints it. What a log does not say is not there: which state covered a path,
 * and changes of registers that were not printed.
 */
import { regOf, stateOf, unset, type Touched } from './statetext';
import type { Check, FrameState, Path, PathEnd, Reg, Slot, State, Trace } from './types';

const noRegs: readonly Reg[] = Array.from({ length: 11 }, (_, i) => (i === 10 ? regOf('fp0') : unset));
const emptyFrame: FrameState = { func: 0, regs: noRegs, slots: [] };
const empty: State = { frames: [emptyFrame], refs: [], locks: [] };

type Draft = { -readonly [K in keyof Path]: Path[K] };

class LogReader {
  readonly pcs: number[] = [];
  readonly pathIds: number[] = [];
  readonly before: State[] = [];
  readonly lines: number[] = [];
  readonly lineSteps: number[] = [];
  readonly paths: Draft[] = [];
  readonly finals: State[] = [];
  private now: State = empty;
  private open = false;
  private expect: 'none' | 'caller' | 'callee' | 'leaving' | 'to' = 'none';
  private returned = false;
  private readonly taken = new Set<number>();
  missing = 0;

  constructor(readonly log: readonly string[], rejected: boolean) {
    this.begin(-1, -1, 0);
    log.forEach((l, i) => this.line(l, i));
    this.end(rejected ? 'refused' : 'exit', this.pcs[this.pcs.length - 1] ?? 0);
  }

  private begin(parent: number, fork: number, start: number): void {
    this.paths.push({ id: this.paths.length, parent, fork, first: this.pcs.length, count: 0, end: 'open', start, stop: start, by: -1 });
    this.open = true;
  }
  private end(how: PathEnd, stop: number): void {
    if (!this.open) return;
    const p = this.paths[this.paths.length - 1]!;
    p.end = how;
    p.stop = stop;
    this.finals[p.id] = this.now;
    this.open = false;
  }

  private line(l: string, i: number): void {
    this.lineSteps[i] = this.pcs.length - 1;
    const from = /^from (\d+) to (\d+)(?: \(speculative execution\))?: ?(.*)$/.exec(l);
    if (from !== null) {
      this.fork(Number(from[1]), Number(from[2]), from[3]!, i);
      return;
    }
    if (l.startsWith('caller:')) this.expect = 'caller';
    else if (l.startsWith('callee:')) this.expect = 'callee';
    else if (l.startsWith('returning from callee:')) this.expect = 'leaving';
    else if (l.startsWith('to caller at')) {
      this.expect = 'to';
      this.returned = true;
    } else if (l.startsWith(' ') && this.expect !== 'none') this.frame(l);
    else {
      const m = /^(\d+): ?(.*)$/.exec(l);
      if (m === null) return;
      this.numbered(Number(m[1]), m[2]!, i);
    }
  }

  private numbered(pc: number, rest: string, i: number): void {
    if (rest === 'safe') this.covered(pc, i);
    else if (/^\([0-9a-f]{2}\) /.test(rest)) {
      this.arrive(pc, i);
      this.returned = false;
      const semi = rest.indexOf(' ;');
      if (semi > 0) this.merge(stateOf(rest.slice(semi + 2)), false);
    } else if (/(^| )(R\d+|fp-|frame)/.test(rest)) this.merge(stateOf(rest), false);
  }

  private arrive(pc: number, i: number): void {
    const p = this.paths[this.paths.length - 1]!;
    this.lineSteps[i] = this.pcs.length;
    this.lines.push(i);
    this.pcs.push(pc);
    this.pathIds.push(p.id);
    this.before.push(this.now);
    p.count++;
    p.stop = pc;
  }
  private covered(pc: number, i: number): void {
    this.arrive(pc, i);
    this.end('covered', pc);
  }

  private fork(a: number, b: number, rest: string, i: number): void {
    if (this.returned && this.open) { // goes on in the caller
      this.returned = false;
      if (rest !== 'safe') this.merge(stateOf(rest), false);
      else this.covered(b, i);
      return;
    }
    this.end('exit', this.pcs[this.pcs.length - 1] ?? 0);
    let s = this.pcs.length - 1;
    while (s >= 0 && (this.pcs[s] !== a || this.taken.has(s))) s--;
    this.taken.add(s);
    this.begin(s < 0 ? 0 : this.pathIds[s]!, s, b);
    this.now = s < 0 ? empty : this.before[s]!;
    if (rest === 'safe') this.covered(b, i);
    else this.merge(stateOf(rest), true);
  }

  private frame(l: string): void {
    const t = stateOf(l), s = this.now;
    switch (this.expect) {
      case 'callee': this.now = { ...s, frames: [...s.frames.slice(0, t.frame), emptyFrame] }; break;
      case 'to': this.now = { ...s, frames: s.frames.slice(0, t.frame + 1) }; break;
    }
    if (this.expect !== 'leaving') this.merge(t, this.expect === 'callee');
    this.expect = 'none';
  }

  /** Of `whole` what is not there is not set. */
  private merge(t: Touched, whole: boolean): void {
    const s = this.now, frames = [...s.frames];
    while (frames.length <= t.frame) frames.push(emptyFrame);
    frames.length = Math.max(t.frame + 1, 1);
    const f = frames[t.frame]!, regs = whole ? [...noRegs] : [...f.regs];
    for (const [n, r] of t.regs) {
      regs[n] = r;
      if (r.kind !== 'packet' || r.range === 0) continue;
      regs.forEach((o, j) => { if (o.kind === 'packet' && o.id === r.id && o.range < r.range) regs[j] = { ...o, range: r.range }; });
    }
    let slots: readonly Slot[] = whole ? t.slots : f.slots;
    if (!whole && t.slots.length > 0) slots = [...f.slots.filter(x => !t.slots.some(y => y.off === x.off)), ...t.slots].sort((x, y) => y.off - x.off);
    frames[t.frame] = { ...f, regs, slots };
    this.now = { ...s, frames, refs: t.refs ?? s.refs };
  }
}

export function traceOfLog(log: readonly string[], outcome: Trace['outcome'], missing: number): Trace {
  const r = new LogReader(log, outcome === 'rejected');
  return {
    outcome, steps: r.pcs.length, paths: r.paths, missing, log,
    pcOf: s => r.pcs[s] ?? -1,
    pathOf: s => r.pathIds[s] ?? 0,
    state: s => r.before[s] ?? null,
    after: s => (r.pathIds[s + 1] === r.pathIds[s] ? r.before[s + 1] ?? null : r.finals[r.pathIds[s] ?? -1] ?? null),
    why: () => null,
    check: (): Check | null => null,
    covering: () => [],
    stepOfLine: l => r.lineSteps[l] ?? -1,
    lineOfStep: s => r.lines[s] ?? -1,
  };
}
