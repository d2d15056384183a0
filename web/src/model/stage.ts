/** The model and what changes it, as panes get them. */
import { Address } from './address';
import { Cpus } from './cpus';
import { Full } from './full';
import { Loading } from './loading';
import { Model } from './model';
import { Moving } from './moving';
import { Verdicts } from './verdict';

export class Stage {
  readonly model = new Model();
  readonly moving = new Moving(this.model);
  readonly loading = new Loading(this.model, this.moving);
  readonly address = new Address(this.model);
  readonly cpus = new Cpus(this.model);
  readonly verdicts = new Verdicts(this.model);
  readonly full = new Full(this.model, this.moving, this.verdicts);
}
