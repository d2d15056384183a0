/** Options of a run; all of them are in the link. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { defaultOptions, type HookInfo, type RunOptions } from '../engine/api';
import { Dialog, dialogStyles } from '../ui/dialog';
import text from './options.css';

interface Field { readonly key: Exclude<keyof RunOptions, 'hook'>; readonly label: string; readonly note?: string; readonly min: bigint; readonly max: bigint }
const fields: readonly Field[] = [
  { key: 'ifindex', label: 'Interface number', note: 'ifindex of packets that name none', min: 0n, max: 0x7fffffffn },
  { key: 'rxQueue', label: 'Receive queue', min: 0n, max: 65535n },
  { key: 'cpus', label: 'CPUs', note: 'columns of per-CPU maps', min: 1n, max: 64n },
  { key: 'cpu', label: 'Runs on CPU', min: 0n, max: 63n },
  { key: 'clock', label: 'Time at the start', note: 'nanoseconds since boot; packets add theirs', min: 0n, max: (1n << 63n) - 1n },
  { key: 'seed', label: 'Random seed', note: 'the same seed gives the same run', min: 0n, max: (1n << 64n) - 1n },
  { key: 'budget', label: 'Instructions for a run', note: 'of a packet or an event, at most; an endless loop stops there', min: 1n, max: 10_000_000n },
];

@customElement('skep-options')
export class Options extends Dialog {
  static override styles = dialogStyles(text);
  protected readonly heading = 'Options of the run';
  protected override readonly size = 'small';
  @state() private hooks: readonly HookInfo[] = [];
  @state() private wrong = '';

  override async show(): Promise<void> {
    this.wrong = '';
    if (this.hooks.length === 0) this.hooks = await this.m.engine?.hooks() ?? [];
    await super.show();
  }

  private async apply(e: Event): Promise<void> {
    e.preventDefault();
    const data = new FormData(e.target as HTMLFormElement), o: Record<string, unknown> = { hook: String(data.get('hook')) };
    for (const f of fields) {
      const t = String(data.get(f.key)).trim();
      let n: bigint;
      try {
        n = BigInt(t);
      } catch {
        this.wrong = `${f.label}: "${t}" is not a whole number.`;
        return;
      }
      if (n < f.min || n > f.max) {
        this.wrong = `${f.label}: from ${f.min} to ${f.max}.`;
        return;
      }
      o[f.key] = typeof defaultOptions[f.key] === 'bigint' ? n : Number(n);
    }
    this.close();
    await this.stage.loading.setOptions(o as Partial<RunOptions>);
  }

  protected content(): TemplateResult {
    const now: RunOptions = { ...defaultOptions, ...this.m.options };
    return html`<form @submit=${this.apply} novalidate>
      <label for="hook">Program type</label>
      <select id="hook" name="hook"><option value="" ?selected=${now.hook === ''}>as the program says</option>
        ${this.hooks.map(h => html`<option value=${h.type} ?selected=${now.hook === h.type}>${h.title}</option>`)}</select>
      ${fields.map(f => html`<label for=${f.key}>${f.label}</label><input type="text" inputmode="numeric" id=${f.key} name=${f.key} .value=${String(now[f.key])}>
        ${f.note === undefined ? nothing : html`<p class="note">${f.note}</p>`}`)}
      ${this.wrong === '' ? nothing : html`<p class="error" role="alert">${this.wrong}</p>`}
      <span></span><div class="acts"><button type="submit" class="primary">Start with these</button></div></form>`;
  }
}
