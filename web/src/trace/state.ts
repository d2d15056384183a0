/** States as the views see them. */
import { noHeld, noReg, regBaseWords, slotByteWords, type FrameHead, type Held, type Ref, type Reg, type RegBase, type SlotByte } from './zrecord';

/**
 * A place in a state: `frame << 7 | index`, where index 0..10 is a register,
 * 11 + i the stack slot at fp-8*(i+1), and 75 the frame's references.
 */
export type Loc = number;

export const slotBase = 11;
export const refsIndex = 75;

export const regLoc = (frame: number, reg: number): Loc => frame << 7 | reg;
export const slotLoc = (frame: number, slot: number): Loc => frame << 7 | slotBase + slot;

export type Place =
  | { readonly kind: 'reg'; readonly frame: number; readonly reg: number }
  | { readonly kind: 'slot'; readonly frame: number; readonly slot: number; /** fp offset, -8 for slot 0. */ readonly off: number }
  | { readonly kind: 'refs'; readonly frame: number };

export function place(loc: Loc): Place {
  const frame = loc >> 7;
  const index = loc & 127;
  if (index < slotBase) return { kind: 'reg', frame, reg: index };
  if (index === refsIndex) return { kind: 'refs', frame };
  return { kind: 'slot', frame, slot: index - slotBase, off: -8 * (index - slotBase + 1) };
}

/** Eight bytes of stack. bytes[7] is the byte at the lowest address; the log writes them from bytes[0] on. */
export interface Slot {
  readonly bytes: readonly SlotByte[];
  /** Of a spill, dynptr or iterator. */
  readonly reg: Reg;
}

export interface Frame extends Omit<FrameHead, 'slots'> {
  readonly head: FrameHead;
  /** r0..r10 */
  readonly regs: readonly Reg[];
  /** slots[i] is at fp-8*(i+1). */
  readonly slots: readonly Slot[];
  readonly refs: readonly Ref[];
}

/** What is known at a point of a path. Frames are the entry's first; the last is the current one. States share what did not change: compare places by identity. */
export interface State {
  readonly frames: readonly Frame[];
  readonly held: Held;
}

/** Flags of Reg.type above its base. */
export const regFlag = {
  mayBeNull: 1 << 8, rdonly: 1 << 9, ringbuf: 1 << 10, user: 1 << 11, percpu: 1 << 12, untrusted: 1 << 14,
  alloc: 1 << 19, trusted: 1 << 20, rcu: 1 << 21, nonOwnRef: 1 << 22,
} as const;

/** The bit of Reg.id that says: another of the same id, plus Reg.off. */
export const addConst = 0x8000_0000;

export const regBase = (r: Reg): RegBase => regBaseWords[r.type & 0xff] ?? '?';
export const isScalar = (r: Reg): boolean => regBase(r) === 'scalar';
export const mayBeNull = (r: Reg): boolean => (r.type & regFlag.mayBeNull) !== 0;
/** Whether it is one number. */
export const isConst = (r: Reg): boolean => r.bounds.mask === 0n;
/** Of pkt and pkt_meta: bytes proved from where the pointer was made; negative at or behind the end. */
export const pktRange = (r: Reg): number => r.a | 0;

export { noReg };
export const unsetRegs: readonly Reg[] = Array<Reg>(slotBase).fill(noReg);
export const emptyState: State = { frames: [], held: noHeld };

const emptySlot: Slot = { bytes: Array<SlotByte>(8).fill('invalid'), reg: noReg };

export const newSlot = (): Slot => emptySlot;

/** The bytes of a slot as the file packs them: 32 bits. */
export function unpackBytes(packed: bigint): readonly SlotByte[] {
  const v = Number(BigInt.asUintN(32, packed));
  const out: SlotByte[] = [];
  for (let i = 7; i >= 0; i--) out.push(slotByteWords[v >>> 4 * i & 15] ?? 'invalid');
  return out;
}

/** What a place holds; undefined when the state has no such place. */
export type Content = Reg | Slot | readonly Ref[];

export function contentAt(s: State, loc: Loc): Content | undefined {
  const p = place(loc);
  const f = s.frames[p.frame];
  return p.kind === 'reg' ? f?.regs[p.reg] : p.kind === 'slot' ? f?.slots[p.slot] : f?.refs;
}

/** The register, or the one spilled in the slot. */
export function regAt(s: State, loc: Loc): Reg | undefined {
  const p = place(loc);
  const f = s.frames[p.frame];
  return p.kind === 'reg' ? f?.regs[p.reg] : p.kind === 'slot' ? f?.slots[p.slot]?.reg : undefined;
}
