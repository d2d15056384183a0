/** Values in the kernel's words, and reasons in plain ones. */
import { u32max, u64max, type Bounds } from './decoder';
import { addConst, place, pktRange, regBase, regFlag, type Frame, type Loc, type Slot } from './state';
import type { Trace } from './trace';
import type { Change, Check, Deduction, NoFact, Reg } from './zrecord';

/** Decimal when it fits 16 bits (verbose_snum and verbose_unum of the kernel). */
const snum = (v: bigint): string => v >= -0x8000n && v <= 0x7fffn ? String(v) : '0x' + BigInt.asUintN(64, v).toString(16);
const unum = (v: bigint): string => v <= 0xffffn ? String(v) : '0x' + v.toString(16);

const prefixes: readonly [number, string][] = [
  [regFlag.rdonly, 'rdonly_'], [regFlag.ringbuf, 'ringbuf_'], [regFlag.user, 'user_'], [regFlag.percpu, 'percpu_'],
  [regFlag.rcu, 'rcu_'], [regFlag.untrusted, 'untrusted_'], [regFlag.trusted, 'trusted_'],
];

/** The type as the log writes it: "rdonly_mem_or_null", "ptr_sock" with the BTF name. */
export function typeText(t: Trace, r: Reg): string {
  const base = regBase(r);
  let s = prefixes.filter(([f]) => (r.type & f) !== 0).map(([, p]) => p).join('') + base;
  if ((r.type & regFlag.mayBeNull) !== 0) s += base === 'ptr_' ? 'or_null_' : '_or_null';
  return base === 'ptr_' ? s + typeName(t, r.a, r.b) : s;
}

export function typeName(t: Trace, btf: number, id: number): string {
  return t.program.types.find(n => n.btf === btf && n.id === id)?.name ?? '';
}

interface Limit {
  readonly name: string;
  readonly value: bigint;
  readonly signed: boolean;
  omit: boolean;
}

/** The limits that say something, equal ones joined: "smin=0,smax=umax=255". */
function ranges(b: Bounds): string[] {
  const wide = (v: number): bigint => v >= -0x8000 && v <= 0x7fff ? BigInt.asUintN(64, BigInt(v)) : BigInt(v >>> 0);
  const limits: Limit[] = [
    { name: 'smin=', value: BigInt.asUintN(64, b.smin), signed: true, omit: b.smin === -(1n << 63n) },
    { name: 'smax=', value: BigInt.asUintN(64, b.smax), signed: true, omit: b.smax === (1n << 63n) - 1n },
    { name: 'umin=', value: b.umin, signed: false, omit: b.umin === 0n },
    { name: 'umax=', value: b.umax, signed: false, omit: b.umax === u64max },
    { name: 'smin32=', value: wide(b.s32min), signed: true, omit: b.s32min === -0x8000_0000 },
    { name: 'smax32=', value: wide(b.s32max), signed: true, omit: b.s32max === 0x7fff_ffff },
    { name: 'umin32=', value: BigInt(b.u32min), signed: false, omit: b.u32min === 0 },
    { name: 'umax32=', value: BigInt(b.u32max), signed: false, omit: b.u32max === u32max },
  ];
  const negative = (l: Limit): boolean => l.signed && BigInt.asIntN(64, l.value) < 0n;
  const out: string[] = [];
  limits.forEach((m, i) => {
    if (m.omit) return;
    let s = m.name;
    for (let j = i + 2; j < limits.length; j += 2) {
      const o = limits[j]!;
      if (o.omit || o.value !== m.value || negative(o) !== negative(m)) continue;
      o.omit = true;
      s += o.name;
    }
    out.push(s + (m.signed ? snum(BigInt.asIntN(64, m.value)) : unum(m.value)));
  });
  return out;
}

