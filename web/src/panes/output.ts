/** What came out: how each packet or event fared, and lines of bpf_printk. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { save } from '../ui/file';
import { Pane, styles } from '../ui/pane';
import text from './calls.css';

@customElement('skep-output')
export class Output extends Pane {
  static override styles = styles(text);

  private async pcap(): Promise<void> {
    const bytes = await this.m.session?.outputPcap({ dropped: false });
    if (bytes !== undefined) save('skep-output.pcap', bytes);
  }

  override render(): TemplateResult {
    const v = this.m.view;
    if (v === null || (v.verdicts.length === 0 && v.trace.length === 0)) {
      return html`<p class="empty">Nothing came out yet. What each run returns appears here at its exit, and so does what <span class="mono">bpf_printk</span> prints.</p>`;
    }
    const at = (step: number) => this.m.full !== null ? nothing : step === v.step ? html`<span class="sign">◂ now</span>`
      : html`<button class="link" @click=${() => void this.stage.moving.seek(step)}>step ${step}</button>`;
    return html`${v.verdicts.length === 0 ? nothing : html`<ol aria-label="Verdicts">${v.verdicts.map(r => html`<li class="verdict ${r.step === v.step ? 'changed' : ''}">
        <span>${at(r.step)}</span><span>${this.m.noun} ${r.event + 1}: <b class="tone-${r.tone}">${r.name}</b> ${r.meaning === '' ? nothing : html`<span class="second">${r.meaning}</span>`}</span></li>`)}</ol>`}
      ${v.trace.length === 0 ? nothing : html`<h3>bpf_printk</h3><ol aria-label="Lines of bpf_printk">${v.trace.map(t => html`<li class=${t.step === v.step ? 'changed' : ''}>
        <span>${at(t.step)}</span><span class="what">${t.text}</span></li>`)}</ol>`}
      ${v.verdicts.length === 0 || this.m.input.kind === 'events' ? nothing : html`<div class="tools"><button @click=${() => void this.pcap()}>Save passed packets as pcap</button></div>`}`;
  }
}
