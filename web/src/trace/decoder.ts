/** Reads the wire forms of verifier/trace/schema. It trusts nothing: what is wrong is a TraceError. */

/** The bytes are no trace, or one that is broken. */
export class TraceError extends Error {
  override name = 'TraceError';
}

/** What is known of a number: its four ranges and its bits (struct bpf_reg_state). */
export interface Bounds {
  readonly value: bigint;
  /** Bits that are not known. */
  readonly mask: bigint;
  readonly umin: bigint;
  readonly umax: bigint;
  readonly smin: bigint;
  readonly smax: bigint;
  readonly u32min: number;
  readonly u32max: number;
  readonly s32min: number;
  readonly s32max: number;
}

export const u64max = (1n << 64n) - 1n;
const s64max = (1n << 63n) - 1n;
const s64min = -(1n << 63n);
export const u32max = 0xffff_ffff;

export const unbounded: Bounds = {
  value: 0n, mask: u64max, umin: 0n, umax: u64max, smin: s64min, smax: s64max,
  u32min: 0, u32max, s32min: -0x8000_0000, s32max: 0x7fff_ffff,
};

/** Everything that follows from an unsigned range; `derive` of verifier/trace/bounds.go. */
export function derive(umin: bigint, umax: bigint): Bounds {
  const [slo, shi] = [BigInt.asIntN(64, umin), BigInt.asIntN(64, umax)];
  const signed = slo <= shi;
  const same = umin >> 32n === umax >> 32n;
  const [lo, hi] = [Number(BigInt.asUintN(32, umin)), Number(BigInt.asUintN(32, umax))];
  const u32 = same ? [lo, hi] as const : [0, u32max] as const;
  const s32 = (u32[0] | 0) <= (u32[1] | 0);
  // The bits that all numbers of the range share (tnum_range).
  const chi = umin ^ umax;
  const width = chi === 0n ? 0 : chi.toString(2).length;
  const mask = (1n << BigInt(width)) - 1n;
  return {
    value: umin & ~mask, mask, umin, umax,
    smin: signed ? slo : s64min, smax: signed ? shi : s64max,
    u32min: u32[0], u32max: u32[1],
    s32min: s32 ? u32[0] | 0 : -0x8000_0000, s32max: s32 ? u32[1] | 0 : 0x7fff_ffff,
  };
}

const text = new TextDecoder('utf-8', { fatal: false });

export class Decoder {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    const b = this.bytes[this.at];
    if (b === undefined) throw new TraceError('the trace ends too early');
    this.at++;
    return b;
  }

  u32(): number {
    let v = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const b = this.byte();
      v += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) {
        if (v > u32max) break;
        return v;
      }
    }
    throw new TraceError('a number of the trace is too large');
  }

  z32(): number {
    const u = this.u32();
    return (u >>> 1) ^ -(u & 1);
  }

  u64(): bigint {
    let lo = 0;
    for (let i = 0; i < 7; i++) { // 49 bits are exact as a number
      const b = this.byte();
      lo += (b & 0x7f) * 2 ** (7 * i);
      if (b < 0x80) return BigInt(lo);
    }
    let v = BigInt(lo);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const b = this.byte();
      v += BigInt(b & 0x7f) << shift;
      if (b < 0x80) {
        if (v > u64max) break;
        return v;
      }
    }
    throw new TraceError('a number of the trace is too large');
  }

  z64(): bigint {
    const u = this.u64();
    return (u & 1n) === 0n ? u >> 1n : -(u >> 1n) - 1n;
  }

  bool(): boolean {
    const b = this.byte();
    if (b > 1) throw new TraceError('a flag of the trace is neither 0 nor 1');
    return b === 1;
  }

  word<T extends string>(words: readonly T[]): T {
    const w = words[this.byte()];
    if (w === undefined) throw new TraceError('a word of the trace is not known');
    return w;
  }

  mask(fields: number): number {
    const m = this.u32();
    if (m >= 2 ** fields) throw new TraceError('a record of the trace has fields that are not known');
    return m;
  }

  str(): string {
    const n = this.u32();
    if (n > this.left) throw new TraceError('the trace ends too early');
    this.at += n;
    return text.decode(this.bytes.subarray(this.at - n, this.at));
  }

  /** Each element takes size bytes at least, so that a count cannot lie about memory. */
  list<T>(size: number, get: (r: this) => T): T[] {
    const n = this.u32();
    if (n * size > this.left) throw new TraceError('the trace ends too early');
    const out: T[] = [];
    for (let i = 0; i < n; i++) out.push(get(this));
    return out;
  }

  /** The unsigned range, then what does not follow from it. */
  bounds(): Bounds {
    const has = this.mask(11);
    if ((has & 1) !== 0) {
      const v = BigInt.asUintN(64, this.z64());
      return derive(v, v);
    }
    const umin = (has & 2) !== 0 ? this.u64() : 0n;
    const umax = (has & 4) !== 0 ? this.u64() : u64max;
    const d = derive(umin, umax);
    return {
      umin, umax,
      smin: (has & 8) !== 0 ? this.z64() : d.smin,
      smax: (has & 16) !== 0 ? this.z64() : d.smax,
      u32min: (has & 32) !== 0 ? this.u32() : d.u32min,
      u32max: (has & 64) !== 0 ? this.u32() : d.u32max,
      s32min: (has & 128) !== 0 ? this.z32() : d.s32min,
      s32max: (has & 256) !== 0 ? this.z32() : d.s32max,
      value: (has & 512) !== 0 ? this.u64() : d.value,
      mask: (has & 1024) !== 0 ? this.u64() : d.mask,
    };
  }
}
