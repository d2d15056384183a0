/**
 * Where the reader is in the verifier's walk, and what was asked there. One for
 * each <skep-play>; the views of verify/ draw it and move it.
 */
import type { Insn, Listing } from '../engine/api';
import type { Privilege, Verified } from '../engine/verdict';
import type { Stage } from '../model/stage';
import { follow, type Spot } from './follow';
import type { Side } from './align';
import { traceOfLog } from './fromlog';
import { pathId, pathName, Paths } from './paths';
import { chainOf, type Link, type Way } from './provenance';
import { sideOf, verifyAs } from './probe';
import { reasonOf, type Reason } from './reason';
import type { FrameState, Place, State, Trace } from './types';
import { privilegeName } from '../panes/log';
import { meaning } from './words';

function traceOf(v: Verified): Trace {
  return traceOfLog(v.log === '' ? [] : v.log.replace(/\n$/, '').split('\n'), v.outcome === 'accepted' ? 'accepted' : v.outcome === 'rejected' ? 'rejected' : 'not_modelled', 0);
}

export class Walk {
  trace: Trace | null = null;
  paths: Paths | null = null;
  /** What it is a trace of. */
  verdict: Verified | null = null;
  path = 0;
  /** Instructions of the path that were processed: 0 is the entry. */
  n = 0;
  /** The value whose origin is shown, in the state at (path, n). */
  asked: Place | null = null;
  /** Registers are hidden until they are guessed. */
  predicting = false;
  /** Two walks that are shown side by side. */
  sides: readonly [Side, Side] | null = null;
  /** The walk before the last edit. */
  previous: Side | null = null;
  /** Where the run is on the verifier's paths; null when that is not known. */
  spot: Spot | null = null;
  followed = '';
  private release: (() => void) | null = null;
  private off: (() => void) | null = null;
  private wanted = '';
  private chains: { key: string; chain: readonly Link[] } | null = null;

  constructor(readonly stage: Stage) {}

  /** The views are there; they want a trace of what is in the editor. */
  begin(at: string): void {
    this.wanted = at;
    this.release = this.stage.verdicts.showLog();
    this.off = this.stage.model.subscribe(() => this.look());
    this.look();
  }
  end(): void {
    this.release?.();
    this.off?.();
    this.release = this.off = null;
  }

  private look(): void {
    const v = this.stage.verdicts.last;
    if (v !== this.verdict && v !== null && (v.log !== '' || v.outcome === 'not_modelled')) this.take(v);
    void this.followRun();
  }

  private listed: Listing | null = null;
  private side(name: string): Side {
    const l = this.listed, texts = new Map(l?.insns.map(i => [i.pc, i.text]));
    return sideOf(name, this.verdict!, this.trace!, this.paths!, pc => texts.get(pc) ?? '');
  }

  /** Shows this walk beside that of somebody else, or of the program before its last edit. */
  async compare(what: 'before' | Privilege): Promise<void> {
    const m = this.stage.model, s = this.stage.verdicts.subject(), v = this.verdict;
    if (v === null || s === null) return;
    const now = this.side(what === 'before' ? 'after it' : `as ${privilegeName(m.prefs.privilege)}`);
    if (what === 'before') {
      if (this.previous !== null) this.sides = [this.previous, now];
    } else {
      const other = await verifyAs(s.source, s.program, s.hook, what);
      if (typeof other === 'string') m.tell(`The other walk could not be had: ${other}.`);
      else if (v === this.verdict) this.sides = [now, { ...this.traced(`as ${privilegeName(what)}`, other), text: now.text }];
    }
    m.changed();
  }
  private traced(name: string, v: Verified): Side {
    const trace = traceOf(v);
    return sideOf(name, v, trace, new Paths(trace), () => '');
  }

  private take(v: Verified): void {
    const old = this.trace === null ? null : { path: this.path, n: this.n, end: this.n === this.last };
    if (this.verdict !== null && this.listed !== this.stage.model.listing) this.previous = this.side('before the edit');
    this.sides = null;
    this.listed = this.stage.model.listing;
    this.verdict = v;
    this.trace = traceOf(v);
    this.paths = new Paths(this.trace);
    this.asked = null;
    this.spot = null;
    this.followed = '';
    this.chains = null;
    if (this.wanted !== '' && this.goTo(this.wanted)) this.wanted = '';
    else if (v.outcome === 'rejected') this.toRefusal();
    else if (old !== null && old.path < this.trace.paths.length) this.put(old.path, old.end ? Infinity : old.n);
    else this.put(0, 0);
  }

  // ------------------------------------------------------------ what is here

  get length(): number { return this.paths?.length(this.path) ?? 0; }
  get last(): number { return Math.max(0, this.length - 1); }
  get id(): string { return `${pathName(this.path)}.${this.n}`; }
  /** Number of the step that is about to be processed; -1 behind the last. */
  get step(): number { return this.paths?.stepAt(this.path, this.n) ?? -1; }
  get pc(): number {
    const s = this.step;
    return s >= 0 ? this.trace!.pcOf(s) : -1;
  }
  get lastPc(): number { return this.n === 0 ? -1 : this.pcAt(this.path, this.n - 1); }
  get state(): State | null { return this.stateAt(this.path, this.n); }
  get before(): State | null { return this.n === 0 ? null : this.stateAt(this.path, this.n - 1); }
  get frame(): FrameState | null { return this.state?.frames.at(-1) ?? null; }
  get insn(): Insn | null { return this.stage.model.insn(this.pc); }
  /** The state that is looked at was covered: the path ends here. */
  get covered(): boolean { return this.trace?.paths[this.path]?.end === 'covered' && this.n === this.last; }
  /** The refused instruction is the one that is looked at. */
  get refused(): boolean {
    const p = this.trace?.paths[this.path];
    return p?.end === 'refused' && this.n === this.last;
  }

