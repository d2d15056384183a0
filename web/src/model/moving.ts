/** Movements of the machine: every one ends in a new view. */
import type { MoveOptions, Session, View, Watch } from '../engine/api';
import type { Busy, Model } from './model';

/** Below this many ms nothing is said about a movement. */
const patience = 300;

export type Move = (s: Session, o: MoveOptions) => Promise<View>;

export class Moving {
  /** Called after each movement; a jump deserves an entry in the browser's history. */
  moved: (jump: boolean) => void = () => {};
  /** Resolves when the program that is being loaded can be moved. */
  gate: Promise<unknown> = Promise.resolve();
  private flying = 0;

  constructor(private readonly m: Model) {}

  async go(move: Move, jump = false, words = 'Running'): Promise<void> {
    const m = this.m;
    await this.gate;
    m.full = null;
    const s = m.session;
    if (s === null || m.view === null) return;
    const stop = new AbortController(), from = performance.now();
    this.flying++;
    try {
      const view = await move(s, {
        signal: stop.signal,
        onProgress: p => {
          if (performance.now() - from < patience) return;
          const part = p.events > 1 ? p.event / p.events : m.total > 0 ? Math.min(1, p.step / m.total) : null;
          this.say({ words: `${words}: step ${p.step.toLocaleString('en')}`, part, cancel: () => stop.abort() });
        },
      });
      if (s !== m.session) return; // another engine came meanwhile
      await this.follow(s, view);
      m.notice = stopped(view);
      this.show(view);
      this.moved(jump);
    } catch (e) {
      if (s === m.session) m.tell(`The engine stopped: ${e instanceof Error ? e.message : String(e)}`);
    } finally {
      this.flying--;
      if (this.flying === 0) this.say(null);
    }
  }

  /** A tail call may have gone to another program of the object: list that one. */
  async follow(s: Session, view: View): Promise<void> {
    const m = this.m;
    if (m.listing === null || view.program === m.listing.program) return;
    const r = await s.listing(view.program);
    if (r.ok) m.listing = r.value;
  }

  show(view: View): void {
    const m = this.m;
    m.before = m.view !== null && m.view.step + 1 === view.step ? m.view : null;
    m.view = view;
    m.changed();
    void this.refresh();
  }

  private say(b: Busy | null): void {
    if (this.m.busy === b) return;
    this.m.busy = b;
    this.m.changed();
  }

  step(): Promise<void> { return this.go(s => s.step()); }
  back(): Promise<void> { return this.go(s => s.back()); }
  over(): Promise<void> { return this.go((s, o) => s.stepOver(o)); }
  out(): Promise<void> { return this.go((s, o) => s.stepOut(o), true); }
  run(): Promise<void> { return this.go((s, o) => s.run(o), true); }
  runBack(): Promise<void> { return this.go((s, o) => s.runBack(o), true, 'Running back'); }
  start(): Promise<void> { return this.go((s, o) => s.seek(0, o), true); }
  end(): Promise<void> { return this.go((s, o) => s.seek(0xffffffff, o), true); }
  seek(step: number, jump = true): Promise<void> { return this.go((s, o) => s.seek(step, o), jump, 'Seeking'); }
  runTo(pc: number): Promise<void> { return this.go((s, o) => s.runTo(pc, o), true); }
  nextPacket(): Promise<void> { return this.go((s, o) => s.nextEvent(o), true); }
  prevPacket(): Promise<void> { return this.go((s, o) => s.prevEvent(o), true); }

  /** Ask about a value: who wrote it, and watch it from now on. */
  async watch(watch: Watch, name: string): Promise<void> {
    this.m.full = null; // only steps have origins
    this.m.watched = { watch, name, origin: null };
    this.m.changed();
    await this.refresh();
  }
  unwatch(): void {
    this.m.watched = null;
    this.m.changed();
  }
  nextChange(): Promise<void> { return this.change((s, w, o) => s.nextChange(w, o)); }
  prevChange(): Promise<void> { return this.change((s, w, o) => s.prevChange(w, o)); }
  private async change(f: (s: Session, w: Watch, o: MoveOptions) => Promise<View>): Promise<void> {
    const w = this.m.watched?.watch;
    if (w !== undefined) await this.go((s, o) => f(s, w, o), true, 'Searching');
  }
  /** To the step that gave the watched value what it has now. */
  async toOrigin(): Promise<void> {
    const o = this.m.watched?.origin;
    if (o !== null && o !== undefined && o.step >= 0) await this.seek(o.step);
  }

  private async refresh(): Promise<void> {
    const m = this.m, w = m.watched, view = m.view;
    if (w === null || m.session === null || m.full !== null) return;
    try {
      const origin = await m.session.lastWrite(w.watch);
      if (m.watched?.watch !== w.watch || m.view !== view) return;
      m.watched = { ...w, origin };
    } catch {
      m.watched = null; // its region is gone, or belongs to another run
    }
    m.changed();
  }

  async toggleBreakpoint(pc: number): Promise<void> {
    const set = new Set(this.m.breakpoints);
    if (!set.delete(pc)) set.add(pc);
    this.m.breakpoints = set;
    this.m.full = null;
    this.m.changed();
    await this.m.session?.setBreakpoints([...set]);
    this.moved(false);
  }
}

/** Why a movement ended where nobody asked it to. */
function stopped(v: View): string {
  switch (v.stop) {
    case 'breakpoint': return `Stopped at the breakpoint at instruction ${v.pc}.`;
    case 'budget': return 'Stopped: this packet used up its instruction budget. Options can raise it.';
    case 'cancelled': return 'Stopped where it was.';
    default: return '';
  }
}
