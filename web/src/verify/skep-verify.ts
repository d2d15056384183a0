/**
 * <skep-verify>: the verifier's walk in place of the run. Loaded when the
 * reader turns to it. In Both mode the run is stepped as always and the walk
 * follows.
 *
 * Read next: walk.ts for what is shown, types.ts for what it is drawn from.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { css } from '../ui/css';
import { Pane, styles } from '../ui/pane';
import { textAt } from './provenance';
import { Walk } from './walk';
import text from './skep-verify.css';
import './code';
import './compare';
import './controls';
import './covered';
import './log';
import './memory';
import './registers';
import './say';
import './stack';
import './tree';
import './why';

type Id = 'source' | 'tree' | 'code' | 'log' | 'regs' | 'memory' | 'stack';
const titles: Readonly<Record<Id, string>> = { source: 'Source', tree: 'Paths', code: 'Bytecode', log: 'Kernel log', regs: 'Registers', memory: 'Proved memory', stack: 'Stack' };

interface Slot { readonly panes: readonly Id[]; readonly share: number }
const wide: readonly { readonly share: number; readonly slots: readonly Slot[] }[] = [
  { share: 33, slots: [{ panes: ['source'], share: 56 }, { panes: ['tree'], share: 44 }] },
  { share: 32, slots: [{ panes: ['code'], share: 62 }, { panes: ['log'], share: 38 }] },
  { share: 35, slots: [{ panes: ['regs'], share: 58 }, { panes: ['memory', 'stack'], share: 42 }] },
];
const middle: typeof wide = [
  { share: 50, slots: [{ panes: ['code', 'source'], share: 60 }, { panes: ['tree', 'log'], share: 40 }] },
  { share: 50, slots: [{ panes: ['regs'], share: 56 }, { panes: ['memory', 'stack'], share: 44 }] },
];
const narrow: typeof wide = [{ share: 1, slots: [{ panes: ['code', 'regs', 'memory', 'stack', 'tree', 'log', 'source'], share: 1 }] }];

/** The numbers of the panes are those of the run's, as far as there are the same. */
const keys: Readonly<Record<string, Id>> = { 1: 'source', 3: 'code', 4: 'regs', 5: 'memory', 6: 'stack', l: 'log', p: 'tree' };

@customElement('skep-verify')
export class SkepVerify extends Pane {
  static override styles = styles(text);
  @property({ reflect: true }) width: 'wide' | 'middle' | 'narrow' = 'wide';
  @state() private front: Readonly<Record<string, Id>> = {};
  walk!: Walk;

  override connectedCallback(): void {
    super.connectedCallback();
    this.walk = new Walk(this.stage);
    this.walk.begin(this.m.at);
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.walk.end();
  }

  /** Keys of the walk; true when it was one. */
  key(name: string): boolean {
    const w = this.walk, pane = keys[name];
    if (pane !== undefined) {
      void this.focusPane(pane);
      return true;
    }
    if (name === 'x') return false;
    if (this.m.mode === 'both') return false;
    switch (name) {
      case 'ArrowRight': case 'F10': case 'F11': w.forward(); return true;
      case 'ArrowLeft': case 'Shift+F10': w.back(); return true;
      case ']': w.branch(1); return true;
      case '[': w.branch(-1); return true;
      case 'Home': w.toStart(); return true;
      case 'End': w.toEnd(); return true;
      case 'b': if (w.chain.length > 0) w.goStep(w.chain[0]!.why.step); return true;
      case '}': this.change(1); return true;
      case '{': this.change(-1); return true;
      case 'g': void this.focusPane('code'); return true;
      case 'Escape':
        if (w.asked === null) return false;
        w.about(null);
        return true;
      default: return false;
    }
  }

  /** To the next (previous) step of the path at which the value that was asked about changes. */
  private change(by: 1 | -1): void {
    const w = this.walk, a = w.asked;
    if (a === null) return;
    const at = (n: number) => textAt(w.stateAt(w.path, n), a);
    for (let n = w.n + by; n > 0 && n <= w.last; n += by) if (at(n) !== at(n - 1)) { w.go(w.path, n); return; }
  }

