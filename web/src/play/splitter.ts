/** The line between two panes: drag it, or move it by arrow keys. */
import { html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import text from './splitter.css';

export interface Shift { readonly pixels: number; readonly done: boolean }

@customElement('skep-splitter')
export class Splitter extends LitElement {
  static override styles = styles(text);
  @property({ reflect: true }) axis: 'x' | 'y' = 'x';
  @property() name = '';
  /** Share of what lies before it, in percent. */
  @property({ type: Number }) value = 50;
  private from = 0;

  private send(pixels: number, done: boolean): void {
    this.dispatchEvent(new CustomEvent<Shift>('skep-shift', { detail: { pixels, done } }));
  }
  private at(e: PointerEvent): number { return this.axis === 'x' ? e.clientX : e.clientY; }
  private down(e: PointerEvent): void {
    if (e.button !== 0) return;
    (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
    this.from = this.at(e);
    this.send(0, false);
  }
  private move(e: PointerEvent): void {
    if ((e.currentTarget as HTMLElement).hasPointerCapture(e.pointerId)) this.send(this.at(e) - this.from, false);
  }
  private up(e: PointerEvent): void {
    if ((e.currentTarget as HTMLElement).hasPointerCapture(e.pointerId)) this.send(this.at(e) - this.from, true);
  }
  private key(e: KeyboardEvent): void {
    const d = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key];
    if (d === undefined) return;
    e.preventDefault();
    this.send(0, false);
    this.send(d * (e.shiftKey ? 80 : 16), true);
  }

  override render(): TemplateResult {
    return html`<div role="separator" tabindex="0" aria-orientation=${this.axis === 'x' ? 'vertical' : 'horizontal'} aria-label=${this.name}
      aria-valuenow=${Math.round(this.value)} aria-valuemin="0" aria-valuemax="100"
      @pointerdown=${this.down} @pointermove=${this.move} @pointerup=${this.up} @pointercancel=${this.up} @keydown=${this.key}></div>`;
  }
}
