/** What is said about machine code. */
import { count, plural } from '../model/bytes';
import type { MachineCode } from './client';
import type { MachineOptions, Tab } from './options';
import { noteWords, rowsOf, workOf } from './rows';

/** "284 bytes, 58 instructions for 18 of eBPF: 3.2 each". */
export function sizeWords(c: MachineCode): string {
  const n = rowsOf(c).insns;
  return c.insns === 0 ? `${count(c.code.length)} bytes, ${plural(n, 'instruction')}`
    : `${count(c.code.length)} bytes, ${plural(n, 'instruction')} for ${count(c.insns)} of eBPF: ${(n / c.insns).toFixed(1)} each`;
}

/** What the other registers are for, and what a check looks like. */
export const legends: Readonly<Record<Tab, string>> = {
  amd64: 'r13 the run\'s context, r14 instructions left, r15 the arena, r12 scratch. gs:[…] with 32-bit registers cannot leave the arena. A check compares an address with a window of the context; jae leads out of line.',
  arm64: 'x13 the run\'s context, x14 instructions left, x15 the arena, x11 the frame, x16, x17, x19, x20 scratch. [x15, w…, uxtw] cannot leave the arena, nor can x11 and x21 to x24, which point into it. A check compares an address with a window of the context; b.hs leads out of line.',
  wasm: 'A function that is called numbers its parameters first. The context of the run lies at offset 32768, the arena at 65536. Call 0 leaves an instruction to the interpreter, call 1 finds the memory of an access that no window has.',
  linux: 'The kernel\'s own compiler (arch/x86/net/bpf_jit_comp.c): no access is checked, the verifier\'s word is enough.',
};

/** Where the kernel's compiler for x86-64 keeps r0 to r10. */
export const kernelHomes: readonly string[] = ['rax', 'rdi', 'rsi', 'rdx', 'rcx', 'r8', 'rbx', 'r13', 'r14', 'r15', 'rbp'];

/** Why checks stay although they were asked to go; "" when they went. */
export function factsWords(c: MachineCode, o: MachineOptions): string {
  if (c.facts || !o.facts) return '';
  switch (c.outcome) {
    case 'rejected': return `The verifier rejects this program (${c.errors[0] ?? 'without a reason'}): every access is checked as it runs.`;
    case 'not_modelled': return `This verifier does not cover ${c.errors[0] ?? 'the program'}, so nothing is proved: every access is checked as it runs.`;
    default: return '';
  }
}

/** What became of an instruction, in a sentence or two. */
export function chosenWords(c: MachineCode, slot: number, text: string): string {
  const { rows, of } = rowsOf(c), work = workOf(c, slot), at = of.get(slot);
  if (at === undefined) return '';
  const of_ = (s: number) => {
    const [from, to] = of.get(s) ?? [0, 0];
    return rows.slice(from, to);
  };
  const mine = of_(slot), code = of_(work), n = code.filter(r => r.kind === 'insn').length, head = code[0];
  const bytes = head?.kind === 'head' ? head.bytes : 0;
  const what = work !== slot ? `its work is done by the code of instruction ${work}: ${plural(n, 'instruction')}, ${plural(bytes, 'byte')}`
    : n === 0 ? 'no code: nothing leads there, or there is nothing to do' : `${plural(n, 'instruction')}, ${plural(bytes, 'byte')}`;
  const notes = [...mine, ...(work === slot ? [] : code)].flatMap(r => (r.kind === 'note' ? [noteWords(r.note)] : []));
  return `Instruction ${slot}, ${text}: ${what}.${notes.map(([w, t]) => ` ${w.charAt(0).toUpperCase()}${w.slice(1)}: ${t}.`).join('')}`;
}
