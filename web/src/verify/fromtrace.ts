/** The verifier's trace (web/src/trace) as the views want it. */
import type { Verified } from '../engine/verdict';
import { isScalar, mayBeNull, pktRange, place, regAt, regBase, type Frame, type Slot as RawSlot, type State as RawState } from '../trace/state';
import { checkText, noFactText, reasonText, regText, slotText, typeText } from '../trace/text';
import { linkLog } from '../trace/log';
import type { Trace as RawTrace } from '../trace/trace';
import type { Path as RawPath, Reg as RawReg, RegBase, SlotByte } from '../trace/zrecord';
import type { FrameState, Kind, Path, PathEnd, Place, Reg, Slot, State, Trace, Why } from './types';

const kinds: Partial<Record<RegBase, Kind>> = {
  '?': 'unset', scalar: 'scalar', ctx: 'ctx', map_ptr: 'map', map_value: 'map_value', fp: 'stack', pkt: 'packet', pkt_end: 'packet_end', mem: 'memory', buf: 'memory',
};
const letters: Readonly<Record<SlotByte, string>> = { invalid: '?', spill: 'r', misc: 'm', zero: '0', dynptr: 'd', iter: 'i' };
const ends: Readonly<Record<RawPath['end'], PathEnd>> = { open: 'open', exit: 'exit', pruned: 'covered', rejected: 'refused', stopped: 'open' };

export const rawPlace = (p: Place): number => p.frame << 7 | (p.kind === 'reg' ? p.reg : 11 + (-p.off / 8 - 1));
function placeOf(loc: number): Place | null {
  const p = place(loc);
  return p.kind === 'refs' ? null : p.kind === 'reg' ? p : { kind: 'slot', frame: p.frame, off: p.off };
}

class Reading implements Trace {
  readonly outcome: Trace['outcome'];
  readonly paths: readonly Path[];
  readonly log: readonly string[];
  private readonly link: { stepOf(line: number): number; lineOf(step: number): number };
  private readonly regs = new WeakMap<RawReg, Reg[]>();
  private readonly frames = new WeakMap<Frame, FrameState[]>();
  private readonly states = new WeakMap<RawState, State>();

  constructor(readonly raw: RawTrace, verdict: Verified) {
    this.outcome = verdict.outcome === 'accepted' ? 'accepted' : verdict.outcome === 'rejected' ? 'rejected' : 'not_modelled';
    this.log = verdict.log === '' ? [] : verdict.log.replace(/\n$/, '').split('\n');
    this.link = linkLog(raw, verdict.log, 2);
    this.paths = raw.paths.map((p, id) => {
      const end = ends[p.end], last = p.first + p.steps - 1, checkpoint = end === 'covered' && p.steps > 0 ? raw.step(last)?.covered?.checkpoint : undefined;
      return {
        id, parent: p.parent, fork: p.parent < 0 ? -1 : p.at, first: p.first, count: p.steps, end, start: p.insn, stop: p.steps > 0 ? raw.insnOf(last) : p.insn,
        by: checkpoint === undefined ? -1 : raw.checkpoints[checkpoint]?.step ?? -1, guessed: p.speculative,
      };
    });
  }

  get steps(): number { return this.raw.steps; }
  get missing(): number { return this.raw.outcome.dropped; }
  pcOf(step: number): number { return this.raw.insnOf(step); }
  pathOf(step: number): number { return this.raw.pathOf(step); }
  state(step: number): State | null { return this.convert(this.raw.before(step)); }
  stepOfLine(line: number): number { return this.link.stepOf(line); }
  lineOfStep(step: number): number { return this.link.lineOf(step); }

  why(step: number, p: Place, limit: number): readonly Why[] {
    return this.raw.origins(step, rawPlace(p), 'before', limit).map(o => {
      const at = o.arrived && this.raw.paths[this.raw.pathOf(o.step)]!.first === o.step && this.raw.paths[this.raw.pathOf(o.step)]!.parent >= 0 ? this.raw.previous(o.step) : o.step;
      const pc = this.raw.insnOf(at), after = o.arrived ? this.raw.before(o.step) : this.raw.after(o.step), frame = o.change.loc >> 7;
      const own = placeOf(o.change.loc), r = after === null ? undefined : regAt(after, o.change.loc), slot = own?.kind === 'slot' ? after?.frames[frame]?.slots[-own.off / 8 - 1] : undefined;
      return {
        step: at, pc, of: o.of, rule: o.change.reason, text: reasonText(this.raw, o.change, pc), place: own ?? p,
        value: r === undefined || regBase(r) === '?' ? null : this.reg(r, frame), bytes: slot === undefined ? '' : slotText(this.raw, slot, frame),
      };
    });
  }

