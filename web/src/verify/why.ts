/** Where a fact comes from: the chain of instructions that made it, the newest first; each leads to its step. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import { placeName, type Link } from './provenance';
import { meaning } from './words';
import { WalkPane } from './view';
import text from './why.css';

@customElement('skep-walk-why')
export class WalkWhy extends WalkPane {
  static override styles = styles(text);
  /** Stands inside the words about a refusal. */
  @property({ type: Boolean, reflect: true }) inside = false;

  private link({ why, also, again }: Link, i: number): TemplateResult {
    const w = this.walk, insn = this.m.insn(why.pc), line = insn === null ? undefined : this.m.listing?.lines[insn.line], frames = (w.state?.frames.length ?? 1) > 1 || why.place.frame > 0;
    return html`<li><span class="fact"><b class="mono">${placeName(why.place)}</b>${frames ? html` <span class="second">frame ${why.place.frame}</span>` : nothing}
        <span class="value">${why.value === null ? why.bytes : meaning(why.value)}</span></span>
      <span class="made">${why.rule === 'entry' ? nothing : html`<button class="link" data-link=${i} @click=${() => w.goStep(why.step)}>insn ${why.pc}</button>
        <span class="mono insn">${insn?.text ?? ''}</span>`} <span class="second">${why.text}</span></span>
      ${line === undefined || this.inside || this.m.program.lang === 'asm' ? nothing : html`<span class="line mono">${line.line}: ${line.text.trim()}</span>`}
      ${also.map(p => html`<button class="link also" @click=${() => { w.goStep(why.step); w.about(p); }}>and ${placeName(p)}?</button>`)}</li>
      ${again === 0 ? nothing : html`<li class="again"><span class="second">and the same in ${again}${again > 60 ? ' or more' : ''} rounds before</span></li>`}`;
  }

  override render(): TemplateResult | typeof nothing {
    const w = this.walk, a = w.asked;
    if (a === null) return nothing;
    const chain = w.chain;
    return html`<section aria-label="Where ${placeName(a)} comes from"><div class="top"><h2>Where does <span class="mono">${placeName(a)}</span> come from?</h2>
      ${this.inside ? nothing : html`<button @click=${() => w.about(null)}>Close</button>`}</div>
      ${chain.length === 0 ? html`<p class="second">Nothing is known here: it was never set on this path, or the steps that set it were not kept.</p>` : html`<ol>${chain.map((l, i) => this.link(l, i))}</ol>`}</section>`;
  }
}
