/**
 * Everything one <skep-play> knows. Panes read it and call its methods; it
 * tells them when something changed. All state that a link holds is here.
 *
 * Read next: loading.ts (program and input into the engine), moving.ts.
 */
import type {
  Engine, Input, Insn, Listing, LoadProgress, MapInit, Packet, Problem, Provenance, RunOptions, Session, View, Watch,
} from '../engine/api';
import type { Compiler } from './compile';
import type { FullRun } from './full';
import type { Order } from './order';
import { emptyProgram, type Program } from './program';
import { readPrefs, writePrefs, type Prefs } from './prefs';
import { unknown, type Outlook } from './scout';

/** Something that takes time: its words, and how to stop it. */
export interface Busy {
  readonly words: string;
  /** 0..1, or null when the end is not known. */
  readonly part: number | null;
  readonly cancel: (() => void) | null;
}

/** A value that the student asked about. */
export interface Watched {
  readonly watch: Watch;
  /** "r3", "packet byte 23", "fp-8". */
  readonly name: string;
  readonly origin: Provenance | null;
}

export class Model {
  engine: Engine | null = null;
  engineState: 'loading' | 'ready' | 'failed' = 'loading';
  engineProgress: LoadProgress | null = null;
  engineError = '';
  /** The session whose state is shown: the one that is stepped, or that of a run at full speed. */
  get session(): Session | null { return this.full?.ran.session ?? this.stepper; }
  set session(s: Session | null) {
    this.full = null;
    this.stepper = s;
  }
  compiler: Compiler | null = null;

  program: Program = emptyProgram;
  input: Input = { kind: 'text', text: '' };
  maps: readonly MapInit[] = [];
  options: Partial<RunOptions> = {};
  /** Name of the chosen program of an object; "" = the first. */
  entry = '';
  /** What to watch for, of a gallery example. */
  about = '';
  hint = '';

  listing: Listing | null = null;
  /** What is shown: a step, or what a run at full speed left. Setting it shows a step. */
  get view(): View | null { return this.full?.ran.view ?? this.step; }
  set view(v: View | null) {
    this.full = null;
    this.step = v;
  }
  /** The step that the student is at, whatever is shown. */
  step: View | null = null;
  private stepper: Session | null = null;
  /** A run at full speed, while its results are shown in place of the step. */
  full: FullRun | null = null;
  /** The view before the last movement, when that was one step forward. */
  before: View | null = null;
  outlook: Outlook = unknown;
  packets: readonly Packet[] = [];
  /** In program and input; warnings too. */
  problems: readonly Problem[] = [];
  inputProblems: readonly Problem[] = [];
  /** What is shown is of an earlier text: the present one does not assemble. */
  stale = false;
  busy: Busy | null = null;
  /** One line that goes away with the next step: "link copied". */
  notice = '';

  breakpoints: ReadonlySet<number> = new Set();
  watched: Watched | null = null;
  /** Instruction that was chosen (slot), -1 for none. The choice ends with what it was made in, see settle. */
  selected = -1;
  /** It has the focus. */
  held = false;
  /** Source line pointed at (index into Listing.lines), -1. */
  pointed = -1;

  /** What is stepped: the run, the verifier's walk, the run inside it (src/verify), the run beside its machine code (src/machine). */
  mode: 'run' | 'verify' | 'both' | 'machine' = 'run';
  /** Step of the verifier's walk, "A.11"; "" = none was looked at. */
  at = '';
  /** Instruction at that step; -1. */
  walkPc = -1;
  /** The order of CPUs that a link led to; null when another one is looked at, or none. */
  order: Order | null = null;
  /** Which machine code is looked at, "arm64,checked" (src/machine/options.ts). */
  code = '';

  prefs: Prefs = readPrefs();

  private readonly listeners = new Set<() => void>();
  private waiting = false;
  private index = new Map<number, number>();
  private indexed: Listing | null = null;
  /** What was shown when everybody was told last. */
  private shown: { readonly listing: Listing | null; readonly mode: string; readonly pc: number; readonly step: number } = { listing: null, mode: '', pc: -1, step: -1 };

  subscribe(f: () => void): () => void {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }

  /** Tells everybody, once for all changes of this turn. */
  changed(): void {
    if (this.waiting) return;
    this.waiting = true;
    queueMicrotask(() => {
      this.waiting = false;
      this.settle();
      for (const f of this.listeners) f();
    });
  }

  /** Another program, step or mode ends the choice of an instruction, unless the focus is on it. */
  private settle(): void {
    const { listing, mode, view } = this, was = this.shown;
    if (view === null || (listing === was.listing && mode === was.mode && view.pc === was.pc && view.step === was.step)) return;
    this.shown = { listing, mode, pc: view.pc, step: view.step };
    if (!this.held || this.insnAt(this.selected) < 0) this.selected = -1;
  }

  setPrefs(p: Partial<Prefs>): void {
    this.prefs = { ...this.prefs, ...p };
    writePrefs(this.prefs);
    this.changed();
  }

  /** Index into listing.insns of a slot; -1. */
  insnAt(pc: number): number {
    if (this.listing === null) return -1;
    if (this.indexed !== this.listing) {
      this.indexed = this.listing;
      this.index = new Map(this.listing.insns.map((n, i) => [n.pc, i]));
    }
    return this.index.get(pc) ?? -1;
  }

  insn(pc: number): Insn | null {
    return this.listing?.insns[this.insnAt(pc)] ?? null;
  }

  /** 1..8 for the tint of a source line, 0 for none. */
  hue(line: number): number {
    return line < 0 ? 0 : 1 + (line % 8);
  }

  /** The instruction that all panes mark: of the run, or of the verifier's walk. */
  get now(): number { return this.mode === 'verify' ? this.walkPc : this.view?.pc ?? -1; }

  /** Index of the chosen program: a tail call may have listed another. */
  get chosen(): number {
    return this.program.lang === 'asm' ? 0 : Math.max(0, this.listing?.programs.findIndex(p => p.name === this.entry) ?? 0);
  }

  /** What one event of the run is called. */
  get noun(): string { return this.input.kind === 'events' ? 'run' : 'packet'; }

  /** What there is to run over, in a line each: packets, or what events run the programs. */
  get arrivals(): readonly string[] {
    if (this.input.kind !== 'events') return this.packets.map(p => p.summary);
    const { firings, events } = this.outlook.fired;
    return firings.map(f => `${events[f.source]?.text ?? ''} (${f.site})`);
  }

  /** Steps that the slider spans. */
  get total(): number {
    const v = this.step;
    return Math.max(this.outlook.total, v === null ? 0 : v.totalKnown ? v.total : v.step);
  }

  tell(notice: string): void {
    this.notice = notice;
    this.changed();
  }
}
