/**
 * Maps: their entries, who wrote each last, per-CPU values side by side, and a
 * picture of those types that have a shape. Read next: maps/trie.ts.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { MapEntry, MapInfo, MapView, RingRecord } from '../engine/api';
import { count, plural, seconds, toHex } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import { fields, keyText } from '../ui/words';
import { ringView } from './maps/ring';
import { bloomView, lruView, queueView } from './maps/strip';
import { maxTrie, trieView } from './maps/trie';
import text from './maps.css';

/** Entries that are fetched at once, beyond those of a view. */
const page = 1000;

@customElement('skep-maps')
export class Maps extends Pane {
  static override styles = styles(text);
  /** More entries than a view brings, by map, of one step. */
  @state() private more: { readonly map: number; readonly step: number; readonly entries: readonly MapEntry[] } | null = null;

  private when(step: number): TemplateResult {
    if (this.m.full !== null) return html``; // no step is known
    if (step < 0) return html`<span class="quiet">${step === -1 ? 'from the start' : 'earlier'}</span>`;
    const here = step === this.m.view?.step;
    return here ? html`<span class="sign">◂ this step</span>`
      : html`<button class="link" @click=${() => void this.stage.moving.seek(step)}>step ${step}</button>`;
  }

  private watch(e: MapEntry, cpu: number, name: string): void {
    const region = e.regions[cpu] ?? 0, length = e.values[cpu]?.length ?? 0;
    if (region !== 0) void this.stage.moving.watch({ kind: 'memory', region, offset: 0, length }, name);
  }

  private entry(info: MapInfo, e: MapEntry): TemplateResult {
    const key = keyText(info.keyType, e.key, e.keyText), name = `${info.name}[${key}]`;
    return html`<tr class=${e.changed ? 'changed' : ''}><td>${fields(key)}</td>
      ${e.valueTexts.map((t, cpu) => html`<td class="value">${(e.regions[cpu] ?? 0) === 0 ? fields(t)
        : html`<button class="bare" title="Where does this value come from?" @click=${() => this.watch(e, cpu, name)}><span>${fields(t)}</span></button>`}</td>`)}
      <td class="when">${this.when(e.writer)}</td></tr>`;
  }

  private entries(info: MapInfo, v: MapView): TemplateResult {
    const all = this.more !== null && this.more.map === v.map && this.more.step === this.m.view?.step ? this.more.entries : v.entries;
    const untouched = (e: MapEntry) => e.writer < 0 && !e.changed && e.values.every(b => b.every(x => x === 0));
    const shown = info.type.includes('array') ? all.filter(e => !untouched(e)) : all;
    const zeros = all.length - shown.length, beyond = v.count - all.length;
    const cpus = all[0]?.values.length ?? 1;
    return html`${shown.length === 0 ? nothing : html`<table><thead><tr><th scope="col">${info.keyType === '' ? 'key' : html`key <span class="mono">${info.keyType}</span>`}</th>
      ${cpus > 1 ? Array.from({ length: cpus }, (_, i) => html`<th scope="col">CPU ${i}</th>`) : html`<th scope="col">${info.valueType === '' ? 'value' : html`value <span class="mono">${info.valueType}</span>`}</th>`}
      <th scope="col">written</th></tr></thead><tbody>${shown.map(e => this.entry(info, e))}</tbody></table>`}
      ${shown.length === 0 && zeros === 0 ? html`<p class="note">Empty. An update puts an entry here.</p>` : nothing}
      ${zeros > 0 ? html`<p class="note">${shown.length === 0 ? plural(zeros + Math.max(0, beyond), 'entry', 'entries') : `${plural(zeros, 'more', 'more')}`}, all zero.</p>` : nothing}
      ${beyond > 0 && shown.length > 0 ? html`<p class="note"><button class="link" @click=${() => void this.fetchMore(v, all)}>Show ${plural(Math.min(beyond, page), 'more entry', 'more entries')}</button>${beyond > page ? ` of ${count(beyond)}` : ''}</p>` : nothing}`;
  }

  /** The next thousand: more rows at once would hold up the page. */
  private async fetchMore(v: MapView, have: readonly MapEntry[]): Promise<void> {
    const step = this.m.view?.step ?? -1, next = await this.m.session?.mapEntries(v.map, have.length, page);
    if (next !== undefined) this.more = { map: v.map, step, entries: [...have, ...next] };
  }

  private record(r: RingRecord): TemplateResult {
    const now = r.step === this.m.view?.step;
    return html`<tr class=${now ? 'changed' : ''}><td class="value state-${r.state}">${r.type === '' ? toHex(r.bytes.subarray(0, 32)) : html`<span title=${r.type}>${fields(r.text)}</span>`}</td>
      ${r.cpu < 0 ? nothing : html`<td class="when">CPU ${r.cpu}</td>`}
      <td class="when">${r.state}</td><td class="when">${this.when(r.step)}</td></tr>`;
  }

