/** What all views of the verifier's walk have in common. */
import { property } from 'lit/decorators.js';
import { Pane } from '../ui/pane';
import type { Walk } from './walk';

export abstract class WalkPane extends Pane {
  @property({ attribute: false }) walk!: Walk;
}
