/** "Run it live": the program at its hook in a real kernel, workloads fired at it, maps and output as they come. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { count, plural, toHex } from '../model/bytes';
import { styles } from '../ui/pane';
import { sentence } from '../ui/words';
import { unbase64, type GuestEvent, type MapState, type Message, type Opinion, type Step } from './api';
import { Job } from './job';
import text from './real.css';

/** Lines of output that are kept. */
const kept = 300;

interface Line { readonly source: string; readonly text: string }

@customElement('skep-live')
export class Live extends Job {
  static override styles = styles(text);
  protected readonly kind = 'live';
  @state() private verdict: Opinion | null = null;
  @state() private links: readonly { readonly program: string; readonly how?: string; readonly error?: string }[] = [];
  @state() private maps: readonly MapState[] = [];
  @state() private lines: readonly Line[] = [];
  @state() private dropped = 0;
  @state() private fired = '';
  @state() private firing = '';
  @state() private count = 1;
  @state() private told = '';

  override firstUpdated(): void { this.goOn(); }

  protected clear(): void {
    this.verdict = null;
    this.links = [];
    this.maps = [];
    this.lines = [];
    this.dropped = 0;
    this.fired = this.firing = this.told = '';
  }

  private async start(replace = false): Promise<void> {
    const source = await this.source();
    if (source !== null) this.begin({ do: 'live', kernel: this.version, source, replace });
  }

  private fire(workload: string): void {
    this.firing = workload;
    this.told = '';
    this.session?.send({ do: 'fire', workload, count: this.count });
  }

  protected got(m: Message): void {
    switch (m.is) {
      case 'verdict': this.verdict = m.theirs; break;
      case 'attached': this.links = m.links; break;
      case 'maps': this.maps = m.maps ?? []; break;
      case 'event':
        this.dropped += m.dropped ?? 0;
        this.lines = [...this.lines.slice(1 - kept), { source: m.event.source, text: eventText(m.event) }];
        break;
      case 'fired':
        this.firing = '';
        this.fired = firedText(this.status.workloads.find(w => w.name === m.workload)?.title ?? m.workload, m.steps, m.run_count ?? 0);
        break;
      case 'error': this.firing = ''; this.told = m.text; break;
    }
  }

  /** The last line stays in sight for those who have not scrolled up. */
  override updated(): void {
    const out = this.renderRoot.querySelector('.out');
    if (out === null || this.lines === this.drawn) return;
    this.drawn = this.lines;
    if (this.atEnd) out.scrollTop = out.scrollHeight;
  }
  private drawn: readonly Line[] = [];
  private atEnd = true;

  private refusal(): TemplateResult | typeof nothing {
    const v = this.verdict;
    if (v === null || v.ok) return nothing;
    return html`<section class="end bad" data-end="rejected"><h3><span aria-hidden="true">✖ </span>Linux ${v.kernel} does not load it</h3><p>${v.error ?? v.errno_name ?? ''}</p>
      ${v.log === '' ? nothing : html`<pre class="code mono" tabindex="0" role="region" aria-label="The kernel's log">${v.log}</pre>`}</section>`;
  }

  private controls(): TemplateResult | typeof nothing {
    if (this.links.length === 0 || this.stage_ !== 'running') return nothing;
    return html`<div class="links">${this.links.map(l => html`<p>${l.error === undefined ? html`<span class="tone-good" aria-hidden="true">✓ </span><span class="mono">${l.program}</span> is attached${l.how === undefined || l.how === '' ? '' : ` (${l.how})`}`
        : html`<span class="mono">${l.program}</span> is not attached: ${l.error}`}</p>`)}</div>
      <div class="fire"><h3>Make something happen</h3><label>times <input type="number" min="1" max="100" .value=${String(this.count)}
          @change=${(e: Event) => { this.count = Math.min(100, Math.max(1, Number((e.target as HTMLInputElement).value) || 1)); }}></label>
        <div class="workloads">${this.status.workloads.map(w => html`<button class="outlined" title=${w.about} ?disabled=${this.firing !== ''} @click=${() => this.fire(w.name)}>${w.title}</button>`)}</div>
        <p class="quiet" role="status">${this.firing !== '' ? 'Working…' : this.told !== '' ? sentence(this.told) : this.fired}</p></div>`;
  }

