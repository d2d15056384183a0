/** Keys, and what the marks mean. */
import { html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { Dialog, dialogStyles } from '../ui/dialog';
import { keyTable } from './keys';
import text from './help.css';

@customElement('skep-help')
export class Help extends Dialog {
  static override styles = dialogStyles(text);
  protected readonly heading = 'Keys and marks';

  protected content(): TemplateResult {
    return html`<table><caption class="sr">Keys</caption><tbody>${keyTable.map(k => html`<tr><td class="keys">${k.keys.map((x, i) => html`${i > 0 ? ' ' : ''}<kbd>${x}</kbd>`)}</td><td>${k.does}</td></tr>`)}</tbody></table>
      <label><input type="checkbox" .checked=${this.m.prefs.keys} @change=${(e: Event) => this.m.setPrefs({ keys: (e.target as HTMLInputElement).checked })}>
        Shortcuts of a single letter, digit or sign</label>
      <h3>Marks</h3>
      <p>The current step has the honey colour and ▸ in every pane. <span class="sign">◂</span> marks what the last step changed. In bytes, a solid line below means written, a dotted line read,
        a frame what the next instruction will access, and ?? never written. Lines of the source and the instructions made of them have the same tint.</p>`;
  }
}
