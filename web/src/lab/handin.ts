/** Handing in: the server grades it again, which counts, and real kernels on demand. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Graded } from '../engine/zprotocol';
import type { Lab, LabExercise } from './data';
import { keep } from './memory';
import { ask, type KernelAnswer, type Report, type ReportFinding, type Told } from './server';

export class HandIn {
  grade: Told<Report> | null = null;
  kernel: Told<KernelAnswer> | null = null;
  busy: '' | 'grade' | 'kernel' = '';
  private stopping = new AbortController();

  constructor(private readonly lab: Lab, private readonly of: LabExercise, private readonly changed: () => void) {}

  /** What was said is of an earlier text. */
  edited(): void {
    if (this.busy !== '') this.stopping.abort();
    this.grade = this.kernel = null;
    this.busy = '';
  }

  cancel(): void {
    this.stopping.abort();
    this.busy = '';
    this.changed();
  }

  async send(what: 'grade' | 'kernel', lang: string, source: string): Promise<void> {
    const stopping = this.stopping = new AbortController();
    this.busy = what;
    this.changed();
    try {
      if (what === 'kernel') this.kernel = await ask<KernelAnswer>(this.lab.id, this.of.id, what, lang, source, stopping.signal);
      else this.grade = await ask<Report>(this.lab.id, this.of.id, what, lang, source, stopping.signal);
      if (what === 'grade' && this.grade?.ok === true) {
        const { points, total, passed } = this.grade.value;
        keep(this.lab.id, this.of.id, { points, total, passed, counts: passed });
      }
    } catch { /* stopped */ }
    if (this.stopping !== stopping || stopping.signal.aborted) return;
    this.busy = '';
    this.changed();
  }
}

const seconds = (ms: number) => ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

function line(r: Report): TemplateResult {
  const word = r.passed ? 'passed' : r.outcome === 'rejected' ? 'rejected' : r.outcome === 'unreadable' ? 'could not be tried' : 'not passed';
  return html`<b class=${r.passed ? 'ok' : 'bad'}>${r.passed ? '✓' : '✗'} ${word}</b><span class="points">${r.points} of ${r.total} points</span>`;
}

function counts(t: Told<Report>): TemplateResult {
  if (!t.ok) return html`<p class="told">${t.why}</p>`;
  const r = t.value;
  return html`<p class="told">${line(r)}<span class="second">graded by the server in ${seconds(r.took_ms)}; this counts</span></p>
    ${r.message === undefined || r.message === '' ? nothing : html`<pre class="message" tabindex="0">${r.message}</pre>`}
    ${(r.problems ?? []).map(p => html`<p class="told">${p.line > 0 ? `line ${p.line}: ` : ''}${p.message}</p>`)}`;
}

const mark = (f: ReportFinding | undefined) => f === undefined ? '' : { passed: '✓', failed: `✗ ${f.got ?? ''}`, skipped: '– not seen there' }[f.state];

function beside(t: Told<KernelAnswer>): TemplateResult {
  if (!t.ok) return html`<p class="told">${t.why}</p>`;
  const { simulator, kernels, allowed } = t.value;
  const all = [simulator, ...kernels.map(k => k.report)];
  const differ = kernels.filter(k => k.disagree !== undefined && k.disagree !== '');
  return html`<div class="wide" tabindex="0" role="group" aria-label="Simulator and kernels"><table><thead><tr><th>rule</th>${all.map(r => html`<th>${r.world === 'simulator' ? r.world : `Linux ${r.world}`}</th>`)}</tr></thead>
    <tbody>${(simulator.findings ?? []).map((f, i) => f.rule === '' ? nothing : html`<tr><td class="mono">${f.rule}</td>${all.map(r => html`<td>${mark(r.findings?.[i])}</td>`)}</tr>`)}
    <tr><td>points</td>${all.map(r => html`<td>${r.points} of ${r.total}</td>`)}</tr></tbody></table></div>
    ${kernels.map(k => k.report.outcome === 'rejected' ? html`<p class="told">Linux ${k.report.world} says:</p><pre class="message" tabindex="0">${k.report.message ?? ''}</pre>` : nothing)}
    ${differ.length === 0 ? html`<p class="told ok">✓ Simulator and kernel agree.</p>`
      : allowed !== undefined && allowed !== '' ? html`<p class="told">They differ, as this lab expects: ${allowed}</p>`
        : html`<p class="told flag"><b>Simulator and kernel disagree.</b> That is our mistake, not yours: the server has noted it. ${differ.map(k => k.disagree).join('; ')}</p>`}`;
}

export function handIn(h: HandIn, lang: string, source: string, g: Graded | null): TemplateResult {
  const can = h.busy === '';
  return html`<div class="hand"><p><button class=${g?.passed === true ? 'primary' : 'outlined'} ?disabled=${!can} @click=${() => void h.send('grade', lang, source)}>Hand in</button>
    <button class="outlined" ?disabled=${!can} @click=${() => void h.send('kernel', lang, source)}>Check on a real kernel</button>
    ${h.busy === '' ? nothing : html`<span role="status">${h.busy === 'grade' ? 'the server grades it …' : 'a virtual machine tries it, some seconds …'}</span>
      <button class="link" @click=${() => h.cancel()}>Stop</button>`}</p>
    <div role="status">${h.grade === null ? nothing : counts(h.grade)}${h.kernel === null ? nothing : beside(h.kernel)}</div></div>`;
}
