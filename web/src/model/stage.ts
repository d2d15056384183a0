/** The model and the four things that change it, as panes get them. */
import { Address } from './address';
import { Loading } from './loading';
import { Model } from './model';
import { Moving } from './moving';
import { Verdicts } from './verdict';

export class Stage {
  readonly model = new Model();
  readonly moving = new Moving(this.model);
  readonly loading = new Loading(this.model, this.moving);
  readonly address = new Address(this.model);
  readonly verdicts = new Verdicts(this.model);
}
