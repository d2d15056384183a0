/**
 * The verifier in the page: a module and a Worker of its own, started when the
 * first verdict is asked for. The newest question wins: one that waits is
 * dropped for a newer one, and one that takes longer than `patience` while a
 * newer one waits is stopped by ending its Worker. Nothing is thrown for what a
 * student typed, nor when the module cannot be had: see Answer.
 *
 *     const v = new VerdictClient(verifierInWorker(workerURL, wasmURL));
 *     const a = await v.ask({ kind: 'asm', text }, 0, { ...defaultVerify, level: 2 });
 *     if (a.kind === 'verdict') a.verdict.errors;
 */
import type { Source } from './api';
import { Link, wireSource } from './client';
import { inWorker, type Transport, type WorkerLike } from './transport';
import { verifyCall, verifyHelloCall, type Verified, type VerifyOptions } from './zprotocol';

export type { Outcome, Privilege, Verified, VerifyOptions } from './zprotocol';

/** What a question came to. */
export type Answer =
  | { readonly kind: 'verdict'; readonly verdict: Verified; /** From the question being sent, in ms. */ readonly took: number }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly why: string };

export const defaultVerify: VerifyOptions = { hook: '', privilege: 'root', level: 0, logMax: 0 };

/** How long, in ms, a verification may keep a newer question waiting. */
const patience = 1000;

interface Question {
  readonly source: Source;
  readonly program: number;
  readonly options: VerifyOptions;
  readonly answer: (a: Answer) => void;
}

/** Starts the module in a Worker; the Worker's script is the engine's. */
export const verifierInWorker = (worker: URL, wasm: URL) => (): Promise<Transport> =>
  inWorker(new Worker(worker, { type: 'module', name: 'skep verifier' }) as unknown as WorkerLike, wasm.href);

export class VerdictClient {
  /** Whose verdicts these are; "" until the module runs. */
  kernel = '';
  private link: Promise<Link> | null = null;
  private running: Question | null = null;
  private next: Question | null = null;
  private since = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(private readonly start: () => Promise<Transport>, private readonly patient = patience) {}

  /** What the kernel would say about a program of a source, by its index in the listing. */
  ask(source: Source, program: number, options: VerifyOptions): Promise<Answer> {
    return new Promise(answer => {
      this.next?.answer({ kind: 'overtaken' });
      this.next = { source, program, options, answer };
      if (this.running === null) void this.work();
      else this.hurry();
    });
  }

  /** Ends the verification under way; its answer is 'overtaken'. */
  cancel(): void {
    if (this.since !== 0) this.stop();
  }

  close(): void {
    this.closed = true;
    this.next?.answer({ kind: 'overtaken' });
    this.next = null;
    this.stop();
  }

  private async work(): Promise<void> {
    while (this.next !== null && !this.closed) {
      const q = this.running = this.next;
      this.next = null;
      q.answer(await this.one(q));
      this.running = null;
    }
  }

  private async one(q: Question): Promise<Answer> {
    let link: Promise<Link> | null = null;
    try {
      link = this.link ??= this.begin();
      const l = await link;
      if (this.next !== null) return { kind: 'overtaken' };
      const from = this.since = performance.now();
      const verdict = await l.ask(verifyCall, 0, { source: wireSource(q.source), program: q.program, options: q.options });
      return { kind: 'verdict', verdict, took: performance.now() - from };
    } catch (e) {
      const stopped = this.link !== link;
      if (!stopped) this.stop(); // a Worker that failed once is not asked again
      return stopped || this.closed ? { kind: 'overtaken' } : { kind: 'failed', why: e instanceof Error ? e.message : String(e) };
    } finally {
      this.since = 0;
      clearTimeout(this.timer);
      this.timer = undefined;
    }
  }

  private async begin(): Promise<Link> {
    const link = new Link(await this.start());
    if (this.closed) link.transport.close();
    this.kernel = (await link.ask(verifyHelloCall, 0, {})).kernel;
    return link;
  }

  /** A newer question waits: end the present one when its time is up. */
  private hurry(): void {
    if (this.since === 0 || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.next !== null && this.since !== 0) this.stop();
    }, Math.max(0, this.patient - (performance.now() - this.since)));
  }

  private stop(): void {
    const link = this.link;
    this.link = null;
    void link?.then(l => l.transport.close(), () => {});
  }
}
