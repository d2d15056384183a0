/**
 * The bytecode: one row for each instruction, tinted by its source line. The
 * row about to execute is marked; the gutter holds breakpoints.
 */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Insn } from '../engine/api';
import { toHex } from '../model/bytes';
import { css } from '../ui/css';
import { Pane, styles } from '../ui/pane';
import text from './code.css';

/** Rows are of one height, so long programs are drawn in part only. */
const rowHeight = 24, always = 400, margin = 60;

/** A drawn row: an instruction, or the heading of a function. */
type Row = { readonly insn: Insn } | { readonly func: string };

@customElement('skep-code')
export class Code extends Pane {
  static override styles = styles(text);
  @state() private top = 0;
  @state() private height = 800;
  private rows: Row[] = [];
  private rowsOf: unknown = null;
  private shownAt = -1;
  private shownStep = -1;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.hasUpdated) this.m.held = false;
  }

  private all(): Row[] {
    const l = this.m.listing;
    if (l === this.rowsOf) return this.rows;
    this.rowsOf = l;
    this.shownAt = -1;
    this.rows = [];
    let func = -1;
    for (const insn of l?.insns ?? []) {
      if (insn.func !== func) {
        func = insn.func;
        if (l!.funcs.length > 1) this.rows.push({ func: l!.funcs[func]?.proto ?? '' });
      }
      this.rows.push({ insn });
    }
    return this.rows;
  }

  private row(r: Row): TemplateResult {
    if ('func' in r) return html`<li class="func">${r.func}</li>`;
    const { insn } = r, v = this.m.view;
    const now = v !== null && insn.pc === v.pc, done = v !== null && insn.pc === v.lastPc && !now;
    const refused = insn.pc === this.stage.verdicts.refused;
    const bp = this.m.breakpoints.has(insn.pc), hue = this.m.hue(insn.line);
    const home = this.m.selected >= 0 ? this.m.selected === insn.pc : now || (v === null && insn.pc === 0);
    return html`<li class="${hue > 0 ? 'hue' : ''} ${now ? 'now' : ''} ${done ? 'done' : ''} ${refused ? 'refused' : ''} ${this.m.mode === 'machine' && this.m.selected === insn.pc ? 'chosen' : ''} ${insn.line >= 0 && insn.line === this.m.pointed ? 'pointed' : ''}"
      ${css({ '--hue': hue > 0 ? `var(--hue-${hue})` : 'none' })}
      @pointerenter=${() => this.point(insn.line)} @pointerleave=${() => this.point(-1)}>
      <button class="bp" tabindex="-1" aria-pressed=${bp} aria-label="Breakpoint at instruction ${insn.pc}"
        @click=${() => void this.stage.moving.toggleBreakpoint(insn.pc)}><i></i></button>
      <button class="insn bare" data-pc=${insn.pc} tabindex=${home ? 0 : -1} aria-current=${now ? 'step' : nothing}
        title=${insn.doc} @focus=${() => this.hold(insn.pc)} @blur=${() => { this.m.held = false; }} @click=${() => this.select(insn.pc)}
        @dblclick=${() => void this.stage.moving.runTo(insn.pc)} @keydown=${(e: KeyboardEvent) => this.key(e, insn)}>
        <span class="at" aria-hidden="true">${now ? '▸' : ''}</span><span class="pc">${insn.pc}</span>
        ${this.m.prefs.bytes ? html`<span class="hex">${toHex(insn.bytes.subarray(0, 8))}</span>` : nothing}
        <span class="text">${insn.text}</span>
        ${insn.target >= 0 && insn.flow === 'jump' ? html`<span class="to">→ ${insn.target}</span>` : nothing}
        ${done ? html`<span class="sr">, just executed</span>` : nothing}
        ${refused ? html`<span class="no" title=${this.stage.verdicts.rejection?.errors.join('\n') ?? ''}><span aria-hidden="true">✖</span><span class="sr">, refused by the verifier</span></span>` : nothing}
      </button></li>`;
  }

  private point(line: number): void {
    if (this.m.pointed === line) return;
    this.m.pointed = line;
    this.m.changed();
  }
  private hold(pc: number): void {
    this.m.held = true;
    this.select(pc);
  }
  private select(pc: number): void {
    if (this.m.selected === pc) return;
    this.m.selected = pc;
    this.m.changed();
  }

  private key(e: KeyboardEvent, insn: Insn): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const i = this.m.insnAt(insn.pc), all = this.m.listing!.insns;
    const to = e.key === 'ArrowDown' ? all[i + 1] : e.key === 'ArrowUp' ? all[i - 1] : undefined;
    if (to !== undefined) {
      e.preventDefault();
      this.focusInsn(to.pc);
    } else if (e.key === 'Enter') {
      e.preventDefault();
      void this.stage.moving.runTo(insn.pc);
    } else if (e.key === ' ') {
      e.preventDefault();
      void this.stage.moving.toggleBreakpoint(insn.pc);
    }
  }

  /** Shows an instruction; the focus stays where it is. */
  show(pc: number): void {
    this.m.selected = pc;
    this.reveal(pc);
    this.m.changed();
  }

  /** Shows an instruction and puts the focus on it. */
  async focusInsn(pc: number): Promise<void> {
    this.m.selected = pc;
    this.reveal(pc);
    this.requestUpdate();
    this.m.changed(); // others show what is chosen too
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-pc="${pc}"]`)?.focus();
  }

  private reveal(pc: number): void {
    const box = this.renderRoot.querySelector('.scroll');
    const i = this.rows.findIndex(r => 'insn' in r && r.insn.pc === pc);
    if (box === null || i < 0) return;
    const y = i * rowHeight;
    if (y < box.scrollTop + rowHeight || y > box.scrollTop + box.clientHeight - 3 * rowHeight) {
      box.scrollTop = Math.max(0, y - box.clientHeight / 3);
      this.top = box.scrollTop;
    }
  }

  private doc(): TemplateResult {
    const pc = this.m.selected >= 0 && this.shadowRoot?.activeElement !== null ? this.m.selected : this.m.view?.pc ?? -1;
    const insn = this.m.insn(pc);
    if (insn === null) return html`<p class="doc">&nbsp;</p>`;
    return html`<p class="doc"><b>${insn.pc}</b> ${insn.doc}</p>`;
  }

  override render(): TemplateResult {
    const rows = this.all();
    if (rows.length === 0) {
      return html`<p class="empty">The program's instructions appear here as soon as it assembles. Each has 8 bytes; colours say which source line it came from.</p>`;
    }
    let from = 0, to = rows.length;
    if (rows.length > always) {
      from = Math.max(0, Math.floor(this.top / rowHeight) - margin);
      to = Math.min(rows.length, Math.ceil((this.top + this.height) / rowHeight) + margin);
    }
    return html`<div class="scroll" @scroll=${this.scrolled}>
      <ol aria-label="Instructions" ${css({ 'padding-top': `${4 + from * rowHeight}px`, 'padding-bottom': `${4 + (rows.length - to) * rowHeight}px` })}>
        ${rows.slice(from, to).map(r => this.row(r))}</ol></div>${this.doc()}`;
  }

  private scrolled(e: Event): void {
    const box = e.target as HTMLElement;
    if (this.rows.length <= always) return;
    this.top = box.scrollTop;
    this.height = box.clientHeight;
  }

  protected override updated(_: PropertyValues): void {
    const v = this.m.view;
    if (v === null || (v.pc === this.shownAt && v.step === this.shownStep)) return;
    this.shownAt = v.pc;
    this.shownStep = v.step;
    // With the frame's own layout: asking now would force one more.
    requestAnimationFrame(() => { if (this.isConnected) this.reveal(this.m.view?.pc ?? -1); });
  }
}