/** A register as the log writes it, without marks: "scalar(id=1,...)"; "" when nothing readable is in it. */
export function regText(t: Trace, r: Reg, frame: number): string {
  const base = regBase(r);
  const b = r.bounds;
  const known = b.mask === 0n;
  if (base === '?') return '';
  if (base === 'scalar' && known) return (r.precise ? 'P' : '') + snum(BigInt.asIntN(64, b.value));
  const type = (base === 'scalar' && r.precise ? 'P' : '') + typeText(t, r);
  if (base === 'arena') return type;
  if (base === 'fp') {
    const name = r.frameNo === frame ? type : `${type}[${r.frameNo}]`;
    if (known) return name + String(BigInt.asIntN(64, b.value) + BigInt(r.off));
    return name + `(${parts(t, r).join(',')})`;
  }
  return `${type}(${parts(t, r).join(',')})`;
}

function parts(t: Trace, r: Reg): string[] {
  const base = regBase(r);
  const out: string[] = [];
  const id = (r.id & ~addConst) >>> 0;
  const distance = (r.id & addConst) !== 0 ? (r.off >= 0 ? '+' : '') + r.off : '';
  if (r.id !== 0) out.push(`id=${id}${distance}`);
  if (r.refObjId !== 0) out.push(`ref_obj_id=${r.refObjId}`);
  if (base === 'ptr_' && (r.type & regFlag.nonOwnRef) !== 0 && (r.type & regFlag.alloc) !== 0 && (r.type & regFlag.untrusted) === 0) out.push('non_own_ref');
  if (base === 'map_ptr' || base === 'map_key' || base === 'map_value') {
    const m = t.program.maps[r.a - 1];
    if (m !== undefined) out.push(...(m.name === '' ? [] : [`map=${m.name}`]), `ks=${m.keySize}`, `vs=${m.valueSize}`);
  }
  if (base !== 'scalar' && r.off !== 0) out.push('off=' + snum(BigInt(r.off)));
  if (base === 'pkt' || base === 'pkt_meta') out.push('r=' + unum(BigInt.asUintN(64, BigInt(pktRange(r)))));
  if (base === 'mem') out.push('sz=' + unum(BigInt(r.a)));
  if (base === 'dynptr_ptr') out.push('type=' + dynptrName(r.a));
  if (r.bounds.mask === 0n) {
    if (r.bounds.value !== 0n) out.push('imm=' + snum(BigInt.asIntN(64, r.bounds.value)));
    return out;
  }
  out.push(...ranges(r.bounds));
  if (r.bounds.mask !== u64max) out.push(`var_off=(0x${r.bounds.value.toString(16)}; 0x${r.bounds.mask.toString(16)})`);
  return out;
}

const dynptrNames = ['', 'local', 'ringbuf', 'skb', 'xdp'];
const dynptrName = (a: number): string => dynptrNames[a] ?? '<unknown>';
const iterStates = ['<invalid>', 'active', 'drained'];
const letters = { invalid: '?', spill: 'r', misc: 'm', zero: '0', dynptr: 'd', iter: 'i' } as const;

/** A slot as the log writes it, without marks: "mmmm????", a spilled register, an iterator; "" when nothing was written. */
export function slotText(t: Trace, s: Slot, frame: number): string {
  if (s.bytes.every(b => b === 'invalid')) return '';
  const bytes = s.bytes.map(b => letters[b]).join('');
  switch (s.bytes[7]) {
    case 'spill': return bytes.slice(0, s.bytes.indexOf('spill')) + regText(t, s.reg, frame);
    case 'dynptr': {
      const parts = [...(s.reg.id !== 0 ? [`id=${s.reg.id}`] : []), ...(s.reg.refObjId !== 0 ? [`ref_id=${s.reg.refObjId}`] : []), ...(s.reg.b !== 0 ? [`dynptr_id=${s.reg.b}`] : [])];
      return `dynptr_${dynptrName(s.reg.a)}(${parts.join(',')})`;
    }
    case 'iter': {
      if (s.reg.refObjId === 0) return '';
      const name = typeName(t, s.reg.a, s.reg.b).replace(/^bpf_iter_/, '');
      return `iter_${name}(ref_id=${s.reg.refObjId},state=${iterStates[s.reg.c & 3] ?? '<unknown>'},depth=${s.reg.c >>> 2})`;
    }
    default: return bytes;
  }
}

