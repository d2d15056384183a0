/** Input: packets in the packet language, hex or a pcap file, or events; and how each one fares. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Firing, HookInfo, Input, Verdict } from '../engine/api';
import { plural, toHex } from '../model/bytes';
import { css } from '../ui/css';
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
    const kind = this.m.input.kind;
    this.stage.loading.editInput({ kind: kind === 'pcap' ? 'text' : kind, text: value });
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
    this.stage.loading.editInput({ kind, text: this.inForm(kind, old) });
  }
  /** The same input in another form, as far as that can say it. */
  private inForm(kind: 'text' | 'hex' | 'events', old: Input): string {
    const hex = (gap: string) => this.m.packets.map(p => toHex(p.bytes, '').replace(/(.{32})/g, `$1${gap}`).trim());
    switch (kind) {
      case 'hex': return hex('\n').join('\n\n');
      case 'text': return old.kind === 'hex' ? hex('').map(h => `raw(${h})`).join('\n') : 'eth / ipv4 / udp(dport=53)';
      case 'events': return old.kind === 'text' ? old.text.split('\n').map(l => (l.trim() === '' || l.startsWith('#') ? l : `pkt ${l}`)).join('\n')
        : old.kind === 'hex' && this.m.packets.length > 0 ? hex('').map(h => `pkt ${h}`).join('\n') : this.example();
    }
  }

  /** An event that fires what the program is attached to. */
  private example(): string {
    const l = this.m.listing, type = l?.type ?? '';
    return this.hooks.find(h => h.type === type)?.example ?? this.hooks.find(h => h.type === 'tracepoint')?.example ?? 'exec path=/bin/true';
  }
  @state() private hooks: readonly HookInfo[] = [];
  private async fetchHooks(): Promise<void> {
    if (this.asked || this.m.engine === null) return;
    this.asked = true;
    this.hooks = (await this.m.engine.hooks()).filter(h => h.example !== '');
  }
  private asked = false;

  /** Adds a line that fires a hook. */
  private insert(e: Event): void {
    const s = e.target as HTMLSelectElement, h = this.hooks.find(x => x.type === s.value), input = this.m.input;
    s.value = '';
    if (h === undefined || input.kind !== 'events') return;
    this.stage.loading.editInput({ kind: 'events', text: `${input.text.replace(/\n*$/, '')}${input.text === '' ? '' : '\n'}${h.example}` });
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

  private row(i: number, text: string): TemplateResult {
    return html`<li><button class="bare ${this.m.view?.event === i ? 'now' : ''}" aria-current=${this.m.view?.event === i ? 'true' : nothing}
      title="Go to where this one begins" @click=${() => this.jump(i)}><span class="n">${i + 1}</span><span class="s">${text}</span>${this.verdict(i)}</button></li>`;
  }

  /** A lane for each CPU, an event of the run a tick. */
  private lanes(firings: readonly Firing[]): TemplateResult | typeof nothing {
    const cpus = Math.max(...firings.map(f => f.cpu)) + 1;
    if (cpus < 2 || firings.length > 400) return nothing;
    const tone = (k: number) => this.m.outlook.verdicts.find(v => v.event === k)?.tone ?? 'other';
    return html`<div class="cpulanes" aria-hidden="true">${Array.from({ length: cpus }, (_, cpu) => html`<div class="cpulane"><span>CPU ${cpu}</span><div>${firings.map((f, k) => f.cpu !== cpu ? nothing
      : html`<i class="shot ${tone(k)} ${this.m.view?.event === k ? 'now' : ''}" ${css({ left: `${(100 * (k + 0.5) / firings.length).toFixed(2)}%` })} @click=${() => this.jump(k)}></i>`)}</div></div>`)}</div>`;
  }

  /** Events with what they ran below them, and what user space saw. */
  private events(): TemplateResult {
    const { firings, events } = this.m.outlook.fired;
    return html`${this.lanes(firings)}<ol class="list" aria-label="Events">${events.map((e, k) => {
      const ran = firings.map((f, i) => [f, i] as const).filter(([f]) => f.source === k);
      return html`<li><p class="event"><span class="s">${e.text}</span>${e.ended ? html`<span class=${e.errno === 0 ? 'second' : 'tone-bad'}>${e.result}</span>` : nothing}</p>
        ${ran.length === 0 ? html`<p class="event quiet">runs none of these programs</p>`
          : html`<ol class="ran">${ran.map(([f, i]) => this.row(i, `${this.m.listing?.programs[f.program]?.name ?? ''} at ${f.site}, CPU ${f.cpu}, ${f.task} (${f.pid})`))}</ol>`}</li>`;
    })}</ol>`;
  }

  override render(): TemplateResult {
    const m = this.m, input = m.input, events = input.kind === 'events';
    void this.fetchHooks();
    return html`<div class="tools">
        <label><span class="sr">Input is written as</span><select @change=${this.form}>
          <option value="text" ?selected=${input.kind === 'text'}>packet language</option>
          <option value="hex" ?selected=${input.kind === 'hex'}>hex</option>
          <option value="events" ?selected=${events}>events</option>
          ${input.kind === 'pcap' ? html`<option value="pcap" selected>pcap file</option>` : nothing}</select></label>
        ${events ? html`<label><span class="sr">Add an event that fires</span><select @change=${this.insert}><option value="">Add an event for…</option>
          ${this.hooks.map(h => html`<option value=${h.type}>${h.title}: ${h.example}</option>`)}</select></label>` : nothing}
        <span class="grow"></span>
        ${events ? nothing : html`<button @click=${() => void this.open()}>Open pcap…</button>
        <button ?disabled=${m.packets.length === 0 || m.engine === null} @click=${() => void this.store()}>Save as pcap</button>`}
      </div>
      ${input.kind === 'pcap' ? html`<p class="empty">${plural(m.packets.length, 'packet')} from a pcap file of ${plural(input.bytes.length, 'byte')}. Choose another form above to write packets yourself.</p>`
        : html`<div class="text"><pre class="marks" aria-hidden="true">${underlined(input.text, m.inputProblems)}</pre>
          <textarea spellcheck="false" autocapitalize="off" autocomplete="off" aria-label=${events ? 'Events, one a line' : 'Packets, one a line'} aria-invalid=${m.inputProblems.some(p => p.severity === 'error')}
          placeholder=${events ? 'exec uid=1000 comm=bash path=/bin/true' : 'eth / ipv4(src=10.0.0.1) / udp(dport=53) / "hello"'} .value=${input.text} @input=${this.edit} @scroll=${this.scrolled}></textarea></div>`}
      ${m.inputProblems.map(p => html`<p class="problem" role="status">${p.line > 0 ? `Line ${p.line}${p.col > 0 ? `, column ${p.col}` : ''}: ` : nothing}${marked(p.message)}${p.hint === '' ? nothing : html`<span class="hint"> – ${marked(p.hint)}</span>`}</p>`)}
      ${events ? this.events() : html`<ol class="list" aria-label="Packets">${m.packets.map((p, i) => this.row(i, p.summary))}</ol>`}`;
  }
}
