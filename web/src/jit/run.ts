/**
 * Runs at full speed: the page's side of wasm/run, the engine with a compiler.
 * A module and a Worker of its own, started when the first run is asked for or
 * seems likely: `prepare` does all of a run but the run.
 * What a run left is shown by the session that ran it, like any step.
 *
 *     const f = new FullSpeed(fullSpeedInWorker());
 *     const r = await f.run({ source, program, input, options, maps, facts, repeat: 1_000_000 });
 *     if (r.ok) r.value.view;
 */
import type { Input, LoadProgress, MapInit, Result, RunOptions, Session, Source, View } from '../engine/api';
import { ClientSession, Link } from '../engine/client';
import { moduleInWorker, type Transport } from '../engine/transport';
import { fullMeasureCall, fullRunCall, fullStartCall, type Facts, type FullMoved } from '../engine/zprotocol';

/** What is to be run. */
export interface Work {
  readonly source: Source;
  /** Index into Listing.programs. */
  readonly program: number;
  readonly input: Input;
  readonly options: Partial<RunOptions>;
  readonly maps: readonly MapInit[];
  /** What the verifier has proved of the program, which needs few checks then; null is nothing. */
  readonly facts: Facts | null;
  /** How often each packet or event is run, in the memory as the run before left it. */
  readonly repeat: number;
}

export interface Ran {
  /** Holds what `view` shows of. */
  readonly session: Session;
  readonly view: View;
  /** That have ended, over all packets or events. */
  readonly runs: number;
  /** Time of the code, in ms; as coarse as the browser's clock. */
  readonly took: number;
  /** From the question to the first result, in ms. */
  readonly first: number;
  /** Of WebAssembly that the programs became. */
  readonly bytes: number;
  /** The facts were about the program that ran. */
  readonly proved: boolean;
  /** Lines of bpf_printk and records that were too many to keep. */
  readonly lost: number;
}

/** ns of one run, on average over the first packets or events. */
export interface Pace { readonly compiled: number; readonly interpreted: number }

export interface Watching {
  readonly signal?: AbortSignal;
  /** After each slice: runs that have ended, and how far that is, 0..1. */
  readonly onProgress?: (runs: number, part: number) => void;
}

/** Slices aim at this many ms, as those of client.ts. */
const sliceTime = 10;
const firstFuel = 100_000, mostFuel = 50_000_000;

/** How often a new module does what it prepares: V8 makes better code of what it has seen some times. */
const rehearsals = 5;

/** A browser's clock may be this coarse, in ns: shorter times say nothing. */
const clockTime = 1e6;
/** A measurement takes this long, in ns, and the best of some counts: others use the machine too. */
const measureTime = 4e6, rounds = 5, mostRuns = 1 << 22;

export const fullSpeedInWorker = () => moduleInWorker('skep full speed', SKEP_RUN);

export class FullSpeed {
  private link: Promise<Link> | null = null;
  /** What the last run is shown of. */
  private shown: Begun | null = null;
  /** What the next run is prepared with. */
  private prepared: Begun | null = null;
  private preparing: Promise<void> = Promise.resolve();
  private rehearsals = rehearsals;
  /** A run waits for what is being prepared. */
  private wanted = false;

  constructor(private readonly start: (onProgress?: (p: LoadProgress) => void) => Promise<Transport>) {}

  /** Starts the module; a run waits for it. Rejects when it cannot be had. */
  async ready(onProgress?: (p: LoadProgress) => void): Promise<void> { await this.open(onProgress); }

  /** Runs to the end of the last packet or event, or to where it is stopped. */
  async run(w: Work, o: Watching = {}): Promise<Result<Ran>> {
    const link = await this.open();
    this.wanted = true;
    await this.preparing;
    this.wanted = false;
    const from = performance.now();
    const begun = await begin(link, this.take(w), w);
    if (!begun.ok) return begun;
    const { session } = begun.value;
    const started = await session.ask(fullStartCall, { repeat: w.repeat, facts: w.facts });
    if (started.problems.length > 0) return { ok: false, problems: started.problems };
    this.shown = begun.value;
    const { moved, first } = await toEnd(session, w.repeat, o);
    const { view, runs, nanos, lost } = moved;
    return { ok: true, problems: [], value: { session, view, runs: Number(runs), took: Number(nanos) / 1e6, first: first - from, bytes: started.bytes, proved: started.proved, lost } };
  }

