/**
 * Machine code, each instruction under the one that it was made of: tinted as
 * its source line, the chosen one's marked. Long programs are drawn in part.
 */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { toHex } from '../model/bytes';
import { css } from '../ui/css';
import { Pane, styles } from '../ui/pane';
import { marked } from '../ui/words';
import type { MachineCode } from './client';
import type { Machine } from './machine';
import { noteWords, rowsOf, workOf, type Row } from './rows';
import text from './listing.css';

const rowHeight = 24, always = 400, margin = 60;

@customElement('skep-machine-listing')
export class MachineListing extends Pane {
  static override styles = styles(text);
  @property({ attribute: false }) machine!: Machine;
  @property({ attribute: false }) code!: MachineCode;
  /** Of an earlier text, or with other options. */
  @property({ type: Boolean }) old = false;
  /** What the list is of, for who cannot see it: "amd64". */
  @property() name = '';
  @state() private top = 0;
  @state() private height = 800;
  /** Row that the keyboard is at. */
  @state() private at = -1;
  private shown = '';

  private hue(slot: number): number {
    const insn = this.m.insn(slot);
    return insn === null ? 0 : this.m.hue(insn.line);
  }

  private heading(r: Row & { kind: 'head' }): TemplateResult {
    if (r.slot < 0) return html`<span class="pc"></span><span class="of words">what comes before a function: its registers, its stack</span>`;
    if (r.slot >= this.code.slots) return html`<span class="pc"></span><span class="of words">out of line: what failed checks do, and how the code is left</span>`;
    const why = r.within >= 0 ? html`<span class="words">done by the code of ${r.within}</span>` : r.bytes === 0 ? html`<span class="words">no code of its own</span>` : html`<span class="size">${r.bytes} B</span>`;
    return html`<span class="pc">${r.slot}</span><span class="of">${this.m.insn(r.slot)?.text ?? ''}</span>${why}`;
  }

  private row(r: Row, i: number, chosen: number, work: number): TemplateResult {
    const mine = r.slot === chosen || r.slot === work, now = mine && chosen === this.m.now, hue = this.hue(r.slot), line = this.m.insn(r.slot)?.line ?? -1;
    const home = this.at >= 0 ? i === this.at : r.kind === 'head' && r.slot === chosen;
    let body: TemplateResult;
    if (r.kind === 'head') body = this.heading(r);
    else if (r.kind === 'note') {
      const [word, what] = noteWords(r.note);
      body = html`<span class="pc"></span><span class="note ${r.note.kind}" title=${what.replaceAll('`', '')}><b>${word}</b> ${marked(what)}</span>`;
    } else {
      const n = r.insn;
      body = html`<span class="pc at">${n.at.toString(16)}</span>${this.m.prefs.bytes ? html`<span class="hex">${toHex(this.code.code.subarray(n.at, n.at + n.size), '')}</span>` : nothing}
        <span class="text" ${css({ 'padding-left': `${n.depth * 2}ch` })}>${n.text}</span>${n.to >= 0 ? html`<span class="to">→ ${n.to}</span>` : nothing}`;
    }
    return html`<li class="${r.kind} ${hue > 0 ? 'hue' : ''} ${mine ? 'mine' : ''} ${now ? 'now' : ''} ${line >= 0 && line === this.m.pointed ? 'pointed' : ''}"
      ${css({ '--hue': hue > 0 ? `var(--hue-${hue})` : 'none' })} @pointerenter=${() => this.point(line)} @pointerleave=${() => this.point(-1)}>
      <button class="bare" data-row=${i} data-slot=${r.slot} tabindex=${home ? 0 : -1} aria-current=${now && r.kind === 'head' ? 'step' : nothing}
        @focus=${() => this.take(i, r.slot)} @click=${() => this.take(i, r.slot)}>${body}</button></li>`;
  }

  private point(line: number): void {
    if (this.m.pointed === line) return;
    this.m.pointed = line;
    this.m.changed();
  }

  private take(i: number, slot: number): void {
    this.at = i;
    if (slot < 0 || slot >= this.code.slots || slot === this.machine.chosen) return;
    this.machine.choose(slot);
    this.shown = `${this.code.code.length} ${slot}`; // the row is where it was clicked
    this.dispatchEvent(new CustomEvent('skep-chosen', { detail: slot, bubbles: true, composed: true }));
  }

  private async key(e: KeyboardEvent): Promise<void> {
    const n = rowsOf(this.code).rows.length, to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: n - 1 }[e.key];
    if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    e.stopPropagation();
    this.at = Math.max(0, Math.min(to, n - 1));
    this.reveal(this.at, this.at + 1);
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-row="${this.at}"]`)?.focus();
  }

  override render(): TemplateResult {
    const { rows } = rowsOf(this.code), chosen = this.machine.chosen, work = workOf(this.code, chosen);
    let from = 0, to = rows.length;
    if (rows.length > always) {
      from = Math.max(0, Math.min(rows.length - margin, Math.floor(this.top / rowHeight) - margin));
      to = Math.min(rows.length, Math.ceil((this.top + this.height) / rowHeight) + margin);
    }
    return html`<div class="scroll ${this.old ? 'old' : ''}" @scroll=${this.scrolled} @keydown=${this.key}><ol aria-label="Machine code, ${this.name}"
      ${css({ 'padding-top': `${4 + from * rowHeight}px`, 'padding-bottom': `${4 + (rows.length - to) * rowHeight}px` })}>
      ${rows.slice(from, to).map((r, i) => this.row(r, from + i, chosen, work))}</ol></div>`;
  }

  private scrolled(e: Event): void {
    const box = e.target as HTMLElement;
    this.top = box.scrollTop;
    this.height = box.clientHeight;
  }

  /** Scrolls so that rows from one to before another are seen, or the first of them. */
  private reveal(from: number, to: number): void {
    const box = this.renderRoot.querySelector('.scroll');
    if (box === null || from < 0) return;
    const top = from * rowHeight, end = Math.min(to, from + 6) * rowHeight;
    if (top < box.scrollTop || end > box.scrollTop + box.clientHeight - rowHeight) {
      box.scrollTop = Math.max(0, top - box.clientHeight / 4);
      this.top = box.scrollTop;
      this.height = box.clientHeight;
    }
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has('code') && this.at >= rowsOf(this.code).rows.length) this.at = -1;
    const chosen = this.machine.chosen, key = `${this.code.code.length} ${chosen}`;
    if (key === this.shown) return;
    this.shown = key;
    const at = rowsOf(this.code).of.get(workOf(this.code, chosen));
    if (at === undefined) return;
    if (this.shadowRoot?.activeElement === null) this.at = at[0];
    requestAnimationFrame(() => { if (this.isConnected) this.reveal(at[0], at[1]); });
  }
}
