/** What all parts of <skep-play> have in common: the stage, and rendering when it changes. */
import { LitElement, unsafeCSS, type CSSResultOrNative, type PropertyValues } from 'lit';
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
    this.listen();
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.off?.();
    this.off = null;
  }
  protected override willUpdate(_: PropertyValues): void { this.listen(); }

  /** An element that was in the page before its script came has its stage only from the first update on. */
  private listen(): void {
    if (this.off !== null || !this.isConnected || (this.stage as Stage | undefined) === undefined) return;
    this.off = this.stage.model.subscribe(() => this.requestUpdate());
  }
}
