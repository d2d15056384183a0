/** BTF: the types of the program, or of the kernel that it runs on; one of them as C with offsets. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Listing, TypeList, TypeRow } from '../engine/api';
import { count, plural } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import text from './types.css';

const page = 200;

@customElement('skep-types')
export class Types extends Pane {
  static override styles = styles(text);
  @state() private kernel = false;
  @state() private filter = '';
  @state() private list: TypeList = { total: 0, types: [] };
  @state() private chosen = 0;
  @state() private definition = '';
  /** What the list is of; another one and it is asked for again. */
  private of = '';
  private listing: Listing | null = null;

  /** Asks for what is not there yet; a later question makes an earlier answer void. */
  private async take(more = false): Promise<void> {
    const s = this.m.session, l = this.m.listing, key = `${this.kernel}/${this.filter}`;
    if (s === null || l === null || (!more && this.of === key && this.listing === l)) return;
    if (this.listing !== l) this.chosen = 0;
    this.of = key;
    this.listing = l;
    const have = more ? this.list.types : [], next = await s.types(this.kernel, this.filter, have.length, page);
    if (this.of === key && this.listing === l) this.list = { total: next.total, types: [...have, ...next.types] };
  }

  private async choose(t: TypeRow): Promise<void> {
    this.chosen = t.id;
    const kernel = this.kernel, c = await this.m.session?.defineType(kernel, t.id) ?? '';
    if (this.chosen === t.id && this.kernel === kernel) this.definition = c;
  }

  private look(kernel: boolean): void {
    this.kernel = kernel;
    this.chosen = 0;
  }

  /** C with its comments, which say where members lie, set back. */
  private c(code: string): TemplateResult {
    return html`<pre aria-label="Definition" tabindex="0">${code.split(/(\/\*.*?\*\/)/).map((part, i) => (i % 2 === 1 ? html`<span class="place">${part}</span>` : part))}</pre>`;
  }

  private row(t: TypeRow): TemplateResult {
    return html`<li class=${t.id === this.chosen ? 'selected' : ''}><button class="bare" aria-expanded=${t.id === this.chosen ? 'true' : 'false'}
        @click=${() => (t.id === this.chosen ? this.look(this.kernel) : void this.choose(t))}>
        <span class="kind">${t.kind}</span><span class="mono">${t.text}</span><span class="size">${t.size > 0 ? plural(t.size, 'byte') : ''}</span></button>
      ${t.id === this.chosen ? this.c(this.definition) : nothing}</li>`;
  }

  override render(): TemplateResult {
    void this.take();
    const { total, types } = this.list;
    return html`<div class="tools"><span role="group" aria-label="Whose types">
        <button aria-pressed=${!this.kernel} @click=${() => this.look(false)}>program</button><button aria-pressed=${this.kernel} @click=${() => this.look(true)}>kernel</button></span>
      <input type="text" placeholder="Filter" aria-label="Part of the type's name" .value=${this.filter} @input=${(e: Event) => { this.filter = (e.target as HTMLInputElement).value; }}>
      <span class="second" aria-live="polite">${plural(total, 'type')}</span></div>
      ${total > 0 ? nothing : html`<p class="empty">${this.filter !== '' ? 'No type has this in its name.'
        : 'This program comes without BTF, the types that a compiler writes into an object with -g. Assembly has none, but for maps with a lock or a timer.'}</p>`}
      <ol aria-label="Types">${types.map(t => this.row(t))}</ol>
      ${types.length < total ? html`<p><button class="link" @click=${() => void this.take(true)}>Show more of ${count(total)}</button></p>` : nothing}`;
  }
}
