/** Where the page is not wide: what has no room in the header. */
import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { Dialog, dialogStyles } from '../ui/dialog';
import text from './menu.css';

export interface Item { readonly label: string; readonly act: () => void }

@customElement('skep-menu')
export class Menu extends Dialog {
  static override styles = dialogStyles(text);
  protected readonly heading = 'Menu';
  protected override readonly size = 'small';
  @property({ attribute: false }) items: readonly Item[] = [];

  protected content(): TemplateResult {
    return html`<ul>${this.items.map(i => html`<li><button @click=${() => { this.close(); i.act(); }}>${i.label}</button></li>`)}</ul>`;
  }
}