/** A frame as the log writes it, without marks: " R1=ctx() R10=fp0". */
export function frameText(t: Trace, f: Frame, frame: number): string {
  let out = frame === 0 ? '' : ` frame${frame}:`;
  f.regs.forEach((r, i) => {
    if (regBase(r) !== '?') out += ` R${i}=${regText(t, r, frame)}`;
  });
  for (let i = 0; i < f.slots.length; i++) {
    const s = f.slots[i]!;
    // A dynptr takes two slots; its lower one says what it is.
    const shown = s.bytes[7] === 'dynptr' ? f.slots[++i] : s;
    const text = shown === undefined ? '' : slotText(t, shown, frame);
    if (text !== '') out += ` fp${-8 * (i + 1)}=${text}`;
  }
  const refs = f.refs.filter(r => r.id !== 0);
  if (refs.length > 0) out += ' refs=' + refs.map(r => r.id).join(',');
  return out + (f.callback ? ' cb' : '') + (f.async ? ' async_cb' : '');
}

/** "r1", "fp-8"; in another frame than the one given "r1 of frame 2", "fp[2]-8". */
export function placeText(loc: Loc, frame = loc >> 7): string {
  const p = place(loc);
  const own = p.frame === frame;
  switch (p.kind) {
    case 'reg': return own ? `r${p.reg}` : `r${p.reg} of frame ${p.frame}`;
    case 'slot': return own ? `fp${p.off}` : `fp[${p.frame}]${p.off}`;
    case 'refs': return own ? 'the references' : `the references of frame ${p.frame}`;
  }
}

/** Why a place changed, in a sentence without its end. */
export function reasonText(t: Trace, c: Change, insn: number): string {
  const how = deductions[c.deduction];
  return reason(t, c, insn) + (how === '' ? '' : `: ${how}`);
}

function reason(t: Trace, c: Change, insn: number): string {
  const frame = c.loc >> 7;
  const from = c.from.map(l => placeText(l, frame)).join(' and ');
  const other = from === '' ? String(c.num) : from;
  const name = (): string => /call (?:pc[+-]\d+|([\w.]+))/.exec(t.insn(insn)?.text ?? '')?.[1] ?? 'the function';
  switch (c.reason) {
    case 'entry': return 'given by the kernel when the function is entered';
    case 'const': return `the constant ${c.num}`;
    case 'copy': return `a copy of ${from}`;
    case 'alu': return `arithmetic with ${other}`;
    case 'load': return `a load of ${bytes(c.num)}${from === '' ? '' : ` through ${from}`}: nothing is known but the width`;
    case 'ctx': return `the context field at offset ${c.num}`;
    case 'fill': return `loaded from ${from}, where a register was spilled`;
    case 'stackRead': return `${bytes(c.num)} of stack at ${from}`;
    case 'spill': return c.from.length === 0 ? `the constant ${c.num} was stored` : `${from} was stored here`;
    case 'store': return c.from.length === 0 ? `bytes of the constant ${c.num} were stored` : `bytes of ${from} were stored`;
    case 'branchTrue': return `the comparison with ${other} is true on this path`;
    case 'branchFalse': return `the comparison with ${other} is false on this path`;
    case 'link': return `the same number as ${from} (or at a fixed distance), which the comparison narrowed`;
    case 'null': return `${from} was compared with NULL, and is NULL on this path`;
    case 'notNull': return `${from} was compared with NULL, and is not NULL on this path`;
    case 'packet': return c.num < 0n ? `${from} was compared with the end of the packet, and is not before it` : `${from} was compared with the end of the packet: ${bytes(c.num)} are there`;
    case 'ret': return `returned by ${name()}`;
    case 'clobber': return 'a call does not keep r1 to r5';
    case 'lost': return `${name()} made the pointer stale, or released what it points to`;
    case 'helperWrite': return `${name()} wrote here, or may have`;
    case 'arg': return `argument: ${from}`;
    case 'result': return 'returned by the function';
    case 'widen': return 'forgotten, so that the loop comes to an end';
    case 'tie': return 'given an id, so that a copy of it is known to be the same number';
    case 'mark': return 'only its marks changed';
    case 'whatIf': return 'set by hand: what if';
    case 'unknown': return '';
  }
}

const bytes = (n: bigint): string => n === 1n ? '1 byte' : `${n} bytes`;

