/**
 * Asks the module that shows machine code (wasm/listing), in a Worker of its
 * own. The newest question wins: one that waits is dropped for a newer one,
 * and one that takes longer than `patience` while a newer one waits is stopped
 * by ending its Worker.
 *
 *     const c = new MachineClient(listingInWorker(workerURL, wasmURL));
 *     const a = await c.compile({ source, program: 0, options, arch: 'arm64', facts: true, fusions: true, blind: false });
 *     if (a.kind === 'code') a.code.groups;
 */
import type { Source } from '../engine/api';
import { Link, wireSource } from '../engine/client';
import { inWorker, type Transport, type WorkerLike } from '../engine/transport';
import { codeHelloCall, compileCall, disassembleCall, type Arch, type Call, type CodeMark, type Compile, type MachineCode } from '../engine/zprotocol';

export type { Arch, CodeGroup, CodeInsn, CodeMark, CodeNote, MachineCode } from '../engine/zprotocol';

export type Question = Omit<Compile, 'source'> & { readonly source: Source };

export type Answer =
  | { readonly kind: 'code'; readonly code: MachineCode; /** From the question being sent, in ms. */ readonly took: number }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly why: string };

/** How long, in ms, an answer may keep a newer question waiting. */
const patience = 1000;

/** Starts the module in a Worker; the Worker's script is the engine's. */
export const listingInWorker = (worker: URL, wasm: URL) => (): Promise<Transport> =>
  inWorker(new Worker(worker, { type: 'module', name: 'skep machine code' }) as unknown as WorkerLike, wasm.href);

export class MachineClient {
  private link: Promise<Link> | null = null;
  private asked = 0;
  private busy: Promise<unknown> = Promise.resolve();
  /** When the question under way was sent; 0 for none. */
  private since = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly start: () => Promise<Transport>, private readonly patient = patience) {}

  /** The code of a program. */
  compile(q: Question): Promise<Answer> {
    return this.ask(compileCall, { ...q, source: wireSource(q.source) });
  }
  /** Names the instructions of code that was made elsewhere. */
  disassemble(arch: Arch, code: Uint8Array, marks: readonly CodeMark[]): Promise<Answer> {
    return this.ask(disassembleCall, { arch, code, marks });
  }

  /** Gives up what is under way; its answer is 'overtaken'. */
  cancel(): void {
    this.asked++;
    this.drop();
  }
  close(): void { this.cancel(); }

  private ask<Q>(call: Call<Q, MachineCode>, q: Q): Promise<Answer> {
    const mine = ++this.asked;
    this.hurry();
    const answer = this.busy.then(() => this.one(call, q, mine));
    this.busy = answer;
    return answer;
  }

  private async one<Q>(call: Call<Q, MachineCode>, q: Q, mine: number): Promise<Answer> {
    if (mine !== this.asked) return { kind: 'overtaken' };
    let link: Promise<Link> | null = null;
    try {
      link = this.link ??= this.begin();
      const l = await link;
      if (mine !== this.asked) return { kind: 'overtaken' };
      const from = this.since = performance.now(), code = await l.ask(call, 0, q);
      return mine === this.asked ? { kind: 'code', code, took: performance.now() - from } : { kind: 'overtaken' };
    } catch (e) {
      if (this.link === link) this.drop(); // a Worker that failed once is not asked again
      return mine === this.asked ? { kind: 'failed', why: e instanceof Error ? e.message : String(e) } : { kind: 'overtaken' };
    } finally {
      this.since = 0;
      clearTimeout(this.timer);
      this.timer = undefined;
    }
  }

  private async begin(): Promise<Link> {
    const link = new Link(await this.start());
    await link.ask(codeHelloCall, 0, {}); // refuses a module of another build
    return link;
  }

  /** A newer question waits: end the present one when its time is up. */
  private hurry(): void {
    if (this.since === 0 || this.timer !== undefined) return;
    this.timer = setTimeout(() => { if (this.since !== 0) this.drop(); }, Math.max(0, this.patient - (performance.now() - this.since)));
  }

  private drop(): void {
    const link = this.link;
    this.link = null;
    void link?.then(l => l.transport.close(), () => {});
  }
}
