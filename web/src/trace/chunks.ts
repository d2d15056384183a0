/** The steps of a trace: decoded a chunk at a time, when they are asked for. */
import { Decoder, TraceError } from './decoder';
import { emptyState, place, slotBase, newSlot, unpackBytes, unsetRegs, type Frame, type Slot, type State } from './state';
import { getDelta, getStep, type Chunk, type Delta, type FrameHead, type Reg, type Step } from './zrecord';

export interface Decoded {
  readonly insn: number;
  readonly step: Step;
  readonly before: State;
  readonly after: State;
}

/** As verifier/trace has them. */
const chunkSteps = 256;
const maxChunk = 512 << 10;
const maxSlots = 64;
const maxFrames = 8;

/** How many decoded chunks are kept: a view looks at a step, its neighbours and one it is compared with. */
const keep = 6;

const broken = (): TraceError => new TraceError('a step of the trace is broken');

export class Chunks {
  private readonly cache = new Map<number, readonly Decoded[]>();

  constructor(
    private readonly chunks: readonly Chunk[],
    private readonly data: Uint8Array,
    private readonly processed: number,
    private readonly checkpoints: number,
  ) {
    let at = 0;
    let step = 0;
    for (const c of chunks) {
      if (c.first < step || c.steps > chunkSteps || c.first + c.steps > processed || c.offset !== at || c.length > maxChunk ||
        c.length > data.length - at || c.steps === 0 && c.length !== 0) throw new TraceError('the tables of the trace contradict each other');
      at += c.length;
      step = c.first + Math.max(c.steps, 1);
    }
    if (at !== data.length) throw new TraceError('the tables of the trace contradict each other');
  }

  /** A step, null when it was dropped. Throws a TraceError when it is broken. */
  at(index: number): Decoded | null {
    if (index < 0 || index >= this.processed) return null;
    let lo = 0;
    let hi = this.chunks.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.chunks[mid]!.first > index) hi = mid;
      else lo = mid + 1;
    }
    const c = this.chunks[lo - 1];
    if (c === undefined || index - c.first >= c.steps) return null;
    let steps = this.cache.get(lo - 1);
    if (steps === undefined) {
      steps = this.decode(c);
      if (this.cache.size >= keep) this.cache.delete(this.cache.keys().next().value!);
    } else {
      this.cache.delete(lo - 1); // the one used last is the last to go
    }
    this.cache.set(lo - 1, steps);
    return steps[index - c.first] ?? null;
  }

  private decode(c: Chunk): readonly Decoded[] {
    const r = new Decoder(this.data.subarray(c.offset, c.offset + c.length));
    let state = apply(emptyState, getDelta(r));
    let insn = -1;
    const out: Decoded[] = [];
    for (let i = 0; i < c.steps; i++) {
      const n = r.u32();
      const end = r.at + n;
      if (n > r.left) throw broken();
      const step = getStep(r);
      if (r.at !== end) throw broken();
      if (step.covered.some(c => c.checkpoint >= this.checkpoints || c.frames.length > maxFrames) || step.marks.some(m => m.checkpoint >= this.checkpoints)) throw broken();
      insn += step.jump + 1;
      if (step.checkpoint) state = withoutMarks(state);
      const before = apply(state, step.before);
      state = apply(before, step.after);
      out.push({ insn, step, before, after: state });
    }
    if (r.left !== 0) throw broken();
    return out;
  }
}

/** A frame that is being changed. */
interface Draft {
  head: FrameHead;
  regs: Reg[];
  slots: Slot[];
  refs: Frame['refs'];
}

const draftOf = (f: Frame): Draft => ({ head: f.head, regs: [...f.regs], slots: [...f.slots], refs: f.refs });
const frameOf = (d: Draft): Frame => ({ ...d.head, head: d.head, regs: d.regs, slots: d.slots, refs: d.refs });

/** The next state; what did not change is shared. */
function apply(s: State, d: Delta): State {
  if (d.head.length === 0 && d.changes.length === 0) return s;
  const frames: (Frame | Draft)[] = [...s.frames];
  const own = (i: number): Draft => {
    const f = frames[i];
    if (f === undefined) throw broken();
    if ('callsite' in f) {
      const draft = draftOf(f);
      frames[i] = draft;
      return draft;
    }
    return f;
  };
  let held = s.held;
  const head = d.head[0];
  if (head !== undefined) {
    if (d.head.length > 1 || head.frames.length > maxFrames) throw broken();
    held = head.held;
    frames.length = Math.min(frames.length, head.frames.length);
    head.frames.forEach((h, i) => {
      if (h.slots > maxSlots) throw broken();
      if (i === frames.length) frames.push({ head: h, regs: [...unsetRegs], slots: [], refs: [] });
      const f = own(i);
      f.head = h;
      while (f.slots.length < h.slots) f.slots.push(newSlot());
      f.slots.length = h.slots;
    });
  }
  for (const c of d.changes) {
    const p = place(c.loc);
    const f = own(p.frame);
    if (p.kind === 'reg') f.regs[p.reg] = c.reg;
    else if (p.kind === 'refs') f.refs = c.refs;
    else if (p.slot < f.slots.length) f.slots[p.slot] = { bytes: unpackBytes(c.bytes), reg: c.reg };
    else throw broken();
  }
  return { frames: frames.map(f => 'callsite' in f ? f : frameOf(f)), held };
}

const unmarked = (r: Reg): Reg => r.live === 0 ? r : { ...r, live: 0 };

/** The state that goes on behind a checkpoint. */
function withoutMarks(s: State): State {
  return {
    held: s.held,
    frames: s.frames.map(f => ({
      ...f,
      regs: f.regs.map((r, i) => i < slotBase - 1 ? unmarked(r) : r),
      slots: f.slots.map(x => x.reg.live === 0 ? x : { bytes: x.bytes, reg: unmarked(x.reg) }),
    })),
  };
}
