/**
 * Where the reader is in the verifier's walk, and what was asked there. One for
 * each <skep-verify>; the views draw it and move it.
 */
import type { Insn, Reg as Concrete, View } from '../engine/api';
import { verifierInWorker, type Privilege, type Verified } from '../engine/verdict';
import type { Stage } from '../model/stage';
import type { Subject } from '../model/verdict';
import { privilegeName } from '../panes/log';
import { TraceClient, type Traced, type TraceQuestion } from '../trace/client';
import { follow, type Spot } from './follow';
import { decode } from './insn';
import { noTrace, readTrace } from './fromtrace';
import { pathId, pathName, Paths } from './paths';
import { chainOf, samePlace, type Link } from './provenance';
import { reasonOf, type Reason } from './reason';
import { sideOf, type Side } from './side';
import type { FrameState, Place, State, Trace } from './types';
import { meaning } from './words';

/** A verdict and the walk that led to it. */
export interface Walked { readonly verdict: Verified; readonly trace: Trace; /** What was verified: text, or the bytes of an object. */ readonly text: unknown }

/** Rest after a change before the walk is asked for, and after which it is said that it takes long; in ms. */
const rest = 60, words = 300;

const walked = ({ trace, verdict }: Traced, text: unknown): Walked => ({ verdict, trace: trace === null ? noTrace(verdict) : readTrace(trace, verdict), text });

const runKey = (v: View): string => `${v.event} ${v.step}`;

export class Walk {
  trace: Trace | null = null;
  paths: Paths | null = null;
  verdict: Verified | null = null;
  /** What is shown is of an earlier text or setting. */
  stale = false;
  /** Why there is no walk; "" when there is, or soon will be. */
  trouble = '';
  /** Instructions processed so far of a verification that takes long; -1 when none does. */
  processed = -1;
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
  previous: Walked | null = null;
  /** Where the run is on the verifier's paths; null when that is not known. */
  spot: Spot | null = null;
  /** The run's event and step that `spot` is about: the run may be ahead of it for a moment. */
  private spotOf = '';
  /** Why the run is not followed; "". */
  followed = '';
  private readonly client = new TraceClient(verifierInWorker());
  /** For questions beside the editor's: as somebody else, or with something changed. */
  private readonly beside = new TraceClient(verifierInWorker());
  private off: (() => void) | null = null;
  private subject: Subject | null = null;
  private text: unknown = null;
  private timer = 0;
  private wanted = '';
  private chains: { readonly key: string; readonly chain: readonly Link[] } | null = null;

  constructor(readonly stage: Stage) {}

  private get m() { return this.stage.model; }

  /** The views are there: walk what is in the editor, and show a step when one was linked to. */
  begin(at: string): void {
    this.wanted = at;
    this.off = this.m.subscribe(() => this.look());
    this.look();
  }
  end(): void {
    this.off?.();
    this.off = null;
    clearTimeout(this.timer);
    this.client.close();
    this.beside.close();
  }

