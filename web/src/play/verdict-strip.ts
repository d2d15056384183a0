/**
 * What the verifier says about the program as it is typed, in one line that
 * never changes its height: accepted, the lines of the error, what is not modelled,
 * or that nothing has been checked yet. While there is no verdict on
 * the present text the last one stays, dimmed.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Verified } from '../engine/verdict';
import { count } from '../model/bytes';
import { privilegeName } from '../panes/log';
import { Pane, styles } from '../ui/pane';
import { sentence } from '../ui/words';
import text from './verdict-strip.css';

@customElement('skep-verdict-strip')
export class VerdictStrip extends Pane {
  static override styles = styles(text);
  @property({ type: Boolean, reflect: true }) narrow = false;

  private said(v: Verified): TemplateResult {
    switch (v.outcome) {
      case 'accepted':
        return html`<b class="ok"><span aria-hidden="true">✓</span> Accepted</b>
          <span class="words">${count(v.processed)} instructions walked, ${count(v.totalStates)} ${v.totalStates === 1 ? 'state' : 'states'} kept</span>`;
      case 'rejected': {
        return html`<b class="bad"><span aria-hidden="true">✖</span> Rejected</b>
          ${v.pc < 0 ? nothing : html`<button class="link" @click=${() => this.show(v.pc)}>instruction ${v.pc}${v.line > 0 && !this.narrow ? `, line ${v.line}` : ''}</button>`}
          <span class="words mono" title=${v.errors.join('\n')}>${v.errors.length === 0 ? v.errnoName : v.errors.map((l, i) => html`${i > 0 ? html`<span class="dot" aria-hidden="true">·</span><span class="sr">, </span>` : nothing}${l}`)}</span>`;
      }
      default:
        return html`<b>Not modelled</b><span class="words">no verdict: this verifier does not cover ${v.feature}</span>`;
    }
  }

  private show(pc: number): void {
    this.dispatchEvent(new CustomEvent('skep-insn', { detail: pc, bubbles: true, composed: true }));
  }

  override render(): TemplateResult {
    const d = this.stage.verdicts, v = d.last;
    const why = d.why === '' ? '' : sentence(d.why);
    const who = this.m.prefs.privilege;
    return html`<div class="strip" role="status" aria-label="Verifier" aria-busy=${d.on && !d.fresh && d.why === ''}>
      ${v === null ? html`<b>Not checked yet</b><span class="words">${why}</span>`
        : html`<div class="said ${d.fresh ? '' : 'old'}">${this.said(v)}</div>${why === '' || d.fresh ? nothing : html`<span class="why">${why}</span>`}`}
      ${d.slow ? html`<span class="why">Verifying…</span><button @click=${() => d.cancel()}>Stop</button>` : nothing}
      <span class="grow"></span>
      <span class="who">${d.kernel === '' ? '' : `as Linux ${d.kernel}, ${privilegeName(who)}`}</span>
      <button aria-label="Show the verifier's log" title="l" @click=${() => this.dispatchEvent(new CustomEvent('skep-log', { bubbles: true, composed: true }))}>Log</button></div>`;
  }
}
