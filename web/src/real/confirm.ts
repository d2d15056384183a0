/** "Confirm on a real kernel": our verdict and the kernels', side by side. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { count } from '../model/bytes';
import { privilegeName } from '../panes/log';
import { styles } from '../ui/pane';
import { findingAddress, type Message, type Opinion } from './api';
import { compareView } from './compare';
import { Job } from './job';
import text from './real.css';

const levels: Readonly<Record<number, string>> = { 6: 'all paths', 5: 'the failing path', 4: 'statistics only' };

@customElement('skep-confirm')
export class Confirm extends Job {
  static override styles = styles(text);
  protected readonly kind = 'confirm';
  @state() private ours: Opinion | null = null;
  @state() private theirs: readonly Opinion[] = [];
  @state() private against = '';
  @state() private detail: 'log' | 'xlated' | 'jit' = 'log';
  @state() private open: ReadonlySet<number> = new Set();
  @state() private repeat = 1;

  protected clear(): void {
    this.ours = null;
    this.theirs = [];
    this.open = new Set();
    this.against = '';
  }

  async ask(replace = false): Promise<void> {
    const source = await this.source(this.repeat);
    if (source !== null) this.begin({ do: 'confirm', source, replace });
  }

  protected got(m: Message): void {
    if (m.is === 'ours') this.ours = m.ours;
    if (m.is === 'verdict') this.theirs = [...this.theirs, m.theirs];
  }

  private verdict(o: Opinion): TemplateResult {
    if (o.not_modelled !== undefined) return html`<b>not modelled</b><br><span class="second">${o.not_modelled}</span>`;
    if (o.error !== undefined) return html`<b class="tone-bad">not loaded</b><br><span class="second">${o.error}</span>`;
    return o.ok ? html`<b class="tone-good"><span aria-hidden="true">✓ </span>accepted</b>` : html`<b class="tone-bad"><span aria-hidden="true">✖ </span>rejected</b> ${o.errno_name ?? ''}`;
  }

  private table(): TemplateResult {
    const all = [...this.ours === null ? [] : [this.ours], ...this.theirs];
    const row = (name: string, cell: (o: Opinion) => unknown, there: (o: Opinion) => boolean = () => true) =>
      all.some(there) ? html`<tr><th scope="row">${name}</th>${all.map(o => html`<td>${there(o) ? cell(o) : ''}</td>`)}</tr>` : nothing;
    const judged = (o: Opinion) => o.not_modelled === undefined && o.error === undefined;
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Verdicts"><table class="sums"><thead><tr><td></td>${all.map((o, i) => html`<th scope="col">${this.ours !== null && i === 0 ? 'skep' : `Linux ${o.kernel}`}
        <span class="release">${this.ours !== null && i === 0 ? `as Linux ${o.kernel}` : o.release}</span></th>`)}</tr></thead><tbody>
      ${row('Verdict', o => this.verdict(o))}
      ${row('Instructions walked', o => count(o.insns_processed), judged)}
      ${row('States kept', o => `${count(o.total_states)}, at most ${count(o.peak_states)} at once`, judged)}
      ${row('Time to verify', o => `${count(o.load_us!)} µs`, o => o.load_us !== undefined && judged(o))}
      ${row('Test run', o => o.run!.errno ? `refused, errno ${o.run!.errno}` : `returns ${o.run!.ret}, ${count(o.run!.ns)} ns a run`, o => o.run !== undefined)}
      ${row('Notes', o => o.notes!.join('; '), o => (o.notes?.length ?? 0) > 0)}
    </tbody></table></div>`;
  }

  /** What the comparison with the reference kernel came to. */
  private agreement(): TemplateResult | typeof nothing {
    const reference = this.status.kernels.find(k => k.reference)?.version, o = this.theirs.find(t => t.kernel === reference);
    if (o === undefined || this.ours === null) return nothing;
    if (this.ours.not_modelled !== undefined || o.error !== undefined) return html`<p class="agree">There is nothing to compare: one of the two gave no verdict.</p>`;
    if (o.finding === undefined) {
      return html`<p class="agree" data-agree="yes"><span class="tone-good" aria-hidden="true">✓ </span>skep and Linux ${o.kernel} agree: the same verdict, and every line of the log is the same.</p>`;
    }
    const f = o.finding;
    return html`<div class="finding" data-finding=${f.kind}><p><b>${f.kind === 'verdict' ? 'Our verdict is wrong.' : f.kind === 'errno' ? 'Our error number is wrong.' : 'The same verdict, but the logs differ.'}</b>
      ${f.kind === 'log' ? 'Line by line below.' : `Linux ${o.kernel} is right by definition, so this is a defect of skep.`}
      ${f.id === '' ? 'Please report it with the program.' : 'The server has kept it for those who maintain skep.'}</p>
      ${f.id === '' ? nothing : html`<a class="button" href=${findingAddress(f.id)} download>Download the bundle: program, both logs, versions</a>`}</div>`;
  }

  private details(): TemplateResult | typeof nothing {
    if (this.theirs.length === 0 || this.ours === null) return nothing;
    const o = this.theirs.find(t => t.kernel === this.against) ?? this.theirs[0]!;
    const kinds = [['log', 'Logs side by side'], ['xlated', 'As rewritten by the verifier'], ['jit', 'Machine code']] as const;
    const body = this.detail === 'log' ? compareView(this.ours, o, this.open, i => { this.open = new Set([...this.open, i]); })
      : this.code(this.detail === 'xlated' ? o.xlated : o.jit);
    return html`<div class="pick"><span role="group" aria-label="What is shown">${kinds.map(([id, words]) => html`<button aria-pressed=${this.detail === id} @click=${() => { this.detail = id; }}>${words}</button>`)}</span>
      <span role="group" aria-label="Kernel">${this.theirs.map(t => html`<button aria-pressed=${t === o} @click=${() => { this.against = t.kernel; this.open = new Set(); }}>Linux ${t.kernel}</button>`)}</span>
      <span class="quiet">${this.detail === 'log' ? `log level ${o.log_level}: ${levels[o.log_level] ?? ''}` : ''}</span></div>${body}`;
  }

  private code(lines: readonly string[] | undefined): TemplateResult {
    if (lines === undefined || lines.length === 0) return html`<p class="empty">There is no code: the kernel shows it of a program that it accepted, to those with the right to see it.</p>`;
    return html`<pre class="code mono" tabindex="0" role="region" aria-label="Code">${lines.join('\n')}</pre>`;
  }

  override render(): TemplateResult {
    return html`<div class="ask"><button class="primary" ?disabled=${this.busy} @click=${() => void this.ask()}>${this.theirs.length > 0 ? 'Ask again' : 'Ask the kernels'}</button>
        <label>Test runs <input type="number" min="1" max="10000" .value=${String(this.repeat)} ?disabled=${this.busy}
          @change=${(e: Event) => { this.repeat = Math.min(10_000, Math.max(1, Number((e.target as HTMLInputElement).value) || 1)); }}></label>
        <span class="quiet">as ${privilegeName(this.m.prefs.privilege)}, over the first packet</span></div>
      ${this.progress(`Linux ${this.kernel} verifies and runs it`)}
      ${this.endView(replace => void this.ask(replace))}
      ${this.ours === null && this.ended === null && !this.busy ? html`<p class="empty">The program goes to ${new Intl.ListFormat('en').format(this.status.kernels.map(k => `Linux ${k.version}`))}, each in a
        virtual machine made for it and thrown away after it. You see what their verifiers say beside what skep says, what a test run returns, and the machine code.</p>` : nothing}
      ${this.ours === null ? nothing : html`${this.table()}${this.agreement()}${this.details()}`}`;
  }
}
