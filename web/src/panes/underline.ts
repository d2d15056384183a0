/** Text with its mistakes marked, to lie under a text field that cannot mark them itself. */
import { html, type TemplateResult } from 'lit';
import type { Problem } from '../engine/api';

export function underlined(text: string, problems: readonly Problem[]): TemplateResult {
  const placed = problems.filter(p => p.line > 0);
  if (placed.length === 0) return html``;
  return html`${text.split('\n').map((line, i) => {
    const here = placed.filter(p => p.line === i + 1).sort((a, b) => a.col - b.col), parts: (string | TemplateResult)[] = [];
    let at = 0;
    for (const p of here) {
      const from = Math.max(at, p.col - 1), to = p.col === 0 ? line.length : Math.min(line.length, from + Math.max(1, p.length));
      if (to <= from && from < line.length) continue;
      parts.push(line.slice(at, from), html`<span class=${p.severity}>${line.slice(from, to) || ' '}</span>`);
      at = Math.max(at, to);
    }
    return html`${parts}${line.slice(at)}${'\n'}`;
  })}`;
}
