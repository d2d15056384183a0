/** A run inside the verification: which path it takes, and which values must lie in their ranges. See verifier/trace/follow.go. */
import type { Bounds } from './decoder';
import { isScalar, mayBeNull, pktRange, regBase, regLoc, slotLoc, type Frame, type Loc, type State } from './state';
import type { StepView, Trace } from './trace';
import type { Change, Covered, Reg } from './zrecord';

/** A register of a run: a number, or 'pointer' for an address or a map; null when it was never written. */
export type Value = bigint | 'pointer' | null;

/** A state of a run: the slot about to be executed and the registers r0..r10 of the current frame. */
export interface Concrete {
  readonly insn: number;
  readonly regs: readonly Value[];
}

export interface Followed {
  /** Step that arrives there; -1 when the run went where no path leads. */
  readonly step: number;
  /** A bit for each register of which the state before the step must hold the value. The others did not matter to the verifier. */
  readonly comparable: number;
}

/** Whether a number is within the bounds. */
export function holdsNumber(b: Bounds, v: bigint): boolean {
  const s = BigInt.asIntN(64, v);
  const u = Number(BigInt.asUintN(32, v));
  v = BigInt.asUintN(64, v);
  return b.umin <= v && v <= b.umax && b.smin <= s && s <= b.smax && b.u32min <= u && u <= b.u32max && b.s32min <= (u | 0) && (u | 0) <= b.s32max &&
    (v & ~b.mask) === b.value;
}

/** Whether a value may be what is known of a register; of pointers only that they are some. */
export function holds(r: Reg, v: Value): boolean {
  if (regBase(r) === '?' || v === null) return true;
  if (isScalar(r)) return v === 'pointer' ? r.bounds.mask !== 0n : holdsNumber(r.bounds, v);
  return v === 'pointer' || v === 0n && mayBeNull(r);
}

/** Finds the path that a run of the main program took, step for step. */
export function follow(t: Trace, run: readonly Concrete[]): readonly Followed[] {
  const out: Followed[] = run.map(() => ({ step: -1, comparable: 0 }));
  const f = new Follower(t);
  if (run[0] === undefined || !f.enter(run[0].insn)) return out;
  for (let i = 0; i < run.length; i++) {
    out[i] = { step: f.arrived, comparable: f.comparable() };
    const next = run[i + 1];
    if (next !== undefined && !f.next(next)) break;
  }
  return out;
}

const opExit = 0x95;
const opCall = 0x85;
/** Bounds the steps that the verifier makes between two of the run: the call of a helper is checked again after each round of its callback. */
const silent = 8;

interface ReturnTo {
  readonly step: number;
  readonly loose: Set<Loc>;
}

/** Walks the tree along a run. */
class Follower {
  /** Step at which the run is. */
  arrived = 0;
  /** Where it goes on: that, or the one that covers it. */
  private at = 0;
  /** Places that need not hold the run's value. */
  private loose = new Set<Loc>();
  /** Calls of global functions that the run is in. */
  private readonly calls: ReturnTo[] = [];

  constructor(private readonly t: Trace) {}

  enter(insn: number): boolean {
    const p = this.t.paths.find(p => p.parent < 0 && p.insn === insn && p.steps > 0);
    if (p !== undefined) this.arrive(p.first);
    return p !== undefined;
  }

  comparable(): number {
    const s = this.t.before(this.arrived);
    let mask = 0;
    for (let i = 0; s !== null && i < 11; i++) if (!this.loose.has(regLoc(s.frames.length - 1, i))) mask |= 1 << i;
    return mask;
  }

  /** Goes to the step that the run takes next. */
  next(c: Concrete): boolean {
    for (let n = 0; n < silent; n++) {
      const step = this.t.step(this.at);
      if (step === null || step.kind !== 'checked') return false;
      const op = this.opcode(step.insn);
      if (op === opCall && this.enterGlobal(step.insn, c.insn)) return true;
      if (op === opExit && this.calls.length > 0 && this.t.before(this.at)?.frames.length === 1) {
        const top = this.calls.pop()!;
        this.loose = top.loose;
        this.at = top.step;
        return this.take([this.goesOn()], c);
      }
      if (this.take(this.successors(), c)) return true;
      // Out of a callback the verifier goes back to the call, the run does not.
      const on = this.goesOn();
      if (op !== opExit || on < 0 || this.opcode(this.t.insnOf(on)) !== opCall) return false;
      this.move(on);
    }
    return false;
  }

  /** Puts the run at a step. A pruned one goes on at the checkpoint that covers it, where only what mattered is sure to hold. */
  private arrive(step: number): void {
    this.arrived = this.at = step;
    let s: StepView | null = this.t.step(step);
    for (let n = 0; s !== null && s.covered !== null && n < silent; n++) {
      const at = this.t.checkpoints[s.covered.checkpoint]!.step;
      const [old, now] = [this.t.before(at), this.t.before(this.at)];
      this.at = at;
      if (old === null || now === null) return;
      this.loosen(old, now, s.covered);
      s = this.t.step(at);
    }
  }

