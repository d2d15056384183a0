/**
 * The verifier in the page, see Asker: the newest question wins.
 *
 *     const v = new VerdictClient(verifierInWorker());
 *     const a = await v.ask({ kind: 'asm', text }, 0, { ...defaultVerify, level: 2 });
 *     if (a.kind === 'answer') a.value.errors;
 */
import type { Source } from './api';
import { Asker, type Answer } from './asker';
import { wireSource } from './client';
import { moduleInWorker, type Transport } from './transport';
import { proveCall, verifyCall, verifyHelloCall, type Facts, type Verified, type VerifyOptions } from './zprotocol';

export type { Facts, Outcome, Privilege, Verified, VerifyOptions } from './zprotocol';

export const defaultVerify: VerifyOptions = { hook: '', privilege: 'root', level: 0, logMax: 0 };

/** Starts the module. */
export const verifierInWorker = () => moduleInWorker('skep verifier', SKEP_VERIFY);

export class VerdictClient {
  private readonly asker;
  constructor(start: () => Promise<Transport>, patience?: number) { this.asker = new Asker(start, verifyHelloCall, patience); }

  /** Whose verdicts these are; "" until the module runs. */
  get kernel(): string { return this.asker.welcome?.kernel ?? ''; }

  /** What the kernel would say about a program of a source, by its index in the listing. */
  ask(source: Source, program: number, options: VerifyOptions): Promise<Answer<Verified>> {
    return this.asker.ask(verifyCall, { source: wireSource(source), program, options });
  }

  /** What a verification proves of a program on a machine of so many CPUs, by the module that gave a verdict. Null:
   * the program is not accepted, or a question has come before the answer. */
  async prove(source: Source, program: number, options: VerifyOptions, cpus: number): Promise<Facts | null> {
    if (!this.asker.idle) return null;
    const a = await this.asker.ask(proveCall, { source: wireSource(source), program, options, cpus });
    return a.kind === 'answer' ? a.value.facts : null;
  }

  /** Ends the verification under way; its answer is 'overtaken'. */
  cancel(): void { this.asker.cancel(); }
  close(): void { this.asker.close(); }
}
