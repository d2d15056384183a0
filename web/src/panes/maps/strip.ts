/** Maps whose order matters, as strips: LRU hashes, queues and stacks; and a Bloom filter's bits. */
import { html, nothing, svg, type TemplateResult } from 'lit';
import type { LRUSlot, MapEntry } from '../../engine/api';
import { plural } from '../../model/bytes';

/** Cells that a strip shows before it says how many more there are. */
const most = 48;

const beyond = (n: number) => n > most ? html`<li class="quiet">${plural(n - most, 'more', 'more')}</li>` : nothing;

export function lruView(order: readonly LRUSlot[]): TemplateResult {
  return html`<p class="note">Dropped last <span aria-hidden="true">→</span> dropped next. <span class="used">•</span> was looked up: it is spared once.</p>
    <ol class="strip" aria-label="LRU order, the one that is dropped next last">${order.slice(0, most).map((s, i) => html`<li class="cell ${s.list} ${i === order.length - 1 ? 'next' : ''}"
      title="${s.list} list${s.list === 'pending' ? `, CPU ${s.cpu}` : ''}">${s.used ? html`<span class="used">•<span class="sr"> looked up, </span></span> ` : nothing}${s.keyText}</li>`)}${beyond(order.length)}</ol>`;
}

/** Entries come in the order in which they are popped. */
export function queueView(stack: boolean, entries: readonly MapEntry[], count: number, value: (e: MapEntry) => TemplateResult): TemplateResult {
  if (count === 0) return html`<p class="note">Empty. <span class="mono">bpf_map_push_elem</span> puts a value here.</p>`;
  return html`<p class="note">${stack ? 'Top: popped first.' : 'Front: popped first.'}</p>
    <ol class="strip ${stack ? 'pile' : ''}" aria-label="Values in the order in which they are popped">${entries.slice(0, most).map(e => html`<li class="cell ${e.changed ? 'changed' : ''}">${value(e)}</li>`)}
      ${count > Math.min(entries.length, most) ? html`<li class="quiet">${plural(count - Math.min(entries.length, most), 'more', 'more')}</li>` : nothing}</ol>`;
}

/** At most this many bits are drawn. */
const maxBits = 2048;

export function bloomView(bits: Uint8Array, hashes: number): TemplateResult {
  const n = bits.length * 8, shown = Math.min(n, maxBits), across = 64, set: number[] = [];
  let count = 0;
  for (let i = 0; i < n; i++) {
    if ((bits[i >> 3]! >> (i & 7) & 1) === 0) continue;
    count++;
    if (i < shown) set.push(i);
  }
  const rows = Math.max(1, Math.ceil(shown / across));
  return html`<p class="note">${count} of ${plural(n, 'bit')} set, ${hashes} for each value${n > shown ? `; the first ${shown} are drawn` : ''}. A value is "probably there" when all of its bits are set.</p>
    <svg class="bits" viewBox="0 0 ${across * 6} ${rows * 6}" width=${across * 6} height=${rows * 6} aria-hidden="true" focusable="false">
      <rect class="none" width=${across * 6} height=${rows * 6}/>
      ${set.map(i => svg`<rect class="one" x=${i % across * 6 + 0.5} y=${Math.floor(i / across) * 6 + 0.5} width="5" height="5"/>`)}</svg>`;
}
