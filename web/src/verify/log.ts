/** The kernel's log, each line linked to its step: a line leads there, and the step's lines are marked here. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { css } from '../ui/css';
import { styles } from '../ui/pane';
import type { Trace } from './types';
import { WalkPane } from './view';
import shared from '../panes/log.css';
import text from './log.css';

const rowHeight = 20, margin = 40;

@customElement('skep-walk-log')
export class WalkLog extends WalkPane {
  static override styles = styles(shared, text);
  @state() private top = 0;
  @state() private height = 400;
  @state() private at = 0;
  private shown = '';
  private of: Trace | null = null;

  private async key(e: KeyboardEvent): Promise<void> {
    const n = this.walk.trace?.log.length ?? 0, to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: n - 1 }[e.key];
    if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    e.stopPropagation();
    this.at = Math.max(0, Math.min(to, n - 1));
    this.reveal(this.at);
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-line="${this.at}"]`)?.focus();
  }

  private show(i: number): void {
    this.at = i;
    const s = this.walk.trace!.stepOfLine(i);
    if (s < 0) return;
    this.walk.goStep(s);
    this.shown = this.walk.id; // the line is where it was clicked
  }

  private row(i: number): TemplateResult {
    const t = this.walk.trace!, l = t.log[i]!, s = t.stepOfLine(i), mine = s >= 0 && s === this.walk.step;
    const bad = this.walk.verdict?.errors.includes(l) === true;
    if (l === '') return html`<li></li>`;
    return html`<li class="${bad ? 'bad' : l.startsWith('; ') ? 'src' : ''} ${mine ? 'mine' : ''}"><button class="bare" data-line=${i} tabindex=${i === this.at ? 0 : -1} aria-disabled=${s < 0 ? 'true' : 'false'}
      aria-current=${mine ? 'step' : nothing} @click=${() => this.show(i)} @focus=${() => { this.at = i; }}>${bad ? '✖ ' : ''}${l}</button></li>`;
  }

  override render(): TemplateResult {
    const t = this.walk.trace, n = t?.log.length ?? 0;
    if (t === null || n === 0) return html`<p class="empty">The kernel's own words appear here, each line linked to its step.</p>`;
    if (this.walk.predicting) return html`<p class="empty">The log would give it away: it is hidden while you predict.</p>`;
    if (this.of !== t) {
      this.of = t;
      this.at = Math.min(this.at, n - 1);
    }
    const from = Math.max(0, Math.min(n - margin, Math.floor(this.top / rowHeight) - margin)), to = Math.min(n, Math.ceil((this.top + this.height) / rowHeight) + margin);
    return html`<div class="scroll" @scroll=${this.scrolled} @keydown=${this.key}><ol aria-label="Lines of the log" ${css({ 'padding-top': `${from * rowHeight}px`, 'padding-bottom': `${(n - to) * rowHeight}px` })}>
      ${Array.from({ length: to - from }, (_, k) => this.row(from + k))}</ol></div>
      ${(this.walk.verdict?.logCut ?? 0) > 0 ? html`<p class="cut">The middle of the log is left out.</p>` : nothing}`;
  }

  private scrolled(e: Event): void {
    const box = e.target as HTMLElement;
    this.top = box.scrollTop;
    this.height = box.clientHeight;
  }
  private reveal(i: number): void {
    const box = this.renderRoot.querySelector('.scroll');
    if (box === null || i < 0) return;
    const y = i * rowHeight;
    if (y < box.scrollTop || y > box.scrollTop + box.clientHeight - 2 * rowHeight) {
      box.scrollTop = Math.max(0, y - box.clientHeight / 3);
      this.top = box.scrollTop;
      this.height = box.clientHeight;
    }
  }
  protected override updated(_: PropertyValues): void {
    const w = this.walk;
    if (this.shown === w.id || w.trace === null) return;
    this.shown = w.id;
    const wrong = w.refused ? w.trace.log.lastIndexOf(w.verdict?.errors[0] ?? '') : -1, i = wrong >= 0 ? wrong : w.trace.lineOfStep(w.step);
    if (i < 0) return;
    if (this.shadowRoot?.activeElement === null) this.at = i;
    requestAnimationFrame(() => { if (this.isConnected) this.reveal(i); });
  }
}