  /** Notes the places of which the covering state does not hold what the covered one holds, or knows more by ids that need not be those of the run. */
  private loosen(old: State, now: State, c: Covered): void {
    old.frames.forEach((f, frame) => {
      const g: Frame | undefined = now.frames[frame];
      const m = c.frames[frame];
      f.regs.forEach((r, i) => {
        if (looser(r, g?.regs[i], m !== undefined && (m.preciseRegs >>> i & 1) !== 0)) this.loose.add(regLoc(frame, i));
      });
      f.slots.forEach((s, i) => {
        const o = g?.slots[i];
        const bytes = o?.bytes.every((b, k) => b === s.bytes[k]) ?? false;
        if (!bytes || looser(s.reg, o?.reg, m !== undefined && (m.preciseSlots >> BigInt(i) & 1n) !== 0n)) this.loose.add(slotLoc(frame, i));
      });
    });
  }

  private opcode(slot: number): number {
    return Number((this.t.insn(slot)?.key ?? 0n) & 0xffn);
  }

  /** Follows the run into a function that the verifier walks on its own, where it knows nothing of the caller. */
  private enterGlobal(insn: number, to: number): boolean {
    if (to === insn + 1 || !this.t.program.funcs.some(f => f.global && f.slot === to)) return false;
    const back: ReturnTo = { step: this.at, loose: this.loose };
    this.loose = new Set();
    if (!this.enter(to)) return false;
    this.calls.push(back);
    return true;
  }

  /** The next step on the path, -1 when it ends. */
  private goesOn(): number {
    const p = this.t.paths[this.t.pathOf(this.at)]!;
    return this.at + 1 < p.first + p.steps ? this.at + 1 : -1;
  }

  private successors(): number[] {
    const out = this.t.queuedBy(this.at).map(i => this.t.paths[i]!).filter(p => p.steps > 0 && !p.speculative).map(p => p.first);
    const on = this.goesOn();
    return on < 0 ? out : [...out, on];
  }

  /** Goes to the one of the steps that is the run's; false when none is. */
  private take(steps: readonly number[], c: Concrete): boolean {
    let [best, most] = [-1, -1];
    for (const s of steps) {
      if (s < 0 || this.t.insnOf(s) !== c.insn) continue;
      const n = this.fits(s, c);
      if (n > most) [best, most] = [s, n];
    }
    if (best >= 0) this.move(best);
    return best >= 0;
  }

  /** Counts the values of the run that are in the state before a step: two ways of a comparison may lead to one instruction. */
  private fits(step: number, c: Concrete): number {
    const s = this.t.before(step);
    const frame = (s?.frames.length ?? 0) - 1;
    return s === null ? 0 : s.frames[frame]!.regs.filter((r, i) => this.loose.has(regLoc(frame, i)) || holds(r, c.regs[i] ?? null)).length;
  }

  /** Goes to a step that follows, and takes along what need not hold. */
  private move(to: number): void {
    const other = this.t.pathOf(to) !== this.t.pathOf(this.at);
    const changes = (other ? this.t.step(to)?.arrived : this.t.step(this.at)?.changes) ?? [];
    if (this.loose.size > 0) {
      const next = new Set(this.loose);
      for (const c of changes) {
        switch (this.carries(c)) {
          case true: next.add(c.loc); break;
          case false: next.delete(c.loc); break;
        }
      }
      this.loose = next;
    }
    this.arrive(to);
  }

  /** Whether the new content of a place depends on one that need not hold; undefined when the change says nothing about it. */
  private carries(c: Change): boolean | undefined {
    const from = c.from.some(l => this.loose.has(l));
    switch (c.reason) {
      case 'mark': case 'tie': case 'unknown': return undefined;
      case 'alu': case 'branchTrue': case 'branchFalse': case 'link': case 'null': case 'notNull': case 'packet': case 'store': case 'whatIf':
        return from || this.loose.has(c.loc);
      case 'load': case 'ctx': return false; // bounded by the width, whatever the pointer
      default: return from;
    }
  }
}

/** Whether a covering register does not hold all that the covered one holds. */
function looser(o: Reg, n: Reg | undefined, precise: boolean): boolean {
  return n === undefined || o.type !== n.type || o.off !== n.off || !sameTarget(o, n) || !within(o.bounds, n.bounds) || isScalar(o) && o.id !== 0 && !precise;
}

/** Whether o points to what n does; of packets, whether no more bytes are proved. */
function sameTarget(o: Reg, n: Reg): boolean {
  const base = regBase(o);
  return base === 'pkt' || base === 'pkt_meta' ? pktRange(o) <= pktRange(n) : o.a === n.a && o.b === n.b && o.c === n.c && o.frameNo === n.frameNo;
}

function within(a: Bounds, b: Bounds): boolean {
  return a.umin <= b.umin && a.umax >= b.umax && a.smin <= b.smin && a.smax >= b.smax && a.u32min <= b.u32min && a.u32max >= b.u32max &&
    a.s32min <= b.s32min && a.s32max >= b.s32max && (b.mask & ~a.mask) === 0n && (b.value & ~a.mask) === a.value;
}
