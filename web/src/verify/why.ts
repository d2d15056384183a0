/** Where a fact comes from: the chain of instructions that made it, the newest first; each leads to its step. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import { placeName, type Link } from './provenance';
import { WalkPane } from './view';
import text from './why.css';

@customElement('skep-walk-why')
export class WalkWhy extends WalkPane {
  static override styles = styles(text);

  /** Stands inside the words about a refusal. */
  @property({ type: Boolean, reflect: true }) inside = false;

  private link(l: Link, i: number): TemplateResult {
    const w = this.walk, insn = this.m.insn(l.pc), line = insn === null ? undefined : this.m.listing?.lines[insn.line];
    const also = l.from.slice(1);
    return html`<li><span class="fact"><b class="mono">${placeName(l.place)}</b> <span class="value">${l.value}</span></span>
      <span class="made">${l.n < 0 ? html`<span class="second">${l.text}</span>` : html`<button class="link" data-link=${i} @click=${() => w.go(w.path, l.n)}>insn ${l.pc}</button>
        <span class="mono insn">${insn?.text ?? ''}</span> <span class="second">${l.text}</span>`}</span>
      ${line === undefined || this.inside || this.m.program.lang === 'asm' ? nothing : html`<span class="line mono">${line.line}: ${line.text.trim()}</span>`}
      ${also.map(p => html`<button class="link also" @click=${() => { w.go(w.path, l.n); w.ask(p); }}>and ${placeName(p)}?</button>`)}</li>`;
  }

  override render(): TemplateResult | typeof nothing {
    const w = this.walk, a = w.asked;
    if (a === null) return nothing;
    const chain = w.chain;
    return html`<section aria-label="Where ${placeName(a)} comes from"><div class="top"><h2>Where does <span class="mono">${placeName(a)}</span> come from?</h2>
      ${this.inside ? nothing : html`<button @click=${() => w.ask(null)}>Close</button>`}</div>
      <ol>${chain.map((l, i) => this.link(l, i))}</ol></section>`;
  }
}