  private map(s: MapState): TemplateResult {
    const shown = s.type.includes('array') ? s.entries.filter(e => /[^0]/.test(e.value)) : s.entries, zeros = s.entries.length - shown.length;
    return html`<div class="map"><h4>${s.name ?? 'a map'} <span class="quiet">${s.type}</span></h4>
      ${s.error !== undefined ? html`<p class="quiet">${s.error}</p>` : s.entries.length === 0 ? html`<p class="quiet">${/ringbuf|perf_event/.test(s.type) ? 'Its records are in the output.' : 'Empty.'}</p>`
        : html`${shown.length === 0 ? nothing : html`<table><thead><tr><th scope="col">key</th><th scope="col">value</th></tr></thead><tbody>
          ${shown.map(e => html`<tr><td class="mono">${number(e.key)}</td><td class="mono value">${number(e.value)}</td></tr>`)}</tbody></table>`}
          ${zeros === 0 ? nothing : html`<p class="quiet">${shown.length === 0 ? plural(zeros, 'entry', 'entries') : `${count(zeros)} more`}, all zero.</p>`}`}
      ${s.cut === true ? html`<p class="quiet">and more</p>` : nothing}</div>`;
  }

  private watch(): TemplateResult | typeof nothing {
    if (this.links.length === 0) return nothing;
    return html`<div class="watch"><section aria-label="Maps"><h3>Maps</h3>${this.maps.length === 0 ? html`<p class="quiet">The program has no maps.</p>` : this.maps.map(s => this.map(s))}</section>
      <section aria-label="Output"><h3>Output</h3>${this.lines.length === 0 ? html`<p class="quiet">Nothing yet. What the program prints with bpf_printk or sends through a ring buffer appears here.</p>`
        : html`<ol class="out mono" tabindex="0" @scroll=${(e: Event) => { const o = e.target as HTMLElement; this.atEnd = o.scrollTop > o.scrollHeight - o.clientHeight - 24; }} aria-label="Lines of output">${this.lines.map(l => html`<li><span class="quiet">${l.source}</span> ${l.text}</li>`)}</ol>`}
        ${this.dropped > 0 ? html`<p class="quiet">${plural(this.dropped, 'record')} came faster than they can be shown and were left out.</p>` : nothing}</section></div>`;
  }

  override render(): TemplateResult {
    return html`<div class="ask"><button class="primary" ?disabled=${this.busy} @click=${() => void this.start()}>Load and attach</button>${this.kernelChoice()}</div>
      ${this.progress(`Running on Linux ${this.kernel}`)}
      ${this.refusal()}
      ${this.endView(replace => void this.start(replace))}
      ${this.stage_ === 'idle' ? html`<p class="empty">The program is loaded into a real kernel and attached where its section says; packet hooks are on <span class="mono">veth0</span>.
        Then you make packets, processes or connections happen and watch its maps and its output.</p>` : nothing}
      ${this.controls()}${this.watch()}`;
  }
}

/** Little-endian bytes of a size that numbers have are shown as a number too. */
function number(hex: string): string {
  const bytes = hex.match(/../g) ?? [];
  if (![1, 2, 4, 8].includes(bytes.length)) return bytes.join(' ');
  const n = BigInt(`0x${[...bytes].reverse().join('')}`);
  return n.toString();
}

function eventText(e: GuestEvent): string {
  if (e.text !== undefined) return e.text.trim();
  const b = unbase64(e.data ?? ''), readable = b.length > 3 && b.every(c => c === 0 || (c >= 32 && c < 127));
  const words = readable ? `"${String.fromCharCode(...b.filter(c => c !== 0))}"` : toHex(b.subarray(0, 64));
  return e.lost !== undefined && e.lost > 0 ? `${words} (${e.lost} lost before it)` : words;
}

function firedText(title: string, steps: readonly Step[], runs: number): string {
  if (steps.length === 0) return `${title}: there is nothing to send. The Packets pane has none.`;
  const failed = steps.filter(s => s.error !== undefined && s.error !== '');
  const done = steps.reduce((n, s) => n + s.ok, 0);
  return `${title}: ${plural(done, 'operation')} done${failed.length === 0 ? '' : `, ${[...new Set(failed.map(s => `${s.verb}: ${s.error}`))].join(', ')}`}. The program has run ${plural(runs, 'time')}.`;
}