  /** A value that can be asked for its origin, and who wrote it. */
  private valueCell(info: MapInfo, e: MapEntry): TemplateResult {
    return html`<span class="value">${e.valueTexts.map((t, cpu) => (e.regions[cpu] ?? 0) === 0 ? fields(t)
      : html`<button class="bare" title="Where does this value come from?" @click=${() => this.watch(e, cpu, `${info.name}[${e.keyText}]`)}><span>${fields(t)}</span></button>`)}</span>`;
  }

  /** What shows the map best: a picture where its type has a shape, and the table. */
  private body(info: MapInfo, v: MapView): TemplateResult {
    switch (info.type) {
      case 'lpm_trie':
        if (v.trie.length === 0 || v.trie.length > maxTrie) break;
        return trieView(v.trie, v.entries, e => html`${this.valueCell(info, e)}<span class="when">${this.when(e.writer)}</span>`);
      case 'lru_hash': case 'lru_percpu_hash':
        return html`${v.order.length === 0 ? nothing : lruView(v.order.map(o => ({ ...o, keyText: this.keyOf(info, v, o.keyText) })))}${this.entries(info, v)}`;
      case 'queue': case 'stack':
        return queueView(info.type === 'stack', v.entries, v.count, e => this.valueCell(info, e));
      case 'bloom_filter':
        if (v.bits.length === 0) break;
        return bloomView(v.bits, v.hashes);
      case 'ringbuf': case 'user_ringbuf':
        return html`${v.ring === null ? nothing : ringView(v.ring)}${this.records(v)}`;
      case 'perf_event_array':
        return this.records(v);
    }
    return html`${this.entries(info, v)}${this.timers(v)}`;
  }

  /** The key that the engine writes like this, as the table shows it. */
  private keyOf(info: MapInfo, v: MapView, text: string): string {
    const e = v.entries.find(x => x.keyText === text);
    return e === undefined ? text : keyText(info.keyType, e.key, text);
  }

  private records(v: MapView): TemplateResult {
    if (v.records.length === 0) return html`<p class="note">No record yet. bpf_ringbuf_output or reserve and submit put one here.</p>`;
    const types = [...new Set(v.records.map(r => r.type))];
    return html`<table><thead><tr><th scope="col">record ${types.length === 1 ? html`<span class="mono">${types[0]}</span>` : nothing}</th>
      ${v.records[0]!.cpu < 0 ? nothing : html`<th scope="col">to</th>`}<th scope="col">state</th><th scope="col">written</th></tr></thead>
      <tbody>${v.records.map(r => this.record(r))}</tbody></table>`;
  }

  private timers(v: MapView): TemplateResult | typeof nothing {
    const armed = v.timers.filter(t => t.armed), now = this.m.view?.clock ?? 0n;
    if (armed.length === 0) return nothing;
    return html`<ul class="strip" aria-label="Timers">${armed.map(t => html`<li class="cell timer">${t.keyText}: ${t.callback === '' ? 'callback' : t.callback} ${t.work ? 'waits to run' : `in ${seconds(t.expires > now ? t.expires - now : 0n)}`}</li>`)}</ul>`;
  }

  private fill(info: MapInfo, v: MapView): string {
    switch (info.type) {
      case 'ringbuf': case 'user_ringbuf': case 'perf_event_array': return plural(v.recordCount, 'record');
      case 'bloom_filter': return `made for ${plural(info.maxEntries, 'value')}`;
    }
    return `${plural(v.count, 'entry', 'entries')} of ${info.maxEntries}`;
  }

  private map(v: MapView): TemplateResult {
    const info = this.m.listing!.maps[v.map]!;
    return html`<div class="map"><h3>${info.name} <span class="kind">${info.type}, ${this.fill(info, v)}</span></h3>
      ${this.body(info, v)}</div>`;
  }

  override render(): TemplateResult {
    const v = this.m.view, l = this.m.listing;
    if (v === null || l === null || v.maps.length === 0) {
      return html`<p class="empty">This program has no maps. A map keeps values from one packet to the next and shares them with user space:
        <span class="mono">.map counts array key=4 value=8 entries=1</span> declares one.</p>`;
    }
    const own = v.maps.filter(x => l.maps[x.map]?.internal !== true), inner = v.maps.filter(x => l.maps[x.map]?.internal === true);
    return html`${own.map(x => this.map(x))}
      ${inner.length === 0 ? nothing : html`<details ?open=${own.length === 0}><summary>Global variables and constants (${inner.map(x => l.maps[x.map]?.name).join(', ')})</summary>${inner.map(x => this.map(x))}</details>`}`;
  }
}
