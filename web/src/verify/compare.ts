/** Two walks side by side, aligned, the first difference marked; a row leads to its step in the walk that is open. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { count } from '../model/bytes';
import { css } from '../ui/css';
import { styles } from '../ui/pane';
import { pathName } from './paths';
import { effect, rowsOfSides, type Row, type Side } from './side';
import { endSign } from './words';
import { WalkPane } from './view';
import text from './compare.css';

const rowHeight = 24, margin = 20;

@customElement('skep-walk-compare')
export class WalkCompare extends WalkPane {
  static override styles = styles(text);
  @property({ attribute: false }) sides!: readonly [Side, Side];
  @state() private top = 0;
  @state() private height = 500;
  private rows: readonly Row[] = [];
  private first = -1;

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has('sides')) return;
    ({ rows: this.rows, first: this.first } = rowsOfSides(...this.sides));
  }
  protected override updated(changed: PropertyValues): void {
    if (changed.has('sides')) requestAnimationFrame(() => { if (this.isConnected) this.reveal(); });
  }
  private reveal(): void {
    const box = this.renderRoot.querySelector('.scroll');
    if (box === null) return;
    this.height = box.clientHeight;
    if (this.first >= 0) box.scrollTop = Math.max(0, this.first * rowHeight - box.clientHeight / 3);
  }

  private half(s: Side, step: number): TemplateResult {
    if (step < 0) return html`<span class="cell none"><span class="sr">no such step</span></span>`;
    const pc = s.trace.pcOf(step), path = s.trace.pathOf(step), p = s.trace.paths[path]!, end = step === p.first + p.count - 1;
    const words = html`<span class="pc">${pathName(path)} ${pc}</span><span class="insn">${s.text(pc)}</span><span class="effect">${effect(s, step)}</span>
      ${end ? html`<b class=${p.end}>${endSign[p.end]}</b>` : nothing}`;
    return s.trace !== this.walk.trace ? html`<span class="cell">${words}</span>`
      : html`<button class="cell bare" data-step=${step} title="Go to this step" @click=${() => this.leave(step)}>${words}</button>`;
  }

  /** Closes the comparison; at a step of the walk that is open when one is given. */
  private leave(step = -1): void {
    this.walk.goStep(step);
    this.dispatchEvent(new CustomEvent('skep-compared', { bubbles: true, composed: true }));
  }

  private row(r: Row, i: number): TemplateResult {
    const first = i === this.first;
    return html`<li class="${r.differs ? 'differs' : ''} ${first ? 'first' : ''}">${first ? html`<span class="sr">the first difference: </span>` : nothing}
      ${this.half(this.sides[0], r.a)}<span class="between" aria-hidden="true">${r.differs ? '≠' : ''}</span>${this.half(this.sides[1], r.b)}</li>`;
  }

  override render(): TemplateResult {
    const [a, b] = this.sides, n = this.rows.length, from = Math.max(0, Math.floor(this.top / rowHeight) - margin), to = Math.min(n, Math.ceil((this.top + this.height) / rowHeight) + margin);
    const f = this.rows[this.first];
    const head = (s: Side) => html`<div><h3>${s.name}</h3><p>${s.verdict} · ${count(s.trace.steps)} instructions</p></div>`;
    return html`<section aria-label="Side by side"><div class="top"><h2>Side by side</h2>
        <p role="status">${a.trace.steps === 0 || b.trace.steps === 0 ? 'One of them is refused before its first instruction: there are no steps to compare.' : f === undefined ? 'Both know the same at every step.' : html`The first difference is marked.`}</p>
        ${f === undefined ? nothing : html`<button @click=${() => this.reveal()}>Show it</button>`}
        <span class="grow"></span><button @click=${() => this.leave()}>Close</button></div>
      <div class="heads">${head(a)}${head(b)}</div>
      <div class="scroll" tabindex="0" aria-label="Aligned steps" @scroll=${(e: Event) => { const x = e.target as HTMLElement; this.top = x.scrollTop; this.height = x.clientHeight; }}>
        <ol ${css({ 'padding-top': `${from * rowHeight}px`, 'padding-bottom': `${(n - to) * rowHeight}px` })}>${this.rows.slice(from, to).map((r, i) => this.row(r, from + i))}</ol></div></section>`;
  }
}
