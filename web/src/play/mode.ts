/** Run | Verify | Both | Machine: what is stepped. Where the page is narrow the last one is in the menu. */
import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Model } from '../model/model';
import { Pane, styles } from '../ui/pane';
import text from './mode.css';

const modes: readonly (readonly [Model['mode'], string, string])[] = [
  ['run', 'Run', 'one run, with values'], ['verify', 'Verify', 'every path, as the verifier walks it'], ['both', 'Both', 'the run inside of what the verifier knows'],
  ['machine', 'Machine', 'the run beside its machine code'],
];

@customElement('skep-mode')
export class Mode extends Pane {
  static override styles = styles(text);
  @property({ type: Boolean, reflect: true }) narrow = false;

  override render(): TemplateResult {
    return html`<div role="group" aria-label="What is stepped">${modes.filter(([mode]) => !this.narrow || mode !== 'machine').map(([mode, name, words]) => html`<button aria-pressed=${this.m.mode === mode} title="${words} (v)"
      @click=${() => this.dispatchEvent(new CustomEvent('skep-mode', { detail: mode }))}>${name}</button>`)}</div>`;
  }
}
