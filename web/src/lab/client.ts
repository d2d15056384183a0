/**
 * The grader in the page: a module and a Worker of its own, started when the
 * first question is asked. Questions are answered one after the other; in each
 * lane the newest wins: one that waits is dropped for a newer one, and one that
 * takes longer than `patience` while a newer one of its lane waits is stopped
 * by ending its Worker. Nothing is thrown for what a student typed, nor when
 * the module cannot be had: see Answer.
 *
 *     const c = new GraderClient(graderInWorker(workerURL, wasmURL));
 *     const a = await c.ask('drop-all', gradeCall, { source, trace, ... });
 *     if (a.kind === 'answer') a.value.passed;
 */
import { Link } from '../engine/client';
import { inWorker, type Transport, type WorkerLike } from '../engine/transport';
import { gradeHelloCall, type Call } from '../engine/zprotocol';

export type Answer<A> =
  | { readonly kind: 'answer'; readonly value: A; /** From the question being sent, in ms. */ readonly took: number }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly why: string };

/** How long, in ms, a trial may keep a newer one waiting. */
const patience = 1500;

interface Question {
  readonly lane: string;
  readonly run: (link: Link) => Promise<void>;
  readonly end: (a: { readonly kind: 'overtaken' } | { readonly kind: 'failed'; readonly why: string }) => void;
}

export const graderInWorker = (worker: URL, wasm: URL) => (): Promise<Transport> =>
  inWorker(new Worker(worker, { type: 'module', name: 'skep grader' }) as unknown as WorkerLike, wasm.href);

export class GraderClient {
  private link: Promise<Link> | null = null;
  private running: Question | null = null;
  private readonly waiting = new Map<string, Question>();
  private since = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly start: () => Promise<Transport>, private readonly patient = patience) {}

  ask<Q, A>(lane: string, call: Call<Q, A>, message: Q): Promise<Answer<A>> {
    return new Promise(answer => {
      this.waiting.get(lane)?.end({ kind: 'overtaken' });
      this.waiting.set(lane, {
        lane, end: answer,
        run: async link => {
          const from = performance.now();
          const value = await link.ask(call, 0, message);
          answer({ kind: 'answer', value, took: performance.now() - from });
        },
      });
      if (this.running === null) void this.work();
      else this.hurry();
    });
  }

  /** Starts the module, so that the first answer comes soon. */
  warm(): void {
    this.link ??= this.begin();
    this.link.catch(() => {}); // the question that comes next tells it
  }

  private async work(): Promise<void> {
    for (let q = this.first(); q !== undefined; q = this.first()) {
      this.waiting.delete(q.lane);
      this.running = q;
      await this.one(q);
    }
    this.running = null;
  }
  private first(): Question | undefined { return this.waiting.values().next().value; }

  private async one(q: Question): Promise<void> {
    const link = this.link ??= this.begin();
    try {
      const l = await link;
      if (this.waiting.has(q.lane)) {
        q.end({ kind: 'overtaken' });
        return;
      }
      this.since = performance.now();
      await q.run(l);
    } catch (e) {
      const stopped = this.link !== link;
      if (!stopped) this.stop(); // a Worker that failed once is not asked again
      q.end(stopped ? { kind: 'overtaken' } : { kind: 'failed', why: e instanceof Error ? e.message : String(e) });
    } finally {
      this.since = 0;
      clearTimeout(this.timer);
      this.timer = undefined;
    }
  }

  private async begin(): Promise<Link> {
    const link = new Link(await this.start());
    await link.ask(gradeHelloCall, 0, {});
    return link;
  }

  /** A newer question of the lane waits: end the present one when its time is up. */
  private hurry(): void {
    if (this.since === 0 || this.timer !== undefined || !this.waiting.has(this.running?.lane ?? '')) return;
    this.timer = setTimeout(() => this.stop(), Math.max(0, this.patient - (performance.now() - this.since)));
  }

  private stop(): void {
    const link = this.link;
    this.link = null;
    void link?.then(l => l.transport.close(), () => {});
  }
}

/** The page's grader. */
export const grader = new GraderClient(graderInWorker(new URL(SKEP_WORKER, import.meta.url), new URL(SKEP_GRADE, import.meta.url)));