  private slotOf(id: Id): Slot | undefined { return this.columns.flatMap(c => c.slots).find(s => s.panes.includes(id)); }
  private get columns(): typeof wide { return this.width === 'wide' ? wide : this.width === 'middle' ? middle : narrow; }
  private frontOf(s: Slot): Id {
    const f = this.front[s.panes.join()];
    return f !== undefined && s.panes.includes(f) ? f : s.panes[0]!;
  }
  /** Brings a pane to the front. */
  show(id: Id): void {
    const s = this.slotOf(id);
    if (s !== undefined) this.front = { ...this.front, [s.panes.join()]: id };
  }
  async focusPane(id: Id): Promise<void> {
    this.show(id);
    await this.updateComplete;
    await new Promise(requestAnimationFrame);
    const pane = this.renderRoot.querySelector<HTMLElement>(`[data-walk-pane="${id}"]`), inner = pane?.firstElementChild?.shadowRoot?.querySelector<HTMLElement>('[tabindex="0"]');
    (inner ?? pane)?.focus();
  }

  private tabKey(e: KeyboardEvent, s: Slot, now: Id): void {
    const d = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (d === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    const to = s.panes[(s.panes.indexOf(now) + d + s.panes.length) % s.panes.length]!;
    this.show(to);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#walk-tab-${to}`)?.focus());
  }

  private view(id: Id): TemplateResult {
    const s = this.stage, w = this.walk;
    switch (id) {
      case 'source': return html`<skep-source .stage=${s}></skep-source>`;
      case 'tree': return html`<skep-walk-tree .stage=${s} .walk=${w}></skep-walk-tree>`;
      case 'code': return html`<skep-walk-code .stage=${s} .walk=${w}></skep-walk-code>`;
      case 'log': return html`<skep-walk-log .stage=${s} .walk=${w}></skep-walk-log>`;
      case 'regs': return html`<skep-walk-registers .stage=${s} .walk=${w}></skep-walk-registers>`;
      case 'memory': return html`<skep-walk-memory .stage=${s} .walk=${w}></skep-walk-memory>`;
      case 'stack': return html`<skep-walk-stack .stage=${s} .walk=${w}></skep-walk-stack>`;
    }
  }

  private slotView(s: Slot): TemplateResult {
    const front = this.frontOf(s), tabs = s.panes.length > 1, fixed = front === 'source' || front === 'code' || front === 'log' || front === 'tree';
    return html`<section class="slot" ${css({ flex: `${s.share} 1 0px` })} aria-label=${tabs ? nothing : titles[front]}>
      <div class="bar">${tabs ? html`<div class="tabs" role="tablist" aria-label="Panes">${s.panes.map(id => html`<button role="tab" id="walk-tab-${id}" aria-selected=${id === front} aria-controls="walk-pane-${id}" tabindex=${id === front ? 0 : -1}
          @click=${() => this.show(id)} @keydown=${(e: KeyboardEvent) => this.tabKey(e, s, id)}>${titles[id]}</button>`)}</div>` : html`<h2>${titles[front]}</h2>`}
        ${front === 'regs' ? html`<span class="when">before instruction ${this.walk.pc < 0 ? '…' : this.walk.pc}, path ${this.walk.id}</span>` : nothing}</div>
      ${s.panes.map(id => html`<div class="pane ${fixed ? 'fixed' : ''}" id="walk-pane-${id}" data-walk-pane=${id} tabindex=${id === 'source' ? -1 : 0} role=${tabs ? 'tabpanel' : 'group'} aria-label=${titles[id]} ?hidden=${id !== front}>${id === front ? this.view(id) : nothing}</div>`)}
    </section>`;
  }

  override render(): TemplateResult {
    const s = this.stage, w = this.walk, small = this.width === 'narrow', old = w.stale && w.trace !== null;
    return html`${small ? nothing : html`<skep-walk-controls .stage=${s} .walk=${w}></skep-walk-controls>`}
      ${w.sides !== null ? html`<skep-walk-compare .stage=${s} .walk=${w} .sides=${w.sides} @skep-compared=${() => { w.sides = null; this.m.changed(); }}></skep-walk-compare>`
        : html`<div class="main ${old ? 'old' : ''}">${this.columns.map(c => html`<div class="column" ${css({ flex: `${c.share} 1 0px` })}>${c.slots.map(x => this.slotView(x))}</div>`)}</div>`}
      ${w.explained || w.sides !== null ? nothing : html`<skep-walk-why .stage=${s} .walk=${w}></skep-walk-why>`}
      ${w.sides !== null ? nothing : html`<skep-walk-covered .stage=${s} .walk=${w}></skep-walk-covered>`}
      ${w.sides !== null ? nothing : html`<skep-walk-say .stage=${s} .walk=${w} ?narrow=${small}></skep-walk-say>`}
      ${small ? html`<skep-walk-controls narrow .stage=${s} .walk=${w}></skep-walk-controls>` : nothing}`;
  }
}
