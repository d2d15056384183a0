/**
 * Where a fact comes from: back along the path, from the place that holds it to
 * the instruction that made it so, and on to what that was made of: through
 * copies, spills, calls, and registers that are tied by an id.
 */
import { decode, notWord, written, type Decoded } from './insn';
import { isConst } from './statetext';
import type { Place, Reg, State, Why } from './types';

/** What a walk needs of a trace: one path, by index from the entry. */
export interface Way {
  readonly length: number;
  stepAt(n: number): number;
  pcAt(n: number): number;
  state(n: number): State | null;
  /** The instruction's bytes and text; null when there is none. */
  insn(pc: number): { readonly bytes: Uint8Array; readonly text: string } | null;
}

export interface Link extends Why {
  /** Index on the path of the instruction that made it so; -1 for the entry. */
  readonly n: number;
  readonly place: Place;
  readonly value: string;
}

export const placeName = (p: Place): string => (p.kind === 'reg' ? `r${p.reg}` : `fp${p.off}`);

export function valueAt(s: State | null, p: Place): Reg | null {
  const f = s?.frames[p.frame];
  if (f === undefined) return null;
  return p.kind === 'reg' ? f.regs[p.reg] ?? null : f.slots.find(x => x.off === p.off)?.reg ?? null;
}
const slotBytes = (s: State | null, p: Place): string =>
  (p.kind === 'slot' ? s?.frames[p.frame]?.slots.find(x => x.off === p.off)?.bytes ?? '' : '');

const same = (a: Reg | null, b: Reg | null): boolean => a === b || (a !== null && b !== null && a.text.replace(/^P/, '') === b.text.replace(/^P/, ''));

/** Steps that a chain looks back at most, and links it has. */
const horizon = 100_000, longest = 40;

/** The chain of a value in the state before index n. Each link is about the one of its sources that matters most. */
export function chainOf(w: Way, n: number, place: Place, words: (r: Reg) => string): Link[] {
  const out: Link[] = [];
  let at = n, p: Place | undefined = place;
  while (p !== undefined && out.length < longest) {
    const l = whyAt(w, at, p, words);
    out.push(l);
    if (l.n < 0) break;
    p = l.from[0];
    at = l.n;
  }
  return out;
}

/** Why a place holds what it does in the state before index n. */
export function whyAt(w: Way, n: number, place: Place, words: (r: Reg) => string): Link {
  const now = w.state(n), value = valueAt(now, place);
  const link = (i: number, rule: string, text: string, from: readonly Place[]): Link => ({
    n: i, step: i < 0 ? -1 : w.stepAt(i), pc: i < 0 ? -1 : w.pcAt(i), rule, text, from, place,
    value: value === null ? slotBytes(now, place) : words(value),
  });
  for (let i = n - 1; i >= 0 && n - i < horizon; i--) {
    const before = w.state(i), after = w.state(i + 1), insn = w.insn(w.pcAt(i));
    if (before === null || after === null || insn === null) break;
    const d = decode(insn.bytes), f = before.frames.length - 1;
    // A call into a function of the program: its arguments are the caller's registers.
    if (after.frames.length > before.frames.length) {
      if (place.frame === after.frames.length - 1) {
        if (place.kind === 'reg' && place.reg >= 1 && place.reg <= 5) {
          return link(i, 'argument', `argument ${place.reg} of the call, r${place.reg} of the caller`, [{ kind: 'reg', frame: f, reg: place.reg }]);
        }
        return link(i, 'frame', place.kind === 'reg' && place.reg === 10 ? 'a new stack frame' : 'nothing is set in a new frame', []);
      }
      continue;
    }
    if (after.frames.length < before.frames.length) {
      if (place.kind === 'reg' && place.reg === 0 && place.frame === after.frames.length - 1) {
        return link(i, 'return', 'what the called function returned in its r0', [{ kind: 'reg', frame: f, reg: 0 }]);
      }
      continue;
    }
    const hit = place.frame === f ? made(d, place, before) : null;
    if (hit !== null) return link(i, hit.rule, hit.text, hit.from);
    const old = valueAt(before, place);
    if (place.kind === 'reg' ? same(old, value) : same(old, value) && slotBytes(before, place) === slotBytes(now, place)) continue;
    if (d.kind === 'jump') return link(i, ...learned(d, place, before, after, f, w.pcAt(i), w.pcAt(i + 1)));
    if (d.kind === 'call' || d.kind === 'store' || d.kind === 'atomic') return link(i, 'call', 'changed by this instruction', []);
  }
  return link(-1, 'entry', place.kind === 'reg' && place.reg === 1 ? 'the program\'s argument: its context' : place.kind === 'reg' && place.reg === 10 ? 'the frame pointer'
    : 'never set on this path', []);
}

