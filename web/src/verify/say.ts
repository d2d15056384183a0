/**
 * The line below: what the instruction does and what the verifier makes of it;
 * at a refusal what was needed, what was proved, and what would satisfy it.
 * Screen readers read it at each step.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { count, plural } from '../model/bytes';
import { styles } from '../ui/pane';
import { marked } from '../ui/words';
import { pathName } from './paths';
import { endName, telling } from './words';
import { WalkPane } from './view';
import './whatif';
import './why';
import text from './say.css';

@customElement('skep-walk-say')
export class WalkSay extends WalkPane {
  static override styles = styles(text);

  private refusal(): TemplateResult {
    const w = this.walk, v = w.verdict!, r = w.reason!, insn = w.insn, line = insn === null ? undefined : this.m.listing?.lines[insn.line];
    const first = v.errors[0] ?? v.errnoName;
    return html`<section class="refused ${w.explained ? '' : 'alone'}" aria-label="Why the program is refused" aria-live="polite"><div class="text">
      <div class="head"><h2><span class="cross" aria-hidden="true">✖</span> ${r.title}</h2>
        ${r.needed === '' ? nothing : html`<p class="sum"><span>needed <b>${r.needed}</b></span> <span>proved <b class="abstract">${r.proved}</b></span></p>`}</div>
      <p class="where"><span>Instruction ${w.pc}</span> <code>${insn?.text ?? ''}</code>${line === undefined || line.text.trim() === '' || this.m.program.lang === 'asm' ? nothing : html`<code class="src">${line.line}: ${line.text.trim()}</code>`}</p>
      ${r.plain === '' ? nothing : html`<p>${marked(r.plain)}</p>`}
      ${r.fix === '' ? nothing : html`<div class="fix"><p><b>What would do.</b> ${marked(r.fix)}</p>${r.code === '' ? nothing : html`<pre>${r.code}</pre>`}</div>`}
      <p class="kernel"><span>The kernel says</span> <code>${first}</code>${v.errors[1] === undefined ? nothing : html` · <code>${v.errors[1]}</code>`}</p>
      </div>${w.explained ? html`<skep-walk-why inside .stage=${this.stage} .walk=${w}></skep-walk-why>` : nothing}
    </section>`;
  }

  private line(): TemplateResult {
    const w = this.walk, t = w.trace, v = w.verdict;
    if (t === null) {
      return html`<p class="said" aria-live="polite">${w.trouble !== '' ? `There is no walk to show: ${w.trouble}.` : 'The verifier is being loaded.'}</p>`;
    }
    if (v?.outcome === 'not_modelled') return html`<p class="said" aria-live="polite">This verifier does not cover ${v.feature}: there is no walk to show, and no verdict.</p>`;
    if (t.steps === 0) return html`<p class="said" aria-live="polite">${v?.outcome === 'rejected' ? 'The program is refused before the first instruction is walked.' : 'There is no step to show.'}</p>`;
    const insn = w.insn, f = w.frame, path = t.paths[w.path]!, at = w.last === w.n;
    const said = w.predicting ? `${insn?.text ?? ''}: what will the verifier know behind it?`
      : w.covered ? 'This state was seen before, or one that allows more: the path ends here.'
      : insn === null || f === null ? 'This step is not kept.' : telling(insn.bytes, insn.text, f);
    const forks = w.paths!.forksAt(w.step), taught = w.predicting ? [] : t.noFacts(w.step);
    return html`<p class="said" aria-live="polite" aria-atomic="true"><span class="sr">Path ${pathName(w.path)}, step ${w.n}, instruction ${w.pc}. </span>${said}${taught.map(x => ` It teaches nothing: ${x}.`)}
      ${at && !w.covered ? html`<span class="end ${path.end}">The path ${endName[path.end]}.</span>` : nothing}</p>
      <div class="forks">${forks.length === 0 ? nothing : html`<span>Another path begins here: ${forks.slice(0, 4).map(p => html`<button class="link" @click=${() => w.choose(p)}>path ${pathName(p)}, to ${t.paths[p]!.start}</button> `)}</span>`}
        ${insn === null || this.m.mode === 'both' || w.predicting ? nothing : html`<skep-what-if .stage=${this.stage} .walk=${w}></skep-what-if>`}</div>`;
  }

  private counters(): TemplateResult | typeof nothing {
    const v = this.walk.verdict;
    if (v === null) return nothing;
    return html`<p class="counters">${count(v.processed)} of 1 000 000 instructions · ${plural(v.totalStates, 'state')} kept · stack ${v.stackDepths.reduce((a, b) => a + b, 0)} of 512 bytes</p>`;
  }

  override render(): TemplateResult {
    const w = this.walk, r = w.refused ? w.reason : null;
    const early = w.verdict?.outcome === 'rejected' && w.trace?.steps === 0;
    return html`${r !== null ? this.refusal() : early ? html`${this.refusal()}` : html`<div class="row">${this.line()}${this.counters()}</div>`}
      ${w.processed < 0 ? nothing : html`<p class="notice" role="status">Verifying: ${count(w.processed)} instructions so far. <button @click=${() => w.cancel()}>Stop</button></p>`}
      ${w.stale && w.processed < 0 && w.trace !== null ? html`<p class="notice" role="status">${w.trouble !== '' ? `Shown is the walk before: ${w.trouble}.` : 'Shown is the walk before the change.'}</p>` : nothing}
      ${w.followed === '' || this.m.mode !== 'both' ? nothing : html`<p class="notice" role="status">${w.followed}</p>`}`;
  }
}
