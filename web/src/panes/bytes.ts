/**
 * A grid of bytes, eight a row, for packet, stack and records. One byte has the
 * focus; arrow keys move it, Enter asks where its value came from.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { hexByte } from '../model/bytes';
import { styles } from '../ui/pane';
import text from './bytes.css';

/** Bits of a byte's mark. */
export const written = 1, read = 2, next = 4, watched = 8, unknown = 16, band = 32;

export interface Pick { readonly offset: number; readonly length: number }

@customElement('skep-bytes')
export class Bytes extends LitElement {
  static override styles = styles(text);

  @property({ attribute: false }) bytes: Uint8Array = new Uint8Array();
  /** A mark for each byte. */
  @property({ attribute: false }) marks: Uint8Array = new Uint8Array();
  /** First bytes of the rows to show; all rows when null. */
  @property({ attribute: false }) rows: readonly number[] | null = null;
  /** What stands before a row, by its first byte. */
  @property({ attribute: false }) label: (at: number) => string = at => at.toString(16).padStart(2, '0');
  /** What stands behind a row. */
  @property({ attribute: false }) note: (at: number) => string = () => '';
  /** A byte's name for screen readers. */
  @property({ attribute: false }) name: (at: number) => string = at => `byte ${at}`;
  @property() caption = 'bytes';
  /** First byte of the columns. */
  @property({ type: Number }) columns = 8;
  @state() private focused = -1;

  private at(i: number): TemplateResult | typeof nothing {
    if (i >= this.bytes.length) return nothing;
    const mark = this.marks[i] ?? 0, b = this.bytes[i]!;
    const cls = `cell${mark & band ? ' band' : ''}${mark & written ? ' written' : ''}${mark & read ? ' read' : ''}${mark & next ? ' next' : ''}`
      + `${mark & watched ? ' watched' : ''}${mark & unknown ? ' unknown' : ''}`;
    const words = `${mark & unknown ? '??, never written' : hexByte(b)}, ${this.name(i)}${mark & written ? ', written by this step' : ''}`
      + `${mark & read ? ', read by this step' : ''}${mark & next ? ', accessed next' : ''}`;
    return html`<span role="gridcell" class=${cls} data-at=${i} tabindex=${i === this.home ? 0 : -1} aria-label=${words}
      title=${words}>${mark & unknown ? '??' : hexByte(b)}</span>`;
  }

  /** The byte that Tab reaches. */
  private get home(): number {
    const rows = this.rows;
    if (this.focused >= 0 && this.focused < this.bytes.length && (rows === null || rows.includes(this.focused - this.focused % this.columns))) return this.focused;
    return rows === null ? 0 : rows[0] ?? 0;
  }

  override render(): TemplateResult {
    const rows = this.rows ?? Array.from({ length: Math.ceil(this.bytes.length / this.columns) }, (_, i) => i * this.columns);
    const cols = Array.from({ length: this.columns }, (_, i) => i);
    return html`<div class="grid" role="grid" aria-label=${this.caption} @click=${this.clicked} @keydown=${this.key}
      @pointerover=${this.hover} @pointerleave=${() => this.point(-1)}>
      ${rows.map(r => html`<div class="row" role="row"><span class="label" role="rowheader">${this.label(r)}</span><span
        class="cells" role="presentation">${cols.map(c => this.at(r + c))}</span><span class="note" role="gridcell">${this.note(r)}</span></div>`)}
    </div>`;
  }

  private send(type: string, offset: number): void {
    this.dispatchEvent(new CustomEvent<Pick>(type, { detail: { offset, length: 1 } }));
  }
  private point(offset: number): void { this.send('skep-point', offset); }
  private from(e: Event): number {
    const cell = (e.target as Element).closest<HTMLElement>('.cell');
    return cell === null ? -1 : Number(cell.dataset.at);
  }
  private hover(e: PointerEvent): void { this.point(this.from(e)); }
  private clicked(e: MouseEvent): void {
    const i = this.from(e);
    if (i < 0) return;
    this.focused = i;
    this.send('skep-pick', i);
  }

  private key(e: KeyboardEvent): void {
    const i = this.from(e);
    if (i < 0 || e.ctrlKey || e.altKey || e.metaKey) return;
    const rows = this.rows, n = this.columns;
    let to = i;
    const row = (d: number) => {
      if (rows === null) return i + d * n;
      const k = rows.indexOf(i - i % n) + d;
      return rows[k] === undefined ? i : rows[k]! + i % n;
    };
    switch (e.key) {
      case 'ArrowRight': to = i + 1; break;
      case 'ArrowLeft': to = i - 1; break;
      case 'ArrowDown': to = row(1); break;
      case 'ArrowUp': to = row(-1); break;
      case 'Home': to = i - i % n; break;
      case 'End': to = i - i % n + n - 1; break;
      case 'Enter': case ' ': this.send('skep-pick', i); e.preventDefault(); return;
      default: return;
    }
    e.preventDefault();
    if (to < 0 || to >= this.bytes.length) return;
    if (rows !== null && !rows.includes(to - to % n)) return;
    this.focused = to;
    this.point(to);
  }

  protected override updated(p: PropertyValues): void {
    if (p.has('focused') && this.focused >= 0) {
      const cell = this.renderRoot.querySelector<HTMLElement>(`[data-at="${this.focused}"]`);
      if (cell !== null && this.shadowRoot?.activeElement !== cell) cell.focus();
    }
  }
}

/** Marks of the bytes of a region from the ranges of a view. */
export function mark(marks: Uint8Array, bit: number, region: number, start: number, ranges: readonly { readonly region: number; readonly offset: number; readonly length: number }[]): void {
  for (const r of ranges) {
    if (r.region !== region) continue;
    const from = Math.max(0, r.offset - start), to = Math.min(marks.length, r.offset - start + r.length);
    for (let i = from; i < to; i++) marks[i]! |= bit;
  }
}
