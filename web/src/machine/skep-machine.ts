/**
 * <skep-machine>: the program's machine code beside its bytecode and source.
 * Loaded when the reader turns to it. The run is stepped as always, and the
 * code of the instruction that it is at is marked.
 *
 * Read next: machine.ts for what is shown, listing.ts for how.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { css } from '../ui/css';
import { Pane, styles } from '../ui/pane';
import { marked, sentence } from '../ui/words';
import { Machine } from './machine';
import { archOf, tabs, type Tab } from './options';
import { chosenWords, factsWords, kernelHomes, legends } from './words';
import './controls';
import './listing';
import './real';
import text from './skep-machine.css';

type Id = 'source' | 'code' | 'machine' | 'ours';
const titles: Readonly<Record<Id, string>> = { source: 'Source', code: 'Bytecode', machine: 'Machine code', ours: 'Ours, amd64' };

interface Column { readonly panes: readonly Id[]; readonly share: number }

/** With the kernel's code ours stands beside it, in place of the source. */
function columnsFor(width: string, linux: boolean): readonly Column[] {
  if (width === 'narrow') return [{ panes: linux ? ['machine', 'ours', 'code', 'source'] : ['machine', 'code', 'source'], share: 1 }];
  if (width === 'middle') return [{ panes: linux ? ['ours', 'code', 'source'] : ['code', 'source'], share: 45 }, { panes: ['machine'], share: 55 }];
  return linux ? [{ panes: ['code', 'source'], share: 26 }, { panes: ['ours'], share: 37 }, { panes: ['machine'], share: 37 }]
    : [{ panes: ['source'], share: 28 }, { panes: ['code'], share: 28 }, { panes: ['machine'], share: 44 }];
}

const keys: Readonly<Record<string, Id>> = { 1: 'source', 3: 'code', 4: 'machine' };

@customElement('skep-machine')
export class SkepMachine extends Pane {
  static override styles = styles(text);
  @property({ reflect: true }) width: 'wide' | 'middle' | 'narrow' = 'wide';
  @state() private front: Readonly<Record<string, Id>> = {};
  machine!: Machine;

  override connectedCallback(): void {
    super.connectedCallback();
    this.machine = new Machine(this.stage);
    this.machine.begin();
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.machine.end();
  }

  /** Keys of the view; true when it was one. */
  key(name: string): boolean {
    const pane = keys[name];
    if (pane === undefined) return false;
    void this.focusPane(pane);
    return true;
  }

  /** Marks an instruction and shows it in all panes. */
  show(pc: number): void {
    this.machine.choose(pc);
    this.inCode(pc);
  }
  private inCode(pc: number): void {
    (this.renderRoot.querySelector('skep-code') as unknown as { show(pc: number): void } | null)?.show(pc);
  }

  private get columns(): readonly Column[] { return columnsFor(this.width, this.machine.options.tab === 'linux'); }
  private frontOf(c: Column): Id {
    const f = this.front[c.panes.join()];
    return f !== undefined && c.panes.includes(f) ? f : c.panes[0]!;
  }
  private bring(id: Id): void {
    const c = this.columns.find(x => x.panes.includes(id));
    if (c !== undefined) this.front = { ...this.front, [c.panes.join()]: id };
  }
  async focusPane(id: Id): Promise<void> {
    this.bring(id);
    await this.updateComplete;
    await new Promise(requestAnimationFrame);
    const pane = this.renderRoot.querySelector<HTMLElement>(`#machine-pane-${id}`), inner = pane?.querySelector('skep-code, skep-machine-listing')?.shadowRoot?.querySelector<HTMLElement>('[tabindex="0"]');
    (inner ?? pane)?.focus();
  }

  /** Left and right among tabs. */
  private async tabKey(e: KeyboardEvent, prefix: string, all: readonly string[], now: string, to: (id: string) => void): Promise<void> {
    const d = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (d === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    const id = all[(all.indexOf(now) + d + all.length) % all.length]!;
    to(id);
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`#${prefix}-${id}`)?.focus();
  }

  private targets(): TemplateResult {
    const w = this.machine, now = w.options.tab;
    return html`<div class="tabs" role="tablist" aria-label="Target">${tabs.map(([tab, name]) => html`<button role="tab" id="machine-target-${tab}" aria-selected=${tab === now} aria-controls="machine-target" tabindex=${tab === now ? 0 : -1}
      @click=${() => w.set({ tab })} @keydown=${(e: KeyboardEvent) => void this.tabKey(e, 'machine-target', tabs.map(t => t[0]), now, t => w.set({ tab: t as Tab }))}>${name}</button>`)}</div>`;
  }

