/** The bytecode with the paths that came through each instruction; a click goes to that instruction on the path. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Insn } from '../engine/api';
import { css } from '../ui/css';
import { styles } from '../ui/pane';
import { counted, pathName } from './paths';
import { endSign } from './words';
import { WalkPane } from './view';
import shared from '../panes/code.css';
import text from './code.css';

const rowHeight = 24, always = 400, margin = 60;

@customElement('skep-walk-code')
export class WalkCode extends WalkPane {
  static override styles = styles(shared, text);
  @state() private top = 0;
  @state() private height = 800;
  private shown = '';

  /** To the next time the path comes here, else the last; else to another path that does. */
  private go(pc: number): void {
    const w = this.walk, p = w.paths;
    if (p === null) return;
    for (let k = 1; k <= w.length; k++) {
      const n = (w.n + k) % w.length;
      if (w.pcAt(w.path, n) === pc) {
        w.go(w.path, n);
        return;
      }
    }
    const other = p.through(pc)[0];
    if (other !== undefined) for (let n = p.before(other); n < p.length(other); n++) if (w.pcAt(other, n) === pc) { w.go(other, n); return; }
  }

  private key(e: KeyboardEvent, insn: Insn): void {
    const d = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (d === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    const to = this.m.listing!.insns[this.m.insnAt(insn.pc) + d];
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    this.m.selected = to.pc;
    this.reveal(to.pc);
    this.requestUpdate();
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`[data-pc="${to.pc}"]`)?.focus());
  }

  private badges(pc: number): TemplateResult {
    const w = this.walk, through = w.paths?.through(pc) ?? [], times = w.paths?.count(pc) ?? 0;
    if (times === 0) return html`<span class="paths never">not walked</span>`;
    const few = through.slice(0, 3), more = through.length - few.length;
    return html`<span class="paths" title="processed ${times} times">${few.map(p => {
      const end = w.trace!.paths[p]!, here = end.stop === pc && end.end !== 'exit' && (end.end === 'refused' || end.end === 'covered');
      return html`<span class="${p === w.path ? 'mine' : ''} ${here ? end.end : ''}">${pathName(p)}${here ? endSign[end.end] : ''}</span> `;
    })}${more > 0 ? '…' : ''}${times > through.length ? html` <small>×${times}${w.trace!.steps > counted ? '+' : ''}</small>` : nothing}</span>`;
  }

  private row(insn: Insn): TemplateResult {
    const w = this.walk, now = insn.pc === w.pc, done = insn.pc === w.lastPc && !now, hue = this.m.hue(insn.line);
    const refused = insn.pc === this.stage.verdicts.refused || (w.verdict?.outcome === 'rejected' && w.verdict.pc === insn.pc);
    const why = w.chain.some(l => l.why.pc === insn.pc), home = this.m.selected >= 0 ? this.m.selected === insn.pc : now;
    return html`<li class="${hue > 0 ? 'hue' : ''} ${now ? 'now' : ''} ${done ? 'done' : ''} ${refused ? 'refused' : ''} ${insn.line >= 0 && insn.line === this.m.pointed ? 'pointed' : ''}"
      ${css({ '--hue': hue > 0 ? `var(--hue-${hue})` : 'none' })}>
      <span class="because" title=${why ? 'part of where the value comes from' : ''}>${why ? html`<span aria-hidden="true">●</span><span class="sr">reason, </span>` : ''}</span>
      <button class="insn bare" data-pc=${insn.pc} tabindex=${home ? 0 : -1} aria-current=${now ? 'step' : nothing} title=${insn.doc}
        @click=${() => this.go(insn.pc)} @keydown=${(e: KeyboardEvent) => this.key(e, insn)}>
        <span class="at" aria-hidden="true">${now ? '▸' : ''}</span><span class="pc">${insn.pc}</span><span class="text">${insn.text}</span>
        ${insn.target >= 0 && insn.flow === 'jump' ? html`<span class="to">→ ${insn.target}</span>` : nothing}
        ${refused ? html`<span class="no"><span aria-hidden="true">✖</span><span class="sr">, refused</span></span>` : nothing}
        ${this.badges(insn.pc)}</button></li>`;
  }

  override render(): TemplateResult {
    const rows = this.m.listing?.insns ?? [];
    if (rows.length === 0) return html`<p class="empty">The program's instructions appear here as soon as it assembles.</p>`;
    let from = 0, to = rows.length;
    if (rows.length > always) {
      from = Math.max(0, Math.floor(this.top / rowHeight) - margin);
      to = Math.min(rows.length, Math.ceil((this.top + this.height) / rowHeight) + margin);
    }
    return html`<div class="scroll" @scroll=${this.scrolled}><ol aria-label="Instructions and their paths" ${css({ 'padding-top': `${4 + from * rowHeight}px`, 'padding-bottom': `${4 + (rows.length - to) * rowHeight}px` })}>
      ${rows.slice(from, to).map(r => this.row(r))}</ol></div>`;
  }

  private scrolled(e: Event): void {
    const box = e.target as HTMLElement;
    this.top = box.scrollTop;
    this.height = box.clientHeight;
  }
  private reveal(pc: number): void {
    const box = this.renderRoot.querySelector('.scroll'), i = this.m.insnAt(pc);
    if (box === null || i < 0) return;
    const y = i * rowHeight;
    if (y < box.scrollTop + rowHeight || y > box.scrollTop + box.clientHeight - 3 * rowHeight) box.scrollTop = Math.max(0, y - box.clientHeight / 3);
  }
  protected override updated(_: PropertyValues): void {
    if (this.shown === this.walk.id) return;
    this.shown = this.walk.id;
    requestAnimationFrame(() => { if (this.isConnected) this.reveal(this.walk.pc); });
  }
}
