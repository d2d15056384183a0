/** Input: packets in the packet language, hex or a pcap file, and how each one fares. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { Input, Verdict } from '../engine/api';
import { plural } from '../model/bytes';
import { pick, save } from '../ui/file';
import { Pane, styles } from '../ui/pane';
import { marked } from '../ui/words';
import text from './packets.css';
import { underlined } from './underline';

@customElement('skep-packets')
export class Packets extends Pane {
  static override styles = styles(text);

  private edit(e: Event): void {
    const value = (e.target as HTMLTextAreaElement).value;
    this.stage.loading.editInput({ kind: this.m.input.kind === 'hex' ? 'hex' : 'text', text: value });
  }

  /** The marks lie under the text: they scroll with it. */
  private scrolled(e: Event): void {
    const from = e.target as HTMLTextAreaElement, marks = from.previousElementSibling!;
    marks.scrollTop = from.scrollTop;
    marks.scrollLeft = from.scrollLeft;
  }

  private form(e: Event): void {
    const kind = (e.target as HTMLSelectElement).value as Input['kind'];
    const old = this.m.input;
    if (kind === old.kind || kind === 'pcap') return;
    // The other form of the same packets, as far as hex can say it.
    const hex = this.m.packets.map(p => Array.from(p.bytes, b => b.toString(16).padStart(2, '0')).join('').replace(/(.{32})/g, '$1\n').trim()).join('\n\n');
    this.stage.loading.editInput({ kind, text: kind === 'hex' ? hex : 'eth / ipv4 / udp(dport=53)' });
  }

  private async open(): Promise<void> {
    const f = await pick('.pcap,.pcapng,.cap');
    if (f !== null) this.dispatchEvent(new CustomEvent('skep-file', { detail: f, bubbles: true, composed: true }));
  }
  private async store(): Promise<void> {
    const bytes = await this.m.engine?.toPcap(this.m.packets.map(p => p.bytes));
    if (bytes !== undefined) save('skep-input.pcap', bytes);
  }

  private verdict(i: number): TemplateResult | typeof nothing {
    const past = this.m.view?.verdicts.find(v => v.event === i);
    const v: Verdict | undefined = past ?? this.m.outlook.verdicts.find(x => x.event === i);
    const fault = this.m.outlook.fault >= 0 && this.m.outlook.verdicts.every(x => x.event < i) && this.m.outlook.verdicts.length === i;
    if (v === undefined) return fault ? html`<span class="v tone-bad ${this.m.view?.fault === null ? 'ahead' : ''}">${this.m.view?.fault === null ? 'will fault' : 'fault'}</span>` : nothing;
    return html`<span class="v tone-${v.tone} ${past === undefined ? 'ahead' : ''}">${past === undefined ? html`<span class="sr">will be </span>` : nothing}${v.name}</span>`;
  }

  private jump(i: number): void {
    const before = this.m.outlook.verdicts.find(v => v.event === i - 1);
    if (i === 0) void this.stage.moving.seek(0);
    else if (before !== undefined) void this.stage.moving.seek(before.step + 1);
  }

  /** Keeps the present packet in sight. */
  protected override updated(_: PropertyValues): void {
    const event = this.m.view?.event ?? -1;
    if (event === this.shown) return;
    this.shown = event;
    const row = this.renderRoot.querySelector<HTMLElement>('.now'), box = this.renderRoot.querySelector('.list');
    if (row === null || box === null) return;
    const y = row.offsetTop - (box as HTMLElement).offsetTop;
    if (y < box.scrollTop || y + row.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = y - box.clientHeight / 3;
  }
  private shown = -1;

  override render(): TemplateResult {
    const m = this.m, input = m.input;
    return html`<div class="tools">
        <label><span class="sr">Packets are written as</span><select @change=${this.form}>
          <option value="text" ?selected=${input.kind === 'text'}>packet language</option>
          <option value="hex" ?selected=${input.kind === 'hex'}>hex</option>
          ${input.kind === 'pcap' ? html`<option value="pcap" selected>pcap file</option>` : nothing}</select></label>
        <span class="grow"></span>
        <button @click=${() => void this.open()}>Open pcap…</button>
        <button ?disabled=${m.packets.length === 0 || m.engine === null} @click=${() => void this.store()}>Save as pcap</button>
      </div>
      ${input.kind === 'pcap' ? html`<p class="empty">${plural(m.packets.length, 'packet')} from a pcap file of ${plural(input.bytes.length, 'byte')}. Choose another form above to write packets yourself.</p>`
        : html`<div class="text"><pre class="marks" aria-hidden="true">${underlined(input.text, m.inputProblems)}</pre>
          <textarea spellcheck="false" autocapitalize="off" autocomplete="off" aria-label="Packets, one a line" aria-invalid=${m.inputProblems.some(p => p.severity === 'error')}
          placeholder=${'eth / ipv4(src=10.0.0.1) / udp(dport=53) / "hello"'} .value=${input.text} @input=${this.edit} @scroll=${this.scrolled}></textarea></div>`}
      ${m.inputProblems.map(p => html`<p class="problem" role="status">${p.line > 0 ? `Line ${p.line}${p.col > 0 ? `, column ${p.col}` : ''}: ` : nothing}${marked(p.message)}${p.hint === '' ? nothing : html`<span class="hint"> – ${marked(p.hint)}</span>`}</p>`)}
      <ol class="list" aria-label="Packets">${m.packets.map((p, i) => html`<li><button class="bare ${m.view?.event === i ? 'now' : ''}" aria-current=${m.view?.event === i ? 'true' : nothing}
        title="Go to the arrival of this packet" @click=${() => this.jump(i)}><span class="n">${i + 1}</span><span class="s">${p.summary}</span>${this.verdict(i)}</button></li>`)}</ol>`;
  }
}
