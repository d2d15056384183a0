/**
 * Asks a module of the page that has no sessions: the verifier, the grader, the
 * one that shows machine code. It has a Worker of its own, which is started
 * when the first question is asked. Questions are answered one after the other;
 * in each lane the newest wins: one that waits is dropped for a newer one, and
 * one under way gives way before its next request, or when a single request
 * takes longer than `patience`, by ending its Worker. Nothing is thrown for
 * what a student typed, nor when the module cannot be had: see Answer.
 *
 *     const a = new Asker(moduleInWorker('skep verifier', SKEP_VERIFY), verifyHelloCall);
 *     const v = await a.ask(verifyCall, { source, program: 0, options });
 *     if (v.kind === 'answer') v.value.errors;
 */
import { Link } from './client';
import type { Transport } from './transport';
import type { Call } from './zprotocol';

/** What a question came to. */
export type Answer<A> = { readonly kind: 'answer'; readonly value: A; /** From the question being sent, in ms. */ readonly took: number } | Ended;

/** Why there is no answer. */
export type Ended = { readonly kind: 'overtaken' } | { readonly kind: 'failed'; readonly why: string };

/** Sends one request of a question. */
export type Send = <Q, A>(call: Call<Q, A>, message: Q) => Promise<A>;

interface Question {
  readonly lane: string;
  /** Resolves to what tells the answer. */
  readonly run: (send: Send) => Promise<() => void>;
  readonly end: (e: Ended) => void;
  /** It was given up. */
  over: boolean;
}

const overtaken: Ended = { kind: 'overtaken' };

export class Asker<W> {
  /** What the module said of itself when it was started last; null until then. */
  welcome: W | null = null;
  private link: Promise<Link> | null = null;
  private running: Question | null = null;
  private readonly waiting = new Map<string, Question>();
  /** When the request under way was sent; 0 for none. */
  private since = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** patience is in ms. The module is refused when it does not know hello: it is of another build. */
  constructor(private readonly start: () => Promise<Transport>, private readonly hello: Call<object, W>, private readonly patience = 1000) {}

  /** A question that is one request. */
  ask<Q, A>(call: Call<Q, A>, message: Q, lane = ''): Promise<Answer<A>> {
    return this.work(send => send(call, message), lane);
  }

  /** A question that takes several requests, all of them by `send`. */
  work<A>(work: (send: Send) => Promise<A>, lane = ''): Promise<Answer<A>> {
    return new Promise(answer => {
      this.waiting.get(lane)?.end(overtaken);
      this.waiting.set(lane, {
        lane, end: answer, over: false,
        run: async send => {
          const from = performance.now(), value = await work(send), took = performance.now() - from;
          return () => answer({ kind: 'answer', value, took });
        },
      });
      if (this.running === null) void this.answerAll();
      else this.hurry();
    });
  }

  /** Starts the module, so that the first answer comes soon. */
  warm(): void {
    this.open().catch(() => {}); // the question that comes next tells it
  }

  /** The module is there and has nothing to do. */
  get idle(): boolean { return this.welcome !== null && this.link !== null && this.running === null; }

  /** Gives up all that was asked; the answers are 'overtaken'. */
  cancel(): void {
    for (const q of this.waiting.values()) q.end(overtaken);
    this.waiting.clear();
    if (this.running === null) return;
    this.running.over = true;
    this.running.end(overtaken);
    if (this.since !== 0) this.drop();
  }

  /** Ends the Worker; the next question starts another. */
  drop(): void {
    const link = this.link;
    this.link = null;
    void link?.then(l => l.transport.close(), () => {});
  }

  close(): void {
    this.cancel();
    this.drop();
  }

  private async answerAll(): Promise<void> {
    for (let q = this.first(); q !== undefined; q = this.first()) {
      this.waiting.delete(q.lane);
      this.running = q;
      const tell = await this.one(q);
      this.running = null; // before it is told: whoever hears it may ask on
      tell();
    }
  }
  private first(): Question | undefined { return this.waiting.values().next().value; }

  private async one(q: Question): Promise<() => void> {
    const opened = this.open(), gone = () => q.over || this.link !== opened;
    try {
      const link = await opened;
      return await q.run(async (call, message) => {
        if (gone() || this.waiting.has(q.lane)) throw new Overtaken();
        return await this.send(link, call, message);
      });
    } catch (e) {
      if (e instanceof Overtaken || gone()) return () => q.end(overtaken);
      this.drop(); // a Worker that failed once is not asked again
      return () => q.end({ kind: 'failed', why: e instanceof Error ? e.message : String(e) });
    }
  }

  private async send<Q, A>(link: Link, call: Call<Q, A>, message: Q): Promise<A> {
    this.since = performance.now();
    try {
      return await link.ask(call, 0, message);
    } finally {
      this.since = 0;
      clearTimeout(this.timer);
      this.timer = undefined;
    }
  }

  private open(): Promise<Link> { return this.link ??= this.begin(); }

  private async begin(): Promise<Link> {
    const link = new Link(await this.start());
    try {
      this.welcome = await link.ask(this.hello, 0, {});
    } catch (e) {
      link.transport.close();
      throw e;
    }
    return link;
  }

  /** A newer question of the lane waits: end the present request when its time is up. */
  private hurry(): void {
    if (this.since === 0 || this.timer !== undefined || !this.waiting.has(this.running?.lane ?? '')) return;
    this.timer = setTimeout(() => this.drop(), Math.max(0, this.patience - (performance.now() - this.since)));
  }
}

/** A newer question of the same lane waits, or the Worker was ended. */
class Overtaken extends Error {}
