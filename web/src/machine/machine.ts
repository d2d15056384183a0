/**
 * What is shown of the program's machine code. One for each <skep-machine>;
 * the views draw it. While there is no code of the present text, or with the
 * present options, the last one stays, marked as old.
 */
import type { Stage } from '../model/stage';
import type { Subject } from '../model/verdict';
import { needsCompiler } from '../model/program';
import { keep } from '../offline/keep';
import { listingInWorker, MachineClient, type Arch, type MachineCode } from './client';
import { Kernel } from './kernel';
import { archOf, readOptions, writeOptions, type MachineOptions } from './options';

/** Rest after a change before code is asked for, and after which it is said that it takes long; in ms. */
const rest = 60, words = 300;

/** Bytes of the code of the same program with other options. */
export interface Size { readonly arch: Arch; readonly options: string; readonly bytes: number }

export class Machine {
  /** The last code; null before the first. */
  code: MachineCode | null = null;
  arch: Arch = 'amd64';
  /** What is shown is of an earlier text, or with other options. */
  stale = true;
  /** Why there is no code of the present text; "" when there is, or soon will be. */
  trouble = '';
  /** The module could not be had, or broke down: see again. */
  failed = false;
  /** It takes long enough to say so. */
  slow = false;
  /** From the question to the answer, in ms. */
  took = 0;
  /** Of the program that is shown, as far as they were looked at. */
  sizes: readonly Size[] = [];
  readonly kernel: Kernel;
  private readonly client = new MachineClient(listingInWorker());
  private off: (() => void) | null = null;
  private subject: Subject | null = null;
  private asked = '';
  private timer = 0;

  constructor(readonly stage: Stage) { this.kernel = new Kernel(stage); }

  private get m() { return this.stage.model; }
  get options(): MachineOptions { return readOptions(this.m.code); }

  /** Another target, or other options. */
  set(o: Partial<MachineOptions>): void {
    this.m.code = writeOptions({ ...this.options, ...o });
    this.m.changed();
    this.stage.address.save(false);
  }

  /** The instruction whose code is marked: the one that was chosen, else where the run is. */
  get chosen(): number {
    const m = this.m;
    return m.selected >= 0 ? m.selected : m.now >= 0 ? m.now : 0;
  }
  choose(pc: number): void {
    const m = this.m;
    if (m.selected === pc || m.insnAt(pc) < 0) return;
    m.selected = pc;
    m.changed();
  }

  begin(): void {
    this.off = this.m.subscribe(() => this.look());
    this.look();
  }
  end(): void {
    this.off?.();
    this.off = null;
    clearTimeout(this.timer);
    this.client.close();
    this.kernel.close();
  }

  private look(): void {
    const s = this.stage.verdicts.subject(), a = this.subject, edited = needsCompiler(this.m.program) && this.m.program.lang === 'c';
    if (s === null || edited) {
      this.subject = null;
      this.become(true, edited ? 'edited since it was compiled' : this.trouble);
      return;
    }
    const same = a !== null && a.text === s.text && a.program === s.program && a.hook === s.hook && a.privilege === s.privilege;
    const o = this.options, asked = writeOptions({ ...o, tab: archOf(o.tab) });
    if (same && asked === this.asked) return;
    this.subject = s;
    this.asked = asked;
    if (!same) this.sizes = [];
    this.failed = false;
    this.become(true, this.trouble);
    clearTimeout(this.timer);
    // Options are tried one after the other: no rest for them.
    this.timer = window.setTimeout(() => void this.ask(s, o), same ? 0 : rest);
  }

  private async ask(s: Subject, o: MachineOptions): Promise<void> {
    const arch = archOf(o.tab), options = writeOptions({ ...o, tab: 'amd64' }), asked = this.asked;
    const late = setTimeout(() => { this.slow = this.subject === s && this.asked === asked; this.m.changed(); }, words);
    const a = await this.client.compile({
      source: s.source, program: s.program, options: { hook: s.hook, privilege: s.privilege, level: 0, logMax: 0 }, arch, facts: o.facts, fusions: o.fusions, blind: o.blind,
    });
    clearTimeout(late);
    if (this.subject !== s || this.asked !== asked) return;
    this.slow = false;
    switch (a.kind) {
      case 'overtaken':
        this.become(true, 'stopped');
        return;
      case 'failed':
        this.failed = true;
        this.become(true, navigator.onLine ? a.why : 'you are offline, and the module with the compilers is not in the browser\'s store yet');
        return;
      case 'answer':
        if (a.value.outcome === 'unreadable') {
          this.become(true, this.m.program.lang === 'asm' ? 'the program does not assemble' : a.value.problems[0]?.message ?? 'the program does not load');
          return;
        }
        // From the first use on the module is there offline too.
        if (this.code === null) keep(new URL(SKEP_LISTING, import.meta.url));
        this.code = a.value;
        this.arch = arch;
        this.took = a.took;
        this.sizes = [...this.sizes.filter(z => z.arch !== arch || z.options !== options), { arch, options, bytes: a.value.code.length }];
        this.become(false, '');
    }
  }

  /** Asks once more for what could not be had. */
  again(): void {
    this.subject = null;
    this.trouble = '';
    this.look();
  }
  /** Gives up what takes long. */
  cancel(): void { this.client.cancel(); }

  private become(stale: boolean, trouble: string): void {
    if (this.stale === stale && this.trouble === trouble && stale) return;
    this.stale = stale;
    this.trouble = trouble;
    this.m.changed();
  }
}
