/** What the compiler may do: the verifier's facts, fusions, hidden constants; and how large the code becomes. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { count } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import type { Machine } from './machine';
import { readOptions, shortNames, tabs, type MachineOptions, type Tab } from './options';
import { sizeWords } from './words';
import text from './controls.css';

type Switch = Exclude<keyof MachineOptions, 'tab'>;
const switches: readonly (readonly [Switch, string, string])[] = [
  ['facts', 'Facts', 'leave out the checks that the verifier\'s proof makes needless; off is safe mode'],
  ['fusions', 'Fusions', 'one machine instruction for several, and lookups in place'],
  ['blind', 'Blinding', 'hide constants behind random numbers, as the kernel does for untrusted users; nothing is fused then'],
];

@customElement('skep-machine-controls')
export class MachineControls extends Pane {
  static override styles = styles(text);
  @property({ attribute: false }) machine!: Machine;
  /** Where there is no room for tabs the target is chosen here. */
  @property({ type: Boolean, reflect: true }) narrow = false;

  /** How large the code was with one switch set otherwise, of those that were tried. */
  private others(): TemplateResult | typeof nothing {
    const w = this.machine, o = w.options;
    const tried = switches.flatMap(([key, name]) => {
      const size = w.sizes.find(z => {
        const p = readOptions(z.options);
        return z.arch === w.arch && switches.every(([k]) => (k === key ? p[k] !== o[k] : p[k] === o[k]));
      });
      return size === undefined ? [] : [`${o[key] ? 'without' : 'with'} ${name.toLowerCase()} ${count(size.bytes)}`];
    });
    return tried.length === 0 ? nothing : html`<span class="others">(${tried.join(', ')})</span>`;
  }

  override render(): TemplateResult {
    const w = this.machine, o = w.options, c = w.code, proved = c === null || c.outcome === 'accepted';
    return html`${this.narrow ? html`<select aria-label="Target" @change=${(e: Event) => w.set({ tab: (e.target as HTMLSelectElement).value as Tab })}>
        ${tabs.map(([tab]) => html`<option value=${tab} ?selected=${tab === o.tab}>${shortNames[tab]}</option>`)}</select>` : nothing}
      ${this.narrow && o.tab === 'linux' ? nothing : this.switches(o, proved)}
      <p class="size" role="status">${w.slow ? html`Compiling… <button @click=${() => w.cancel()}>Stop</button>` : this.narrow || c === null || c.refused !== '' ? nothing : html`${sizeWords(c)} ${this.others()}`}</p>`;
  }

  private switches(o: MachineOptions, proved: boolean): TemplateResult {
    const w = this.machine;
    return html`<div class="switches" role="group" aria-label="What the compiler may do">${switches.map(([key, name, words]) => html`<label class="check" title=${words}>
        <input type="checkbox" .checked=${o[key] && (key !== 'facts' || proved)} ?disabled=${key === 'facts' && !proved} @change=${(e: Event) => w.set({ [key]: (e.target as HTMLInputElement).checked })}> ${name}</label>`)}</div>`;
  }
}
