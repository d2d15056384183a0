/**
 * Asks the verifier's module for traces. It takes a Worker of its own, so that
 * verdicts while typing do not wait for it, see Asker: the newest question wins.
 *
 *     const c = new TraceClient(verifierInWorker());
 *     const a = await c.ask({ source, program: 0, options: { ...defaultVerify, level: 2 } }, n => show(n));
 *     if (a.kind === 'answer') a.value.trace?.step(0);
 */
import type { Source } from '../engine/api';
import { Asker, type Answer, type Send } from '../engine/asker';
import { wireSource } from '../engine/client';
import type { Transport } from '../engine/transport';
import { traceBytesCall, traceMoreCall, traceStartCall, verifyHelloCall, type InsnEdit, type Override, type TraceProgress, type Verified, type VerifyOptions } from '../engine/zprotocol';
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

/** trace is null when there was nothing to verify: the verdict says why. bytes can be kept, mailed, parsed again. */
export interface Traced { readonly trace: Trace | null; readonly verdict: Verified; readonly bytes: Uint8Array }

/** Bytes asked for at a time. */
const part = 1 << 20;
/** Size of a trace for which the module needed much more memory than for others. */
const large = 4 << 20;

export class TraceClient {
  private readonly asker;
  constructor(start: () => Promise<Transport>) { this.asker = new Asker(start, verifyHelloCall); }

  /** progress is told how many instructions were processed, about 30 times a second. */
  ask(q: TraceQuestion, progress?: (processed: number) => void): Promise<Answer<Traced>> {
    return this.asker.work(async send => {
      const t = await traced(send, q, progress);
      if (t.bytes.length > large) this.asker.drop(); // memory of a module never shrinks
      return t;
    });
  }

  /** Gives up what is under way; its answer is 'overtaken'. */
  cancel(): void { this.asker.cancel(); }
  close(): void { this.asker.close(); }
}

async function traced(send: Send, q: TraceQuestion, progress?: (processed: number) => void): Promise<Traced> {
  let p: TraceProgress = await send(traceStartCall, {
    source: wireSource(q.source), program: q.program, options: q.options, limit: q.limit ?? 0,
    overrides: (q.whatIf ?? []).map(wire), edits: q.edits ?? [],
  });
  while (p.running) {
    progress?.(p.processed);
    p = await send(traceMoreCall, {});
  }
  const bytes = new Uint8Array(p.size);
  for (let at = 0; at < p.size;) {
    const got = (await send(traceBytesCall, { offset: at, length: part })).bytes;
    if (got.length === 0) throw new Error('the trace ended too early');
    bytes.set(got, at);
    at += got.length;
  }
  if (p.verdict === null) throw new Error('the trace ended without a verdict');
  return { trace: p.size === 0 ? null : Trace.parse(bytes), verdict: p.verdict, bytes };
}

function wire(w: WhatIf): Override {
  const p = place(w.loc);
  const b = { ...unbounded, ...w.set };
  return {
    step: w.step, frame: p.frame, reg: p.kind === 'reg' ? p.reg : p.kind === 'slot' ? -1 - p.slot : -1000,
    umin: b.umin, umax: b.umax, smin: BigInt.asUintN(64, b.smin), smax: BigInt.asUintN(64, b.smax), value: b.value, mask: b.mask,
  };
}
