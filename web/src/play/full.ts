/** The line about a run at full speed: how long it took, and how often it is to be run. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { count, plural } from '../model/bytes';
import type { FullRun } from '../model/full';
import { Pane, styles } from '../ui/pane';
import text from './full.css';

const choices = [1, 1000, 1_000_000, 100_000_000];

@customElement('skep-full')
export class FullLine extends Pane {
  static override styles = styles(text);
  @property({ type: Boolean, reflect: true }) narrow = false;

  /** What was run. */
  private did(f: FullRun): TemplateResult {
    const m = this.m, { runs, took, view } = f.ran, noun = m.noun === 'run' ? 'event' : m.noun;
    const time = took < 0.1 ? 'less than 0.1 ms' : took < 10 ? `${took.toFixed(1)} ms` : took < 10_000 ? `${count(Math.round(took))} ms` : `${(took / 1000).toFixed(1)} s`;
    const how = view.stop === 'cancelled' ? 'Stopped' : view.state === 'faulted' ? 'Ended by a fault' : 'Ran at full speed';
    if (runs === 0) return html`<b>${how}</b> after ${time}.`;
    return html`<b>${how}:</b> ${f.repeat === 1 || view.stop !== 'end' ? plural(runs, 'run')
      : html`${plural(view.events, noun)}, ${count(f.repeat)} times${view.events > 1 ? ' each' : ''},`} in ${time}.`;
  }

  /** How fast that is. */
  private pace(f: FullRun): TemplateResult | string {
    if (f.measuring) return 'Measuring one run…';
    const p = f.pace;
    if (p === null) return '';
    const ratio = p.interpreted / p.compiled;
    return html`One run takes <b>${duration(p.compiled)}</b>, ${ratio >= 1.5 ? html`<b>${ratio < 10 ? ratio.toFixed(1) : count(Math.round(ratio))} times</b> as fast as the interpreter, which takes ${duration(p.interpreted)}`
      : html`the interpreter ${duration(p.interpreted)}: most of it is spent in helpers, or in the call itself`}.`;
  }

  private checks(f: FullRun): string {
    if (f.checked === null) return 'Each access was checked.';
    if (f.checked === 0) return 'No access was checked: the verifier has accepted the program.';
    return `${f.checked} of its accesses ${f.checked === 1 ? 'was' : 'were'} checked, those of memory that is not the program's own: the verifier has proved the others.`;
  }

  override render(): TemplateResult {
    const f = this.m.full, full = this.stage.full;
    if (f === null) return html``;
    return html`<p aria-live="polite" aria-atomic="true">${this.did(f)} <span class="pace">${this.pace(f)}</span></p>
      <p class="second">Compiled to ${plural(f.ran.bytes, 'byte')} of WebAssembly. ${this.checks(f)} No step was recorded${f.ran.lost === 0 ? '' : `, and ${plural(f.ran.lost, 'line')} of output ${f.ran.lost === 1 ? 'was' : 'were'} too many to keep`}.</p>
      <div class="acts"><label>Each ${this.m.noun === 'run' ? 'event' : 'packet'} <select @change=${(e: Event) => {
        full.repeat = Number((e.target as HTMLSelectElement).value);
        void full.run();
      }}>${choices.map(n => html`<option value=${n} ?selected=${n === full.repeat}>${n === 1 ? 'once' : `${count(n)} times`}</option>`)}</select></label>
      <button @click=${() => void full.run()}>Run again</button><button @click=${() => void full.leave()}>Back to the step</button>
      ${f.repeat === 1 ? nothing : html`<span class="quiet">in the memory as the run before left it</span>`}</div>`;
  }
}

function duration(ns: number): string {
  if (ns < 10) return `${ns.toFixed(1)} ns`;
  if (ns < 10_000) return `${count(Math.round(ns))} ns`;
  return ns < 1e7 ? `${count(Math.round(ns / 1000))} µs` : `${count(Math.round(ns / 1e6))} ms`;
}
