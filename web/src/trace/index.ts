/** The trace of a verification: reader, texts, alignment. See trace.ts. */
export { TraceError, unbounded, type Bounds } from './decoder';
export type { CoverRow } from './cover';
export type { Origin } from './origins';
export * from './state';
export * from './text';
export * from './trace';
export type {
  Back, Change, Check, CheckKind, Checkpoint, Covered, FieldText, FuncText, Held, InsnText, LineText, MapText, Mark, Marks, NoFact, NoFactKind,
  Outcome, Path, PathEnd, PathKind, Program, Reason, Ref, Reg, RegBase, SlotByte, StepKind, TypeText,
} from './zrecord';
