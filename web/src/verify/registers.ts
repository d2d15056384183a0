/**
 * What the verifier knows of each register before the instruction: words, a
 * range bar for numbers, and for the one that was asked about its bits. A click
 * asks where a fact comes from. In Both mode the run's value is a dot.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { word } from '../model/bytes';
import { styles } from '../ui/pane';
import { rangeBar } from './bar';
import { bitStrip } from './bits';
import { decode } from './insn';
import { inside } from './follow';
import { isConst, sameReg } from './bounds';
import type { Bounds, Reg } from './types';
import { kindName, meaning } from './words';
import { WalkPane } from './view';
import './predict';
import './whatif';
import text from './registers.css';

@customElement('skep-walk-registers')
export class WalkRegisters extends WalkPane {
  static override styles = styles(text);
  /** The quiet registers are listed too. */
  @state() private all = false;

  /** Largest offset that the instruction allows for a register it adds to a pointer; null when it is none. */
  private limit(n: number): bigint | null {
    const w = this.walk, i = w.insn, f = w.frame;
    if (i === null || f === null) return null;
    const d = decode(i.bytes);
    if (d.access === null || d.access.base !== n) return null;
    const r = f.regs[n]!;
    if ((r.kind !== 'map_value' && r.kind !== 'memory') || r.orNull || isConst(r.bounds) || r.size === 0) return null;
    return BigInt(Math.max(0, r.size - d.access.size - r.off - d.access.off));
  }

  private dot(n: number, r: Reg): bigint | null {
    const c = this.walk.run?.[n];
    return c !== undefined && c.kind === 'scalar' && r.kind === 'scalar' ? c.value : null;
  }

  private row(n: number, r: Reg, old: Reg | null): TemplateResult {
    const w = this.walk, f = (w.state?.frames.length ?? 1) - 1;
    const asked = w.asked?.kind === 'reg' && w.asked.reg === n && w.asked.frame === f;
    const changed = old !== null && !sameReg(old, r);
    const moving = r.kind === 'scalar' || !isConst(r.bounds);
    const before: Bounds | null = changed && old !== null && old.kind === 'scalar' && !isConst(old.bounds) ? old.bounds : null;
    const dot = this.dot(n, r), concrete = w.run?.[n];
    const fits = dot === null || inside(dot, r.bounds);
    const needed = w.refused && w.reason?.reg === n && w.reason.loop !== true;
    return html`<li class="${changed ? 'changed' : ''} ${asked ? 'asked' : ''} ${needed ? 'needed' : ''} ${r.kind} ${r.orNull ? 'maybe' : ''}">
      <button class="reg bare" data-reg=${n} aria-pressed=${asked} title="Where does this come from?" @click=${() => w.about({ kind: 'reg', frame: f, reg: n })}>
        <span class="name">r${n}</span>
        <span class="kind" title=${r.text}>${r.kind === 'scalar' || r.kind === 'unset' ? '' : html`<i class="shape ${r.kind}" aria-hidden="true"></i>`}<span class="value">${meaning(r)}</span>${r.precise ? html`<abbr title="Precise: pruning compares its exact range">P</abbr>` : nothing}</span>
        ${concrete === undefined || r.kind === 'unset' ? nothing : html`<span class="run">${concrete.kind === 'scalar' ? word(concrete.value, this.m.prefs.base) : concrete.kind === 'unset' ? '–' : concrete.text}</span>`}
        <span class="note">${needed ? html`<span class="need">✖ not enough</span>` : changed ? html`<span class="sign" aria-hidden="true">◂</span><span class="sr">changed</span>` : ''}</span>
      </button>
      ${moving && r.kind !== 'unset' ? html`<div class="draw">${rangeBar(r.bounds, { before, value: dot, limit: this.limit(n) }, asked)}${fits ? nothing : html`<p class="wrong">The run's value is outside: please report this.</p>`}</div>` : nothing}
      ${asked && r.kind !== 'unset' ? html`<div class="more"><p class="second">${kindName(r)}${r.id > 0 ? html`, tied to others by id ${r.id}` : nothing}${r.ref > 0 ? html`, holds reference ${r.ref}` : nothing}</p>
        ${isConst(r.bounds) ? nothing : bitStrip(r.bounds, before, null)}<p class="mono raw">${r.text}</p>
        ${r.kind === 'scalar' ? html`<skep-what-if .stage=${this.stage} .walk=${w} .place=${w.asked} .bounds=${r.bounds}></skep-what-if>` : nothing}</div>` : nothing}</li>`;
  }

  override render(): TemplateResult {
    const w = this.walk, s = w.state, f = w.frame;
    if (s === null || f === null) {
      return html`<p class="empty">${w.trace === null ? 'What the verifier knows of r0 to r10 appears here: ranges of numbers, kinds of pointers, how much of the packet was proved.'
        : 'The trace does not hold this step: it lies in the part that was left out.'}</p>`;
    }
    const old = w.before?.frames.length === s.frames.length ? w.before.frames.at(-1)! : null;
    if (w.predicting) return html`<skep-predict .stage=${this.stage} .walk=${w}></skep-predict>`;
    const shown = f.regs.map((r, n) => ({ r, n })).filter(({ r, n }) => this.all || r.kind !== 'unset' || old?.regs[n]?.kind !== undefined && old.regs[n]!.kind !== 'unset');
    const hidden = f.regs.map((r, n) => ({ r, n })).filter(x => !shown.some(y => y.n === x.n));
    return html`${s.frames.length > 1 ? html`<p class="frames">frame ${s.frames.length - 1} of ${s.frames.length - 1}: ${this.m.listing?.funcs[this.walk.insn?.func ?? 0]?.name ?? 'function'}</p>` : nothing}
      <ul aria-label="Registers">${shown.map(({ r, n }) => this.row(n, r, old?.regs[n] ?? null))}</ul>
      ${hidden.length === 0 ? nothing : html`<button class="rest" aria-expanded="false" @click=${() => { this.all = true; }}>${hidden.map(h => `r${h.n}`).join(', ')} not readable</button>`}
      ${this.all ? html`<button class="rest" aria-expanded="true" @click=${() => { this.all = false; }}>Only readable ones</button>` : nothing}
      ${s.refs.length > 0 ? html`<p class="frames">held: ${s.refs.map(r => `reference ${r}`).join(', ')}</p>` : nothing}`;
  }
}
