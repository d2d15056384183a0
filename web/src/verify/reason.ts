/**
 * A refusal in plain words: what the instruction needed, what was proved, and
 * what would satisfy the verifier. From the kernel's last lines and the state.
 */
import { count } from '../model/bytes';
import { decode } from './insn';
import type { Reg, State } from './types';
import { isConst } from './bounds';
import { meaning, range } from './words';

export interface Reason {
  /** "the packet may end before this byte". */
  readonly title: string;
  readonly needed: string;
  readonly proved: string;
  readonly plain: string;
  readonly fix: string;
  /** Code that would do, in assembly; "" for none. */
  readonly code: string;
  /** Register that the missing proof is about; -1. */
  readonly reg: number;
  /** It is about a loop: the register to ask about is the one that its jump compares. */
  readonly loop?: boolean;
}

interface Facts {
  readonly errors: readonly string[];
  readonly state: State | null;
  readonly bytes: Uint8Array | null;
  /** What the trace says of the refused access, in a sentence. */
  readonly failed: string;
}

type Rule = readonly [RegExp, (m: RegExpExecArray, f: Facts) => Reason];

const regOf = (f: Facts, n: number): Reg | undefined => f.state?.frames.at(-1)?.regs[n];
const value = (f: Facts, n: number): string => {
  const r = regOf(f, n);
  return r === undefined ? 'not known' : meaning(r);
};
/** The check in registers of the program as they are here: packet start, its end, and one that is free. */
function packetCheck(f: Facts, need: number): string {
  const regs = f.state?.frames.at(-1)?.regs ?? [], find = (ok: (r: Reg, n: number) => boolean, otherwise: string) => {
    const n = regs.findIndex(ok);
    return n < 0 ? otherwise : `r${n}`;
  };
  const start = find(r => r.kind === 'packet' && r.off === 0 && isConst(r.bounds), 'packet start'), end = find(r => r.kind === 'packet_end', 'packet end'), free = find(r => r.kind === 'unset', 'rX');
  return `${free} = ${start}\n${free} += ${need}\nif ${free} > ${end} goto out`;
}
const bytes = (n: number): string => `${n} ${n === 1 ? 'byte' : 'bytes'}`;
const base = (f: Facts): number => (f.bytes === null ? -1 : decode(f.bytes).access?.base ?? -1);

