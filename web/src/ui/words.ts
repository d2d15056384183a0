/** Sentences of the engine as the page shows them. */
import { html, type TemplateResult } from 'lit';

/** `names` in backquotes become code. */
export function marked(s: string): TemplateResult {
  return html`${s.split('`').map((part, i) => (i % 2 === 1 ? html`<span class="mono">${part}</span>` : part))}`;
}

/** First letter large, a full stop at the end. */
export const sentence = (s: string): string =>
  `${s.charAt(0).toUpperCase()}${s.slice(1)}${/[.!?]$/.test(s) || s === '' ? '' : '.'}`;
