/** Handing in: the server grades it again, which counts, and real kernels on demand. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Graded } from '../engine/zprotocol';
import type { Lab, LabExercise } from './data';
import { account, Bench, keep } from './memory';
import { queue, type Handed } from './pending';
import type { HandedIn } from './queue';
import { ask, sentence, type KernelAnswer, type Report, type ReportFinding, type Told, type Waiting } from './server';

export class HandIn {
  grade: Told<Report> | null = null;
  kernel: Told<KernelAnswer> | null = null;
  busy: '' | 'grade' | 'kernel' = '';
  /** Where in a queue it is; null when it is in none. */
  place: Waiting | null = null;
  /** What `grade` is of, when it waited for the server. */
  late: HandedIn | null = null;
  private stopping = new AbortController();

  constructor(private readonly lab: Lab, private readonly of: LabExercise, private readonly changed: () => void) {
    addEventListener('skep-handin', changed);
    addEventListener('skep-handed', e => {
      const { of, told } = (e as CustomEvent<Handed>).detail;
      if (!this.mine(of)) return;
      this.late = of;
      this.grade = told;
      this.changed();
    });
  }

  private mine(h: HandedIn): boolean { return h.lab === this.lab.id && h.exercise === this.of.id; }

  /** What of this exercise waits for the server. */
  get waiting(): readonly HandedIn[] { return queue.waiting.filter(h => this.mine(h)); }

  withdraw(h: HandedIn): void { void queue.withdraw(h); }

  /** What was said is of an earlier text. */
  edited(): void {
    if (this.busy !== '') this.stopping.abort();
    this.grade = this.kernel = this.late = null;
    this.busy = '';
  }

  cancel(): void {
    this.stopping.abort();
    this.busy = '';
    this.changed();
  }

  async send(what: 'grade' | 'kernel', lang: string, source: string): Promise<void> {
    const stopping = this.stopping = new AbortController(), sub = { lang, source, attempt: new Bench(this.lab.id, this.of.id).add(lang, source, 'handed in'), at: Date.now() };
    this.busy = what;
    this.place = null;
    this.changed();
    const place = (w: Waiting) => {
      this.place = w;
      this.changed();
    };
    try {
      if (what === 'kernel') {
        this.kernel = await this.patient(stopping.signal, () => ask<KernelAnswer>(this.lab.id, this.of.id, what, sub, stopping.signal, place));
        if (this.kernel.ok) this.counts(this.kernel.value.counts);
      } else {
        const t = await this.patient(stopping.signal, () => ask<Report>(this.lab.id, this.of.id, what, sub, stopping.signal, place));
        const waits = !t.ok && t.away === true && await queue.add({ ...sub, account: account()?.id ?? '', lab: this.lab.id, exercise: this.of.id });
        this.grade = waits ? null : t;
        this.late = null;
        if (t.ok) {
          this.counts(t.value);
          for (const w of this.waiting) if (w.attempt === sub.attempt) this.withdraw(w);
        }
      }
    } catch { /* stopped */ }
    if (this.stopping !== stopping || stopping.signal.aborted) return;
    this.busy = '';
    this.place = null;
    this.changed();
  }

  /** Asks again, some times, when the server says that it is busy now. */
  private async patient<T>(signal: AbortSignal, ask: () => Promise<Told<T>>): Promise<Told<T>> {
    for (let n = 1; ; n++) {
      const t = await ask();
      if (t.ok || t.retry === undefined || n === 4) return t;
      this.place = { kernel: '', position: 0, seconds: t.retry };
      this.changed();
      await new Promise<void>((go, stop) => {
        const timer = setTimeout(go, t.retry! * 1000);
        signal.addEventListener('abort', () => { clearTimeout(timer); stop(signal.reason); }, { once: true });
      });
    }
  }

  private counts({ points, total, passed }: Report): void {
    keep(this.lab.id, this.of.id, { points, total, passed, counts: true });
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
  const secret = (r.findings ?? []).filter(f => f.rule === ''), good = secret.filter(f => f.state === 'passed').length;
  return html`<p class="told">${line(r)}<span class="second">graded by the server in ${seconds(r.took_ms)}; this counts${r.kept === true ? ' and is kept' : ''}</span></p>
    ${secret.length === 0 ? nothing : html`<p class="told">${good === secret.length ? '✓' : '✗'} hidden cases: ${good} of ${secret.length} hold</p>`}
    ${r.message === undefined || r.message === '' ? nothing : html`<pre class="message" tabindex="0">${r.message}</pre>`}
    ${(r.problems ?? []).map(p => html`<p class="told">${p.line > 0 ? `line ${p.line}: ` : ''}${p.message}</p>`)}`;
}

