/** The stack: one block of 512 bytes for each frame, newest first, fp-8 at the top. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Frame, View } from '../engine/api';
import { little, word } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import { mark, next, read, unknown, watched, written, type Pick } from './bytes';
import './bytes';
import text from './stack.css';

const size = 512;
/** The 64 rows from fp-8 downwards. */
const allRows = Array.from({ length: 64 }, (_, i) => size - 8 - 8 * i);

@customElement('skep-stack')
export class Stack extends Pane {
  static override styles = styles(text);
  @state() private whole = false;

  private marks(v: View, f: Frame): Uint8Array {
    const m = new Uint8Array(size);
    for (let i = 0; i < size; i++) if (((f.written[i >> 3] ?? 0) >> (i & 7) & 1) === 0) m[i] = unknown;
    mark(m, written, f.region, 0, v.writes);
    mark(m, read, f.region, 0, v.reads);
    if (v.nextAccess !== null) mark(m, next, f.region, 0, [v.nextAccess]);
    const w = this.m.watched?.watch;
    if (w?.kind === 'memory') mark(m, watched, f.region, 0, [w]);
    return m;
  }

  /** The eight bytes of a row as a number, once all of them are written. */
  private value(f: Frame, marks: Uint8Array, at: number): string {
    for (let i = at; i < at + 8; i++) if ((marks[i]! & unknown) !== 0) return '';
    return word(little(f.stack, at), this.m.prefs.base);
  }

  private frame(v: View, f: Frame): TemplateResult | typeof nothing {
    const marks = this.marks(v, f);
    const used = allRows.filter(r => {
      for (let i = r; i < r + 8; i++) if ((marks[i]! & ~unknown) !== 0 || (marks[i]! & unknown) === 0) return true;
      return false;
    });
    const rows = this.whole ? allRows : used;
    const name = this.m.listing?.funcs[f.func]?.name ?? 'frame';
    const deepest = used.length === 0 ? 0 : size - used[used.length - 1]!;
    return html`<div class="frame">
      <h3>${name} <span class="used">${used.length === 0 ? 'nothing written' : `${deepest} of 512 bytes used`}</span></h3>
      ${rows.length === 0 ? nothing : html`<skep-bytes caption="stack of ${name}" .bytes=${f.stack} .marks=${marks} .rows=${rows}
        .label=${(at: number) => `fp-${size - at}`} .note=${(at: number) => this.value(f, marks, at)} .name=${(at: number) => `fp-${size - at}`}
        @skep-pick=${(e: CustomEvent<Pick>) => void this.stage.moving.watch(
          { kind: 'memory', region: f.region, offset: e.detail.offset, length: 1 }, `the stack byte at fp-${size - e.detail.offset}`)}></skep-bytes>`}
    </div>`;
  }

  override render(): TemplateResult {
    const v = this.m.view;
    const nothingYet = v === null || v.frames.every(f => f.written.every(b => b === 0));
    if (v === null || (nothingYet && !this.whole && v.frames.length < 2)) {
      return html`<p class="empty">Nothing is on the stack yet. A store below the frame pointer puts something here:
        <span class="mono">*(u32 *)(r10 - 4) = 0</span>.</p>
        ${v === null ? nothing : html`<button class="more" @click=${() => { this.whole = true; }}>Show all 512 bytes</button>`}`;
    }
    return html`${[...v.frames].reverse().map(f => this.frame(v, f))}
      <button class="more" aria-pressed=${this.whole} @click=${() => { this.whole = !this.whole; }}>${this.whole ? 'Only what was written' : 'Show all 512 bytes'}</button>`;
  }
}