/** What an instruction puts into a place. */
function made(d: Decoded, p: Place, s: State): { rule: string; text: string; from: readonly Place[] } | null {
  const f = s.frames.length - 1, reg = (r: number): Place => ({ kind: 'reg', frame: f, reg: r });
  if (p.kind === 'slot') {
    if (d.kind !== 'store' && d.kind !== 'atomic') return null;
    const a = d.access!, base = s.frames[f]!.regs[a.base]!;
    if (base.kind !== 'stack' || base.frame !== p.frame) return null;
    const at = base.off + a.off;
    if (at + a.size <= p.off || at >= p.off + 8) return null;
    return d.x ? { rule: 'spill', text: `r${d.src} was stored on the stack, at fp${at}`, from: [reg(d.src)] }
      : { rule: 'store', text: `${d.imm} was stored at fp${at}`, from: [] };
  }
  if (!written(d).includes(p.reg)) return null;
  switch (d.kind) {
    case 'const': return { rule: 'constant', text: d.src === 0 ? 'a constant' : 'an address that the loader puts in', from: [] };
    case 'load': {
      const a = d.access!, base = s.frames[f]!.regs[a.base]!;
      if (base.kind === 'stack') {
        const at = base.off + a.off, slot = Math.floor(at / 8) * 8;
        return { rule: 'fill', text: `read back from the stack, at fp${at}`, from: [{ kind: 'slot', frame: base.frame, off: slot }, reg(a.base)] };
      }
      const bits = a.size * 8, where = base.kind === 'packet' ? 'the packet' : base.kind === 'ctx' ? 'the context' : base.kind === 'map_value' ? 'a map value' : 'memory';
      return {
        rule: 'load', from: [reg(a.base)],
        text: `${a.size} ${a.size === 1 ? 'byte' : 'bytes'} read from ${where}${base.kind === 'ctx' || a.size === 8 ? '' : `: a number of ${bits} bits`}`,
      };
    }
    case 'alu': {
      const width = d.half ? ' on the low 32 bits' : '';
      if (d.word === '=') return d.x ? { rule: 'copy', text: `a copy of r${d.src}${d.half ? ', low 32 bits' : ''}`, from: [reg(d.src)] } : { rule: 'constant', text: `set to ${d.imm}`, from: [] };
      const op = d.x ? `r${d.src}` : String(d.imm);
      // The unknown operand is the one worth asking about.
      const from = d.x ? [reg(d.dst), reg(d.src)].sort((a, b) => weight(s, a) - weight(s, b)) : [reg(d.dst)];
      return { rule: 'arithmetic', text: `r${d.dst} ${d.word} ${op}${width}`, from };
    }
    case 'call': return { rule: 'call', text: p.reg === 0 ? 'what the helper returned' : 'not readable after a call: r1 to r5 are lost', from: [] };
    default: return { rule: d.kind, text: 'written by this instruction', from: [] };
  }
}

/** Pointers first, then what is not constant. */
function weight(s: State, p: Place): number {
  const r = valueAt(s, p);
  return r === null ? 3 : r.kind !== 'scalar' ? 0 : isConst(r.bounds) ? 2 : 1;
}

/** A branch taught it: by a comparison of itself, or of something tied to it by an id. */
function learned(d: Decoded, p: Place, before: State, after: State, f: number, pc: number, next: number): [string, string, readonly Place[]] {
  const taken = next !== pc + 1;
  const cmp = (r: number) => `r${r} ${taken ? d.word : notWord(d.word)} ${d.x ? `r${d.src}` : d.imm}`;
  const fact = `${taken ? 'taken' : 'not taken'}, so ${cmp(d.dst)}`;
  const self = p.kind === 'reg' && p.frame === f && (p.reg === d.dst || (d.x && p.reg === d.src));
  if (self) return ['compare', fact, [p]];
  const mine = valueAt(before, p);
  const via = [d.dst, ...(d.x ? [d.src] : [])].find(r => {
    const o = before.frames[f]?.regs[r];
    return o !== undefined && mine !== null && o.kind === mine.kind && (o.id === mine.id) && !same(o, after.frames[f]?.regs[r] ?? null);
  }) ?? d.dst;
  const tie = mine?.kind === 'packet' ? 'points into the same packet as' : mine?.orNull === true ? 'is the same lookup\'s result as' : 'is the same number as';
  return ['linked', `${fact}; ${placeName(p)} ${tie} r${via}`, [p, { kind: 'reg', frame: f, reg: via }]];
}
