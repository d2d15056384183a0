/** Facts of the verifier in plain words. */
import { decode, notWord } from './insn';
import { isConst, s64max, s64min, u64max } from './bounds';
import type { Bounds, FrameState, Kind, PathEnd, Reg, Slot } from './types';

const powers = new Map<bigint, string>();
const raised = (n: number) => `2${[...String(n)].map(d => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(d)]).join('')}`;
for (const n of [16, 31, 32, 48, 63, 64]) {
  powers.set(1n << BigInt(n), raised(n));
  powers.set((1n << BigInt(n)) - 1n, `${raised(n)}−1`);
  powers.set(-(1n << BigInt(n)), `−${raised(n)}`);
}

/** A limit: 2⁶⁴−1 rather than twenty digits. */
export function number(v: bigint): string {
  const p = powers.get(v);
  if (p !== undefined && v !== 65535n) return p;
  if (v < 0n) return `−${number(-v)}`;
  return v < 1_000_000n ? String(v) : `0x${v.toString(16)}`;
}

export const anyUnsigned = (b: Bounds): boolean => b.umin === 0n && b.umax === u64max;
export const anySigned = (b: Bounds): boolean => b.smin === s64min && b.smax === s64max;

/** "0 … 255", "any number", "−128 … 127". */
export function range(b: Bounds): string {
  if (isConst(b)) return number(BigInt.asIntN(64, b.bits.value));
  if (!anyUnsigned(b) && (b.smin >= 0n || anySigned(b))) return `${number(b.umin)} … ${number(b.umax)}`;
  if (!anySigned(b)) return `${number(b.smin)} … ${number(b.smax)}`;
  if (b.u32min !== 0n || b.u32max !== 0xffffffffn) return `any; low half ${number(b.u32min)} … ${number(b.u32max)}`;
  return 'any number';
}

const offset = (r: Reg): string => {
  const fixed = r.off === 0 ? '' : r.off > 0 ? ` + ${r.off}` : ` − ${-r.off}`;
  return isConst(r.bounds) ? (r.bounds.bits.value === 0n ? fixed : ` + ${number(BigInt.asIntN(64, r.bounds.bits.value) + BigInt(r.off))}`) : `${fixed} + (${range(r.bounds)})`;
};

/** What a register holds, in a few words. */
export function meaning(r: Reg): string {
  switch (r.kind) {
    case 'unset': return 'not readable';
    case 'scalar': return range(r.bounds);
    case 'packet': return `packet${offset(r)}, ${r.range === 0 ? 'no byte proved' : `safe to ${r.range}`}`;
    case 'packet_end': return 'end of the packet';
    case 'ctx': return `context${offset(r)}`;
    case 'stack': return r.off === 0 && isConst(r.bounds) ? 'fp' : `fp${r.off === 0 ? '' : r.off > 0 ? `+${r.off}` : r.off}${isConst(r.bounds) ? '' : ` + (${range(r.bounds)})`}`;
    case 'map': return `map ${r.map}`;
    case 'map_value': return `value of ${r.map}${offset(r)}${r.orNull ? ', or NULL' : ''}`;
    case 'memory': return `${r.size} bytes of memory${offset(r)}${r.orNull ? ', or NULL' : ''}`;
    case 'other': return r.type + offset(r);
  }
}

const kindNames: Readonly<Record<Kind, string>> = {
  unset: 'not set', scalar: 'number', packet: 'packet pointer', packet_end: 'end of the packet', ctx: 'context pointer', stack: 'stack pointer',
  map: 'map', map_value: 'pointer to a map value', memory: 'pointer to memory', other: 'kernel object',
};
export const kindName = (r: Reg): string => (r.orNull ? `${kindNames[r.kind]}, or NULL` : kindNames[r.kind]);

/** The known bits for somebody who cannot see the strip. */
export function bitWords(b: Bounds): string {
  const { value, mask } = b.bits;
  if (mask === 0n) return `all 64 bits are known: 0x${value.toString(16)}`;
  if (mask === u64max) return 'no bit is known';
  let align = 0;
  while (align < 64 && ((value | mask) >> BigInt(align) & 1n) === 0n) align++;
  const unknown = [...mask.toString(2)].filter(c => c === '1').length;
  return `value 0x${value.toString(16)}, mask 0x${mask.toString(16)}: ${unknown} unknown bits${align > 0 ? `, a multiple of ${1 << Math.min(align, 30)}` : ''}`;
}

