/** Registers and stack slots in the words of the kernel's log, into values. */
import type { Bounds, Kind, Reg, Slot } from './types';

export const u64max = (1n << 64n) - 1n, s64min = -(1n << 63n), s64max = (1n << 63n) - 1n;

export const unbounded: Bounds = {
  umin: 0n, umax: u64max, smin: s64min, smax: s64max, u32min: 0n, u32max: 0xffffffffn, s32min: -(1n << 31n), s32max: (1n << 31n) - 1n,
  bits: { value: 0n, mask: u64max },
};

export function exactly(v: bigint): Bounds {
  const u = BigInt.asUintN(64, v), s = BigInt.asIntN(64, v), u32 = BigInt.asUintN(32, v), s32 = BigInt.asIntN(32, v);
  return { umin: u, umax: u, smin: s, smax: s, u32min: u32, u32max: u32, s32min: s32, s32max: s32, bits: { value: u, mask: 0n } };
}

export const isConst = (b: Bounds): boolean => b.bits.mask === 0n;

const none: Reg = {
  kind: 'unset', type: 'not readable', text: '', orNull: false, off: 0, bounds: unbounded, range: 0, size: 0, map: '', id: 0, ref: 0, precise: false, frame: 0,
};
export const unset = none;

const kinds: readonly (readonly [RegExp, Kind])[] = [
  [/^pkt_end/, 'packet_end'], [/^pkt/, 'packet'], [/^ctx/, 'ctx'], [/^fp/, 'stack'], [/^map_ptr/, 'map'], [/^map_value/, 'map_value'],
  [/^(ringbuf_)?(mem|buf)|^dynptr|^rdonly_mem|^alloc_mem/, 'memory'], [/^scalar/, 'scalar'],
];

const big = (s: string): bigint => (s.startsWith('-') ? -BigInt(s.slice(1)) : BigInt(s));

/** "R3" is what stands left of text: "pkt(off=14,r=14)", "P0", "scalar(umax=255)". */
export function regOf(text: string, frame = 0): Reg {
  const precise = /^P(?=-?\d|0x|scalar)/.test(text), t = precise ? text.slice(1) : text;
  if (/^-?(\d|0x)/.test(t)) return { ...none, kind: 'scalar', type: 'scalar', text, bounds: exactly(big(t)), precise };
  const open = t.indexOf('('), word = open < 0 ? t : t.slice(0, open);
  const kind = kinds.find(([r]) => r.test(word))?.[1] ?? 'other';
  const r = { ...none, kind, type: word, text, orNull: word.includes('_or_null'), precise, bounds: kind === 'scalar' ? unbounded : exactly(0n), frame };
  const fp = /^fp(\[(\d+)\])?(-?\d+)?/.exec(word);
  if (fp !== null) {
    if (fp[2] !== undefined) r.frame = Number(fp[2]);
    r.off = Number(fp[3] ?? 0);
    r.type = 'fp';
  }
  if (open < 0) return r;
  const b: Record<string, bigint> = {};
  let bits = r.bounds.bits, ranged = false;
  for (const part of t.slice(open + 1, t.lastIndexOf(')')).split(/,(?![^(]*\))/)) {
    const at = part.lastIndexOf('='), names = part.slice(0, at).split('='), value = part.slice(at + 1);
    for (const n of names) {
      switch (n) {
        case 'id': r.id = Number(value.split(/[+-]/)[0]); break;
        case 'ref_obj_id': r.ref = Number(value); break;
        case 'off': r.off = Number(value); break;
        case 'r': r.range = Number(value); break;
        case 'vs': case 'sz': r.size = Number(value); break;
        case 'map': r.map = value; break;
        case 'imm': r.bounds = exactly(big(value)); break;
        case 'var_off': {
          const m = /\((\S+); (\S+)\)/.exec(value);
          if (m !== null) bits = { value: BigInt(m[1]!), mask: BigInt(m[2]!) };
          ranged = true;
          break;
        }
        default: if (/^[su](min|max)(32)?$/.test(n)) {
          b[n] = big(value);
          ranged = true;
        }
      }
    }
  }
  if (!ranged) return r;
  const s32 = (v: bigint) => BigInt.asIntN(32, v);
  r.bounds = {
    umin: b.umin ?? 0n, umax: b.umax ?? u64max, smin: b.smin ?? s64min, smax: b.smax ?? s64max,
    u32min: b.umin32 ?? 0n, u32max: b.umax32 ?? 0xffffffffn,
    s32min: b.smin32 === undefined ? unbounded.s32min : s32(b.smin32), s32max: b.smax32 === undefined ? unbounded.s32max : s32(b.smax32),
    bits: bits.mask === 0n ? unbounded.bits : bits,
  };
  return r;
}

export interface Touched {
  readonly frame: number;
  readonly regs: readonly (readonly [number, Reg])[];
  readonly slots: readonly Slot[];
  readonly refs: readonly number[] | null;
}

/** " frame1: R0_w=0 R10=fp0 fp-8=mmmm???? refs=2". */
export function stateOf(text: string): Touched {
  const frame = Number(/^\s*frame(\d+):/.exec(text)?.[1] ?? 0);
  const regs: [number, Reg][] = [], slots: Slot[] = [];
  let refs: number[] | null = null;
  // Values may hold spaces inside var_off=(0x0; 0xff).
  for (const m of text.matchAll(/(?:^|\s)(R\d+|fp-\d+|refs)(?:_[rwD]+)?=((?:[^\s(]|\((?:[^()]|\([^()]*\))*\))+)/g)) {
    const [, name, value] = m as unknown as [string, string, string];
    if (name === 'refs') refs = value.split(',').map(Number);
    else if (name.startsWith('R')) regs.push([Number(name.slice(1)), regOf(value, frame)]);
    else {
      const off = Number(name.slice(2));
      // From the highest byte to the lowest, as the kernel prints them.
      if (/^[?m0di]{8}$/.test(value)) slots.push({ off, bytes: [...value].reverse().join(''), reg: null });
      else {
        const gap = /^[?m0]*/.exec(value)![0];
        const lead = value === '0' || /^0x/.test(value) || /^\d+$/.test(value) ? '' : gap;
        slots.push({ off, bytes: [...lead.padEnd(8, 'r')].reverse().join(''), reg: regOf(value.slice(lead.length), frame) });
      }
    }
  }
  return { frame, regs, slots, refs };
}
