/**
 * <skep-exercise exercise="drop-all">: a program to write, graded while one
 * types. The starter that stands in the element is what is seen without a
 * script.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Editor, Paint } from '../editor/editor';
import type { Source } from '../engine/api';
import { defaultOptions } from '../engine/api';
import { wireSource } from '../engine/client';
import { encodeLink } from '../engine/link';
import { gradeCall, type Graded, type Problem } from '../engine/zprotocol';
import { compile } from '../model/compile';
import { orderView } from '../model/order';
import { styles } from '../ui/pane';
import { grader } from './client';
import { lab, site, type LabExercise, type LabSource } from './data';
import text from './exercise.css';
import { filled, personal } from './draw';
import { HandIn, handIn } from './handin';
import { Bench, device, keep, progressOf, seed } from './memory';
import { came, lineOf, problems, report, type On } from './report';

/** How long, in ms, the student pauses before a trial: C takes a compiler. */
const pause = { asm: 60, c: 500 };
/** Longest program that is tried, in characters: what the server takes, too. */
const longest = 256 << 10;
/** Without an answer for so long the page says what it waits for. */
const words = 300;

const title = { c: 'C', asm: 'Assembly' };

/** The time of today, else the day too. */
function when(at: number): string {
  const d = new Date(at);
  return d.toDateString() === new Date().toDateString() ? d.toLocaleTimeString() : d.toLocaleString();
}

