/** A link to exactly this view. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { plural } from '../model/bytes';
import { Dialog, dialogStyles } from '../ui/dialog';
import text from './share.css';

@customElement('skep-share')
export class Share extends Dialog {
  static override styles = dialogStyles(text);
  protected readonly heading = 'Share this view';
  protected override readonly size = 'small';
  @state() private url = '';
  @state() private said = '';

  override async show(): Promise<void> {
    this.said = this.url = '';
    try {
      this.url = await this.stage.address.link();
      this.stage.address.save(false);
    } catch (e) {
      this.said = e instanceof Error ? e.message : String(e);
    }
    await super.show();
    const field = this.renderRoot.querySelector('input');
    field?.focus();
    field?.select();
    if (this.url !== '') await this.copy();
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.url);
      this.said = 'Copied.';
    } catch {
      this.said = 'Press Ctrl+C to copy it.';
    }
  }

  protected content(): TemplateResult {
    return html`<p>The link holds the program, the packets, the options and the step: whoever opens it sees what you see. Nothing is stored on a server.</p>
      ${this.url === '' ? nothing : html`<div class="link"><input type="text" readonly aria-label="Link" .value=${this.url}>
        <button class="primary" @click=${() => void this.copy()}>Copy</button></div>`}
      <p role="status">${this.said} ${this.url === '' ? nothing : html`<span class="quiet">${plural(this.url.length, 'character')}</span>`}</p>`;
  }
}
