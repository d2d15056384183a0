/**
 * The verifier's verdict on what is in the editor, as one types. The last
 * verdict stays, marked as not fresh, until there is a newer one.
 */
import type { Source } from '../engine/api';
import { defaultVerify, VerdictClient, type Facts, type Privilege, type Verified } from '../engine/verdict';
import type { Model } from './model';
import { needsCompiler, sourceOf } from './program';

/** Text that was verified, so that views know whether the verdict is about what they show. */
export interface Subject {
  readonly source: Source;
  readonly text: unknown;
  readonly program: number;
  readonly hook: string;
  readonly privilege: Privilege;
  readonly level: number;
}

/** After so many ms without an answer the page says what it is doing. */
const words = 300;

/** A program whose verdict took more ms is not verified again for a compiler. */
const quick = 1000;

export class Verdicts {
  /** The last verdict; null before the first. */
  last: Verified | null = null;
  /** `last` is about the program and settings as they are now. */
  fresh = false;
  /** Why there is no verdict on the present text; "" when there is, or soon will be. */
  why = '';
  /** How long the last one took, in ms. */
  took = 0;
  kernel = '';
  /** A verification has been under way for long enough to say so. */
  slow = false;
  private client: VerdictClient | null = null;
  private told: Verified | null = null;
  private asked: Subject | null = null;
  private logs = 0;
  private off: (() => void) | null = null;
  private proof: { readonly of: Subject; readonly cpus: number; readonly facts: Promise<Facts | null> } | null = null;

  constructor(private readonly m: Model) {}

  /** From now on there are verdicts; what starts the module is given by the page. */
  begin(client: VerdictClient): void {
    this.client = client;
    this.off = this.m.subscribe(() => this.look());
    this.look();
  }
  end(): void {
    this.off?.();
    this.client?.close();
    this.client = null;
  }
  get on(): boolean { return this.client !== null; }

  /** A pane that shows the log is there; call the result when it goes. */
  showLog(): () => void {
    this.logs++;
    this.m.changed();
    return () => { this.logs--; };
  }

  /** The instruction that is refused, when that is known of the program that is shown; -1. */
  get refused(): number { return this.rejection?.pc ?? -1; }
  get rejection(): Verified | null {
    return this.fresh && this.last?.outcome === 'rejected' && !this.m.stale ? this.last : null;
  }

  /** What there is to verify now; null when there is nothing. */
  subject(): Subject | null {
    const m = this.m, source = sourceOf(m.program), l = m.listing;
    if (source === null || (l === null && m.entry !== '')) return null;
    return {
      source, text: source.kind === 'asm' ? source.text : source.bytes, program: m.chosen, hook: m.options.hook ?? '',
      privilege: m.prefs.privilege, level: this.logs > 0 ? m.prefs.logLevel : 0,
    };
  }

  /** What is proved of the program as it is now, when it is accepted, on so many CPUs. */
  async facts(cpus: number): Promise<Facts | null> {
    const s = this.asked;
    if (this.client === null || s === null || !this.fresh || this.last?.outcome !== 'accepted' || this.took > quick) return null;
    let p = this.proof;
    if (p?.of !== s || p.cpus !== cpus) {
      p = this.proof = { of: s, cpus, facts: this.client.prove(s.source, s.program, { ...defaultVerify, hook: s.hook, privilege: s.privilege }, cpus) };
    }
    const facts = await p.facts;
    if (facts === null && this.proof === p) this.proof = null; // a question came between: it is asked again
    return facts;
  }

  /** Stops a verification that takes long. */
  cancel(): void { this.client?.cancel(); }

  private look(): void {
    if (this.client === null) return;
    const s = this.subject(), edited = needsCompiler(this.m.program) && this.m.program.lang === 'c';
    if (s === null || edited) {
      this.asked = null;
      this.set(false, edited ? 'edited since it was compiled' : '');
      return;
    }
    const a = this.asked;
    if (a !== null && a.text === s.text && a.program === s.program && a.hook === s.hook && a.privilege === s.privilege && a.level === s.level) return;
    // For the log alone the verdict stays what it is.
    const same = a !== null && a.text === s.text && a.program === s.program && a.hook === s.hook && a.privilege === s.privilege;
    this.asked = s;
    if (same && s.level === 0) return; // the log went away, the verdict stays
    this.set(same && this.fresh, this.why);
    void this.ask(this.client, s);
  }

  private async ask(client: VerdictClient, s: Subject): Promise<void> {
    const timer = setTimeout(() => { this.slow = s === this.asked; this.m.changed(); }, words);
    const a = await client.ask(s.source, s.program, { hook: s.hook, privilege: s.privilege, level: s.level, logMax: 0 });
    clearTimeout(timer);
    if (s !== this.asked) return;
    if (this.slow) {
      this.slow = false;
      this.m.changed();
    }
    if (a.kind === 'overtaken') {
      this.set(false, 'stopped');
      return;
    }
    this.kernel = client.kernel;
    if (a.kind === 'failed') { // the next edit tries again
      this.set(false, `the verifier could not be started: ${a.why}`);
      return;
    }
    if (a.value.outcome === 'unreadable') {
      this.set(false, this.m.program.lang === 'asm' ? 'the program does not assemble' : a.value.problems[0]?.message ?? 'the program does not load');
      return;
    }
    this.last = a.value;
    this.took = a.took;
    this.set(true, '');
  }

  private set(fresh: boolean, why: string): void {
    if (this.fresh === fresh && this.why === why && this.told === this.last) return;
    this.fresh = fresh;
    this.why = why;
    this.told = this.last;
    this.m.changed();
  }
}
