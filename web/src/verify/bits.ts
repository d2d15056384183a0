/** The 64 bits of a number, known and unknown: the kernel's tnum, in groups of eight, the upper half shaded. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Bounds } from './types';
import { bitWords } from './words';

const char = (b: Bounds, i: number): string => ((b.bits.mask >> BigInt(i)) & 1n) === 1n ? '?' : ((b.bits.value >> BigInt(i)) & 1n) === 1n ? '1' : '0';

/** `edit`, when given, makes every bit a button. */
export function bitStrip(b: Bounds, before: Bounds | null, edit: ((bit: number) => void) | null): TemplateResult {
  const bit = (i: number) => {
    const c = char(b, i), kind = `${c === '?' ? 'maybe' : c === '1' ? 'one' : 'zero'} ${before !== null && char(before, i) !== c ? 'fresh' : ''}`;
    return edit === null ? html`<i class=${kind}>${c}</i>` : html`<button class="bit ${kind}" aria-label="bit ${i} is ${c === '?' ? 'not known' : c}" @click=${() => edit(i)}>${c}</button>`;
  };
  const half = (from: number, name: string) => html`<span class="half ${name}">${[3, 2, 1, 0].map(g => html`<span class="group">
    ${Array.from({ length: 8 }, (_, k) => bit(from + 8 * g + 7 - k))}<small>${from + 8 * g + 7}…${from + 8 * g}</small></span>`)}</span>`;
  const quiet = edit === null && (b.bits.value | b.bits.mask) >> 32n === 0n && (before === null || (before.bits.value | before.bits.mask) >> 32n === 0n);
  return html`<div class="bits" role=${edit === null ? 'img' : 'group'} aria-label="Bits: ${bitWords(b)}">
    ${quiet ? html`<span class="note">bits 63…32 are 0</span>` : half(32, 'upper')}${half(0, 'lower')}</div>
    ${edit === null ? nothing : html`<p class="hint">Click a bit: 0, 1, not known.</p>`}`;
}