  failed(): string {
    const c = this.raw.step(this.raw.steps - 1)?.checks.findLast(x => x.failed);
    return c === undefined ? '' : checkText(c);
  }

  noFacts(step: number): readonly string[] { return this.raw.step(step)?.noFacts.map(noFactText) ?? []; }

  covering(path: number) {
    const p = this.paths[path];
    if (p === undefined || p.end !== 'covered' || p.count === 0) return [];
    return this.raw.covering(p.first + p.count - 1).flatMap(r => {
      const at = placeOf(r.loc);
      return at === null ? [] : [{ place: at, old: r.old, now: r.now, why: r.why, precise: r.precise }];
    });
  }

  private convert(s: RawState | null): State | null {
    if (s === null) return null;
    let out = this.states.get(s);
    if (out === undefined) {
      const h = s.held;
      out = {
        frames: s.frames.map((f, i) => this.frame(f, i)), refs: s.frames.at(-1)!.refs.filter(r => r.id !== 0).map(r => r.id),
        locks: [...(h.lockMap !== 0 ? ['a spin lock'] : []), ...(h.rcu ? ['an RCU section'] : [])],
      };
      this.states.set(s, out);
    }
    return out;
  }

  private frame(f: Frame, n: number): FrameState {
    const cached = this.frames.get(f) ?? [];
    return cached[n] ??= (this.frames.set(f, cached), {
      func: f.subprog, regs: f.regs.map(r => this.reg(r, n)), slots: f.slots.flatMap((s, i) => this.slot(s, -8 * (i + 1), n)),
    });
  }

  private slot(s: RawSlot, off: number, frame: number): readonly Slot[] {
    const bytes = s.bytes.map(b => letters[b]).reverse().join('');
    return bytes === '????????' ? [] : [{ off, bytes, reg: s.bytes[7] === 'spill' ? this.reg(s.reg, frame) : null }];
  }

  private reg(r: RawReg, frame: number): Reg {
    const cached = this.regs.get(r) ?? [];
    return cached[frame] ??= (this.regs.set(r, cached), this.make(r, frame));
  }
  private make(r: RawReg, frame: number): Reg {
    const base = regBase(r), b = r.bounds, kind = kinds[base] ?? 'other', map = base === 'map_ptr' || base === 'map_value' || base === 'map_key' ? this.raw.program.maps[r.a - 1] : undefined;
    const big = BigInt;
    return {
      kind, type: typeText(this.raw, r), text: regText(this.raw, r, frame), orNull: mayBeNull(r), off: isScalar(r) ? 0 : r.off,
      bounds: {
        umin: b.umin, umax: b.umax, smin: b.smin, smax: b.smax, u32min: big(b.u32min), u32max: big(b.u32max), s32min: big(b.s32min), s32max: big(b.s32max),
        bits: { value: b.value, mask: b.mask },
      },
      range: base === 'pkt' || base === 'pkt_meta' ? Math.max(0, pktRange(r)) : 0,
      size: base === 'map_value' ? map?.valueSize ?? 0 : base === 'mem' || base === 'buf' ? r.a : 0, map: map?.name ?? '', fields: base === 'map_value' ? map?.fields ?? [] : [],
      id: r.id & 0x7fff_ffff, ref: r.refObjId, precise: r.precise, frame: r.frameNo,
    };
  }
}

export const readTrace = (raw: RawTrace, verdict: Verified): Trace => new Reading(raw, verdict);

/** Of a program that is refused before its first instruction is walked, or not modelled. */
export function noTrace(verdict: Verified): Trace {
  const log = verdict.log === '' ? [] : verdict.log.replace(/\n$/, '').split('\n');
  return {
    raw: null, outcome: verdict.outcome === 'rejected' ? 'rejected' : 'not_modelled', steps: 0, paths: [], missing: 0, log,
    pcOf: () => -1, pathOf: () => 0, state: () => null, why: () => [], failed: () => '', noFacts: () => [], covering: () => [], stepOfLine: () => -1, lineOfStep: () => -1,
  };
}