  /** Loads and compiles a program for a run that may come: V8 then has the engine's code for it too. */
  prepare(w: Work): Promise<void> {
    const had = this.prepared ?? this.shown;
    if (had !== null && fits(had, w)) return this.preparing;
    return this.preparing = this.preparing.then(async () => {
      const link = await this.open();
      const begun = await begin(link, this.prepared, w);
      this.prepared = begun.ok ? begun.value : null;
      if (!begun.ok) return;
      const { session } = begun.value;
      do {
        const started = await session.ask(fullStartCall, { repeat: 1, facts: w.facts });
        if (started.problems.length > 0) return;
        await session.ask(fullRunCall, { fuel: firstFuel, stop: true });
      } while (--this.rehearsals > 0 && !this.wanted && (await begin(link, begun.value, w)).ok);
    }).catch(() => { this.prepared = null; }); // the run says what is wrong
  }

  /** A session for a run, if there is one that has the program already. */
  private take(w: Work): Begun | null {
    let had = this.shown;
    this.shown = null;
    if (this.prepared !== null && (had === null || !fits(had, w))) {
      had?.session.close();
      had = this.prepared;
      this.prepared = null;
    }
    return had;
  }

  /** How long a run takes, compiled and interpreted; null when one does not end, or `on` says that nobody wants to
   * know any more. Other runs are not disturbed. */
  async measure(w: Work, on: () => boolean = () => true): Promise<Pace | null> {
    const link = await this.open();
    const begun = await begin(link, null, w);
    if (!begun.ok) return null;
    const { session } = begun.value;
    try {
      const started = await session.ask(fullStartCall, { repeat: 1, facts: w.facts });
      if (started.problems.length > 0) return null;
      const compiled = await pace(session, true, on);
      const interpreted = compiled === null ? null : await pace(session, false, on);
      return compiled === null || interpreted === null ? null : { compiled, interpreted };
    } finally {
      session.close();
    }
  }

  /** Ends the Worker; the next run starts another. */
  close(): void {
    const link = this.link;
    this.link = this.shown = this.prepared = null;
    this.rehearsals = rehearsals;
    void link?.then(l => l.transport.close(), () => {});
  }

  private open(onProgress?: (p: LoadProgress) => void): Promise<Link> {
    if (this.link === null) {
      const link = this.link = this.start(onProgress).then(t => new Link(t));
      link.catch(() => { if (this.link === link) this.link = null; }); // the next run tries again
    }
    return this.link;
  }
}

/** A session with a program loaded. */
interface Begun { readonly session: ClientSession; readonly source: Source; readonly program: number }

/** Puts a program and its input into a session, the one that has the program already if there is one. */
async function begin(link: Link, had: Begun | null, w: Work): Promise<Result<Begun>> {
  let session = had?.session;
  if (session === undefined || had === null || !fits(had, w)) {
    session?.close();
    session = new ClientSession(link, link.newSession());
    const loaded = await session.load(w.source);
    if (!loaded.ok) return loaded;
    if (loaded.value.program !== w.program) {
      const chosen = await session.choose(w.program);
      if (!chosen.ok) return chosen;
    }
  }
  const started = await session.start(w.input, w.options, w.maps);
  return started.ok ? { ok: true, value: { session, source: w.source, program: w.program }, problems: started.problems } : started;
}

const fits = (b: Begun, w: Work): boolean => b.program === w.program && same(b.source, w.source);

const same = (a: Source, b: Source): boolean =>
  a.kind === 'asm' ? b.kind === 'asm' && a.text === b.text : b.kind === 'object' && a.bytes === b.bytes;

async function toEnd(s: ClientSession, repeat: number, o: Watching): Promise<{ readonly moved: FullMoved & { readonly view: View }; readonly first: number }> {
  let fuel = firstFuel, first = 0;
  for (;;) {
    const from = performance.now();
    const m = await s.ask(fullRunCall, { fuel, stop: o.signal?.aborted === true });
    const now = performance.now();
    if (first === 0) first = now;
    if (m.view !== null) return { moved: { ...m, view: m.view }, first };
    o.onProgress?.(Number(m.runs), Math.min(1, Number(m.runs) / (repeat * m.events)));
    fuel = Math.round(Math.min(mostFuel, fuel * 4, Math.max(firstFuel, fuel * sliceTime / Math.max(now - from, 0.5))));
  }
}

async function pace(s: ClientSession, compiled: boolean, on: () => boolean): Promise<number | null> {
  let runs = 1, best = Infinity;
  for (let n = 0; n < rounds;) {
    if (!on()) return null;
    const m = await s.ask(fullMeasureCall, { runs, compiled });
    if (m.runs === 0n) return null;
    const nanos = Number(m.nanos);
    if (nanos >= clockTime) best = Math.min(best, nanos / Number(m.runs));
    if (Math.min(best * runs, nanos) < measureTime && runs < mostRuns) runs *= 2;
    else n++;
  }
  return Number.isFinite(best) ? best : null;
}
