/**
 * CPUs: two events at once, a lane for each CPU, and the order of their
 * instructions, chosen by hand or found by the search for a lost update.
 */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { CPUAccess, CPUsView, CPUView } from '../engine/api';
import { plural } from '../model/bytes';
import { lostUpdate, type Lost } from '../model/cpus';
import { css } from '../ui/css';
import { Pane, styles } from '../ui/pane';
import { fields, sentence } from '../ui/words';
import text from './cpus.css';

/** Accesses that are listed: the newest, and those of the lost update. */
const listed = 60;

@customElement('skep-cpus')
export class CpusPane extends Pane {
  static override styles = styles(text);
  /** Events chosen for CPU 0 and CPU 1. */
  @state() private events: readonly number[] = [0, 1];
  private dragged = -1;

  private get cpus() { return this.stage.cpus; }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (this.m.order === null) return;
    this.events = this.m.order.events;
    void this.cpus.follow();
  }

  private events2(): readonly number[] {
    const n = Math.max(1, this.m.arrivals.length);
    return this.events.map((e, i) => (e < n ? e : Math.min(i, n - 1)));
  }

  private async search(): Promise<void> {
    if (!this.cpus.fresh) await this.cpus.start(this.events2());
    await this.cpus.search();
  }

  private choice(cpu: number): TemplateResult {
    const now = this.events2()[cpu] ?? 0;
    return html`<label>CPU ${cpu} <select @change=${(e: Event) => {
      const v = Number((e.target as HTMLSelectElement).value);
      this.events = this.events2().map((x, i) => (i === cpu ? v : x));
      if (this.cpus.view !== null) void this.cpus.start(this.events);
    }}>${this.m.arrivals.slice(0, 50).map((p, i) => html`<option value=${i} ?selected=${i === now}>${i + 1}: ${p}</option>`)}</select></label>`;
  }

  private controls(v: CPUsView | null): TemplateResult {
    const c = this.cpus;
    return html`<div class="tools">${this.choice(0)}${this.choice(1)}
      ${v === null ? html`<button class="primary" ?disabled=${this.m.view === null} @click=${() => void c.start(this.events2())}>Run both at once</button>`
        : html`<button @click=${() => void c.start(this.events2())}>Start again</button><button @click=${() => c.end()}>Close</button>`}
      ${c.searching ? html`<button @click=${() => c.cancel()}>Stop searching</button>`
        : html`<button ?disabled=${this.m.view === null} @click=${() => void this.search()}>Find a lost update</button>`}</div>
      <p class="status" role="status">${this.status()}</p>`;
  }

  private status(): string {
    const c = this.cpus, x = c.explored;
    if (c.problem !== '') return c.problem;
    if (x === null) return c.searching ? 'Trying orders…' : '';
    const tried = `${plural(x.runs, 'order')} tried`;
    if (x.found) return `${sentence(x.why)} ${tried}: this one has the fewest switches.`;
    if (!x.done) return `${tried} so far…`;
    return x.complete ? `None is lost: ${tried}, all that differ with at most 3 switches forced.` : `None was found: ${tried}, then the search was ended.`;
  }

  // ------------------------------------------------------------ lanes

  private turnKey(e: KeyboardEvent, i: number): void {
    const d = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (d === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    if (e.altKey) {
      void this.cpus.shift(i, d).then(() => this.focusTurn(i + d));
    } else this.focusTurn(i + d);
  }
  private focusTurn(i: number): void {
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`[data-turn="${i}"]`)?.focus());
  }

  private lane(v: CPUsView, cpu: CPUView, lost: Lost | null): TemplateResult {
    let at = 0;
    const blocks = v.turns.map((t, i) => {
      const from = at;
      at += t.steps;
      return { t, i, from };
    }).filter(b => b.t.cpu === cpu.cpu);
    const x = (step: number) => `calc(${step} * var(--step))`;
    return html`<div class="lane"><span class="name">CPU ${cpu.cpu}</span><div class="track" ${css({ width: x(Math.max(v.total, 1)) })}>
      ${blocks.map(b => html`<button class="turn ${b.from < v.step ? 'done' : ''}" data-turn=${b.i} ${css({ left: x(b.from), width: x(b.t.steps) })} draggable="true"
        aria-label="Turn ${b.i + 1}: CPU ${cpu.cpu} makes ${plural(b.t.steps, 'instruction')}; Alt and an arrow move it" title="Alt+arrow or dragging moves this turn"
        @click=${() => void this.cpus.seek(b.from)} @keydown=${(e: KeyboardEvent) => this.turnKey(e, b.i)}
        @dragstart=${() => { this.dragged = b.i; }} @dragover=${(e: DragEvent) => { if (this.dragged >= 0) e.preventDefault(); }}
        @drop=${(e: DragEvent) => { e.preventDefault(); e.stopPropagation(); this.drop(b.i); }}></button>`)}
      ${v.accesses.filter(a => a.cpu === cpu.cpu).map(a => html`<i class="tick ${a.write ? 'write' : 'read'} ${lost?.includes(a) === true ? 'lost' : ''}" ${css({ left: x(a.step - 1) })} aria-hidden="true"></i>`)}
      <i class="cursor" ${css({ left: x(v.step) })} aria-hidden="true"></i></div></div>`;
  }

  /** A turn dropped on another takes its place. */
  private drop(onto: number): void {
    const i = this.dragged, turns = [...this.cpus.view?.turns ?? []];
    this.dragged = -1;
    const [t] = i < 0 || i === onto ? [] : turns.splice(i, 1);
    if (t === undefined) return;
    turns.splice(onto, 0, t);
    void this.cpus.order(turns);
  }

  private state(c: CPUView): TemplateResult {
    const insn = this.m.insn(c.pc), over = c.state === 'exited' || c.state === 'faulted';
    return html`<div class="cpu"><h3>CPU ${c.cpu}</h3>
      <p>${over || c.waits ? html`<b>${c.text}</b>` : html`<span class="second">next</span> <span class="mono">${c.pc}: ${insn?.text ?? ''}</span>`}</p>
      <p class="mono regs">${c.regs.filter(r => r.kind !== 'unset' && r.index < 10).map(r => html`<span class=${r.changed ? 'changed' : ''}>r${r.index}=${r.text}</span> `)}</p>
      <button ?disabled=${over || c.waits} @click=${() => void this.cpus.step(c.cpu)}>Step CPU ${c.cpu}</button>
      <button ?disabled=${over || c.waits} @click=${() => void this.cpus.step(c.cpu, 0)}>Run to its end</button></div>`;
  }

  private access(a: CPUAccess, v: CPUsView, lost: Lost | null): TemplateResult {
    const word = `${a.write && a.read ? (a.atomic ? 'changes' : 'reads and writes') : a.write ? 'writes' : 'reads'}${a.atomic ? ' in one step' : ''}`, n = lost?.indexOf(a) ?? -1;
    const note = ['and keeps the old value', 'which the next line undoes', 'from the old value: the update is lost'][n] ?? '';
    return html`<tr class=${n >= 0 ? 'lost' : a.step === v.step ? 'changed' : ''}><td><button class="link" @click=${() => void this.cpus.seek(a.step)}>${a.step}</button></td><td>CPU ${a.cpu}</td>
      <td>${word} <span class="mono">${a.text}</span>${note === '' ? nothing : html` <b>${note}</b>`}</td></tr>`;
  }

  private run(v: CPUsView): TemplateResult {
    const lost = lostUpdate(v.accesses), shown = v.accesses.filter((a, i) => i >= v.accesses.length - listed || lost?.includes(a) === true);
    return html`<div class="steps"><button ?disabled=${v.step === 0} @click=${() => void this.cpus.seek(v.step - 1)}>Back</button>
        <input type="range" min="0" max=${v.total} .value=${String(v.step)} aria-label="Instruction of all CPUs together" @input=${(e: Event) => void this.cpus.seek(Number((e.target as HTMLInputElement).value))}>
        <button ?disabled=${v.step >= v.total} @click=${() => void this.cpus.seek(v.step + 1)}>Forward</button><span class="second">${v.step} of ${v.total}</span></div>
      <div class="lanes" role="group" aria-label="Order of the instructions" ${css({ '--total': String(Math.max(v.total, 1)) })}>${v.cpus.map(c => this.lane(v, c, lost))}</div>
      <p class="legend"><i class="tick read"></i> reads shared memory <i class="tick write"></i> writes it ${lost === null ? nothing : html`<i class="tick write lost"></i> the lost update`}</p>
      <div class="cpus">${v.cpus.map(c => this.state(c))}</div>
      ${v.maps.filter(m => this.m.listing?.maps[m.map]?.internal !== true && m.entries.length > 0).map(m => html`<p class="maps"><span class="mono">${this.m.listing?.maps[m.map]?.name}</span>
        ${m.entries.slice(0, 8).map(e => html`<span class="mono ${e.changed ? 'changed' : ''}">[${e.keyText}] = ${e.valueTexts.map((t, i) => html`${i > 0 ? ' | ' : nothing}${fields(t)}`)}</span> `)}</p>`)}
      ${shown.length === 0 ? html`<p class="second note">No access to shared memory yet: step one of the CPUs.</p>`
        : html`<table><thead><tr><th scope="col">step</th><th scope="col">CPU</th><th scope="col">access to shared memory</th></tr></thead>
          <tbody>${shown.map(a => this.access(a, v, lost))}</tbody></table>`}`;
  }

  override render(): TemplateResult {
    const v = this.cpus.fresh ? this.cpus.view : null;
    return html`${this.controls(v)}
      ${v === null ? html`<p class="empty">In the run one packet or event comes after the other. Here two of them run at once, on two CPUs that share the maps:
        choose whose instruction is next, or let the search find an order in which an update is lost.</p>` : this.run(v)}`;
  }
}
