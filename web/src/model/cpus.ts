/**
 * Two or more CPUs at once: which events run, the order of their instructions,
 * and the search for an order that goes wrong.
 */
import { defaultOptions, type CPUAccess, type CPURun, type CPUsMoved, type CPUsView, type CPUTurn, type Explored, type Session } from '../engine/api';
import { sentence } from '../ui/words';
import type { Model } from './model';
import type { Order } from './order';

/** Instructions of a slice of the search: about 0.1 s. */
const slice = 200_000;
/** Switches at most that the search tries. */
const preemptions = 3;

/** What a lost update is made of: a read, another CPU's write, and the write that undoes it. */
export type Lost = readonly [read: CPUAccess, other: CPUAccess, write: CPUAccess];

export class Cpus {
  view: CPUsView | null = null;
  /** Result of the last search; null before the first. */
  explored: Explored | null = null;
  searching = false;
  problem = '';
  private stop = false;
  /** What the machine was started with: another program or input needs another one. */
  private started: unknown[] = [];
  private followed: Order | null = null;

  constructor(private readonly m: Model) {}


  /** The picture is of the program and input as they are now. */
  get fresh(): boolean { return this.view !== null && this.key().every((x, i) => x === this.started[i]); }
  private key(): unknown[] { return [this.m.session, this.m.listing, this.m.input]; }

  /** Starts with events[i] on CPU i, none of them having done anything. */
  async start(events: readonly number[]): Promise<void> {
    const m = this.m, program = m.listing?.program ?? 0;
    const runs: CPURun[] = events.map((event, cpu) => ({ cpu, program, event }));
    const options = { ...m.options, cpus: Math.max(runs.length, m.options.cpus ?? defaultOptions.cpus) };
    this.explored = this.m.order = null;
    this.started = this.key();
    await this.take(s => s.startCPUs(m.input, options, m.maps, runs));
  }
  /** To where a link leads, once the program is there. */
  async follow(): Promise<void> {
    const o = this.m.order;
    if (o === null || o === this.followed || this.m.view === null) return;
    this.followed = o;
    await this.start(o.events);
    await this.order(o.turns);
    await this.seek(o.step);
    this.m.order = o;
  }
  step(cpu: number, n = 1): Promise<void> { return this.take(s => s.cpuStep(cpu, n)); }
  seek(step: number): Promise<void> { return this.take(s => s.cpuSeek(Math.max(0, step))); }
  order(turns: readonly CPUTurn[]): Promise<void> { return this.take(s => s.cpuOrder(turns)); }

  /** Turn i goes before (d = -1) or behind its neighbour; what then belongs together is joined. */
  async shift(i: number, d: number): Promise<void> {
    const turns = [...this.view?.turns ?? []], t = turns[i], other = turns[i + d];
    if (t === undefined || other === undefined) return;
    turns[i] = other;
    turns[i + d] = t;
    await this.order(joined(turns));
  }
  /** Cuts a turn in two, or gives n instructions of it to the turn before. */
  async split(i: number, at: number): Promise<void> {
    const turns = [...this.view?.turns ?? []], t = turns[i];
    if (t === undefined || at <= 0 || at >= t.steps) return;
    turns.splice(i, 1, { cpu: t.cpu, steps: at }, { cpu: t.cpu, steps: t.steps - at });
    await this.order(turns);
  }

  /** Looks for the order with the fewest switches that leaves what no order of whole runs leaves. */
  async search(): Promise<void> {
    const s = this.m.session;
    if (s === null) return;
    this.searching = true;
    this.stop = false;
    this.m.changed();
    try {
      let r: Explored;
      do {
        r = await s.explore(preemptions, slice);
        this.explored = r;
        this.problem = r.problems.map(p => sentence(p.message)).join(' ');
        this.m.changed();
      } while (!r.done && !this.stop);
      if (r.found) await this.order(r.turns);
    } catch (e) {
      this.problem = e instanceof Error ? e.message : String(e);
    } finally {
      this.searching = false;
      this.m.changed();
    }
  }
  cancel(): void { this.stop = true; }
  end(): void {
    this.view = this.explored = null;
    this.problem = '';
    this.m.changed();
  }

  private async take(f: (s: Session) => Promise<CPUsMoved>): Promise<void> {
    const s = this.m.session;
    if (s === null) return;
    try {
      const a = await f(s);
      this.problem = a.problems.map(p => sentence(p.message)).join(' ');
      if (a.view !== null) this.view = a.view;
    } catch (e) {
      this.problem = e instanceof Error ? e.message : String(e);
    }
    this.m.changed();
  }
}

export function joined(turns: readonly CPUTurn[]): CPUTurn[] {
  const out: CPUTurn[] = [];
  for (const t of turns) {
    const last = out[out.length - 1];
    if (last?.cpu === t.cpu) out[out.length - 1] = { cpu: t.cpu, steps: last.steps === 0 || t.steps === 0 ? 0 : last.steps + t.steps };
    else out.push(t);
  }
  return out;
}

/** The first lost update among accesses: A reads x, B writes x, A writes x. */
export function lostUpdate(all: readonly CPUAccess[]): Lost | null {
  const same = (a: CPUAccess, b: CPUAccess) => a.where.region === b.where.region
    && a.where.offset < b.where.offset + b.where.length && b.where.offset < a.where.offset + a.where.length;
  for (const [i, read] of all.entries()) {
    if (!read.read || read.atomic) continue;
    let other: CPUAccess | null = null;
    for (const x of all.slice(i + 1)) {
      if (!same(read, x)) continue;
      if (x.cpu !== read.cpu) {
        if (x.write) other ??= x;
      } else if (x.read) break; // it has read again
      else if (x.write) {
        if (other !== null) return [read, other, x];
        break;
      }
    }
  }
  return null;
}
