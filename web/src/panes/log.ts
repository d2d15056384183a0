/**
 * The verifier's log in the kernel's words. Each line that is about an
 * instruction is a button that shows it; lines are of one height, so that a
 * long log is drawn in part only.
 */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Privilege, Verified } from '../engine/verdict';
import { count } from '../model/bytes';
import { css } from '../ui/css';
import { Pane, styles } from '../ui/pane';
import text from './log.css';

const names: Readonly<Record<Privilege, string>> = { root: 'root', cap_bpf: 'CAP_BPF', unprivileged: 'no privileges' };
export const privilegeName = (p: Privilege): string => names[p];
const privileges = Object.keys(names) as Privilege[];

const rowHeight = 20, always = 300, margin = 40;

@customElement('skep-log')
export class Log extends Pane {
  static override styles = styles(text);
  @state() private top = 0;
  @state() private height = 600;
  /** Line that has the focus, or is the match that was found. */
  @state() private at = 0;
  @state() private wanted = '';
  private lines: readonly string[] = [];
  private of: Verified | null = null;
  private found: readonly number[] = [];
  private reason = false;
  private release: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.release = this.stage.verdicts.showLog();
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.release?.();
  }

  /** Lines of the last verdict that came with a log. */
  private take(): void {
    const v = this.stage.verdicts.last;
    if (v === this.of || v === null || (v.log === '' && v.outcome !== 'not_modelled')) return;
    // A rejection that is new leads to its reason, which is at the end.
    if (v.outcome === 'rejected' && this.of?.outcome !== 'rejected') this.reason = true;
    this.of = v;
    this.lines = v.log === '' ? [] : v.log.replace(/\n$/, '').split('\n');
    this.at = Math.min(this.at, Math.max(0, this.lines.length - 1));
    this.search();
  }

  private search(): void {
    const w = this.wanted.toLowerCase(), found: number[] = [];
    if (w !== '') this.lines.forEach((l, i) => { if (l.toLowerCase().includes(w)) found.push(i); });
    this.found = found;
  }

  private find(e: Event): void {
    this.wanted = (e.target as HTMLInputElement).value;
    this.search();
    const first = this.found.find(i => i >= this.at) ?? this.found[0];
    if (first !== undefined) this.go(first);
  }
  private findKey(e: KeyboardEvent): void {
    if (e.key !== 'Enter' || this.found.length === 0) return;
    e.preventDefault();
    const back = e.shiftKey, all = this.found;
    const to = back ? [...all].reverse().find(i => i < this.at) ?? all[all.length - 1]! : all.find(i => i > this.at) ?? all[0]!;
    this.go(to);
  }

  private go(line: number): void {
    this.at = line;
    const box = this.renderRoot.querySelector('.scroll');
    if (box === null) return;
    const y = line * rowHeight;
    if (y < box.scrollTop || y > box.scrollTop + box.clientHeight - 2 * rowHeight) {
      box.scrollTop = Math.max(0, y - box.clientHeight / 3);
      this.top = box.scrollTop;
      this.height = box.clientHeight;
    }
  }

  private async key(e: KeyboardEvent): Promise<void> {
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: this.lines.length - 1 }[e.key];
    if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    this.go(Math.max(0, Math.min(to, this.lines.length - 1)));
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-line="${this.at}"]`)?.focus();
  }

  private show(line: number): void {
    this.at = line;
    const pc = this.of?.linePcs[line] ?? -1;
    if (pc >= 0) this.dispatchEvent(new CustomEvent('skep-insn', { detail: pc, bubbles: true, composed: true }));
  }

  private row(i: number): TemplateResult {
    const l = this.lines[i]!, pc = this.of?.linePcs[i] ?? -1, v = this.of!;
    const bad = v.outcome === 'rejected' && v.errors.includes(l);
    const src = l.startsWith('; '), hit = this.wanted !== '' && l.toLowerCase().includes(this.wanted.toLowerCase());
    return html`<li class="${bad ? 'bad' : src ? 'src' : ''} ${hit ? 'hit' : ''} ${pc >= 0 && pc === this.m.selected ? 'selected' : ''}">
      <button class="bare" data-line=${i} tabindex=${i === this.at ? 0 : -1} aria-disabled=${pc < 0 ? 'true' : 'false'}
        @click=${() => this.show(i)} @focus=${() => { this.at = i; }}>${bad ? '✖ ' : ''}${l === '' ? ' ' : l}</button></li>`;
  }

  private tools(): TemplateResult {
    const p = this.m.prefs, level = (n: number, words: string) =>
      html`<button aria-pressed=${p.logLevel === n} title="log level ${n}" @click=${() => this.m.setPrefs({ logLevel: n })}>${words}</button>`;
    return html`<div class="tools">
      <span role="group" aria-label="Log level">${level(1, 'failing path')}${level(2, 'all paths')}</span>
      <select aria-label="Privilege" @change=${(e: Event) => this.m.setPrefs({ privilege: (e.target as HTMLSelectElement).value as Privilege })}>
        ${privileges.map(x => html`<option value=${x} ?selected=${x === p.privilege}>${names[x]}</option>`)}</select>
      <input type="text" placeholder="Find" aria-label="Find in the log" .value=${this.wanted} @input=${this.find} @keydown=${this.findKey}>
      <span class="found" aria-live="polite">${this.wanted === '' ? '' : this.found.length === 0 ? 'none' : `${this.found.indexOf(this.at) + 1 || '–'} of ${count(this.found.length)}`}</span></div>`;
  }

  override render(): TemplateResult {
    this.take();
    const d = this.stage.verdicts, n = this.lines.length;
    if (!d.on || this.of === null) {
      return html`${this.tools()}<p class="empty">The kernel verifier's log appears here once the program has been checked: what is known of each register at each instruction.</p>`;
    }
    if (n === 0) return html`${this.tools()}<p class="empty">There is no log: this verifier does not cover ${this.of.feature}.</p>`;
    let from = 0, to = n;
    if (n > always) {
      from = Math.max(0, Math.min(n - margin, Math.floor(this.top / rowHeight) - margin));
      to = Math.min(n, Math.ceil((this.top + this.height) / rowHeight) + margin);
    }
    return html`${this.tools()}<div class="scroll ${d.fresh ? '' : 'old'}" @scroll=${this.scrolled} @keydown=${this.key}>
      <ol aria-label="Lines of the log" ${css({ 'padding-top': `${from * rowHeight}px`, 'padding-bottom': `${(n - to) * rowHeight}px` })}>
        ${Array.from({ length: to - from }, (_, i) => this.row(from + i))}</ol></div>
      ${this.of.logCut === 0 ? nothing : html`<p class="cut">${count(this.of.logCut)} bytes of the middle are left out.</p>`}`;
  }

  private scrolled(e: Event): void {
    const box = e.target as HTMLElement;
    if (this.lines.length <= always) return;
    this.top = box.scrollTop;
    this.height = box.clientHeight;
  }

  protected override updated(_: PropertyValues): void {
    if (!this.reason || this.lines.length === 0) return;
    this.reason = false;
    const i = this.lines.indexOf(this.of?.errors[0] ?? '');
    if (i >= 0) requestAnimationFrame(() => { if (this.isConnected) this.go(i); });
  }

  protected override firstUpdated(_: PropertyValues): void {
    const box = this.renderRoot.querySelector('.scroll');
    if (box !== null) this.height = box.clientHeight;
  }
}
