/** Why a state is covered by a checkpoint, place by place. */
import { noReg, regLoc, slotLoc, type Frame, type Loc, type Slot } from './state';
import { regText, slotText } from './text';
import type { Trace } from './trace';
import type { Marks, Reg } from './zrecord';

/** A row of "why is this state covered". */
export interface CoverRow {
  readonly loc: Loc;
  /** What the checkpoint holds. */
  readonly old: string;
  /** What the pruned state holds. */
  readonly now: string;
  readonly why: 'equal' | 'within' | 'not read' | 'not precise' | 'unset';
  readonly read: boolean;
  readonly precise: boolean;
}

/** The state of the checkpoint that covers a pruned step, and that of the step, compared. Empty when one was dropped. */
export function coverRows(t: Trace, index: number): readonly CoverRow[] {
  const covered = t.step(index)?.covered;
  if (!covered) return [];
  const at = t.checkpoints[covered.checkpoint]!.step;
  const old = t.before(at);
  const now = t.before(index);
  if (old === null || now === null) return [];
  const rows: CoverRow[] = [];
  old.frames.forEach((f, frame) => {
    const g = now.frames[frame];
    const m = covered.frames[frame];
    if (g === undefined || m === undefined) return;
    f.regs.forEach((r, i) => add(regLoc(frame, i), r, g.regs[i]!, bit(m.readRegs, i), bit(m.preciseRegs, i)));
    for (let i = 0; i < Math.max(f.slots.length, g.slots.length); i++) addSlot(f, g, m, frame, i);
  });
  return rows;

  function add(loc: Loc, o: Reg, n: Reg, read: boolean, precise: boolean): void {
    const [a, b] = [regText(t, o, loc >> 7), regText(t, n, loc >> 7)];
    if (a === '' && b === '') return;
    rows.push({ loc, old: a, now: b, why: reason(a, b, o, read, precise), read, precise });
  }

  function addSlot(f: Frame, g: Frame, m: Marks, frame: number, i: number): void {
    const [o, n] = [f.slots[i], g.slots[i]];
    const [a, b] = [textOf(o, frame), textOf(n, frame)];
    if (a === '' && b === '') return;
    const read = (m.readSlots >> BigInt(i) & 1n) !== 0n;
    const precise = (m.preciseSlots >> BigInt(i) & 1n) !== 0n;
    rows.push({ loc: slotLoc(frame, i), old: a, now: b, why: reason(a, b, o?.reg ?? noReg, read, precise), read, precise });
  }

  function textOf(s: Slot | undefined, frame: number): string {
    return s === undefined ? '' : slotText(t, s, frame);
  }
}

const bit = (mask: number, i: number): boolean => (mask >>> i & 1) !== 0;

function reason(old: string, now: string, reg: Reg, read: boolean, precise: boolean): CoverRow['why'] {
  if (old === now) return 'equal';
  if (old === '') return 'unset';
  if (!read) return 'not read';
  if ((reg.type & 0xff) === 1 && !precise) return 'not precise';
  return 'within';
}
