/** The panes of the frame: columns of slots, which of the panes of a slot is in front, and their sizes. */
import { html, nothing, type LitElement, type TemplateResult } from 'lit';
import type { Stage } from '../model/stage';
import { css } from '../ui/css';
import { changedPanes, columnsOf, paneInfo, panes, type Column, type PaneId, type Slot, type Width } from './layout';
import type { Shift } from './splitter';
import { paneView } from './views';

/** The element that shows them. */
export interface Board extends LitElement {
  readonly stage: Stage;
  readonly width: Width;
}

export class Columns {
  /** Slot that has all the room. */
  private large = '';
  /** Pane that had the focus last. */
  private current: PaneId = 'code';
  private drag: { readonly sizes: number[]; readonly pixels: number } | null = null;

  constructor(private readonly board: Board) {}

  private get m() { return this.board.stage.model; }

  /** Gives the pane that has the focus all the room, or takes it back. */
  maximise(): void { this.enlarge(this.large === '' ? this.slotOf(this.current)?.id ?? '' : ''); }
  /** Takes the room back; false when no pane had it. */
  restore(): boolean {
    if (this.large === '') return false;
    this.enlarge('');
    return true;
  }
  private enlarge(slot: string): void {
    this.large = slot;
    this.board.requestUpdate();
  }

  /** Shows an instruction that a verdict or a line of the log is about. */
  async showInsn(pc: number): Promise<void> {
    const m = this.m, had = this.board.width === 'narrow';
    if (m.insnAt(pc) < 0) return;
    m.pointed = m.insn(pc)?.line ?? -1;
    this.front('code');
    await this.board.updateComplete;
    await new Promise(requestAnimationFrame);
    const code = this.board.renderRoot.querySelector('skep-code') as unknown as { show(pc: number): void; focusInsn(pc: number): Promise<void> } | null;
    if (had) await code?.focusInsn(pc);
    else code?.show(pc);
  }

  /** The listing, at the chosen or the current instruction. */
  async goTo(): Promise<void> {
    await this.focus('code');
    const pc = this.m.selected >= 0 ? this.m.selected : this.m.view?.pc ?? 0;
    await (this.board.renderRoot.querySelector('skep-code') as unknown as { focusInsn(pc: number): Promise<void> } | null)?.focusInsn(pc);
  }

  private slotOf(id: PaneId): Slot | undefined {
    return columnsOf(this.board.width).flatMap(c => c.slots).find(s => s.panes.includes(id));
  }
  /** The pane that a slot shows. */
  private frontOf(s: Slot): PaneId {
    const shown = s.panes.filter(p => !this.m.prefs.hidden.includes(p));
    const front = this.m.prefs.front[s.id] as PaneId | undefined;
    return front !== undefined && shown.includes(front) ? front : shown[0] ?? s.panes[0]!;
  }
  front(id: PaneId): void {
    const s = this.slotOf(id), p = this.m.prefs;
    if (s === undefined) return;
    if (this.large !== '' && this.large !== s.id) this.large = s.id;
    this.m.setPrefs({ front: { ...p.front, [s.id]: id }, hidden: p.hidden.filter(h => h !== id) });
  }
  async focus(id: PaneId): Promise<void> {
    this.current = id;
    this.front(id);
    await this.board.updateComplete;
    await new Promise(requestAnimationFrame);
    if (id === 'source') (this.board.renderRoot.querySelector('skep-source') as unknown as { focusText(): void } | null)?.focusText();
    else this.board.renderRoot.querySelector<HTMLElement>(`[data-pane="${id}"]`)?.focus();
  }

  private sizes(id: string, parts: readonly { readonly share: number }[]): number[] {
    const own = this.m.prefs.sizes[id];
    return own !== undefined && own.length === parts.length ? own : parts.map(p => p.share);
  }

  private shift(e: CustomEvent<Shift>, id: string, i: number, all: readonly { readonly share: number }[], axis: 'x' | 'y'): void {
    const box = (e.target as HTMLElement).parentElement!;
    if (e.detail.pixels === 0 && !e.detail.done) {
      this.drag = { sizes: [...this.sizes(id, all)], pixels: axis === 'x' ? box.clientWidth : box.clientHeight };
      return;
    }
    if (this.drag === null) return;
    const sum = this.drag.sizes.reduce((a, b) => a + b, 0), least = sum * 0.08;
    const d = Math.max(least - this.drag.sizes[i]!, Math.min(this.drag.sizes[i + 1]! - least, sum * e.detail.pixels / this.drag.pixels));
    const next = [...this.drag.sizes];
    next[i]! += d;
    next[i + 1]! -= d;
    this.m.setPrefs({ sizes: { ...this.m.prefs.sizes, [id]: next } });
    if (e.detail.done) this.drag = null;
  }

