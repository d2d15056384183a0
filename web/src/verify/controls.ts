/** Steps along a path, the path itself, and whose verdict it is: privilege and kernel. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Privilege } from '../engine/verdict';
import { count } from '../model/bytes';
import { privilegeName } from '../panes/log';
import { backIcon, nextIcon, prevIcon, stepIcon } from '../ui/icons';
import { styles } from '../ui/pane';
import { pathName } from './paths';
import { endName, endSign } from './words';
import { WalkPane } from './view';
import shared from '../play/transport.css';
import text from './controls.css';

const privileges: readonly Privilege[] = ['root', 'cap_bpf', 'unprivileged'];

/** So many paths are offered in the list; more are chosen in the tree. */
const offered = 200;

@customElement('skep-walk-controls')
export class WalkControls extends WalkPane {
  static override styles = styles(shared, text);
  @property({ type: Boolean, reflect: true }) narrow = false;

  private paths(): TemplateResult {
    const w = this.walk, all = (w.trace?.paths ?? []).filter(p => p.count > 0), list = all.slice(0, offered);
    if (!list.some(p => p.id === w.path) && w.trace?.paths[w.path] !== undefined) list.push(w.trace.paths[w.path]!);
    return html`<select aria-label="Path" title="Path (p)" @change=${(e: Event) => w.choose(Number((e.target as HTMLSelectElement).value))}>
      ${list.map(p => html`<option value=${p.id} ?selected=${p.id === w.path}>path ${pathName(p.id)} ${endSign[p.end]} ${endName[p.end]}</option>`)}
      ${all.length > offered ? html`<option disabled>${count(all.length - offered)} more are in the tree</option>` : nothing}</select>`;
  }

  private compare(): TemplateResult {
    const w = this.walk, mine = this.m.prefs.privilege;
    return html`<select aria-label="Compare with" class="compare" @change=${(e: Event) => {
      const s = e.target as HTMLSelectElement, what = s.value as 'before' | Privilege;
      s.selectedIndex = 0;
      void w.compare(what);
    }}><option>Compare with…</option><option value="before" ?disabled=${w.previous === null}>my program before the edit</option>
      ${privileges.filter(p => p !== mine).map(p => html`<option value=${p}>the same as ${privilegeName(p)}</option>`)}</select>`;
  }

  override render(): TemplateResult {
    const w = this.walk, off = w.trace === null || w.trace.steps === 0, both = this.m.mode === 'both', atStart = off || w.n === 0, atEnd = off || w.n === w.last;
    const button = (label: string, key: string, act: () => unknown, dead: boolean, before: unknown, after: unknown = nothing) =>
      html`<button title="${label} (${key})" aria-disabled=${dead ? 'true' : 'false'} @click=${() => { if (!dead) act(); }}>${before}<span>${label}</span>${after}</button>`;
    const refused = w.trace?.paths.some(p => p.end === 'refused') === true;
    const time = html`<div class="time"><div class="track"><div class="lanes"></div><input type="range" min="0" max=${Math.max(1, w.last)} step="1" .value=${String(w.n)} ?disabled=${off} aria-label="Step of path ${pathName(w.path)}"
        aria-valuetext="step ${w.n} of ${w.last}, instruction ${w.pc}" @input=${(e: Event) => w.go(w.path, Number((e.target as HTMLInputElement).value))}></div>
      <span class="count">${off ? 'no walk yet' : html`<b>${w.id}</b> of ${count(w.last)}`}</span></div>`;
    const steps = html`<div class="group" role="group" aria-label="Step on the path">
      ${button('Back', '←, Shift+F10', () => w.back(), atStart, backIcon)}${button('Step', '→, F10', () => w.forward(), atEnd, nothing, stepIcon)}
      ${this.narrow ? nothing : button('Branch back', '[', () => w.branch(-1), atStart, prevIcon)}${button(this.narrow ? 'Branch' : 'Next branch', ']', () => w.branch(1), atEnd, nothing, nextIcon)}</div>`;
    const predict = html`<label class="check"><input type="checkbox" .checked=${w.predicting} @change=${(e: Event) => { w.predicting = (e.target as HTMLInputElement).checked; this.m.changed(); }}> Predict</label>`;
    if (this.narrow) return html`${both ? nothing : html`${time}${steps}`}<div class="second-row">${this.paths()}${refused ? html`<button @click=${() => w.toRefusal()}>✖ Refusal</button>` : nothing}${predict}</div>`;
    return html`${both ? nothing : steps}${this.paths()}
      ${refused ? html`<button class="to-refusal" ?disabled=${w.refused} @click=${() => w.toRefusal()}>✖ Refusal</button>` : nothing}
      ${both ? html`<span class="grow"></span>` : time}
      ${predict}${this.compare()}
      <label class="check">as <select aria-label="Privilege" @change=${(e: Event) => this.m.setPrefs({ privilege: (e.target as HTMLSelectElement).value as Privilege })}>
        ${privileges.map(p => html`<option value=${p} ?selected=${p === this.m.prefs.privilege}>${privilegeName(p)}</option>`)}</select></label>
      ${this.kernels()}`;
  }

  /** Whose verdict: skep's of 6.12, or what real kernels say, beside ours in the real kernel's dialog. */
  private kernels(): TemplateResult {
    return html`<select class="kernel" aria-label="Kernel" title="Whose verdict: skep's of Linux 6.12, or what real kernels say" @change=${(e: Event) => {
      (e.target as HTMLSelectElement).value = 'skep';
      this.dispatchEvent(new CustomEvent('skep-real-kernel', { bubbles: true, composed: true }));
    }}><option value="skep" selected>6.12</option><option value="real">6.12 and 6.1, really</option></select>`;
  }
}
