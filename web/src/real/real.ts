/**
 * <skep-real>: everything that needs a real kernel, in a dialog: confirm, live
 * run, terminal. Loaded when it is first opened; the page has one button for it.
 *
 * Read next: api.ts for what the server says, job.ts for what a job goes through.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { plural } from '../model/bytes';
import { Dialog, dialogStyles } from '../ui/dialog';
import { askStatus, type Job, type Status } from './api';
import { endScreen } from './ends';
import './confirm';
import './live';
import './term';
import text from './real.css';

const tabs: readonly (readonly [Job, string])[] = [['confirm', 'Confirm'], ['live', 'Run it live'], ['terminal', 'Terminal']];

@customElement('skep-real')
export class Real extends Dialog {
  static override styles = dialogStyles(text);
  protected readonly heading = 'Real kernel';
  protected override readonly size = 'large';
  @state() private status: Status | string | null = null;
  @state() private tab: Job = 'confirm';

  override async show(): Promise<void> {
    if (sessionStorage.getItem('skep.real.terminal') !== null) this.tab = 'terminal';
    else if (sessionStorage.getItem('skep.real.live') !== null) this.tab = 'live';
    await super.show();
    await this.look();
  }

  private async look(): Promise<void> {
    this.status = await askStatus();
  }

  private key(e: KeyboardEvent): void {
    const d = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (d === undefined) return;
    e.preventDefault();
    const at = tabs.findIndex(t => t[0] === this.tab), to = tabs[(at + d + tabs.length) % tabs.length]![0];
    this.tab = to;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${to}`)?.focus());
  }

  private job(s: Status): TemplateResult {
    switch (this.tab) {
      case 'live': return html`<skep-live .stage=${this.stage} .status=${s}></skep-live>`;
      case 'terminal': return html`<skep-term .stage=${this.stage} .status=${s}></skep-term>`;
      default: return html`<skep-confirm .stage=${this.stage} .status=${s}></skep-confirm>`;
    }
  }

  protected content(): TemplateResult {
    const s = this.status;
    if (s === null) return html`<p class="progress" role="status"><span class="pulse" aria-hidden="true"></span>Asking the server</p>`;
    if (typeof s === 'string') return endScreen({ code: 'no-server', text: s }, () => void this.look()) as TemplateResult;
    if (!s.there) return endScreen({ code: 'no-machines', text: s.why ?? '' }, null) as TemplateResult;
    if (!s.allowed) return endScreen({ code: 'level', text: `isolation here is ${s.level}, and at least ${s.min_level} is demanded` }, null) as TemplateResult;
    return html`<div class="tabs" role="tablist" aria-label="What to do">${tabs.map(([id, words]) => html`<button role="tab" id="tab-${id}" aria-selected=${id === this.tab} aria-controls="panel"
        tabindex=${id === this.tab ? 0 : -1} @click=${() => { this.tab = id; }} @keydown=${this.key}>${words}</button>`)}</div>
      <div id="panel" role="tabpanel" aria-labelledby="tab-${this.tab}">${this.job(s)}</div>
      <p class="foot">Closing this window, or going to another tab of it, ends the machine. Isolation: ${s.level}. ${plural(s.machines, 'machine')}${s.busy > 0 ? html`, ${s.busy} busy` : nothing}.</p>`;
  }
}
