/**
 * Asks the verifier's module for traces. It takes a Worker of its own, so that
 * verdicts while typing do not wait for it. The newest question wins.
 *
 *     const c = new TraceClient(verifierInWorker(workerURL, wasmURL));
 *     const a = await c.ask({ source, program: 0, options: { ...defaultVerify, level: 2 } }, n => show(n));
 *     if (a.kind === 'trace') a.trace.step(0);
 */
import type { Source } from '../engine/api';
import { Link, wireSource } from '../engine/client';
import type { Transport } from '../engine/transport';
import { traceBytesCall, traceMoreCall, traceStartCall, type InsnEdit, type Override, type TraceProgress, type Verified, type VerifyOptions } from '../engine/zprotocol';
import { unbounded, type Bounds } from './decoder';
import { place, type Loc } from './state';
import { Trace } from './trace';

/** What if: other bounds before a step. Limits that are not given follow from those that are. */
export interface WhatIf {
  readonly step: number;
  readonly loc: Loc;
  readonly set: Partial<Pick<Bounds, 'umin' | 'umax' | 'smin' | 'smax' | 'value' | 'mask'>>;
}

export interface TraceQuestion {
  readonly source: Source;
  readonly program: number;
  readonly options: VerifyOptions;
  /** Bytes of steps to keep at most; left out: 20 MiB. */
  readonly limit?: number;
  readonly whatIf?: readonly WhatIf[];
  /** Other instructions at slots: 8 bytes, a wide load 16. */
  readonly edits?: readonly InsnEdit[];
}

export type TraceAnswer =
  /** trace is null when there was nothing to verify: the verdict says why. bytes can be kept, mailed, parsed again. */
  | { readonly kind: 'trace'; readonly trace: Trace | null; readonly verdict: Verified; readonly bytes: Uint8Array }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly why: string };

/** Bytes asked for at a time. */
const part = 1 << 20;
/** Size of a trace for which the module needed much more memory than for others. */
const large = 4 << 20;

export class TraceClient {
  private link: Promise<Link> | null = null;
  private asked = 0;
  private busy: Promise<unknown> = Promise.resolve();

  constructor(private readonly start: () => Promise<Transport>) {}

  /** progress is told how many instructions were processed, about 30 times a second. */
  ask(q: TraceQuestion, progress?: (processed: number) => void): Promise<TraceAnswer> {
    const mine = ++this.asked;
    // One after the other: the module has one trace at a time, and an older
    // question ends at its next slice.
    const answer = this.busy.then(() => this.one(q, mine, progress));
    this.busy = answer;
    return answer;
  }

  /** Gives up what is under way; its answer is 'overtaken'. */
  cancel(): void { this.asked++; }

  close(): void {
    this.cancel();
    this.drop();
  }

  private async one(q: TraceQuestion, mine: number, progress?: (processed: number) => void): Promise<TraceAnswer> {
    const overtaken = (): boolean => mine !== this.asked;
    if (overtaken()) return { kind: 'overtaken' };
    try {
      const link = await (this.link ??= this.start().then(t => new Link(t)));
      let p: TraceProgress = await link.ask(traceStartCall, 0, {
        source: wireSource(q.source), program: q.program, options: q.options, limit: q.limit ?? 0,
        overrides: (q.whatIf ?? []).map(wire), edits: q.edits ?? [],
      });
      while (p.running) {
        if (overtaken()) return { kind: 'overtaken' };
        progress?.(p.processed);
        p = await link.ask(traceMoreCall, 0, {});
      }
      const bytes = new Uint8Array(p.size);
      for (let at = 0; at < p.size;) {
        const got = (await link.ask(traceBytesCall, 0, { offset: at, length: part })).bytes;
        if (overtaken()) return { kind: 'overtaken' };
        if (got.length === 0) throw new Error('the trace ended too early');
        bytes.set(got, at);
        at += got.length;
      }
      // Memory of a module never shrinks: one that was large is given up.
      if (p.size > large) this.drop();
      if (overtaken() || p.verdict === null) return { kind: 'overtaken' };
      return { kind: 'trace', trace: p.size === 0 ? null : Trace.parse(bytes), verdict: p.verdict, bytes };
    } catch (e) {
      this.drop(); // a Worker that failed once is not asked again
      return overtaken() ? { kind: 'overtaken' } : { kind: 'failed', why: e instanceof Error ? e.message : String(e) };
    }
  }

  private drop(): void {
    const link = this.link;
    this.link = null;
    void link?.then(l => l.transport.close(), () => {});
  }
}

function wire(w: WhatIf): Override {
  const p = place(w.loc);
  const b = { ...unbounded, ...w.set };
  return {
    step: w.step, frame: p.frame, reg: p.kind === 'reg' ? p.reg : p.kind === 'slot' ? -1 - p.slot : -1000,
    umin: b.umin, umax: b.umax, smin: BigInt.asUintN(64, b.smin), smax: BigInt.asUintN(64, b.smax), value: b.value, mask: b.mask,
  };
}
