/** Which panes are shown, and the way back to the first arrangement. */
import { html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { Dialog, dialogStyles } from '../ui/dialog';
import { panes, type PaneId } from './layout';
import text from './help.css';

@customElement('skep-panes')
export class PanesDialog extends Dialog {
  static override styles = dialogStyles(text);
  protected readonly heading = 'Panes';
  protected override readonly size = 'small';

  private set(id: PaneId, shown: boolean): void {
    const hidden = this.m.prefs.hidden.filter(h => h !== id);
    if (!shown) hidden.push(id);
    if (hidden.length < panes.length) this.m.setPrefs({ hidden });
  }

  protected content(): TemplateResult {
    return html`<p>The lines between panes can be dragged, or moved with the arrow keys when they have the focus. The arrangement is remembered in this browser.</p>
      <table><caption class="sr">Panes</caption><tbody>${panes.map(p => html`<tr><td class="keys"><kbd>${p.key}</kbd></td><td><label><input type="checkbox" .checked=${!this.m.prefs.hidden.includes(p.id)}
        @change=${(e: Event) => this.set(p.id, (e.target as HTMLInputElement).checked)}> ${p.title}</label></td></tr>`)}</tbody></table>
      <div class="acts"><button @click=${() => this.m.setPrefs({ hidden: [], sizes: {}, front: {} })}>Arrange as at first</button></div>`;
  }
}
