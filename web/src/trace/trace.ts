/**
 * A verification, step by step. The bytes come from the verifier's module (or a
 * file); nothing is run again to show a state.
 *
 *     const t = Trace.parse(bytes);
 *     const path = t.lastPath;                    // that of a rejection
 *     for (const { first, to } of t.chain(path)) ...
 *     const s = t.after(step);                    // null when it was dropped to bound the size
 *     regText(t, s.frames.at(-1)!.regs[1]!, 0)    // "scalar(umin=1,...)"
 */
import { Chunks } from './chunks';
import { Decoder, TraceError } from './decoder';
import { origins, type Origin } from './origins';
import { coverRows, type CoverRow } from './cover';
import type { Loc, State } from './state';
import {
  getCheckpoint, getChunk, getOutcome, getPath, getProgram, magic, version,
  type Back, type Change, type Check, type Checkpoint, type Chunk, type Covered, type InsnText, type LineText, type Mark, type NoFact,
  type Outcome, type Path, type Program, type StepKind,
} from './zrecord';

/** An arrival at an instruction. Its index is how many the kernel had processed before. */
export interface StepView {
  readonly index: number;
  readonly path: number;
  /** Slot. */
  readonly insn: number;
  readonly kind: StepKind;
  /** Number of the checkpoint made before it, -1 for none. */
  readonly checkpoint: number;
  /** What the instruction changed, with the reasons. Marks only: reason 'mark'. */
  readonly changes: readonly Change[];
  /** Of the first step of a path: what differs from the state before the step that queued it, with reasons; else empty. */
  readonly arrived: readonly Change[];
  /** What was set by hand before it, in a hypothetical trace. */
  readonly set: readonly Change[];
  /** Of a pruned step. */
  readonly covered: Covered | null;
  readonly checks: readonly Check[];
  readonly noFacts: readonly NoFact[];
  readonly marks: readonly Mark[];
  readonly back: readonly Back[];
}

/** Steps first to (exclusive) to of a path. */
export interface Segment {
  readonly path: number;
  readonly first: number;
  readonly to: number;
}

const minPath = 8;
const minChunk = 4;

export class Trace {
  /** How many paths were walked; those behind them are open. */
  readonly walked: number;
  private readonly weights: Float64Array;
  /** Children of path i: kids[kidsAt[i] .. kidsAt[i+1]]. */
  private readonly kidsAt: Uint32Array;
  private readonly kids: Uint32Array;
  private readonly insns = new Map<number, InsnText>();
  private readonly lines: LineText[];

  private constructor(
    readonly program: Program,
    readonly outcome: Outcome,
    readonly paths: readonly Path[],
    readonly checkpoints: readonly Checkpoint[],
    private readonly chunks: Chunks,
  ) {
    this.walked = checkPaths(paths, outcome.processed);
    this.weights = new Float64Array(paths.length);
    this.kidsAt = new Uint32Array(paths.length + 1);
    for (let i = paths.length - 1; i >= 0; i--) {
      const p = paths[i]!;
      this.weights[i]! += p.steps;
      if (p.parent >= 0) {
        this.weights[p.parent]! += this.weights[i]!;
        this.kidsAt[p.parent + 1]!++;
      }
    }
    for (let i = 0; i < paths.length; i++) this.kidsAt[i + 1]! += this.kidsAt[i]!;
    this.kids = new Uint32Array(this.kidsAt[paths.length]!);
    const fill = this.kidsAt.slice();
    paths.forEach((p, i) => {
      if (p.parent >= 0) this.kids[fill[p.parent]!++] = i;
    });
    for (const i of program.insns) this.insns.set(i.slot, i);
    this.lines = [...program.lines].sort((a, b) => a.slot - b.slot);
  }

  /** Throws a TraceError when the bytes are no trace. */
  static parse(bytes: Uint8Array): Trace {
    const r = new Decoder(bytes);
    for (const c of magic) {
      if (r.left === 0 || r.byte() !== c.charCodeAt(0)) throw new TraceError('these bytes are no trace of a verification');
    }
    if (r.byte() !== version) throw new TraceError('this trace was written by another version of skep: make it anew');
    const program = getProgram(r);
    const outcome = getOutcome(r);
    const paths = r.list(minPath, getPath);
    const checkpoints = r.list(1, getCheckpoint);
    const chunks: Chunk[] = r.list(minChunk, getChunk);
    let last = -1;
    for (const c of checkpoints) {
      if (c.step <= last || c.step > outcome.processed) throw contradiction();
      last = c.step;
    }
    return new Trace(program, outcome, paths, checkpoints, new Chunks(chunks, bytes.subarray(r.at), outcome.processed, checkpoints.length));
  }

  /** How many steps there are: what the kernel calls processed instructions. */
  get steps(): number { return this.outcome.processed; }

  /** The path that was walked last: of a rejection, the one that failed. */
  get lastPath(): number { return Math.max(0, this.walked - 1); }

