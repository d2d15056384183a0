/** Two verifier logs laid side by side: equal stretches folded, the first difference marked. */
import { html, nothing, type TemplateResult } from 'lit';
import { plural } from '../model/bytes';
import type { Opinion, Segment } from './api';

/** Equal lines shown at the ends of a fold, and lines of a difference before the rest is folded too. */
const around = 3, most = 400;

const linesOf = (log: string): readonly string[] => (log === '' ? [] : log.replace(/\n+$/, '').split('\n'));

function row(n: number, m: number, a: string | undefined, b: string | undefined, kind: Segment['kind'], first: boolean): TemplateResult {
  const word = kind === 'changed' ? '≠' : kind === 'ours' ? '−' : kind === 'theirs' ? '+' : '';
  const said = kind === 'changed' ? 'differs' : kind === 'ours' ? 'only skep' : kind === 'theirs' ? 'only the kernel' : '';
  return html`<tr class="${kind === 'changed' ? 'differs' : kind} ${first ? 'first' : ''}"><td class="n">${a === undefined ? '' : n + 1}</td><td class="l">${a ?? ''}</td>
    <td class="mark_">${word === '' ? nothing : html`<span aria-hidden="true">${word}</span><span class="sr">${said}</span>`}</td>
    <td class="n">${b === undefined ? '' : m + 1}</td><td class="l">${b ?? ''}${first ? html`<span class="sign"> ◂ first difference</span>` : nothing}</td></tr>`;
}

export function compareView(ours: Opinion, theirs: Opinion, open: ReadonlySet<number>, unfold: (segment: number) => void): TemplateResult {
  const a = linesOf(ours.log), b = linesOf(theirs.log), rows: TemplateResult[] = [];
  const segments = theirs.segments ?? [];
  if (segments.length === 0) return html`<p class="empty">There are no two logs to compare.</p>`;
  segments.forEach((s, i) => {
    const total = Math.max(s.ours[1] - s.ours[0], s.theirs[1] - s.theirs[0]);
    const put = (from: number, to: number) => {
      for (let d = from; d < to; d++) {
        const n = s.ours[0] + d, m = s.theirs[0] + d;
        rows.push(row(n, m, n < s.ours[1] ? a[n] : undefined, m < s.theirs[1] ? b[m] : undefined, s.kind, i === theirs.first && d === 0));
      }
    };
    const fold = (hidden: number) => rows.push(html`<tr class="fold"><td colspan="5"><button class="link" @click=${() => unfold(i)}>Show ${plural(hidden, s.kind === 'same' ? 'equal line' : 'line')}</button></td></tr>`);
    if (open.has(i)) put(0, total);
    else if (s.kind === 'same' && total > 4 * around && segments.length > 1) {
      const head = i === 0 ? 1 : around, tail = i === segments.length - 1 ? 1 : around;
      put(0, head);
      fold(total - head - tail);
      put(total - tail, total);
    } else if (total > most) {
      put(0, most);
      fold(total - most);
    } else put(0, total);
  });
  return html`<div class="scroll logs" tabindex="0" role="region" aria-label="Logs side by side"><table class="logs mono">
    <thead><tr><td></td><th scope="col">skep</th><td></td><td></td><th scope="col">Linux ${theirs.release}</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}
