/**
 * A second session that runs the same program ahead to its end, so that the
 * page knows how long the run is and how each packet fares before the student
 * gets there. The student's own session is never disturbed.
 */
import type { Engine, FiringList, Input, MapInit, RunOptions, Session, Source, Verdict } from '../engine/api';

export interface Outlook {
  /** Number of the last step. */
  readonly total: number;
  /** False when the run was too long to be looked at whole. */
  readonly whole: boolean;
  readonly verdicts: readonly Verdict[];
  /** Step at which the run faults; -1. */
  readonly fault: number;
  /** Of a run over events: what each of them ran. */
  readonly fired: FiringList;
}

const none: FiringList = { firings: [], events: [] };
export const unknown: Outlook = { total: 0, whole: false, verdicts: [], fault: -1, fired: none };

/** Steps looked ahead at most. */
const horizon = 1_000_000;

export class Scout {
  private session: Session | null = null;
  private stop: AbortController | null = null;

  constructor(private readonly engine: Engine) {}

  /** Rejects with AbortError when `cancel` or another look comes first. */
  async look(source: Source, program: number, input: Input, options: Partial<RunOptions>, maps: readonly MapInit[]): Promise<Outlook> {
    this.cancel();
    const stop = this.stop = new AbortController();
    const s = this.session = this.engine.session();
    try {
      const loaded = await s.load(source);
      if (!loaded.ok) return unknown;
      if (program !== loaded.value.program) await s.choose(program);
      stop.signal.throwIfAborted();
      const started = await s.start(input, options, maps);
      if (!started.ok) return unknown;
      stop.signal.throwIfAborted();
      const v = await s.seek(horizon, { signal: stop.signal });
      stop.signal.throwIfAborted();
      const fired = input.kind === 'events' ? await s.firings() : none;
      stop.signal.throwIfAborted();
      const whole = v.stop === 'end' || v.state === 'faulted' || (v.state === 'exited' && v.event + 1 === v.events);
      return { total: v.step, whole, verdicts: v.verdicts, fault: v.fault === null ? -1 : v.step, fired };
    } finally {
      s.close();
      if (this.session === s) this.session = null;
    }
  }

  cancel(): void {
    this.stop?.abort();
    this.stop = null;
  }
}
