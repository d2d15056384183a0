/**
 * Predict: what the instruction changed stays hidden until the reader says what
 * the verifier will know. Exact is 1; sound but loose a half; unsound 0.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import { sameReg } from './bounds';
import type { Kind, Reg } from './types';
import { meaning, number } from './words';
import { WalkPane } from './view';
import text from './predict.css';

export interface Guess { readonly kind: Kind; readonly orNull: boolean; readonly lo: bigint; readonly hi: bigint }
export interface Mark { readonly points: 0 | 0.5 | 1; readonly why: string }

/** What a guess is worth: it must allow all that is possible, and should allow no more. */
export function judge(g: Guess, r: Reg): Mark {
  if (g.kind !== r.kind) return { points: 0, why: `it is ${meaning(r)}` };
  if (r.kind !== 'scalar') {
    if (g.orNull === r.orNull) return { points: 1, why: 'exactly' };
    return r.orNull ? { points: 0, why: 'unsound: it may also be NULL' } : { points: 0.5, why: 'sound but loose: it cannot be NULL any more' };
  }
  const b = r.bounds, signed = g.lo < 0n || (b.smin < 0n && b.smax >= 0n && g.hi <= b.smax);
  const lo = signed ? b.smin : b.umin, hi = signed ? b.smax : b.umax;
  if (g.lo === lo && g.hi === hi) return { points: 1, why: 'exactly' };
  if (g.lo > lo) return { points: 0, why: `unsound: it leaves out ${number(lo)}, which is possible` };
  if (g.hi < hi) return { points: 0, why: `unsound: it leaves out ${number(hi)}, which is possible` };
  return { points: 0.5, why: `sound but loose: the verifier knows ${number(lo)} … ${number(hi)}` };
}

/** "255", "0xff", "-1", "2^64-1"; null when it is no number. */
export function parseNumber(s: string): bigint | null {
  const t = s.trim().replace(/[\s_\u202f]/g, '').replace('−', '-'), p = /^(-?)2\^(\d{1,2})(-1)?$/.exec(t);
  if (p !== null) return (p[1] === '-' ? -1n : 1n) * (1n << BigInt(p[2]!)) - (p[3] === undefined ? 0n : 1n);
  return /^-?(0x[\da-f]+|\d+)$/i.test(t) ? (t.startsWith('-') ? -BigInt(t.slice(1)) : BigInt(t)) : null;
}

const choices: readonly (readonly [string, Kind, boolean])[] = [
  ['a number', 'scalar', false], ['a packet pointer', 'packet', false], ['the end of the packet', 'packet_end', false], ['a map value', 'map_value', false],
  ['a map value, or NULL', 'map_value', true], ['a stack pointer', 'stack', false], ['a map', 'map', false], ['the context', 'ctx', false],
  ['not readable', 'unset', false],
];

@customElement('skep-predict')
export class Predict extends WalkPane {
  static override styles = styles(text);
  @state() private marks = new Map<string, Mark>();
  @state() private choice = 0;
  @state() private trouble = '';
  private shown = new Set<string>();

  private key(n: number): string { return `${this.walk.id} r${n}`; }

  private guess(n: number, r: Reg, e: Event): void {
    e.preventDefault();
    const d = new FormData(e.target as HTMLFormElement), c = choices[this.choice]!;
    let lo = 0n, hi = 0n;
    if (c[1] === 'scalar') {
      const a = parseNumber(String(d.get('lo'))), b = parseNumber(String(d.get('hi') ?? '') || String(d.get('lo')));
      if (a === null || b === null || a > b) {
        this.trouble = 'Two numbers are needed, the smaller one first: 255, 0xff, -1 or 2^64-1.';
        return;
      }
      [lo, hi] = [a, b];
    }
    this.trouble = '';
    this.marks = new Map(this.marks).set(this.key(n), judge({ kind: c[1], orNull: c[2], lo, hi }, r));
    this.shown.add(this.key(n));
  }

  private question(n: number, r: Reg): TemplateResult {
    const number = choices[this.choice]![1] === 'scalar';
    return html`<form @submit=${(e: Event) => this.guess(n, r, e)}>
      <p><b class="mono">r${n}</b> was changed by instruction ${this.walk.lastPc}. What does the verifier know of it now?</p>
      <div class="fields"><select name="kind" aria-label="Kind" @change=${(e: Event) => { this.choice = (e.target as HTMLSelectElement).selectedIndex; }}>
        ${choices.map(([w], i) => html`<option ?selected=${i === this.choice}>${w}</option>`)}</select>
        ${number ? html`<span>from</span><input type="text" name="lo" aria-label="Lowest value" size="8" autocomplete="off"><span>to</span><input type="text" name="hi" aria-label="Highest value" size="8" autocomplete="off">` : nothing}
        <button class="primary">Check</button>
        <button type="button" @click=${() => { this.marks = new Map(this.marks).set(this.key(n), { points: 0, why: 'shown without a guess' }); }}>Show</button></div>
      ${this.trouble === '' ? nothing : html`<p class="bad" role="alert">${this.trouble}</p>`}</form>`;
  }

  override render(): TemplateResult {
    const w = this.walk, s = w.state, f = w.frame;
    if (s === null || f === null) return html`<p class="empty">There is nothing to guess at this step.</p>`;
    const old = w.before?.frames.length === s.frames.length ? w.before.frames.at(-1)! : null;
    const given = [...this.marks.values()], sum = given.reduce((a, m) => a + m.points, 0);
    const changed = f.regs.map((r, n) => ({ r, n })).filter(({ r, n }) => old !== null && !sameReg(old.regs[n], r));
    return html`<p class="score" role="status">${given.length === 0 ? 'Step on: before a change is shown you say what it will be. Exact is 1 point, sound but loose a half, unsound none.' : html`<b>${sum}</b> of ${given.length} points`}</p>
      ${changed.length === 0 ? html`<p class="empty">Instruction ${w.lastPc < 0 ? '' : w.lastPc} changed no register. Step on.</p>` : nothing}
      <ul>${f.regs.map((r, n) => {
        const c = changed.some(x => x.n === n), m = this.marks.get(this.key(n));
        if (c && m === undefined) return html`<li class="open">${this.question(n, r)}</li>`;
        if (r.kind === 'unset' && !c) return nothing;
        return html`<li><span class="mono">r${n}</span> <span class="value">${meaning(r)}</span>
          ${m === undefined ? nothing : html`<span class="mark p${m.points * 2}"><span aria-hidden="true">${m.points === 1 ? '✓' : m.points === 0 ? '✖' : '½'}</span> ${m.points} ${m.why}</span>`}</li>`;
      })}</ul>`;
  }
}
