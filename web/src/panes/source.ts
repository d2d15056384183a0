/**
 * The source: CodeMirror once it has arrived, a plain text field before that
 * and where it cannot be loaded. Problems are listed below with their places.
 */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Problem } from '../engine/api';
import type { Editor, Paint } from '../editor/editor';
import { needsCompiler } from '../model/program';
import { Pane, styles } from '../ui/pane';
import { marked } from '../ui/words';
import text from './source.css';

const base = (name: string) => name.slice(name.lastIndexOf('/') + 1);

@customElement('skep-source')
export class Source extends Pane {
  static override styles = styles(text);
  @state() private editor: Editor | null = null;
  private rebuilt: { readonly of: unknown; readonly text: string; readonly file: string } = { of: null, text: '', file: '' };
  private painted: unknown[] = [];
  private frame = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.arrive();
  }

  private async arrive(): Promise<void> {
    try {
      const { createEditor } = await import('../editor/editor');
      await this.updateComplete;
      const parent = this.renderRoot.querySelector<HTMLElement>('.code');
      if (parent === null || !this.isConnected) return;
      const had = this.shadowRoot?.activeElement?.tagName === 'TEXTAREA';
      this.editor = createEditor(parent, this.shadowRoot!, {
        changed: t => this.stage.loading.edit(t),
        breakpoint: line => this.breakpoint(line),
        pointed: line => this.point(line),
        run: () => this.dispatchEvent(new CustomEvent('skep-run', { bubbles: true, composed: true })),
        leave: () => this.dispatchEvent(new CustomEvent('skep-leave', { bubbles: true, composed: true })),
      });
      if (had) this.editor.focus();
    } catch { /* the plain field stays: offline before the first full visit */ }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.editor?.destroy();
    this.editor = null;
  }

  /** The file whose lines the editor shows. */
  private get file(): string {
    const p = this.m.program;
    return p.lang === 'asm' ? 'prog.s' : p.lang === 'c' ? 'prog.bpf.c' : this.fromDebug().file;
  }

  /** What the object's debug information tells of its source: only lines that became instructions. */
  private fromDebug(): { readonly text: string; readonly file: string } {
    const l = this.m.listing;
    if (this.rebuilt.of === l) return this.rebuilt;
    const counts = new Map<string, number>();
    for (const x of l?.lines ?? []) counts.set(base(x.file), (counts.get(base(x.file)) ?? 0) + 1);
    const file = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
    const lines: string[] = [];
    for (const x of l?.lines ?? []) if (base(x.file) === file && x.line > 0 && x.line < 100_000) lines[x.line - 1] = x.text;
    const t = file === '' ? '' : Array.from(lines, s => s ?? '').join('\n');
    this.rebuilt = { of: l, text: t, file };
    return this.rebuilt;
  }

  private get text(): string { return this.m.program.lang === 'object' ? this.fromDebug().text : this.m.program.text; }

  /** Line of the editor (from 1) to index into listing.lines, and back. */
  private indexOf(line: number): number {
    return this.m.listing?.lines.findIndex(l => l.line === line && base(l.file) === this.file) ?? -1;
  }
  private lineOf(pc: number): number {
    const l = this.m.listing?.lines[this.m.insn(pc)?.line ?? -1];
    return l !== undefined && base(l.file) === this.file ? l.line : 0;
  }

  private breakpoint(line: number): void {
    const i = this.indexOf(line), first = this.m.listing?.insns.find(n => n.line === i && i >= 0);
    if (first === undefined) this.m.tell(`Line ${line} has no instructions to stop at.`);
    else void this.stage.moving.toggleBreakpoint(first.pc);
  }
  private point(line: number): void {
    const i = line === 0 ? -1 : this.indexOf(line);
    if (i === this.m.pointed) return;
    this.m.pointed = i;
    this.m.changed();
  }

  private paint(): Paint {
    const m = this.m, hues = new Map<number, number>(), file = this.file, bps = new Set<number>();
    const old = m.stale || needsCompiler(m.program); // its lines no longer fit the text
    if (!old) m.listing?.lines.forEach((l, i) => { if (base(l.file) === file) hues.set(l.line, m.hue(i)); });
    for (const pc of m.breakpoints) bps.add(this.lineOf(pc));
    const pointed = m.pointed < 0 ? undefined : m.listing?.lines[m.pointed];
    return {
      hues, breakpoints: bps, now: old || m.now < 0 ? 0 : this.lineOf(m.now),
      pointed: pointed !== undefined && base(pointed.file) === file ? pointed.line : 0,
      problems: [...m.problems.map(p => ({ line: p.line, col: p.col, length: p.length, error: p.severity === 'error', message: p.message })), ...this.refused()],
    };
  }

  /** The line that the verifier refuses, underlined from its first to its last character. */
  private refused(): Paint['problems'] {
    const v = this.stage.verdicts.rejection;
    if (v === null || v.line === 0 || base(v.file) !== this.file) return [];
    const line = this.text.split('\n', v.line)[v.line - 1] ?? '', code = line.trim();
    return code === '' ? [] : [{ line: v.line, col: line.indexOf(code) + 1, length: code.length, error: true, message: `the verifier: ${v.errors.join(', ')}` }];
  }

  private go(p: Problem): void {
    if (p.line > 0) this.editor?.show(p.line, p.col);
  }

  focusText(): void {
    if (this.editor !== null) this.editor.focus();
    else this.renderRoot.querySelector('textarea')?.focus();
  }

  private bar(): TemplateResult | typeof nothing {
    const m = this.m, p = m.program;
    if (p.lang === 'object') {
      return html`<div class="bar"><span>${p.title}: ${this.fromDebug().text === '' ? 'no source in its debug information' : `${this.fromDebug().file}, the lines that became instructions`}</span></div>`;
    }
    if (p.lang !== 'c') return nothing;
    const c = m.compiler, usable = c === null || c.there;
    if (!needsCompiler(p)) return html`<div class="bar"><span>C, compiled with clang for -mcpu=v3</span></div>`;
    return html`<div class="bar"><span>${usable ? 'Edited since it was compiled' : c.why}</span><span class="grow"></span>
      ${usable ? html`<button class="primary" title="Ctrl+Enter" @click=${() => void this.stage.loading.compile()}>Compile</button>` : nothing}</div>`;
  }

  private problems(): TemplateResult | typeof nothing {
    const all = this.m.problems;
    if (all.length === 0) return nothing;
    return html`<div role="status" class="problems ${all.some(p => p.severity === 'error') ? '' : 'mild'}"><ul>
      ${all.slice(0, 50).map(p => html`<li><button class="bare" @click=${() => this.go(p)}>
        <span class="where">${p.severity === 'error' ? '✖' : '!'} ${p.line > 0 ? `${p.line}:${p.col}` : p.severity}</span>
        <span class="what">${marked(p.message)}${p.hint === '' ? nothing : html` <span class="hint">– ${marked(p.hint)}</span>`}</span></button></li>`)}
      ${this.m.stale ? html`<li><p class="second">The panes still show the last program that ${this.m.program.lang === 'asm' ? 'assembled' : this.m.program.lang === 'c' ? 'compiled' : 'loaded'}.</p></li>` : nothing}</ul></div>`;
  }

  override render(): TemplateResult {
    return html`${this.bar()}<div class="editor"><div class="code" ?hidden=${this.editor === null}></div>${this.editor !== null ? nothing
      : html`<textarea spellcheck="false" autocapitalize="off" aria-label="Source code" .value=${this.text} ?readonly=${this.m.program.lang === 'object'}
        @input=${(e: Event) => this.stage.loading.edit((e.target as HTMLTextAreaElement).value)}></textarea>`}</div>${this.problems()}`;
  }

  protected override updated(_: PropertyValues): void {
    const m = this.m;
    if (this.editor === null) return;
    this.editor.setText(this.text, m.program.lang === 'asm' ? 'asm' : 'c', m.program.lang === 'object');
    const key = [this.text, m.listing, m.now, m.breakpoints, m.pointed, m.problems, m.stale, this.stage.verdicts.rejection, this.editor];
    if (key.every((k, i) => k === this.painted[i]) && this.painted.length > 0) return;
    this.painted = key;
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => { // not before layout: see code.ts
      this.frame = 0;
      this.editor?.paint(this.paint());
    });
  }
}