const mark = (f: ReportFinding | undefined) => f === undefined ? '' : { passed: '✓', failed: `✗ ${f.got ?? ''}`, skipped: '– not seen there' }[f.state];

function beside(t: Told<KernelAnswer>): TemplateResult {
  if (!t.ok) return html`<p class="told">${t.why}</p>`;
  const { simulator, kernels, allowed, missing } = t.value;
  const all = [simulator, ...kernels.map(k => k.report)];
  const differ = kernels.filter(k => (k.disagree ?? '') !== ''), wrong = differ.filter(k => k.kind === 'mistake'), older = differ.filter(k => k.kind === 'version');
  return html`<div class="wide" tabindex="0" role="group" aria-label="Simulator and kernels"><table><thead><tr><th>rule</th>${all.map(r => html`<th>${r.world === 'simulator' ? r.world : `Linux ${r.world}`}</th>`)}</tr></thead>
    <tbody>${(simulator.findings ?? []).map((f, i) => f.rule === '' ? nothing : html`<tr><td class="mono">${f.rule}</td>${all.map(r => html`<td>${mark(r.findings?.[i])}</td>`)}</tr>`)}
    <tr><td>points</td>${all.map(r => html`<td>${r.points} of ${r.total}</td>`)}</tr></tbody></table></div>
    ${kernels.map(k => k.report.outcome === 'rejected' ? html`<p class="told">Linux ${k.report.world} says:</p><pre class="message" tabindex="0">${k.report.message ?? ''}</pre>` : nothing)}
    ${differ.length === 0 ? html`<p class="told ok">✓ Simulator and kernel agree.</p>`
      : allowed !== undefined && allowed !== '' ? html`<p class="told">They differ, as this lab expects: ${allowed}</p>` : nothing}
    ${(missing ?? []).map(m => html`<p class="told">${sentence(m)}</p>`)}
    ${older.map(k => html`<p class="told">Linux ${k.report.world} does it differently from Linux 6.12, whose behaviour the simulator has: <span class="mono">${k.disagree}</span></p>`)}
    ${wrong.length === 0 ? nothing : html`<p class="told flag"><b>Simulator and kernel disagree.</b> That is our mistake and does not count against you: it counts what is better for you.
      The server has noted it${wrong.map(k => k.finding === undefined ? nothing : html` as <span class="mono">${k.finding}</span>`)}. <span class="mono">${wrong.map(k => k.disagree).join('; ')}</span></p>`}`;
}

const about = (s: number) => s < 2 ? 'a moment' : `about ${s} seconds`;

function doing(h: HandIn): string {
  const p = h.place;
  if (p === null) return h.busy === 'grade' ? 'the server grades it' : 'a virtual machine tries it, some seconds';
  if (p.position === 0) return `the server is busy: another try in ${about(p.seconds)}`;
  return `${p.position === 1 ? 'next' : `number ${p.position}`} in the queue ${p.kernel === '' ? 'to be graded' : 'for a virtual machine'}: ${about(p.seconds)}`;
}

const clock = (at: number) => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

function waits(h: HandIn): TemplateResult {
  return html`${h.waiting.map(w => html`<p class="told"><b>Waiting</b><span>Handed in at ${clock(w.at)}. You are offline or the server is: it goes out by itself when both are back.</span>
    <button class="link" @click=${() => h.withdraw(w)}>Take it back</button></p>`)}`;
}

export function handIn(h: HandIn, lang: string, source: string, g: Graded | null): TemplateResult {
  const can = h.busy === '';
  return html`<div class="hand"><p><button class=${g?.passed === true ? 'primary' : 'outlined'} ?disabled=${!can} @click=${() => void h.send('grade', lang, source)}>Hand in</button>
    <button class="outlined" ?disabled=${!can} @click=${() => void h.send('kernel', lang, source)}>Check on a real kernel</button>
    ${h.busy === '' ? nothing : html`<span role="status">${doing(h)} …</span>
      <button class="link" @click=${() => h.cancel()}>Stop</button>`}</p>
    <div role="status">${waits(h)}${h.late === null || h.late.source === source ? nothing : html`<p class="told">Of what you handed in at ${clock(h.late.at)}:</p>`}
      ${h.grade === null ? nothing : counts(h.grade)}${h.kernel === null ? nothing : beside(h.kernel)}</div></div>`;
}
