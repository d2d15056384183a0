/** The context structure that r1 points at when the program starts. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { seconds, word } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import text from './context.css';

@customElement('skep-context')
export class Context extends Pane {
  static override styles = styles(text);

  override render(): TemplateResult {
    const v = this.m.view;
    if (v === null || v.ctx.length === 0) {
      return html`<p class="empty">The context is what the kernel hands to the program in r1: for XDP, where the packet begins and ends and where it came in.</p>`;
    }
    const touched = (offset: number, size: number, ranges: typeof v.writes) =>
      ranges.some(r => r.region === v.ctxRegion && r.offset < offset + size && offset < r.offset + r.length);
    return html`<p class="sum"><span class="mono">${v.ctxName}</span>, time ${seconds(v.clock)} since boot</p>
      <table><thead><tr><th scope="col">field</th><th scope="col">offset</th><th scope="col">value</th><th scope="col">meaning</th></tr></thead>
      <tbody>${v.ctx.map(f => html`<tr class=${touched(f.offset, f.size, v.writes) ? 'changed' : ''}><td class="k">${f.name}</td><td class="k">${f.offset}</td>
        <td class="value">${word(f.value, this.m.prefs.base)}</td><td>${f.text}${touched(f.offset, f.size, v.reads) ? html` <span class="sign">◂ read</span>` : nothing}</td></tr>`)}</tbody></table>`;
  }
}
