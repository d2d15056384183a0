/** Sentences of the engine as the page shows them. */
import { html, type TemplateResult } from 'lit';

/** `names` in backquotes become code. */
export function marked(s: string): TemplateResult {
  return html`${s.split('`').map((part, i) => (i % 2 === 1 ? html`<span class="mono">${part}</span>` : part))}`;
}

/** A struct by its fields, each of which stays on a line; other values as they are. */
export function fields(s: string): TemplateResult {
  if (!/^\{"/.test(s) || !s.endsWith('}')) return html`${s}`;
  const parts = s.slice(1, -1).split(/,(?=")(?![^{[]*[}\]])/);
  return html`${parts.map(f => html`<span class="field">${f.replace(/"([\w.]+)":/g, (_, name: string) => `${name} `).replace(/ (?=[^ ]*$)/, '\u00a0')}</span> `)}`;
}

/** A key of a type in network order as people write it; others as the engine puts them. */
export function keyText(type: string, key: Uint8Array, text: string): string {
  if (type === '__be32' && key.length === 4) return key.join('.');
  if (type === '__be16' && key.length === 2) return String(key[0]! << 8 | key[1]!);
  return text;
}

/** First letter large, a full stop at the end. */
export const sentence = (s: string): string =>
  `${s.charAt(0).toUpperCase()}${s.slice(1)}${/[.!?]$/.test(s) || s === '' ? '' : '.'}`;
