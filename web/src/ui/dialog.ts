/** A modal dialog with a heading and a way out; subclasses fill it. */
import { html, type CSSResultOrNative, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import { Pane, styles } from './pane';
import text from './dialog.css';

export const dialogStyles = (...own: string[]): CSSResultOrNative[] => styles(text, ...own);

export abstract class Dialog extends Pane {
  static override styles = dialogStyles();
  /** Nothing is rendered while closed. */
  @state() protected open = false;
  protected abstract readonly heading: string;
  protected readonly size: string = '';
  protected abstract content(): TemplateResult;

  async show(): Promise<void> {
    this.open = true;
    await this.updateComplete;
    const d = this.renderRoot.querySelector('dialog');
    if (d !== null && !d.open) d.showModal();
  }
  close(): void {
    this.renderRoot.querySelector('dialog')?.close();
  }

  override render(): TemplateResult {
    if (!this.open) return html``;
    return html`<dialog class=${this.size} aria-labelledby="heading" @close=${() => { this.open = false; }} @click=${this.outside}>
      <div class="top"><h2 id="heading">${this.heading}</h2><button @click=${() => this.close()}>Close</button></div>
      <div class="body">${this.content()}</div></dialog>`;
  }

  /** A click on the backdrop arrives at the dialog itself. */
  private outside(e: MouseEvent): void {
    const d = e.currentTarget as HTMLDialogElement;
    if (e.target !== d) return;
    const r = d.getBoundingClientRect();
    if (e.clientX < r.left || e.clientX > r.right || e.clientY < r.top || e.clientY > r.bottom) d.close();
  }
}
