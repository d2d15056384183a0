/** What all parts of <skep-play> have in common: the stage, and rendering when it changes. */
import { LitElement, unsafeCSS, type CSSResultOrNative } from 'lit';
import { property } from 'lit/decorators.js';
import type { Model } from '../model/model';
import type { Stage } from '../model/stage';
import shared from './shared.css';

const base = unsafeCSS(shared);

/** Style sheets of a part: the shared one and its own. */
export const styles = (...own: string[]): CSSResultOrNative[] => [base, ...own.map(t => unsafeCSS(t))];

export abstract class Pane extends LitElement {
  @property({ attribute: false }) stage!: Stage;
  static override styles = styles();
  private off: (() => void) | null = null;

  get m(): Model { return this.stage.model; }

  override connectedCallback(): void {
    super.connectedCallback();
    this.off = this.stage.model.subscribe(() => this.requestUpdate());
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.off?.();
  }
}