const rules: readonly Rule[] = [
  [/invalid access to packet, off=(-?\d+) size=(\d+), R(\d+)\(id=(\d+),off=(-?\d+),r=(-?\d+)\)/, (m, f) => {
    const off = Number(m[1]), size = Number(m[2]), r = Number(m[3]), id = Number(m[4]), proved = Math.max(0, Number(m[6])), need = off + size;
    return {
      title: off < 0 ? 'This reads before the start of the packet.' : 'The packet may end before this byte.', reg: r, needed: off < 0 ? 'an offset of 0 or more' : bytes(need), proved: bytes(proved),
      plain: off < 0 ? `The access begins ${-off} bytes before the packet.`
        : `It touches packet ${size === 1 ? `byte ${off}` : `bytes ${off} to ${need - 1}`}${id > 0 ? ' behind a variable offset' : ''}, and ${proved === 0 ? 'no check on this path proves that any byte is there' : `the checks on this path prove only the first ${bytes(proved)}`}.`,
      fix: `Before it, compare a packet pointer plus ${need} with the end of the packet, and leave when it is beyond.`,
      code: packetCheck(f, need),
    };
  }],
  [/R(\d+) invalid mem access '(\w*)_or_null'/, (m, f) => ({
    title: `r${m[1]} may be NULL.`, reg: Number(m[1]), needed: 'not NULL', proved: `${value(f, Number(m[1]))}`,
    plain: `A lookup gives NULL when there is nothing to find, and nothing on this path has compared r${m[1]} with 0.`,
    fix: `Compare it with NULL right after it was made, and leave when it is.`, code: `if r${m[1]} == 0 goto out`,
  })],
  [/invalid access to map value, value_size=(\d+) off=(-?\d+) size=(\d+)/, (m, f) => {
    const size = Number(m[1]), off = Number(m[2]), n = Number(m[3]);
    return {
      title: 'This reaches beyond the map\'s value.', reg: base(f), needed: `bytes ${off} to ${off + n - 1}`, proved: `the value has ${bytes(size)}: 0 to ${size - 1}`,
      plain: `The access covers ${bytes(n)} from offset ${off}, and the value ends at byte ${size - 1}.`,
      fix: off + n > size ? `Keep the offset at ${size - n} or less before the access${off - size < 16 ? '; a loop that runs one round too far is the usual cause' : ''}.` : 'Keep the offset at 0 or more.',
      code: off + n > size ? `if offset > ${size - n} goto out` : 'if offset s< 0 goto out',
    };
  }],
  [/R(\d+) (?:unbounded memory access|max value is outside of the allowed memory range)/, (m, f) => {
    const r = regOf(f, Number(m[1]));
    return {
      title: 'The offset is not limited enough.', reg: Number(m[1]), needed: r === undefined || r.size === 0 ? 'an upper limit' : `an offset within ${bytes(r.size)}`,
      proved: r === undefined ? 'none' : `offset ${range(r.bounds)}`, plain: 'The largest offset that is possible on this path lies outside of the memory.',
      fix: 'Compare the offset with the largest that is allowed, as an unsigned number, or cut it with &=.', code: r === undefined || r.size === 0 ? 'if offset > limit goto out' : `if offset > ${r.size - 1} goto out`,
    };
  }],
  [/R(\d+) min value is (?:negative|outside)/, (m, f) => ({
    title: 'The offset may be negative.', reg: Number(m[1]), needed: 'an offset of 0 or more', proved: value(f, Number(m[1])),
    plain: 'The smallest value that is possible on this path lies before the memory.', fix: 'Check it from below too, or use an unsigned comparison or &=.', code: 'if offset s< 0 goto out',
  })],
  [/math between (\S+) pointer and register with unbounded/, (m, f) => ({
    title: 'A number without a limit is added to a pointer.', reg: f.bytes === null ? -1 : decode(f.bytes).src, needed: 'a number with an upper and a lower limit',
    proved: f.bytes === null ? 'none' : value(f, decode(f.bytes).src), plain: `The ${m[1]} pointer could end up anywhere.`,
    fix: 'Compare the number with a limit before it is added, as an unsigned number, or cut it with &=.', code: 'if number > limit goto out',
  })],
  [/^R(\d+) !read_ok/, m => ({
    title: `r${m[1]} has no value here.`, reg: Number(m[1]), needed: 'a value that was set', proved: 'nothing was put there on this path',
    plain: Number(m[1]) <= 5 ? `Either it was never set, or a call in between took it: r1 to r5 are lost with every call.` : 'It was never set on this path.',
    fix: `Set r${m[1]} on every path that leads here; keep what must outlive a call in r6 to r9 or on the stack.`, code: `r${m[1]} = 0`,
  })],
  [/R(\d+) invalid mem access 'scalar'/, m => ({
    title: `r${m[1]} is a number, not a pointer.`, reg: Number(m[1]), needed: 'a pointer', proved: 'a number',
    plain: 'A pointer became a number: it was loaded with too few bytes, read from memory, or a helper that moves the packet was called after it was made.',
    fix: 'Take the pointer from where the verifier knows it: the context, a lookup, the stack it was spilled to. After a helper that moves the packet, read data and data_end again.', code: '',
  })],
  [/infinite loop detected at insn (\d+)/, m => ({
    title: 'This loop never gets further.', reg: -1, loop: true, needed: 'a state that changes from round to round', proved: `the same state as the round before, at instruction ${m[1]}`,
    plain: 'The verifier is back at an instruction, and all it knows is what it knew the last time: nothing that the loop does makes it end.',
    fix: 'Count the rounds in a register and leave the loop when the count reaches a fixed limit.', code: 'rX += 1\nif rX < 16 goto loop',
  })],
  [/BPF program is too large\. Processed (\d+) insn/, m => ({
    title: 'The verifier gave up: too many steps.', reg: -1, loop: true, needed: 'at most 1 000 000 instructions walked, over all paths', proved: `${count(Number(m[1]))} and not at the end`,
    plain: 'The verifier follows every round of a loop and every branch in it. Nothing was found to be wrong; it just never came to the end.',
    fix: 'Give the loop a smaller limit, make fewer branches in it, or move its body into a callback of bpf_loop.', code: 'if rX < 1000 goto loop',
  })],
  [/sequence of (\d+) jumps is too complex/, m => ({
    title: 'Too many branches wait to be walked.', reg: -1, loop: true, needed: 'at most 8192 open branches', proved: `${m[1]} open branches`,
    plain: 'Each conditional jump leaves one path for later, and they never come to an end.', fix: 'Give the loop a limit that the verifier can see.', code: 'rX += 1\nif rX < 100 goto loop',
  })],
  [/Unreleased reference id=(\d+) alloc_insn=(\d+)/, m => ({
    title: 'Something is not given back.', reg: -1, needed: 'every reference released before the end', proved: `the reference made at instruction ${m[2]} is still held`,
    plain: 'A helper handed out something that must be released, and this path ends without doing so.', fix: `Release what instruction ${m[2]} acquired on this path too.`, code: '',
  })],
  [/At program exit the register R(\d+) .*should have been in \[(-?\w+), (-?\w+)\]/, (m, f) => ({
    title: 'The result is not one that this hook allows.', reg: Number(m[1]), needed: `r0 in ${m[2]} … ${m[3]}`, proved: value(f, Number(m[1])),
    plain: 'What the program returns decides what the kernel does next; only some values mean something.', fix: `Set r0 to a value from ${m[2]} to ${m[3]} before exit.`, code: `r0 = ${m[2]}`,
  })],
  [/invalid (?:indirect )?read from stack (?:R(\d+) )?(?:off )?(-?\d+)/, m => ({
    title: 'This part of the stack was never written.', reg: m[1] === undefined ? -1 : Number(m[1]), needed: 'bytes that were written on this path', proved: `at least one byte from fp${m[2]} on was not`,
    plain: 'Reading it would give the program what other code left there.', fix: 'Write all of it first, the padding of a struct too.', code: `*(u64 *)(r10 ${m[2]}) = 0`,
  })],
  [/invalid (?:write to|read from|variable-offset.*) stack/, () => ({
    title: 'This lies outside of the stack.', reg: -1, needed: 'an offset between fp−512 and fp−1', proved: 'an offset outside of it', plain: 'A frame has 512 bytes, below the frame pointer.',
    fix: 'Use a smaller offset; large data belongs into a map.', code: '',
  })],
  [/R(\d+) type=(\S+) expected=(.+)/, (m, f) => ({
    title: `The helper wants something else in r${m[1]}.`, reg: Number(m[1]), needed: m[3]!.replaceAll('_', ' '), proved: `${m[2]}: ${value(f, Number(m[1]))}`,
    plain: `Argument ${m[1]} of the call is of the wrong kind.`, fix: `Put what the helper expects into r${m[1]}.`, code: '',
  })],
  [/combined stack size of (\d+) calls is (\d+)/, m => ({
    title: 'The frames together need too much stack.', reg: -1, needed: 'at most 512 bytes', proved: `${m[2]} bytes in ${m[1]} frames`, plain: 'All functions that are called inside each other share 512 bytes.',
    fix: 'Move large variables into a map, or use fewer frames.', code: '',
  })],
  [/unreachable insn (\d+)/, m => ({
    title: 'Nothing leads to this instruction.', reg: -1, needed: 'a way to every instruction', proved: `none to instruction ${m[1]}`, plain: 'Code that cannot run may not be loaded without privileges, and never by this rule.', fix: 'Remove it.', code: '',
  })],
  [/back-edge from insn (\d+) to (\d+)/, m => ({
    title: 'Loops need privileges.', reg: -1, needed: 'a program without a jump backwards', proved: `a jump from ${m[1]} back to ${m[2]}`, plain: 'Without CAP_BPF a program may not contain a loop.', fix: 'Unroll it, or load the program with CAP_BPF.', code: '',
  })],
];

export function reasonOf(f: Facts): Reason {
  for (const line of f.errors) {
    for (const [r, make] of rules) {
      const m = r.exec(line);
      if (m !== null) return make(m, f);
    }
  }
  const last = f.errors[0] ?? '';
  return { title: last === '' ? 'The kernel refuses the program.' : last, reg: base(f), needed: '', proved: '', plain: f.failed === '' ? '' : `It ${f.failed}.`, fix: '', code: '' };
}