  step(index: number): StepView | null {
    const d = this.chunks.at(index);
    if (d === null) return null;
    const s = d.step;
    const path = this.pathOf(index);
    const starts = this.paths[path]?.first === index;
    return {
      index, path, insn: d.insn, kind: s.kind, checkpoint: s.checkpoint ? this.checkpointAt(index) : -1,
      changes: s.after.changes, arrived: starts && this.paths[path]!.parent < 0 ? s.before.changes : s.arrived,
      set: s.before.changes.filter(c => c.reason === 'whatIf'),
      covered: s.covered[0] ?? null, checks: s.checks, noFacts: s.noFacts, marks: s.marks, back: s.back,
    };
  }

  /** The slot of a step, -1 when it was dropped. */
  insnOf(index: number): number { return this.chunks.at(index)?.insn ?? -1; }

  /** The state in which the instruction of a step is checked. */
  before(index: number): State | null { return this.chunks.at(index)?.before ?? null; }

  /** The state that the instruction leaves on this path. */
  after(index: number): State | null { return this.chunks.at(index)?.after ?? null; }

  /** The number of the checkpoint made before a step, -1 for none. */
  checkpointAt(index: number): number {
    const i = upper(this.checkpoints.length, i => this.checkpoints[i]!.step > index) - 1;
    return this.checkpoints[i]?.step === index ? i : -1;
  }

  /** The path that a step belongs to. */
  pathOf(index: number): number {
    return upper(this.walked, i => this.paths[i]!.first > index) - 1;
  }

  /** Paths queued by the steps of a path. */
  children(path: number): readonly number[] {
    return [...this.kids.subarray(this.kidsAt[path], this.kidsAt[path + 1])];
  }

  /** Paths queued by a step. */
  queuedBy(index: number): readonly number[] {
    return this.children(this.pathOf(index)).filter(p => this.paths[p]!.at === index);
  }

  /** From the root: the path and its ancestors, outermost first, each with its steps that lead here. */
  chain(path: number): readonly Segment[] {
    const out: Segment[] = [];
    let to = -1;
    for (let i = path; i >= 0;) {
      const p = this.paths[i];
      if (p === undefined) break;
      out.push({ path: i, first: p.first, to: to < 0 ? p.first + p.steps : to });
      to = p.at + 1;
      i = p.parent;
    }
    return out.reverse();
  }

  /** How many steps lead from the entry to the end of a path, ancestors' included. */
  length(path: number): number {
    return this.chain(path).reduce((n, s) => n + s.to - s.first, 0);
  }

  /** The step at a distance from the entry; what `path.n` in a link means. -1 when there is none. */
  stepAt(path: number, n: number): number {
    for (const s of this.chain(path)) {
      if (n < s.to - s.first) return n < 0 ? -1 : s.first + n;
      n -= s.to - s.first;
    }
    return -1;
  }

  /** The distance of a step from the entry, along the path that it belongs to. */
  positionOf(index: number): number {
    const chain = this.chain(this.pathOf(index));
    const own = chain.at(-1);
    if (own === undefined) return 0;
    return chain.slice(0, -1).reduce((n, s) => n + s.to - s.first, 0) + index - own.first;
  }

  /** The step before one along its path, -1 at an entry. */
  previous(index: number): number {
    const p = this.paths[this.pathOf(index)];
    return p === undefined ? -1 : index > p.first ? index - 1 : p.parent < 0 ? -1 : p.at;
  }

  /** Steps of a path and of those that it queued. */
  weight(path: number): number { return this.weights[path] ?? 0; }

  /** The first step at a slot on the way to the end of a path; -1 for none. */
  find(path: number, insn: number): number {
    for (const s of this.chain(path)) {
      for (let i = s.first; i < s.to; i++) if (this.insnOf(i) === insn) return i;
    }
    return -1;
  }

  /** Where the content of a place after (or before) a step comes from, along its path. */
  origins(index: number, loc: Loc, when: 'before' | 'after', limit = 64): readonly Origin[] {
    return origins(this, index, loc, when, limit);
  }

  /** A pruned step, compared with the checkpoint that covers it, place by place. */
  covering(index: number): readonly CoverRow[] { return coverRows(this, index); }

  insn(slot: number): InsnText | null { return this.insns.get(slot) ?? null; }

  /** The source line that an instruction comes from. */
  line(slot: number): LineText | null {
    return this.lines[upper(this.lines.length, i => this.lines[i]!.slot > slot) - 1] ?? null;
  }
}

const contradiction = (): TraceError => new TraceError('the tables of the trace contradict each other');

/** The first i below n of which past is true, n when it is of none. */
function upper(n: number, past: (i: number) => boolean): number {
  let lo = 0;
  while (lo < n) {
    const mid = (lo + n) >>> 1;
    if (past(mid)) n = mid;
    else lo = mid + 1;
  }
  return lo;
}

/** Paths follow each other and have parents that come first; those that were not walked are last. */
function checkPaths(paths: readonly Path[], processed: number): number {
  let next = 0;
  let walked = 0;
  paths.forEach((p, i) => {
    const q = paths[p.parent];
    const parent = p.parent === -1 || p.parent >= 0 && p.parent < i && q !== undefined && p.at >= q.first && p.at - q.first < q.steps;
    if (!parent || p.first !== next || p.steps > processed - next || p.steps > 0 && walked !== i) throw contradiction();
    next += p.steps;
    if (p.steps > 0) walked++;
  });
  if (next !== processed) throw contradiction();
  return walked;
}
