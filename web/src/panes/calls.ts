/** Helper calls so far, newest first. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { Pane, styles } from '../ui/pane';
import text from './calls.css';

@customElement('skep-calls')
export class Calls extends Pane {
  static override styles = styles(text);

  override render(): TemplateResult {
    const v = this.m.view;
    if (v === null || v.calls.length === 0) {
      return html`<p class="empty">No helper was called yet. Helpers are the kernel functions that a program may call, such as <span class="mono">call bpf_map_lookup_elem</span>.</p>`;
    }
    return html`<ol aria-label="Helper calls, newest first">${[...v.calls].reverse().map(c => html`<li class=${c.step === v.step ? 'changed' : ''}>
      <span>${c.step === v.step ? html`<span class="sign">◂ now</span>` : html`<button class="link" @click=${() => void this.stage.moving.seek(c.step)}>step ${c.step}</button>`}</span>
      <span class="what">${c.name}(${c.args.map((a, i) => html`${i > 0 ? ', ' : nothing}<span class="arg">${a.name}=</span>${a.text}`)})
        <span class="result">= <span class="value">${c.resultText}</span></span></span></li>`)}</ol>`;
  }
}
