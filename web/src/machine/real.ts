/** The kernel's own code: what is needed for it, waiting for it, and it. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { Pane, styles } from '../ui/pane';
import { sentence } from '../ui/words';
import type { Machine } from './machine';
import { sizeWords } from './words';
import './listing';
import text from './real.css';

@customElement('skep-machine-real')
export class MachineReal extends Pane {
  static override styles = styles(text);
  @property({ attribute: false }) machine!: Machine;

  override connectedCallback(): void {
    super.connectedCallback();
    this.machine.kernel.look();
  }

  private ask(again: boolean): TemplateResult {
    const k = this.machine.kernel, kernels = typeof k.status === 'object' ? k.status?.kernels ?? [] : [];
    return html`${kernels.map((v, i) => html`<button class=${i === 0 && !again ? 'primary' : ''} @click=${() => void k.run(v.version)}>${again ? 'Again on' : 'Compile on Linux'} ${v.version}</button> `)}`;
  }

  /** Why nothing can be asked for; null when it can. */
  private missing(): TemplateResult | null {
    const s = this.machine.kernel.status;
    if (s === null) return html`<p class="empty" role="status">Asking the server which kernels it has…</p>`;
    if (typeof s === 'string') return html`<p class="empty">Here the code of the kernel's own compiler stands beside ours. ${s}</p>`;
    if (!s.there || s.kernels.length === 0) return html`<p class="empty">Here the code of the kernel's own compiler stands beside ours. This server has no kernels to ask${s.why === undefined ? '.' : html`: ${sentence(s.why)}`}</p>`;
    if (!s.allowed) return html`<p class="empty">Here the code of the kernel's own compiler stands beside ours. On this server real kernels are for those who are signed in${s.min_level === undefined ? '' : ` as ${s.min_level}`}.</p>`;
    return null;
  }

  override render(): TemplateResult {
    const k = this.machine.kernel, missing = this.missing();
    if (missing !== null) return missing;
    if (k.state === 'busy') {
      return html`<p class="bar" role="status">A machine is being made ready, and the kernel compiles the program… <button @click=${() => k.cancel()}>Stop</button></p>${k.code === null ? nothing : this.code(true)}`;
    }
    const why = k.why === '' ? nothing : html`<p class="why" role="alert">${sentence(k.why)}</p>`;
    if (k.code === null) {
      return html`${why}<div class="empty"><p>The code of the kernel's own compiler, beside ours. The program is loaded in a throw-away machine with that kernel; nothing attaches, nothing runs.</p><p>${this.ask(false)}</p></div>`;
    }
    return html`${why}<p class="bar">${k.stale ? 'Of the program before it was edited. ' : ''}Linux ${k.release}: ${sizeWords(k.code)}. ${k.note === '' ? '' : sentence(k.note)} ${this.ask(true)}</p>${this.code(k.stale)}`;
  }

  private code(old: boolean): TemplateResult {
    return html`<skep-machine-listing .stage=${this.stage} .machine=${this.machine} .code=${this.machine.kernel.code!} ?old=${old} name="Linux"></skep-machine-listing>`;
  }
}