  private tabKey(e: KeyboardEvent, ids: readonly PaneId[], now: PaneId): void {
    const d = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (d === undefined) return;
    e.preventDefault();
    const to = ids[(ids.indexOf(now) + d + ids.length) % ids.length]!;
    this.front(to);
    void this.board.updateComplete.then(() => this.board.renderRoot.querySelector<HTMLElement>(`#tab-${to}`)?.focus());
  }

  private tools(id: PaneId): TemplateResult | typeof nothing {
    const p = this.m.prefs;
    if (id === 'regs' || id === 'ctx') {
      return html`<button aria-pressed=${p.base === 'hex'} @click=${() => this.m.setPrefs({ base: 'hex' })}>hex</button>
        <button aria-pressed=${p.base === 'dec'} @click=${() => this.m.setPrefs({ base: 'dec' })}>decimal</button>`;
    }
    if (id === 'code') return html`<button aria-pressed=${p.bytes} @click=${() => this.m.setPrefs({ bytes: !p.bytes })}>bytes</button>`;
    return nothing;
  }

  private slotView(s: Slot, share: number, changed: ReadonlySet<PaneId>): TemplateResult {
    const shown = s.panes.filter(p => !this.m.prefs.hidden.includes(p)), front = this.frontOf(s), tabs = shown.length > 1;
    const large = this.large === s.id;
    const badge = (id: PaneId) => changed.has(id) && id !== front ? html`<i class="dot"></i><span class="sr"> changed</span>` : nothing;
    return html`<section class="slot ${front === 'source' || front === 'packets' ? '' : 'after'}" data-slot=${s.id} aria-label=${tabs ? nothing : paneInfo(front).title} ${css({ flex: `${share} 1 0px` })}>
      <div class="bar">${tabs ? html`<div class="tabs" role="tablist" aria-label="Panes">${shown.map(id => html`<button role="tab" id="tab-${id}" aria-selected=${id === front}
          aria-controls="pane-${id}" tabindex=${id === front ? 0 : -1} @click=${() => this.front(id)} @keydown=${(e: KeyboardEvent) => this.tabKey(e, shown, id)}>${paneInfo(id).title}${badge(id)}</button>`)}</div>`
        : html`<h2>${paneInfo(front).title}</h2>`}
        <div class="tools"><span class="room"><button aria-pressed=${large} title="m" @click=${() => { this.enlarge(large ? '' : s.id); }}>${large ? 'Restore' : 'Enlarge'}</button>
          <button aria-label="Hide ${paneInfo(front).title}" @click=${() => this.hide(front)}>Hide</button></span>${this.tools(front)}</div></div>
      ${shown.map(id => html`<div class="pane ${id === 'source' || id === 'code' || id === 'packets' || id === 'log' ? 'fixed' : ''}" id="pane-${id}" data-pane=${id} tabindex=${id === 'source' || id === 'packets' ? -1 : 0}
        role=${tabs ? 'tabpanel' : 'group'} aria-label=${paneInfo(id).title} ?hidden=${id !== front} @focusin=${() => { this.current = id; }}>${id === front || id === 'source' ? paneView(id, this.board.stage) : nothing}</div>`)}
    </section>`;
  }

  private hide(id: PaneId): void {
    const hidden = [...this.m.prefs.hidden, id];
    if (hidden.length >= panes.length) return;
    this.large = '';
    this.m.setPrefs({ hidden });
    this.m.tell(`${paneInfo(id).title} is hidden; press ${paneInfo(id).key} or use Panes to get it back.`);
  }

  private shownSlots(c: Column): Slot[] {
    return c.slots.filter(s => (this.large === '' || this.large === s.id) && s.panes.some(p => !this.m.prefs.hidden.includes(p)));
  }

  view(): TemplateResult {
    const all = columnsOf(this.board.width), changed = changedPanes(this.m.view, this.m.listing);
    const shown = all.map((c, i) => ({ c, i, slots: this.shownSlots(c) })).filter(x => x.slots.length > 0);
    const shares = this.sizes(this.board.width, all);
    return html`${shown.map(({ c, i, slots }, n) => {
      const parts = this.sizes(c.id, c.slots), next = shown[n + 1];
      return html`<div class="column" ${css({ flex: `${shares[i]} 1 0px` })}>${slots.map((s, k) => {
        const j = c.slots.indexOf(s), after = slots[k + 1];
        return html`${this.slotView(s, parts[j]!, changed)}${after === undefined ? nothing
          : html`<skep-splitter axis="y" name="Height of ${paneInfo(this.frontOf(s)).title}" .value=${100 * parts[j]! / parts.reduce((a, b) => a + b, 0)}
              @skep-shift=${(e: CustomEvent<Shift>) => this.shift(e, c.id, j, c.slots, 'y')}></skep-splitter>`}`;
      })}</div>${next === undefined ? nothing : html`<skep-splitter axis="x" name="Width of column ${n + 1}" .value=${100 * shares[i]! / shares.reduce((a, b) => a + b, 0)}
        @skep-shift=${(e: CustomEvent<Shift>) => this.shift(e, this.board.width, i, all, 'x')}></skep-splitter>`}`;
    })}`;
  }
}
