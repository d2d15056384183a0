/** Back, step, run, and the timeline: one lane for each packet, its verdict at its end. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { count } from '../model/bytes';
import { css } from '../ui/css';
import { backIcon, fullIcon, nextIcon, prevIcon, runIcon, startIcon, stepIcon } from '../ui/icons';
import { Pane, styles } from '../ui/pane';
import text from './transport.css';

@customElement('skep-transport')
export class Transport extends Pane {
  static override styles = styles(text);
  @property({ type: Boolean, reflect: true }) narrow = false;
  private dragged = 0;

  private lanes(): TemplateResult {
    const m = this.m, total = Math.max(1, m.total), at = m.step?.step ?? 0;
    const share = (n: number) => `${Math.min(100, 100 * n / total).toFixed(3)}%`;
    const known = m.outlook.verdicts.length > 0 ? m.outlook.verdicts : m.step?.verdicts ?? [];
    let from = known.length > 0 && known[0]!.event > 0 ? known[0]!.step : 0;
    const lanes: { from: number; to: number }[] = [];
    for (const v of known) {
      lanes.push({ from, to: v.step + 1 });
      from = v.step + 1;
    }
    if (from < total) lanes.push({ from, to: total });
    const drawn = lanes.length > 200 ? [] : lanes;
    return html`<div class="lanes"><div class="lane past" ${css({ left: '0', width: share(at) })}></div>
      ${drawn.map(l => html`<div class="lane" ${css({ left: share(l.from), width: share(l.to - l.from) })}></div>`)}</div>
      <div class="marks">${known.length > 200 ? nothing : known.map(v => html`<i class="end ${v.tone}" ${css({ left: share(v.step) })}></i>`)}
        ${m.outlook.fault >= 0 ? html`<i class="end bad" ${css({ left: share(m.outlook.fault) })}></i>` : nothing}</div>`;
  }

  /** While dragging only the last position counts. */
  private drag(e: Event): void {
    const n = Number((e.target as HTMLInputElement).value);
    const turn = ++this.dragged;
    requestAnimationFrame(() => { if (turn === this.dragged) void this.stage.moving.seek(n, false); });
  }
  private drop(e: Event): void {
    this.dragged++;
    void this.stage.moving.seek(Number((e.target as HTMLInputElement).value), true);
  }

  override render(): TemplateResult {
    const m = this.m, v = m.step, go = this.stage.moving, off = v === null || m.engineState !== 'ready';
    const atStart = off || v.step === 0;
    const atEnd = off || v.state === 'faulted' || (v.state === 'exited' && v.event + 1 === v.events);
    const button = (label: string, key: string, act: () => unknown, dead: boolean, before: unknown, after: unknown = nothing) =>
      html`<button title="${label} (${key})" aria-disabled=${dead ? 'true' : 'false'} @click=${() => { if (!dead) act(); }}>${before}<span>${label}</span>${after}</button>`;
    const many = v !== null && Math.max(v.events, m.arrivals.length) > 1;
    const steps = html`<div class="group" role="group" aria-label="Step">
        ${button('Back', '←, Shift+F10', () => go.back(), atStart, backIcon)}
        ${button('Step', '→, F10', () => go.step(), atEnd, nothing, stepIcon)}
        ${this.narrow ? nothing : html`${button('Over', 'o', () => go.over(), atEnd, nothing)}${button('Out', 'u, Shift+F11', () => go.out(), atEnd, nothing)}`}
        ${this.narrow && many ? button(m.noun === 'run' ? 'Event' : 'Packet', ']', () => go.nextPacket(), atEnd, nothing, nextIcon) : nothing}
        ${this.narrow ? button('Run', 'Ctrl+Enter', () => go.run(), atEnd, nothing, runIcon) : nothing}
      </div>`;
    const time = html`<div class="time"><div class="track">${this.lanes()}
        <input type="range" min="0" max=${Math.max(1, m.total)} step="1" .value=${String(v?.step ?? 0)} ?disabled=${off} aria-label="Step of the run"
          aria-valuetext=${v === null ? 'no run yet' : `step ${v.step} of ${m.total}, ${m.noun} ${v.event + 1} of ${v.events}`} @input=${this.drag} @change=${this.drop}></div>
        <span class="count">${v === null ? 'no run yet' : html`step <b>${count(v.step)}</b> of ${count(m.total)}${m.outlook.whole || v.totalKnown ? '' : '+'}`}</span></div>`;
    if (this.narrow) return html`${time}${steps}`;
    return html`${steps}
      <div class="group" role="group" aria-label="Run" @pointerenter=${() => void this.stage.full.warm()} @focusin=${() => void this.stage.full.warm()}>
        ${button('Start', 'Home', () => go.start(), atStart, startIcon)}
        ${button('Run', 'Ctrl+Enter', () => go.run(), atEnd, nothing, runIcon)}
        ${button('Full speed', 'f', () => this.dispatchEvent(new CustomEvent('skep-full', { bubbles: true, composed: true })), off, nothing, fullIcon)}
      </div>
      ${many ? html`<div class="group" role="group" aria-label="Arrivals">
        ${button(`Previous ${m.noun}`, '[', () => go.prevPacket(), atStart, prevIcon)}
        ${button(`Next ${m.noun}`, ']', () => go.nextPacket(), atEnd, nothing, nextIcon)}</div>` : nothing}
      ${time}`;
  }
}
