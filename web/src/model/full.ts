/**
 * Runs at full speed: compiled to WebAssembly, without steps. The step that the
 * student is at stays where it is; what the run left is shown in its place
 * until something is stepped.
 */
import { defaultOptions, type LoadProgress, type Source } from '../engine/api';
import type { Facts } from '../engine/verdict';
import type { FullSpeed, Pace, Ran, Work } from '../jit/run';
import { keep } from '../offline/keep';
import type { Busy, Model } from './model';
import type { Moving } from './moving';
import { sourceOf } from './program';
import type { Verdicts } from './verdict';

export interface FullRun {
  readonly ran: Ran;
  readonly repeat: number;
  /** Accesses that were checked although the verifier has proved the others; null: each was. */
  readonly checked: number | null;
  /** null: a run does not end, or it is not known yet, see `measuring`. */
  readonly pace: Pace | null;
  readonly measuring: boolean;
}

/** Below this many ms nothing is said about a run. */
const patience = 300;

export class Full {
  /** How often each packet or event is run. */
  repeat = 1;
  private engine: FullSpeed | null = null;
  private ready = false;
  private stop: AbortController | null = null;
  /** What the page is told to be busy with. */
  private said: Busy | null = null;

  constructor(private readonly m: Model, private readonly moving: Moving, private readonly verdicts: Verdicts) {}

  /** Runs what is loaded, from the first packet or event to the last. */
  async run(): Promise<void> {
    const m = this.m;
    this.stop?.abort();
    const stop = this.stop = new AbortController();
    let last = () => stop === this.stop;
    try {
      const engine = await this.load(words => this.say(words));
      await this.moving.gate;
      const facts = await this.facts();
      const source = sourceOf(m.program), here = m.step;
      if (source === null || here === null || m.stale || !last()) return;
      last = () => stop === this.stop && here === m.step;
      const work = this.work(source, facts);
      const from = performance.now();
      const r = await engine.run(work, {
        signal: stop.signal,
        onProgress: (runs, part) => {
          if (!last()) stop.abort(); // something was stepped
          else if (performance.now() - from > patience) this.say(`Running at full speed: ${runs.toLocaleString('en')} runs`, part, () => stop.abort());
        },
      });
      if (!last()) return;
      if (!r.ok) {
        m.tell(`It could not be run at full speed: ${r.problems[0]?.message ?? 'no reason was given'}.`);
        return;
      }
      await this.moving.follow(r.value.session, r.value.view);
      if (!last()) return;
      m.full = { ran: r.value, repeat: work.repeat, checked: r.value.proved ? checks(facts) : null, pace: null, measuring: r.value.view.state === 'exited' };
      m.notice = '';
      m.changed();
      if (m.full.measuring) void this.measure(engine, work);
    } catch (e) {
      this.close();
      if (last()) m.tell(`The compiler stopped: ${e instanceof Error ? e.message : String(e)}`);
    } finally {
      if (stop === this.stop) this.say(null);
    }
  }

  /** Shows the step again. */
  async leave(): Promise<void> {
    const m = this.m;
    this.stop?.abort();
    m.full = null;
    if (m.session !== null && m.view !== null) await this.moving.follow(m.session, m.view);
    m.changed();
  }

  private async measure(engine: FullSpeed, w: Work): Promise<void> {
    const m = this.m, shown = m.full;
    const pace = await engine.measure(w, () => m.full === shown).catch(() => null); // a later run tells that the engine is gone
    if (shown === null || m.full !== shown) return;
    m.full = { ...shown, pace, measuring: false };
    m.changed();
  }

  /** Gets everything ready for a run, unless the browser is to save data: the module, and the program in it. */
  async warm(): Promise<void> {
    const saves = (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
    const m = this.m, program = m.program, source = sourceOf(program);
    if (saves || source === null || m.view === null || m.stale || m.engineState !== 'ready') return;
    try {
      const engine = await this.load(() => {}), facts = await this.facts();
      if (program === m.program && !m.stale) await engine.prepare(this.work(source, facts));
    } catch {
      this.close(); // a run tries again, and says what is wrong
    }
  }

  /** Ends the compiler; the next run starts another. */
  close(): void {
    this.engine?.close();
    this.engine = null;
    this.ready = false;
  }

  private facts(): Promise<Facts | null> { return this.verdicts.facts(this.m.options.cpus ?? defaultOptions.cpus); }

  private work(source: Source, facts: Facts | null): Work {
    const m = this.m;
    return { source, program: m.chosen, input: m.input, options: m.options, maps: m.maps, repeat: this.repeat, facts };
  }

  private async load(say: (words: string) => void): Promise<FullSpeed> {
    if (!this.ready) say('Loading the compiler');
    if (this.engine === null) {
      const [{ FullSpeed, fullSpeedInWorker }] = await Promise.all([import('../jit/run'), import('../play/full')]);
      this.engine ??= new FullSpeed(fullSpeedInWorker());
    }
    const mb = (p: LoadProgress) => p.phase === 'download' ? `Loading the compiler: ${(p.loaded / 1e6).toFixed(1)} MB so far` : 'Starting the compiler';
    const engine = this.engine;
    await engine.ready(p => say(mb(p)));
    this.ready = true;
    // From now on it works offline too.
    keep(new URL(SKEP_RUN, import.meta.url));
    return engine;
  }

  private say(words: string | null, part: number | null = null, cancel: (() => void) | null = null): void {
    if (words === null && this.m.busy !== this.said) return; // somebody else's
    this.m.busy = this.said = words === null ? null : { words, part, cancel };
    this.m.changed();
  }
}

/** How many accesses that are reached the facts leave to be checked. */
function checks(f: Facts | null): number {
  const dead = new Set(f?.dead);
  return f?.checked.filter(slot => !dead.has(slot)).length ?? 0;
}
