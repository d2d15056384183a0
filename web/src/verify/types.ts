/**
 * What the views of the verifier are drawn from: the paths it walked, and what
 * it knew at each step of them. fromtrace.ts makes it from the verifier's trace.
 *
 * A step is one processed instruction; its state is what is known *before* it.
 * Steps are numbered in the order of the walk, over all paths. A path is a
 * segment: it begins where a branch was taken up again and ends at an exit, at
 * a state that was covered, at the refusal, or open when the trace ends.
 */
import type { Trace as RawTrace } from '../trace/trace';
import type { FieldText } from '../trace/zrecord';

export interface Tnum { readonly value: bigint; readonly mask: bigint }

/** Ranges of a 64-bit number: unsigned, signed, and of its low half. All as signed or unsigned 64-bit bigints. */
export interface Bounds {
  readonly umin: bigint; readonly umax: bigint; readonly smin: bigint; readonly smax: bigint;
  readonly u32min: bigint; readonly u32max: bigint; readonly s32min: bigint; readonly s32max: bigint;
  readonly bits: Tnum;
}

/** Kinds that are drawn differently. */
export type Kind = 'unset' | 'scalar' | 'packet' | 'packet_end' | 'ctx' | 'stack' | 'map' | 'map_value' | 'memory' | 'other';

export interface Reg {
  readonly kind: Kind;
  /** The kernel's word: "map_value_or_null", "pkt", "ctx"; "scalar". */
  readonly type: string;
  /** In the kernel's words, as in its log. */
  readonly text: string;
  readonly orNull: boolean;
  /** Fixed offset of a pointer; the variable part is in `bounds`. */
  readonly off: number;
  readonly bounds: Bounds;
  /** Packet pointers: bytes proved to be there, from the pointer's own start. */
  readonly range: number;
  /** Bytes behind the pointer: of a map's value or of memory. */
  readonly size: number;
  readonly map: string;
  /** Members of the map's value; none when its type is not known. */
  readonly fields: readonly FieldText[];
  /** Numbers and pointers of one id are known to be related; 0 = none. */
  readonly id: number;
  /** Reference that must be released; 0 = none. */
  readonly ref: number;
  /** Its exact range matters for what follows, so that pruning compares it. */
  readonly precise: boolean;
  /** Frame of a stack pointer. */
  readonly frame: number;
}

/** Eight bytes of stack, from the lowest address. */
export interface Slot {
  /** Of the lowest byte: fp-8 is -8. */
  readonly off: number;
  /** One of ? never written, m some value, 0 zero, r part of a spilled register, d dynptr, i iterator. */
  readonly bytes: string;
  /** What was spilled here. */
  readonly reg: Reg | null;
}

export interface FrameState {
  readonly func: number;
  /** r0 to r10. */
  readonly regs: readonly Reg[];
  readonly slots: readonly Slot[];
}

export interface State {
  /** The main program's first; the last one is running. */
  readonly frames: readonly FrameState[];
  readonly refs: readonly number[];
  readonly locks: readonly string[];
}

export type PathEnd = 'exit' | 'covered' | 'refused' | 'open';

export interface Path {
  readonly id: number;
  /** The path it branched off from; -1 for the first. */
  readonly parent: number;
  /** Step of `parent` whose instruction branched; -1. */
  readonly fork: number;
  /** First step (global number) and how many; arriving at the state that covers it is the last of a covered path. */
  readonly first: number;
  readonly count: number;
  readonly end: PathEnd;
  /** Instruction at which it begins, and at which it ended. */
  readonly start: number;
  readonly stop: number;
  /** Of covered: the step whose state covers its last one; -1 when the trace does not say. */
  readonly by: number;
  /** Only the CPU may guess its way here. */
  readonly guessed: boolean;
}

/** A value of a state. */
export type Place =
  | { readonly kind: 'reg'; readonly frame: number; readonly reg: number }
  | { readonly kind: 'slot'; readonly frame: number; readonly off: number };

/** A link in the chain of reasons of a fact, the newest first. */
export interface Why {
  /** Step whose instruction made it so. */
  readonly step: number;
  readonly pc: number;
  /** Index of the link that asks for this one; -1 for the first. */
  readonly of: number;
  /** Reason of web/src/trace: "copy", "spill", "packet", "link" … */
  readonly rule: string;
  /** In a sentence. */
  readonly text: string;
  readonly place: Place;
  /** What the place held then; null when it was no register, `bytes` says what. */
  readonly value: Reg | null;
  readonly bytes: string;
}

/** Why a state is covered: place by place, what the earlier state allowed and what this one has. */
export interface CoverRow {
  readonly place: Place;
  readonly old: string;
  readonly now: string;
  readonly why: string;
  /** Pruning compared exact ranges. */
  readonly precise: boolean;
}

export interface Trace {
  /** As it was read; null when there was nothing to walk. */
  readonly raw: RawTrace | null;
  readonly outcome: 'accepted' | 'rejected' | 'not_modelled';
  readonly steps: number;
  readonly paths: readonly Path[];
  /** Steps whose states were not kept. */
  readonly missing: number;
  /** -1 when it was not kept. */
  pcOf(step: number): number;
  pathOf(step: number): number;
  /** Known before the step; null when it was not kept. */
  state(step: number): State | null;
  /** Why a value is what it is in the state before a step. */
  why(step: number, place: Place, limit: number): readonly Why[];
  /** What the refused access needed and what was there, in a sentence; "" when that is not known. */
  failed(): string;
  /** Why the comparison at a step taught nothing, in sentences without their ends; none when it did teach. */
  noFacts(step: number): readonly string[];
  covering(path: number): readonly CoverRow[];
  readonly log: readonly string[];
  /** Step that a line of the log is about; -1. */
  stepOfLine(line: number): number;
  /** The line of a step's instruction; -1. */
  lineOfStep(step: number): number;
}