const byteNames: Readonly<Record<string, string>> = { '?': 'never written', m: 'some value', '0': 'zero', r: 'part of a spilled register', d: 'part of a dynptr', i: 'part of an iterator' };
export const byteName = (c: string): string => byteNames[c] ?? 'unknown';
export const slotText = (s: Slot): string =>
  (s.reg !== null ? meaning(s.reg) : /^(.)\1*$/.test(s.bytes) ? byteName(s.bytes[0]!) : [...s.bytes].map((c, i) => `fp${s.off + i} ${byteName(c)}`).join(', '));

export const endName: Readonly<Record<PathEnd, string>> = { exit: 'ends well', covered: 'covered by an earlier state', refused: 'refused', open: 'not walked to its end' };
export const endSign: Readonly<Record<PathEnd, string>> = { exit: '✓', covered: '≡', refused: '✖', open: '…' };

/** What the verifier is about to look at, in one sentence. */
export function telling(bytes: Uint8Array, text: string, f: FrameState): string {
  const d = decode(bytes), r = (n: number) => f.regs[n]!;
  switch (d.kind) {
    case 'load': case 'store': case 'atomic': {
      const a = d.access!, b = r(a.base), verb = a.store ? 'Writes' : 'Reads', n = `${a.size} ${a.size === 1 ? 'byte' : 'bytes'}`;
      if (b.kind === 'packet') {
        const at = b.off + a.off, need = at + a.size;
        return isConst(b.bounds) ? `${verb} ${n} at packet offset ${at}: ${need} bytes are needed, ${b.range} are proved${need <= b.range && at >= 0 ? ', so it is allowed' : ', which is too few'}.`
          : `${verb} ${n} at a packet offset that is only known as ${range(b.bounds)} + ${b.off + a.off}; ${b.range} bytes behind it are proved.`;
      }
      if (b.kind === 'map_value' || b.kind === 'memory') {
        if (b.orNull) return `${verb} ${n} through r${a.base}, which may be NULL: nothing has compared it with 0 yet.`;
        const lo = BigInt(b.off + a.off) + (isConst(b.bounds) ? BigInt.asIntN(64, b.bounds.bits.value) : b.bounds.smin);
        const hi = BigInt(b.off + a.off + a.size) + (isConst(b.bounds) ? BigInt.asIntN(64, b.bounds.bits.value) : b.bounds.umax);
        return `${verb} ${n} of a ${b.size}-byte ${b.kind === 'memory' ? 'block' : 'map value'}, between byte ${number(lo)} and byte ${number(hi)}.`;
      }
      if (b.kind === 'stack') return `${verb} ${n} ${a.store ? 'to' : 'from'} the stack at fp${b.off + a.off}.`;
      if (b.kind === 'ctx') return `${verb} ${n} of the context at offset ${b.off + a.off}.`;
      return `${verb} ${n} through r${a.base}, which is ${b.kind === 'unset' ? 'not readable' : `a ${kindName(b)}`}.`;
    }
    case 'jump': {
      const other = d.x ? `r${d.src} (${meaning(r(d.src))})` : String(d.imm);
      return `Compares r${d.dst} (${meaning(r(d.dst))}) with ${other}: where it jumps r${d.dst} ${d.word} ${d.x ? `r${d.src}` : d.imm} holds, behind it r${d.dst} ${notWord(d.word)} ${d.x ? `r${d.src}` : d.imm}.`;
    }
    case 'goto': return 'Jumps, always.';
    case 'alu': return d.word === '=' ? (d.x ? `Copies r${d.src} (${meaning(r(d.src))}) to r${d.dst}.` : `Sets r${d.dst} to ${d.imm}.`)
      : `Computes r${d.dst} ${d.word} ${d.x ? `r${d.src} (${meaning(r(d.src))})` : d.imm}; r${d.dst} was ${meaning(r(d.dst))}.`;
    case 'const': return `Puts a constant or an address into r${d.dst}.`;
    case 'call': return `${text.replace(/^call /, 'Calls ').replace(/#\d+$/, '')}: r1 to r5 are its arguments and are lost, r0 becomes its result.`;
    case 'subcall': return 'Calls a function of the program: a new frame begins, r1 to r5 are its arguments.';
    case 'exit': return f.func === 0 ? `Ends; r0 (${meaning(r(0))}) is the result.` : 'Returns r0 to the caller.';
    default: return '';
  }
}