  private look(): void {
    const s = this.stage.verdicts.subject(), a = this.subject;
    if (s === null) {
      if (a !== null || !this.stale) {
        this.subject = null;
        this.stale = true;
        this.m.changed();
      }
    } else if (a === null || a.text !== s.text || a.program !== s.program || a.hook !== s.hook || a.privilege !== s.privilege) {
      this.subject = s;
      this.stale = true;
      if (this.m.at !== this.id) this.wanted = this.m.at; // a link to another program
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.ask(s), rest);
      this.m.changed();
    }
    // The browser's Back and Forward lead to another step.
    if (this.trace !== null && !this.stale && this.m.at !== this.id && this.m.at !== '') this.goTo(this.m.at);
    void this.followRun();
  }

  private question(s: Subject): TraceQuestion {
    return { source: s.source, program: s.program, options: { hook: s.hook, privilege: s.privilege, level: 2, logMax: 0 } };
  }

  private async ask(s: Subject): Promise<void> {
    const from = performance.now();
    const a = await this.client.ask(this.question(s), n => {
      if (s !== this.subject || performance.now() - from < words) return;
      this.processed = n;
      this.m.changed();
    });
    if (s !== this.subject) return;
    this.processed = -1;
    if (a.kind === 'failed') this.trouble = a.why;
    else if (a.kind === 'overtaken') this.trouble = 'stopped';
    else if (a.value.verdict.outcome === 'unreadable') this.trouble = this.m.program.lang === 'asm' ? 'the program does not assemble' : a.value.verdict.problems[0]?.message ?? 'the program does not load';
    else this.take(walked(a.value, s.text));
    this.m.changed();
  }
  /** Gives up a verification that takes long. */
  cancel(): void {
    this.client.cancel();
  }

  private take(w: Walked): void {
    const old = this.trace === null ? null : { path: this.path, n: this.n, end: this.n === this.last && this.n > 0 };
    if (this.trace !== null && this.text !== w.text) this.previous = this.walked();
    this.verdict = w.verdict;
    this.trace = w.trace;
    this.text = w.text;
    this.paths = new Paths(w.trace);
    this.stale = false;
    this.trouble = '';
    this.asked = null;
    this.sides = null;
    this.spot = null;
    this.following = this.followed = '';
    this.chains = null;
    if (this.wanted !== '' && this.goTo(this.wanted)) this.wanted = '';
    else if (w.verdict.outcome === 'rejected') this.toRefusal();
    else if (old !== null && old.path < w.trace.paths.length) this.put(old.path, old.end ? Infinity : old.n);
    else this.put(0, 0);
    this.wanted = '';
  }

  // ------------------------------------------------------------ what is here

  get length(): number { return this.paths?.length(this.path) ?? 0; }
  get last(): number { return Math.max(0, this.length - 1); }
  get id(): string { return `${pathName(this.path)}.${this.n}`; }
  /** Number of the step that is looked at; -1 for none. */
  get step(): number { return this.paths?.stepAt(this.path, this.n) ?? -1; }
  get pc(): number { return this.pcAt(this.path, this.n); }
  get lastPc(): number { return this.n === 0 ? -1 : this.pcAt(this.path, this.n - 1); }
  get state(): State | null { return this.stateAt(this.path, this.n); }
  get before(): State | null { return this.n === 0 ? null : this.stateAt(this.path, this.n - 1); }
  get frame(): FrameState | null { return this.state?.frames.at(-1) ?? null; }
  get insn(): Insn | null { return this.m.insn(this.pc); }
  /** The state that is looked at was covered: the path ends here. */
  get covered(): boolean { return this.trace?.paths[this.path]?.end === 'covered' && this.n === this.last; }
  /** The refused instruction is the one that is looked at. */
  get refused(): boolean { return this.trace?.paths[this.path]?.end === 'refused' && this.n === this.last; }

  pcAt(path: number, n: number): number {
    const s = this.paths?.stepAt(path, n) ?? -1;
    return s < 0 ? -1 : this.trace!.pcOf(s);
  }
  stateAt(path: number, n: number): State | null {
    const s = this.paths?.stepAt(path, n) ?? -1;
    return s < 0 ? null : this.trace!.state(s);
  }

  /** From the value that was asked about back to its beginning. */
  get chain(): readonly Link[] {
    if (this.asked === null || this.trace === null || this.step < 0) return [];
    const key = `${this.id} ${JSON.stringify(this.asked)}`;
    if (this.chains?.key !== key) this.chains = { key, chain: chainOf(this.trace, this.step, this.asked) };
    return this.chains.chain;
  }
  /** The value that was asked about is the one that the refusal is about. */
  get explained(): boolean { return this.refused && this.asked?.kind === 'reg' && this.asked.reg === this.reason?.reg; }

  /** The register that the loop's jump back compares, and what its end depends on. */
  private loopEnd(path: number, end: number, r: Reason): Pick<Reason, 'reg' | 'plain' | 'code'> {
    for (let n = end; n > 0 && end - n < 1000; n--) {
      const pc = this.pcAt(path, n - 1), insn = this.m.insn(pc);
      if (insn === null || this.pcAt(path, n) > pc) continue;
      const d = decode(insn.bytes);
      if (d.kind !== 'jump') continue;
      const limit = d.x ? this.stateAt(path, n)?.frames.at(-1)?.regs[d.src] : undefined;
      const from = this.trace!.why(this.paths!.stepAt(path, end), { kind: 'reg', frame: (this.stateAt(path, end)?.frames.length ?? 1) - 1, reg: d.dst }, 1)[0]?.pc ?? pc;
      const still = from < this.pcAt(path, n) || from > pc ? ` Nothing in the loop changes r${d.dst}.` : '';
      // A counter that is there already is no advice.
      const code = still !== '' && !d.x && ['<', '<=', '!=', 's<', 's<='].includes(d.word) ? `r${d.dst} += 1\nif r${d.dst} ${d.word} ${d.imm} goto loop` : r.code.replaceAll('rX', `r${d.dst}`);
      return { reg: d.dst, code, plain: `${r.plain} The loop goes on while r${d.dst} ${d.word} ${limit === undefined ? d.imm : `r${d.src}`} holds${limit === undefined ? '' : `, and r${d.src} is ${meaning(limit)}`}.${still}` };
    }
    return r;
  }

  get reason(): Reason | null {
    const v = this.verdict, t = this.trace;
    if (v === null || t === null || v.outcome !== 'rejected') return null;
    const path = t.paths.findIndex(p => p.end === 'refused'), n = Math.max(0, (this.paths?.length(path) ?? 0) - 1);
    const insn = this.m.insn(v.pc >= 0 ? v.pc : this.pcAt(path, n));
    const r = reasonOf({ errors: v.errors, state: path < 0 ? null : this.stateAt(path, n), bytes: insn?.bytes ?? null, failed: t.failed() });
    return r.loop === true ? { ...r, ...this.loopEnd(path, n, r) } : r;
  }

  // ------------------------------------------------------------ moving

  private put(path: number, n: number): void {
    this.path = path;
    this.n = Math.max(0, Math.min(n, this.last));
    this.m.at = this.id;
    this.m.walkPc = this.pc;
  }
  private moved(): void {
    const insn = this.insn;
    this.m.selected = -1;
    if (insn !== null) this.m.pointed = insn.line;
    this.m.changed();
  }
  go(path: number, n: number): void {
    this.put(path, n);
    this.moved();
  }
  /** "A.11", or a step by its number in the verifier's order; false when there is no such step. */
  goTo(id: string): boolean {
    if (/^\d+$/.test(id) && this.trace !== null && Number(id) < this.trace.steps) {
      this.goStep(Number(id));
      return true;
    }
    const m = /^([A-Z]+)\.(\d+)$/.exec(id), path = m === null ? -1 : pathId(m[1]!);
    if (path < 0 || this.trace === null || (this.trace.paths[path]?.count ?? 0) === 0) return false;
    this.go(path, Number(m![2]));
    return true;
  }
  /** To a step by its number; stays on the path when the step is on it. */
  goStep(step: number): void {
    if (this.paths === null || step < 0) return;
    const on = this.paths.indexOf(this.path, step), path = on >= 0 ? this.path : this.trace!.pathOf(step);
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
  /** Another path: the same step when it is on it, else where that one begins. */
  choose(path: number): void {
    const at = this.paths!.indexOf(path, this.step);
    this.go(path, at >= 0 ? at : this.paths!.before(path));
  }
  toRefusal(): void {
    const p = this.trace?.paths.find(x => x.end === 'refused');
    if (p === undefined) {
      this.put(0, 0);
      return;
    }
    this.put(p.id, Infinity);
    const r = this.reason?.reg ?? -1;
    if (r >= 0) this.asked = { kind: 'reg', frame: (this.state?.frames.length ?? 1) - 1, reg: r };
    this.moved();
  }

  /** Asks about a value; once more, and the question is taken back. */
  about(p: Place | null): void {
    this.asked = samePlace(p, this.asked) ? null : p;
    this.m.changed();
  }

  // ------------------------------------------------------------ side by side

  private walked(): Walked { return { verdict: this.verdict!, trace: this.trace!, text: this.text }; }

  /** Shows this walk beside that of somebody else, or of the program before its last edit. */
  async compare(what: 'before' | Privilege): Promise<void> {
    const s = this.subject, mine = this.trace;
    if (mine === null || s === null) return;
    if (what === 'before') {
      if (this.previous !== null) this.sides = [sideOf('before the edit', this.previous), sideOf('after it', this.walked())];
    } else await this.besides(`as ${privilegeName(s.privilege)}`, `as ${privilegeName(what)}`, { ...this.question(s), options: { ...this.question(s).options, privilege: what } });
    this.m.changed();
  }

  /** Shows this walk beside another. */
  async besides(now: string, then: string, q: TraceQuestion): Promise<void> {
    const mine = this.trace, a = await this.beside.ask(q);
    if (a.kind === 'failed') this.m.tell(`The other walk could not be had: ${a.why}.`);
    else if (a.kind === 'answer' && mine === this.trace) this.sides = [sideOf(now, this.walked()), sideOf(then, walked(a.value, this.text))];
    this.m.changed();
  }

  /** Asks what would be if something were different: other bounds before a step, or another instruction. */
  async whatIf(then: string, change: Pick<TraceQuestion, 'whatIf' | 'edits'>): Promise<void> {
    if (this.subject !== null) await this.besides('as it is', then, { ...this.question(this.subject), ...change });
  }

  // ------------------------------------------------------------ the run (Both)

  /** The run's registers, when what is shown is the verifier's state for them; else null. */
  get run(): readonly Concrete[] | null {
    const v = this.m.view, s = this.spot;
    return this.m.mode === 'both' && s !== null && v !== null && this.spotOf === runKey(v) && s.path === this.path && s.n === this.n ? v.regs : null;
  }

  private following = '';
  /** Finds the step of the verifier that the run is at. */
  private async followRun(): Promise<void> {
    const v = this.m.view, trace = this.trace;
    if (this.m.mode !== 'both' || v === null || trace === null || this.paths === null || this.stale || trace.steps === 0) return;
    const key = runKey(v);
    if (key === this.following) return;
    this.following = key;
    const r = await follow(this.stage, trace, this.paths);
    if (key !== this.following || trace !== this.trace) return;
    if (this.m.mode !== 'both') { // the reader left the run meanwhile
      this.following = '';
      return;
    }
    if (typeof r === 'string') {
      this.spot = null;
      this.followed = r;
      this.m.changed();
      return;
    }
    this.spot = r;
    this.followed = '';
    this.spotOf = key;
    this.go(r.path, r.n);
  }
}
