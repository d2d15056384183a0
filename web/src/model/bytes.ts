/** Numbers and bytes as text. */

export function fromHex(s: string): Uint8Array {
  const digits = s.replace(/[\s:]/g, '').replace(/^0x/i, '');
  return Uint8Array.from({ length: digits.length >> 1 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

const pairs = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
export const hexByte = (b: number): string => pairs[b & 255]!;
export const toHex = (b: Uint8Array, gap = ' '): string => Array.from(b, hexByte).join(gap);

export type Base = 'hex' | 'dec';

/** A register: 64 bits, in hex without leading zeros, or signed decimal. */
export function word(v: bigint, base: Base): string {
  const u = BigInt.asUintN(64, v);
  return base === 'hex' ? `0x${u.toString(16)}` : grouped(BigInt.asIntN(64, u).toString());
}

/** Long decimals in groups of three, with a narrow space that copies as one. */
export function grouped(digits: string): string {
  return digits.length <= 5 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export const count = (n: number): string => grouped(String(n));

/** Little-endian number of 8 bytes. */
export function little(b: Uint8Array, at: number): bigint {
  return new DataView(b.buffer, b.byteOffset + at, 8).getBigUint64(0, true);
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** Nanoseconds since boot, as seconds. */
export function seconds(ns: bigint): string {
  const s = ns / 1_000_000_000n, rest = (ns % 1_000_000_000n).toString().padStart(9, '0').replace(/0{1,6}$/, '');
  return `${s}.${rest} s`;
}