@customElement('skep-exercise')
export class Exercise extends LitElement {
  static override styles = styles(text);
  @state() private language: 'c' | 'asm' = 'asm';
  @state() private graded: Graded | null = null;
  /** Why the present text has no grade: a compiler's messages, or words. */
  @state() private refused: readonly Problem[] = [];
  @state() private why = '';
  /** What is shown is of an earlier text. */
  @state() private old = false;
  @state() private slow = '';
  @state() private editor: Editor | null = null;
  @state() private solution: readonly LabSource[] | string | null = null;
  @state() private earlier = false;
  /** Exercises of the lab, for the way from one to the next. */
  @state() private reached = 0;
  private plain: LabExercise | undefined;
  private mine: { readonly seed: bigint; readonly of: ReturnType<typeof personal> } | null = null;
  private bench!: Bench;
  private hand!: HandIn;
  private source = '';
  /** What the last trial was of. */
  private tried: Source | null = null;
  private timer = 0;
  private turn = 0;
  private compiling = new AbortController();
  private awake = false;
  /** From the last key to the grade, in ms; tests read it. */
  took = 0;
  private typed = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    const of = lab?.exercises?.find(e => e.id === this.getAttribute('exercise'));
    if (of === undefined || this.plain !== undefined) return;
    this.plain = of;
    this.bench = new Bench(lab!.id, of.id);
    this.hand = new HandIn(lab!, of, () => this.requestUpdate());
    const { starters } = this.of, kept = starters.find(s => s.lang === this.bench.lang);
    this.language = (kept ?? starters.find(s => s.lang === 'asm') ?? starters[0])!.lang;
    this.source = this.bench.draft(this.language) ?? this.starter.text;
    addEventListener('skep-progress', () => { this.reached++; });
    addEventListener('skep-work', () => this.elsewhere());
  }

  /** The exercise with what is drawn for who is signed in now. */
  private get of() {
    const s = seed();
    if (this.mine?.seed !== s) this.mine = { seed: s, of: personal(this.plain!, s) };
    return this.mine.of;
  }

  /** Other devices did something: their newer draft comes here, unless the student writes just now. */
  private elsewhere(): void {
    const draft = this.bench.draft(this.language) ?? this.starter.text;
    if (this.typed === 0 && draft !== this.source) {
      this.source = draft;
      this.editor?.setText(draft, this.language, false);
      if (this.awake) void this.grade();
    }
    this.requestUpdate();
  }

  private get starter(): LabSource { return this.of.starters.find(s => s.lang === this.language)!; }

  /** Brings the editor and the first grade; called when the exercise comes into view. */
  wake(): void {
    if (this.awake) return;
    this.awake = true;
    void this.edit();
    void this.grade();
  }

  private async edit(): Promise<void> {
    try {
      const [{ createEditor }, { locked }] = await Promise.all([import('../editor/editor'), import('./locked')]);
      await this.updateComplete;
      const parent = this.renderRoot.querySelector<HTMLElement>('.code');
      if (parent === null) return;
      this.editor = createEditor(parent, this.shadowRoot!, {
        changed: t => this.changed(t), breakpoint: () => {}, pointed: () => {},
        run: () => void this.grade(), leave: () => this.renderRoot.querySelector<HTMLElement>('.result')?.focus(), // behind the editor, so that Tab goes on
      }, locked(() => this.starter));
      this.editor.setText(this.source, this.language, false);
      this.paint();
    } catch { /* the plain field stays: offline before the first full visit */ }
  }

  private changed(t: string): void {
    this.source = t;
    this.typed = performance.now();
    this.old = true;
    this.compiling.abort();
    this.hand.edited();
    this.bench.saveDraft(this.language, t);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.grade(), pause[this.language]);
  }

  /** Puts another text into the editor: the starter, an earlier attempt. */
  private put(t: string): void {
    this.editor?.setText(t, this.language, false);
    this.changed(t);
    this.earlier = false;
    void this.grade();
  }

  private async grade(): Promise<void> {
    clearTimeout(this.timer);
    const turn = ++this.turn, t = this.source, lang = this.language;
    if (t.length > longest) {
      this.refused = [];
      this.why = `The program has ${Math.ceil(t.length / 1024)} KB; at most ${longest / 1024} KB are tried. Was something else pasted?`;
      return;
    }
    const timer = setTimeout(() => { this.slow = lang === 'c' ? 'compiling and trying it' : 'trying it'; }, words);
    try {
      let source: Source = { kind: 'asm', text: t };
      if (lang === 'c') {
        this.compiling.abort();
        this.compiling = new AbortController();
        const c = await compile(t, this.compiling.signal);
        if (turn !== this.turn) return;
        this.refused = c.problems;
        if (!c.ok) {
          this.why = c.problems.every(p => p.line === 0) ? '' : 'It does not compile yet.';
          return; // the last grade stays, marked as old
        }
        source = { kind: 'object', bytes: c.object };
      } else {
        this.refused = [];
      }
      this.tried = source;
      const a = await grader.ask(gradeCall, {
        source: wireSource(source), setup: this.of.setup, trace: this.of.trace, grade: this.of.grade, seed: seed(), privilege: lab!.privilege,
      }, this.of.id);
      if (turn !== this.turn || a.kind === 'overtaken') return;
      if (a.kind === 'failed') {
        this.why = `The grader could not be started: ${a.why}. The next change tries again.`;
        return;
      }
      this.took = performance.now() - this.typed;
      this.told(a.value, t);
    } catch (e) {
      if (!(e instanceof DOMException)) throw e; // else the compiler was given up for a newer text
    } finally {
      clearTimeout(timer);
      if (turn === this.turn) {
        this.slow = '';
        this.paint();
      }
    }
  }

  private told(g: Graded, t: string): void {
    const before = this.graded;
    this.graded = g;
    this.why = '';
    this.old = false;
    if (t !== this.starter.text) {
      if (before === null || came(before) !== came(g)) this.bench.add(this.language, t, came(g));
      if (g.outcome === 'accepted') keep(lab!.id, this.of.id, { points: g.points, total: g.total, passed: g.passed });
    }
  }

  private paint(): void {
    const g = this.graded, all: Paint['problems'][number][] = [];
    for (const p of [...this.refused, ...this.old ? [] : g?.problems ?? []]) all.push({ line: p.line, col: p.col, length: p.length, error: p.severity === 'error', message: p.message });
    if (g?.outcome === 'rejected' && !this.old) {
      const line = lineOf(g.place, this.source), l = this.source.split('\n')[line - 1] ?? '', code = l.trim();
      if (code !== '') all.push({ line, col: l.indexOf(code) + 1, length: code.length, error: true, message: g.message });
    }
    this.editor?.paint({ hues: new Map(), now: 0, pointed: 0, breakpoints: new Set(), problems: all });
  }

  private pick(lang: 'c' | 'asm'): void {
    if (lang === this.language) return;
    this.bench.lang = this.language = lang;
    this.graded = null;
    this.source = this.bench.draft(lang) ?? this.starter.text;
    this.editor?.setText(this.source, lang, false);
    this.hand.edited();
    void this.grade();
  }

  /** The playground with this program and these events, at a step of the run, or in a view that takes how many events the setup has. */
  private async stepThrough(step = 0, view: (before: number) => string = () => ''): Promise<void> {
    const tab = window.open('', '_blank'); // now: a browser lets no page do it later
    const before = await this.setupRun(), fragment = await encodeLink({
      program: { kind: this.language, text: this.source }, entry: '', input: { kind: 'events', text: `${this.of.setup}${this.of.trace}` },
      options: { ...defaultOptions, seed: seed() }, maps: [], step: before.steps + step, breakpoints: [], view: view(before.events),
    });
    const to = site('./');
    to.hash = fragment;
    if (tab === null) location.href = to.href;
    else tab.location.href = to.href;
  }

  /** The playground attaches programs before its first event, so that what the setup does may run them: events and steps of that. */
  private async setupRun(): Promise<{ readonly events: number; readonly steps: number }> {
    const none = { events: 0, steps: 0 };
    if (this.of.setup === '' || this.tried === null || this.graded === null) return none;
    const a = await grader.ask(gradeCall, {
      source: wireSource(this.tried), setup: '', trace: `${this.of.setup}${this.of.trace}`, grade: '', seed: seed(), privilege: lab!.privilege,
    }, `<${this.of.id}`);
    if (a.kind !== 'answer') return none;
    const all = a.value.events, setup = all.slice(0, all.length - this.graded.events.length);
    return { events: setup.length, steps: setup.flatMap(e => e.firings).reduce((n, f) => n + f.steps + 1, 0) };
  }

  private async showSolution(): Promise<void> {
    if (this.solution !== null) {
      this.solution = null;
      return;
    }
    try {
      const all = await (await fetch(site(`labs/${lab!.id}/solutions.json`))).json() as Record<string, LabSource[]>;
      this.solution = filled(all[this.of.id] ?? [], this.of.own);
    } catch {
      this.solution = 'The solution could not be fetched: you are offline, and it was not looked at before.';
    }
  }

  private readonly on: On = {
    line: (line, col) => this.editor?.show(line, col),
    step: step => void this.stepThrough(step),
    walk: step => void this.stepThrough(0, () => `mode=verify${step === undefined ? '' : `&at=${step}`}`),
    order: f => void this.stepThrough(0, before => orderView({ events: f.events.map(e => before + e), turns: f.turns, step: f.step })),
  };

  private way(): TemplateResult | typeof nothing {
    const all = lab!.exercises ?? [], done = progressOf(lab!.id);
    return html`<nav class="way" aria-label="Exercises" data-progress=${this.reached}>${all.map((e, i) => html`<a href="#${e.id}" aria-current=${e.id === this.of.id ? 'true' : nothing}
      title=${e.title}>${i + 1}<span class="name">${e.title}</span>${done[e.id]?.passed === true ? html`<span class="ok" aria-label="passed">✓</span>` : nothing}</a>`)}</nav>`;
  }

  private tools(): TemplateResult {
    const tries = this.bench.attempts(this.language);
    return html`<div class="tools">
      ${this.of.starters.length < 2 ? html`<span class="second">${title[this.language]}</span>` : html`<div role="group" aria-label="Language" class="langs">${this.of.starters.map(s => html`
        <button aria-pressed=${s.lang === this.language} @click=${() => this.pick(s.lang)}>${title[s.lang]}</button>`)}</div>`}
      <span class="grow"></span>
      <button @click=${() => { this.earlier = !this.earlier; }} aria-expanded=${this.earlier} ?disabled=${tries.length === 0}>Attempts</button>
      <button @click=${() => this.put(this.starter.text)} ?disabled=${this.source === this.starter.text}>Reset</button>
      <button @click=${() => void this.stepThrough()}>Step through it</button></div>
      ${this.earlier ? html`<ol class="tries">${tries.toReversed().map(a => html`<li><button class="bare" @click=${() => this.put(a.text)}>
        <span class="mono">${when(a.at)}</span> <span>${a.came}</span> <span class="second">${a.text.split('\n').length} lines${(a.device ?? device) === device ? '' : ', on another device'}</span></button></li>`)}</ol>` : nothing}`;
  }

  private drawn(): TemplateResult | typeof nothing {
    const { own } = this.of;
    return own.length === 0 ? nothing : html`<p class="drawn">Drawn for you: ${own.map(([name, n], i) => html`${i > 0 ? ', ' : nothing}<span class="mono">${name} = ${n}</span>`)}</p>`;
  }

  /** What only the server tries. */
  private secret(): TemplateResult | typeof nothing {
    const n = this.of.hidden ?? 0;
    return n === 0 ? nothing : html`<p class="secret">${n === 1 ? 'One hidden case is' : `${n} hidden cases are`} tried when you hand in.</p>`;
  }

  private solutions(): TemplateResult {
    const s = this.solution;
    return html`<p class="solve"><button class="link" aria-expanded=${s !== null} @click=${() => void this.showSolution()}>${s === null ? 'Show a solution' : 'Hide the solution'}</button></p>
      ${s === null ? nothing : typeof s === 'string' ? html`<p class="second">${s}</p>` : s.map(x => html`<details class="solution" ?open=${x.lang === this.language}>
        <summary>${title[x.lang]}</summary><pre tabindex="0">${x.text}</pre></details>`)}`;
  }

  override render(): TemplateResult | typeof nothing {
    if (this.plain === undefined) return nothing;
    const g = this.graded;
    return html`<slot class="paper"></slot>${this.way()}${this.tools()}${this.drawn()}
      <div class="editor"><div class="code" ?hidden=${this.editor === null}></div>${this.editor !== null ? nothing
        : html`<textarea spellcheck="false" autocapitalize="off" aria-label="Source code" .value=${this.source} @input=${(e: Event) => this.changed((e.target as HTMLTextAreaElement).value)}></textarea>`}</div>
      <p class="escape">${this.editor === null ? '' : 'Tab indents here; Esc leaves the editor.'}</p>
      <div class="result ${this.old ? 'old' : ''}" tabindex="-1" role="region" aria-label="Result" aria-busy=${this.slow !== ''}>
        <p class="sr" role="status">${g === null || this.old ? '' : came(g)}</p>
        ${this.slow === '' ? nothing : html`<p class="slow" role="status">${this.slow} …</p>`}
        ${this.why === '' ? nothing : html`<p class="said">${this.why}</p>`}
        ${problems(this.refused, this.on)}
        ${g === null ? nothing : report(g, this.source, this.on)}
        ${this.secret()}
        ${handIn(this.hand, this.language, this.source, g)}
        ${this.solutions()}
      </div>`;
  }
}
