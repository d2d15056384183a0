/**
 * Asks the module that shows machine code (wasm/listing), see Asker: the newest
 * question wins.
 *
 *     const c = new MachineClient(listingInWorker());
 *     const a = await c.compile({ source, program: 0, options, arch: 'arm64', facts: true, fusions: true, blind: false });
 *     if (a.kind === 'answer') a.value.groups;
 */
import type { Source } from '../engine/api';
import { Asker, type Answer } from '../engine/asker';
import { wireSource } from '../engine/client';
import { moduleInWorker, type Transport } from '../engine/transport';
import { codeHelloCall, compileCall, disassembleCall, type Arch, type CodeMark, type Compile, type MachineCode } from '../engine/zprotocol';

export type { Arch, CodeGroup, CodeInsn, CodeMark, CodeNote, MachineCode } from '../engine/zprotocol';

export type Question = Omit<Compile, 'source'> & { readonly source: Source };

/** Starts the module. */
export const listingInWorker = () => moduleInWorker('skep machine code', SKEP_LISTING);

export class MachineClient {
  private readonly asker;
  constructor(start: () => Promise<Transport>, patience?: number) { this.asker = new Asker(start, codeHelloCall, patience); }

  /** The code of a program. */
  compile(q: Question): Promise<Answer<MachineCode>> {
    return this.asker.ask(compileCall, { ...q, source: wireSource(q.source) });
  }
  /** Names the instructions of code that was made elsewhere. */
  disassemble(arch: Arch, code: Uint8Array, marks: readonly CodeMark[]): Promise<Answer<MachineCode>> {
    return this.asker.ask(disassembleCall, { arch, code, marks });
  }

  /** Gives up what is under way; its answer is 'overtaken'. */
  cancel(): void { this.asker.cancel(); }
  close(): void { this.asker.close(); }
}
