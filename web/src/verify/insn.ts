/** What an instruction reads and writes, from its bytes (RFC 9669). */

export interface Access { readonly store: boolean; readonly load: boolean; readonly base: number; readonly off: number; readonly size: number }

export interface Decoded {
  readonly op: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
  readonly kind: 'alu' | 'load' | 'store' | 'atomic' | 'const' | 'jump' | 'goto' | 'call' | 'subcall' | 'exit' | 'other';
  /** "+=", "=", "<<=" of alu; "==", ">" of jump. */
  readonly word: string;
  /** Works on the low 32 bits. */
  readonly half: boolean;
  /** The second operand is a register. */
  readonly x: boolean;
  readonly access: Access | null;
}

const alu = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', '= -', '%=', '^=', '=', 's>>=', 'swap'];
const cond: Readonly<Record<number, string>> = {
  1: '==', 2: '>', 3: '>=', 4: '&', 5: '!=', 6: 's>', 7: 's>=', 10: '<', 11: '<=', 12: 's<', 13: 's<=',
};
const opposite: Readonly<Record<string, string>> = {
  '==': '!=', '!=': '==', '>': '<=', '<=': '>', '>=': '<', '<': '>=', 's>': 's<=', 's<=': 's>', 's>=': 's<', 's<': 's>=', '&': 'has no bit of',
};
export const notWord = (w: string): string => opposite[w] ?? `not ${w}`;

const sizes = [4, 2, 1, 8];

export function decode(b: Uint8Array): Decoded {
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const op = b[0] ?? 0, dst = (b[1] ?? 0) & 15, src = (b[1] ?? 0) >> 4, off = v.getInt16(2, true), imm = v.getInt32(4, true);
  const cls = op & 7, x = (op & 8) !== 0;
  const d = { op, dst, src, off, imm, x, half: cls === 4 || cls === 6, word: '', access: null };
  const size = sizes[(op >> 3) & 3]!, mode = op >> 5;
  switch (cls) {
    case 0: return op === 0x18 ? { ...d, kind: 'const' } : { ...d, kind: 'other' };
    case 1: return { ...d, kind: 'load', access: { store: false, load: true, base: src, off, size } };
    case 2: return { ...d, kind: 'store', x: false, access: { store: true, load: false, base: dst, off, size } };
    case 3: return { ...d, kind: mode === 6 ? 'atomic' : 'store', x: true, access: { store: true, load: mode === 6, base: dst, off, size } };
    case 4: case 7: return { ...d, kind: 'alu', word: alu[op >> 4] ?? '?' };
    default: {
      const j = op >> 4;
      if (j === 8) return { ...d, kind: cls === 5 && src === 1 ? 'subcall' : 'call' };
      if (j === 9) return { ...d, kind: 'exit' };
      if (j === 0) return { ...d, kind: 'goto' };
      return { ...d, kind: 'jump', word: cond[j] ?? '?' };
    }
  }
}

/** Registers that an instruction writes. */
export function written(d: Decoded): readonly number[] {
  switch (d.kind) {
    case 'alu': case 'load': case 'const': return [d.dst];
    case 'call': case 'subcall': return [0, 1, 2, 3, 4, 5];
    case 'atomic': return (d.imm & 1) !== 0 ? [(d.imm & 0xf0) === 0xf0 ? 0 : d.src] : [];
    default: return [];
  }
}
