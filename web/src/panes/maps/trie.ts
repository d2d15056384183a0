/** A longest-prefix-match trie as the tree that a lookup walks down, bit by bit. */
import { html, nothing, type TemplateResult } from 'lit';
import type { MapEntry, TrieNode } from '../../engine/api';

/** Above this many nodes a tree helps nobody: the table is shown instead. */
export const maxTrie = 160;

export function trieView(trie: readonly TrieNode[], entries: readonly MapEntry[], value: (e: MapEntry) => TemplateResult): TemplateResult {
  const node = (i: number, side: string): TemplateResult | typeof nothing => {
    const n = trie[i];
    if (n === undefined) return nothing;
    const e = entries[n.entry], leaf = n.left < 0 && n.right < 0;
    return html`<li class=${e?.changed === true ? 'changed' : ''}><div class="node">
        ${side === '' ? nothing : html`<span class="side" title="the next bit">${side}</span>`}
        <span class="knot ${e === undefined ? 'fork' : ''}" aria-hidden="true"></span>
        <span class="prefix">${n.middle ? `/${n.bits}` : n.text}</span>
        ${e === undefined ? html`<span class="quiet">${n.middle ? 'fork' : 'not among the entries shown'}</span>` : value(e)}</div>
      ${leaf ? nothing : html`<ul>${node(n.left, '0')}${node(n.right, '1')}</ul>`}</li>`;
  };
  return html`<ul class="trie" aria-label="Trie of prefixes">${node(0, '')}</ul>
    <p class="note">A lookup goes down as far as the bits of the key fit; the last entry on its way wins.</p>`;
}