  pcAt(path: number, n: number): number { return this.trace?.pcOf(this.paths!.stepAt(path, n)) ?? -1; }
  stateAt(path: number, n: number): State | null {
    const t = this.trace, p = this.paths;
    if (t === null || p === null) return null;
    const s = p.stepAt(path, n);
    return s >= 0 ? t.state(s) : null;
  }

  way(path: number): Way {
    return {
      length: this.paths!.length(path),
      stepAt: n => this.paths!.stepAt(path, n), pcAt: n => this.pcAt(path, n), state: n => this.stateAt(path, n), insn: pc => this.stage.model.insn(pc),
    };
  }

  /** From the value that was asked about back to its beginning. */
  get chain(): readonly Link[] {
    if (this.asked === null || this.paths === null) return [];
    const key = `${this.id} ${JSON.stringify(this.asked)}`;
    if (this.chains?.key !== key) this.chains = { key, chain: chainOf(this.way(this.path), this.n, this.asked, meaning) };
    return this.chains.chain;
  }

  /** The value that was asked about is the one that the refusal is about. */
  get explained(): boolean { return this.refused && this.asked?.kind === 'reg' && this.asked.reg === this.reason?.reg; }

  get reason(): Reason | null {
    const v = this.verdict;
    if (v === null || v.outcome !== 'rejected') return null;
    const path = this.trace!.paths.findIndex(p => p.end === 'refused');
    const n = Math.max(0, (this.paths?.length(path) ?? 0) - 1), insn = this.stage.model.insn(v.pc >= 0 ? v.pc : this.pcAt(path, n));
    return reasonOf({ errors: v.errors, state: this.stateAt(path, n), bytes: insn?.bytes ?? null, processed: v.processed });
  }

  // ------------------------------------------------------------ moving

  private put(path: number, n: number): void {
    this.path = path;
    this.n = Math.max(0, Math.min(n, this.last));
    this.stage.model.at = this.id;
    this.stage.model.walkPc = this.pc;
  }
  private moved(): void {
    const insn = this.insn;
    this.stage.model.selected = -1;
    if (insn !== null) this.stage.model.pointed = insn.line;
    this.stage.model.changed();
  }
  go(path: number, n: number): void {
    this.put(path, n);
    this.moved();
  }
  /** "A.11"; false when there is no such step. */
  goTo(id: string): boolean {
    const m = /^([A-Z]+)\.(\d+)$/.exec(id), path = m === null ? -1 : pathId(m[1]!);
    if (path < 0 || this.trace === null || path >= this.trace.paths.length) return false;
    this.put(path, Number(m![2]));
    this.moved();
    return true;
  }
  /** To a step by its number; stays on the path when the step is on it. */
  goStep(step: number): void {
    if (this.paths === null || step < 0) return;
    const on = this.paths.indexOf(this.path, step);
    const path = on >= 0 ? this.path : this.trace!.pathOf(step);
    this.go(path, on >= 0 ? on : this.paths.indexOf(path, step));
  }
  forward(): void { this.go(this.path, this.n + 1); }
  back(): void { this.go(this.path, this.n - 1); }
  toStart(): void { this.go(this.path, 0); }
  toEnd(): void { this.go(this.path, Infinity); }
  branch(by: 1 | -1): void {
    const n = this.paths?.branch(this.path, this.n, by) ?? -1;
    this.go(this.path, n >= 0 ? n : by > 0 ? Infinity : 0);
  }
  /** To the other side of the branch that is looked at: another path, the same instruction. */
  choose(path: number): void {
    const at = this.paths!.indexOf(path, this.step);
    this.go(path, at >= 0 ? at : this.paths!.before(path));
  }
  toRefusal(): void {
    const p = this.trace?.paths.find(x => x.end === 'refused');
    if (p === undefined) return;
    this.put(p.id, Infinity);
    const r = this.reason?.reg ?? -1;
    if (r >= 0) this.asked = { kind: 'reg', frame: (this.state?.frames.length ?? 1) - 1, reg: r };
    this.moved();
  }

  ask(p: Place | null): void {
    this.asked = p !== null && this.asked !== null && JSON.stringify(p) === JSON.stringify(this.asked) ? null : p;
    this.stage.model.changed();
  }

  // ------------------------------------------------------------ the run (Both)

  private following = '';
  /** Finds the step of the verifier that the run is at. */
  private async followRun(): Promise<void> {
    const m = this.stage.model, v = m.view;
    if (m.mode !== 'both' || v === null || this.trace === null || this.paths === null) return;
    const key = `${v.event} ${v.step} ${m.stale}`, trace = this.trace;
    if (key === this.following && this.spot !== null) return;
    if (key === this.following && this.followed !== '') return;
    this.following = key;
    const r = await follow(this.stage, this.trace, this.paths);
    if (key !== this.following || trace !== this.trace) return;
    if (typeof r === 'string') {
      this.spot = null;
      this.followed = r;
    } else {
      this.spot = r;
      this.followed = '';
      this.put(r.path, r.n);
    }
    this.moved();
  }
}