  /** Ours, or words why there is none. */
  private ours(): TemplateResult {
    const w = this.machine, c = w.code;
    const again = w.failed ? html` <button @click=${() => w.again()}>Try again</button>` : nothing;
    if (c === null) {
      return html`<p class="empty" role="status">${w.trouble === '' ? 'The compilers are being loaded. The machine code appears here, each instruction under the one of eBPF that it was made of.' : html`There is no machine code to show: ${w.trouble}.${again}`}</p>`;
    }
    if (c.refused !== '') return html`<p class="empty" role="alert">${sentence(c.slot >= 0 ? `instruction ${c.slot}: ${c.refused}` : c.refused)}</p>`;
    const facts = factsWords(c, w.options);
    return html`${w.stale && w.trouble !== '' ? html`<p class="notice" role="status">Shown is the code before: ${w.trouble}.${again}</p>` : nothing}
      ${facts === '' ? nothing : html`<p class="notice">${facts}</p>`}${c.cut ? html`<p class="notice">The code is longer than a megabyte: the rest is not shown.</p>` : nothing}
      <skep-machine-listing .stage=${this.stage} .machine=${w} .code=${c} ?old=${w.stale || w.arch !== archOf(w.options.tab)} name=${w.arch}></skep-machine-listing>`;
  }

  private legend(tab: Tab): TemplateResult | typeof nothing {
    const homes = tab === 'linux' ? kernelHomes : this.machine.code?.homes ?? [];
    if (homes.length === 0) return nothing;
    return html`<details class="legend"><summary>Which register is where</summary><p><span class="mono">${homes.map((h, i) => html`r${i}\u00a0${h.replace(' ', '\u00a0')}${i + 1 < homes.length ? ', ' : ''}`)}</span>. ${legends[tab]}</p></details>`;
  }

  private view(id: Id): TemplateResult {
    const s = this.stage, w = this.machine, linux = w.options.tab === 'linux', small = this.width === 'narrow';
    switch (id) {
      case 'source': return html`<skep-source .stage=${s}></skep-source>`;
      case 'code': return html`<skep-code .stage=${s}></skep-code>`;
      case 'ours': return html`<skep-machine-controls .stage=${s} .machine=${w}></skep-machine-controls><div class="list">${this.ours()}</div>${this.legend('amd64')}`;
      case 'machine': return html`${linux && !small ? nothing : html`<skep-machine-controls .stage=${s} .machine=${w} ?narrow=${small}></skep-machine-controls>`}
        <div class="list" id="machine-target" role=${small ? nothing : 'tabpanel'} aria-labelledby=${small ? nothing : `machine-target-${w.options.tab}`}>${linux ? html`<skep-machine-real .stage=${s} .machine=${w}></skep-machine-real>` : this.ours()}</div>${this.legend(w.options.tab)}`;
    }
  }

  private column(c: Column): TemplateResult {
    const front = this.frontOf(c), many = c.panes.length > 1;
    return html`<section class="column" ${css({ flex: `${c.share} 1 0px` })} aria-label=${many ? nothing : titles[front]}>
      <div class="bar">${many ? html`<div class="tabs" role="tablist" aria-label="Panes">${c.panes.map(id => html`<button role="tab" id="machine-tab-${id}" aria-selected=${id === front} aria-controls="machine-pane-${id}" tabindex=${id === front ? 0 : -1}
          @click=${() => this.bring(id)} @keydown=${(e: KeyboardEvent) => void this.tabKey(e, 'machine-tab', c.panes, front, t => this.bring(t as Id))}>${titles[id]}</button>`)}</div>` : html`<h2>${titles[front]}</h2>`}
        ${front === 'machine' && this.width !== 'narrow' ? this.targets() : nothing}</div>
      ${c.panes.map(id => html`<div class="pane ${id === 'code' && this.m.stale ? 'old' : ''}" id="machine-pane-${id}" tabindex=${id === 'source' ? -1 : 0} role=${many ? 'tabpanel' : 'group'} aria-label=${titles[id]} ?hidden=${id !== front}>${id === front || id === 'source' ? this.view(id) : nothing}</div>`)}
    </section>`;
  }

  override render(): TemplateResult {
    const w = this.machine, pc = w.chosen, linux = w.options.tab === 'linux' ? w.kernel.code : null;
    const insn = this.m.insn(pc)?.text ?? '', xlated = linux === null ? [] : w.kernel.xlated.get(pc) ?? [], became = xlated.length === 1 && xlated[0] === insn ? [] : xlated;
    const said = w.code === null || w.code.refused !== '' || insn === '' ? '' : chosenWords(w.code, pc, insn);
    return html`<div class="main ${this.width}" @skep-chosen=${(e: CustomEvent<number>) => this.inCode(e.detail)}>${this.columns.map(c => this.column(c))}</div>
      <p class="said" role="status" aria-label="The chosen instruction">${said === '' ? html`&nbsp;` : marked(said)}${became.length === 0 ? nothing : html` For Linux it had become <span class="mono">${became.join('; ')}</span>.`}</p>`;
  }
}
