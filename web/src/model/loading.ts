/**
 * Programs, packets and options into the engine. A later call overtakes an
 * earlier one; what fails leaves the last good state in place, marked stale.
 */
import type { Engine, Input, MapInit, Problem, RunOptions, Source } from '../engine/api';
import { applyView } from './address';
import { compile } from './compile';
import type { Model } from './model';
import type { Moving } from './moving';
import { edited, needsCompiler, sourceOf, type Program } from './program';
import { Scout, unknown } from './scout';

/** A whole situation, as a link or an example gives it. */
export interface Situation {
  readonly program: Program;
  readonly input: Input;
  readonly maps: readonly MapInit[];
  readonly options: Partial<RunOptions>;
  readonly entry: string;
  readonly step: number;
  readonly breakpoints: readonly number[];
  readonly about?: string;
  readonly hint?: string;
  /** Of a link: LinkState.view. */
  readonly view?: string;
}

/** Rest after a keystroke before the text is assembled. */
const rest = 120;

export class Loading {
  private turn = 0;
  private timer = 0;
  private scout: Scout | null = null;
  private compiling: AbortController | null = null;
  /** Index of the program that was chosen; a tail call may show another. */
  private program = 0;

  constructor(private readonly m: Model, private readonly moving: Moving) {}

  /** The engine is there: load what is waiting. */
  async begin(engine: Engine): Promise<void> {
    this.m.engine = engine;
    this.m.engineState = 'ready';
    this.scout = new Scout(engine);
    this.m.changed();
    await this.load(this.pendingStep);
  }
  private pendingStep = 0;

  async open(s: Situation): Promise<void> {
    const m = this.m;
    Object.assign(m, {
      program: s.program, input: s.input, maps: s.maps, options: s.options, entry: s.entry, about: s.about ?? '', hint: s.hint ?? '',
      breakpoints: new Set(s.breakpoints), watched: s.view === undefined ? null : applyView(m, s.view), selected: -1, before: null, notice: '', problems: [], inputProblems: [],
    });
    m.view = m.listing = null;
    m.outlook = unknown;
    m.stale = false;
    m.changed();
    this.pendingStep = s.step;
    if (m.engine !== null) await this.load(s.step);
  }

  /** The text in the editor changed. */
  edit(text: string): void {
    const m = this.m;
    if (m.program.text === text) return;
    m.program = edited(m.program, text);
    m.order = null;
    m.changed();
    clearTimeout(this.timer);
    if (m.program.lang !== 'asm') return; // C waits for Ctrl+Enter
    this.timer = window.setTimeout(() => void this.load(m.view?.step ?? 0), rest);
  }

  editInput(input: Input): void {
    const m = this.m;
    m.input = input;
    m.order = null;
    m.changed();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.start(m.view?.step ?? 0), rest);
  }

  async setOptions(o: Partial<RunOptions>): Promise<void> {
    this.m.options = { ...this.m.options, ...o };
    await this.start(0);
  }

  /** Another program of the same object. */
  async choose(name: string): Promise<void> {
    this.m.entry = name;
    await this.load(0);
  }

  /** Compile C if it changed; false when that failed. */
  async compile(): Promise<boolean> {
    const m = this.m;
    if (!needsCompiler(m.program)) return true;
    this.compiling?.abort();
    const stop = this.compiling = new AbortController(), text = m.program.text;
    m.busy = { words: 'Compiling with clang', part: null, cancel: () => stop.abort() };
    m.changed();
    try {
      const r = await compile(text, stop.signal);
      if (!r.ok) {
        this.refuse(r.problems);
        return false;
      }
      if (m.program.text === text) m.program = { ...m.program, object: r.object, compiled: text };
      await this.load(0, r.problems);
      return true;
    } catch (e) {
      if (!stop.signal.aborted) m.tell(`Compiling failed: ${e instanceof Error ? e.message : String(e)}`);
      return false;
    } finally {
      if (this.compiling === stop) {
        this.compiling = null;
        m.busy = null;
        m.changed();
      }
    }
  }

  private refuse(problems: readonly Problem[]): void {
    this.m.problems = problems;
    this.m.stale = this.m.view !== null;
    this.m.changed();
  }

  /** Program into the engine, then its packets. */
  async load(step: number, warnings: readonly Problem[] = []): Promise<void> {
    if (this.m.engine === null) return;
    const source = sourceOf(this.m.program);
    if (source !== null) {
      await this.closed(this.put(source, step, warnings));
    } else if (await this.compile()) { // C from a link: nobody had compiled it yet
      await this.moving.seek(step, false);
    }
  }

  /** Packets and options into the machine; stays at `step` if it exists. */
  async start(step: number): Promise<void> {
    await this.closed(this.begun(step, ++this.turn));
  }

  /** Movements wait for what is being loaded: until then the engine has nothing to move. */
  private async closed(work: Promise<void>): Promise<void> {
    this.moving.gate = work;
    await work;
  }

  private async put(source: Source, step: number, warnings: readonly Problem[]): Promise<void> {
    const m = this.m, turn = ++this.turn;
    m.full = null;
    if (m.engine === null) return;
    try {
      m.session ??= m.engine.session();
      let r = await m.session.load(source);
      if (turn !== this.turn) return;
      if (r.ok && m.entry !== '') {
        const i = r.value.programs.findIndex(p => p.name === m.entry);
        if (i >= 0 && i !== r.value.program) r = await m.session.choose(i);
        if (turn !== this.turn) return;
      }
      if (!r.ok) {
        this.refuse(r.problems);
        return;
      }
      m.problems = [...warnings, ...r.problems];
      m.listing = r.value;
      m.breakpoints = new Set([...m.breakpoints].filter(pc => m.insnAt(pc) >= 0));
      await m.session.setBreakpoints([...m.breakpoints]);
      this.program = r.value.program;
      await this.begun(step, turn);
    } catch (e) {
      this.died(e);
    }
  }

  private async begun(step: number, turn: number): Promise<void> {
    const m = this.m;
    m.full = null;
    const s = m.session;
    if (s === null || m.engine === null || m.listing === null) return;
    try {
      const listed = m.input.kind === 'events' ? { ok: true, value: [] } as const : m.engine.packets(m.input);
      const [packets, r] = await Promise.all([listed, s.start(m.input, m.options, m.maps)]);
      if (turn !== this.turn) return;
      m.inputProblems = r.ok ? r.problems.filter(p => p.where !== 'source') : r.problems;
      if (packets.ok) m.packets = packets.value;
      if (!r.ok) {
        m.stale = m.view !== null;
        m.changed();
        return;
      }
      let view = r.value;
      if (step > 0) view = await s.seek(step);
      if (turn !== this.turn) return;
      await this.moving.follow(s, view);
      m.stale = false;
      m.outlook = unknown;
      this.moving.show(view);
      this.moving.moved(false);
      void this.lookAhead(turn);
    } catch (e) {
      this.died(e);
    }
  }

  private async lookAhead(turn: number): Promise<void> {
    const m = this.m, source = sourceOf(m.program);
    if (this.scout === null || source === null || m.listing === null) return;
    try {
      const seen = await this.scout.look(source, this.program, m.input, m.options, m.maps);
      if (turn !== this.turn) return;
      m.outlook = seen;
      m.changed();
    } catch { /* overtaken by another look, or the engine is gone, which is told elsewhere */ }
  }

  private died(e: unknown): void {
    this.m.engineState = 'failed';
    this.m.engineError = e instanceof Error ? e.message : String(e);
    this.m.changed();
  }
}