/** What an access or operation needed, and what there was. */
export function checkText(c: Check): string {
  const r = c.reg === 0 ? '' : `r${c.reg - 1}`;
  const range = `bytes ${c.lo} to ${c.hi - 1n}`;
  switch (c.kind) {
    case 'packet': return `needs ${bytes(c.hi)} of the packet from where ${r} was made; ${c.limit < 0n ? 'none are' : c.limit === 1n ? '1 is' : `${c.limit} are`} proved`;
    case 'mapValue': return `needs ${range} of a map value of ${bytes(c.limit)}`;
    case 'mapKey': return `needs ${range} of a map key of ${bytes(c.limit)}`;
    case 'mem': return `needs ${range} of memory of ${bytes(c.limit)}`;
    case 'stack': return `needs stack from fp${c.lo} to fp${c.hi === 0n ? '-1' : c.hi - 1n}; there is fp-${c.limit} to fp-1`;
    case 'stackInit': return `needs ${bytes(c.hi - c.lo)} of stack from fp${c.lo} on, each written before${c.failed ? `; fp${c.limit} was not` : ''}`;
    case 'ctx': return `needs a context field at ${c.lo} of ${bytes(c.hi - c.lo)}; there is none that may be used so`;
    case 'notNull': return `needs ${r} not to be NULL; it may be`;
    case 'readable': return `needs ${r} to have been written; it was not`;
    case 'pointer': return `needs ${r} to be a pointer to memory; it is not`;
    case 'argType': return `needs ${r} to be ${c.text.replaceAll(', ', ' or ')}`;
    case 'argSize': return `needs ${r} to be at least ${c.lo} and below ${c.hi}; it may be ${c.limit}`;
    case 'return': return `needs ${r} to be within ${c.lo} to ${c.hi}`;
    case 'released': return c.failed ? `needs every reference to be released; number ${c.lo}, taken at instruction ${c.hi}, is not` : 'needs every reference to be released';
    case 'unlocked': return `needs no ${c.text === 'preempt' ? 'disabled preemption' : c.text.replace(/-ed$/, '') + ' section'} to be open`;
    case 'ptrOffset': return `needs the number that is added to the pointer to be at least ${c.lo} and below ${c.hi}`;
    case 'helper': return `needs a function that this program may call; ${c.text} is none`;
    case 'noLeak': return `needs ${r} to be a number: addresses must not get into ${c.text}`;
    case 'rule': return `needs ${c.text}`;
    case 'budget': return `needs at most ${c.limit} instructions on all paths together`;
  }
}

/** How limits followed, beyond what the instruction says itself. */
const deductions: Readonly<Record<Deduction, string>> = {
  direct: '', unsignedFromSigned: 'the unsigned limits follow from the signed ones', signedFromUnsigned: 'the signed limits follow from the unsigned ones',
  wholeFromLow: 'the low half was compared, and the rest follows from it', bitsFromLimits: 'the first bits follow from the limits',
  limitsFromBits: 'the limits follow from the bits that are known', wraps: 'the result may pass the end of its width, so that it has no limits',
  notFollowed: 'the verifier does not compute limits of this operation', cut: 'the upper half is cleared',
};

/** Why a comparison taught nothing, and on which way when it did on the other. */
export function noFactText(n: NoFact): string {
  return { both: '', taken: 'where it holds, ', notTaken: 'where it does not hold, ' }[n.way] + noFact(n);
}

function noFact(n: NoFact): string {
  switch (n.kind) {
    case 'offsetTooLarge': return `the offset of r${n.reg} may be ${n.num}, and no range is recorded past 65535`;
    case 'nothingProved': return `r${n.reg} points to the first byte, and no byte is proved by that`;
    case 'knownBefore': return `${bytes(n.num)} were proved before`;
    case 'narrow': return 'only the low half of the pointers is compared';
    case 'twoUnknowns': return 'neither side is a constant, and their ranges do not limit each other';
    case 'middle': return `the number is inside of the range of r${n.reg}, not at its end`;
    case 'manyBits': return 'one of several bits is set, and which is not known';
    case 'notTracked': return 'such values are not compared by the verifier';
  }
}
