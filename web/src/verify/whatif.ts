/**
 * What if: other limits or bits of a register before a step, or another
 * instruction in its place. The verifier walks again with that, and both walks
 * are shown side by side.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import { bitStrip } from './bits';
import { rawPlace } from './fromtrace';
import { parseNumber } from './predict';
import type { Bounds, Place, Tnum } from './types';
import { number } from './words';
import { WalkPane } from './view';
import shared from './registers.css';
import text from './whatif.css';

@customElement('skep-what-if')
export class WhatIf extends WalkPane {
  static override styles = styles(shared, text);
  /** The number that is changed; null: the instruction is. */
  @property({ attribute: false }) place: Place | null = null;
  @property({ attribute: false }) bounds: Bounds | null = null;
  @state() private open = false;
  @state() private trouble = '';
  @state() private bits: Tnum | null = null;
  @state() private busy = false;

  /** 0, 1, not known, in turn. */
  private turn(i: number): void {
    const t = this.bits ?? this.bounds!.bits, b = 1n << BigInt(i);
    this.bits = (t.mask & b) !== 0n ? { value: t.value & ~b, mask: t.mask & ~b } : (t.value & b) === 0n ? { value: t.value | b, mask: t.mask } : { value: t.value & ~b, mask: t.mask | b };
  }

  private async submit(e: Event): Promise<void> {
    e.preventDefault();
    const d = new FormData(e.target as HTMLFormElement), w = this.walk;
    this.trouble = '';
    if (this.place === null) {
      await this.instruction(String(d.get('insn')));
      return;
    }
    const lo = parseNumber(String(d.get('lo'))), hi = parseNumber(String(d.get('hi')));
    if (lo === null || hi === null || lo > hi || lo < -(1n << 63n) || hi >= 1n << 64n) {
      this.trouble = 'Two numbers are needed, the smaller one first: 255, 0xff, -1 or 2^64-1.';
      return;
    }
    const b = this.bounds!, same = lo === b.umin && hi === b.umax;
    const set = { ...(same ? {} : lo < 0n ? { smin: lo, smax: hi } : { umin: lo, umax: hi }), ...(this.bits === null ? {} : { value: this.bits.value, mask: this.bits.mask }) };
    if (Object.keys(set).length === 0) {
      this.trouble = 'Nothing is different yet: change a limit or a bit.';
      return;
    }
    const r = this.place.kind === 'reg' ? `r${this.place.reg}` : `fp${this.place.off}`;
    await this.run(() => w.whatIf(`what if ${r} were ${same ? 'of these bits' : `${number(lo)} … ${number(hi)}`} at ${w.id}`, { whatIf: [{ step: w.step, loc: rawPlace(this.place!), set }] }));
  }

  /** Assembles one instruction in a session of its own. */
  private async instruction(words: string): Promise<void> {
    const w = this.walk, s = this.m.engine?.session(), pc = w.pc, wide = w.insn?.bytes.length;
    if (s === undefined) return;
    const r = await s.load({ kind: 'asm', text: `.prog xdp\n.license GPL\n${words}\nexit\n` });
    s.close();
    const bytes = r.ok ? r.value.insns[0]?.bytes : undefined;
    if (bytes === undefined || bytes.length !== wide) {
      this.trouble = !r.ok ? r.problems[0]?.message ?? 'this does not assemble' : 'The new instruction must be as long as the old one.';
      return;
    }
    await this.run(() => w.whatIf(`what if ${pc} were ${words.trim()}`, { edits: [{ slot: pc, bytes }] }));
  }

  private async run(f: () => Promise<void>): Promise<void> {
    this.busy = true;
    await f();
    this.busy = false;
  }

  override render(): TemplateResult {
    const b = this.bounds;
    if (!this.open) return html`<button class="link" aria-expanded="false" @click=${() => { this.open = true; this.bits = null; }}>${this.place === null ? 'What if it were another instruction?' : 'What if it were different?'}</button>`;
    return html`<form @submit=${(e: Event) => void this.submit(e)}>
      ${b === null ? html`<label>Instruction ${this.walk.pc} instead <input type="text" name="insn" class="mono" .value=${this.walk.insn?.text ?? ''} size="26" autocomplete="off"></label>`
        : html`<label>from <input type="text" name="lo" .value=${String(b.umin)} size="10" autocomplete="off"></label><label>to <input type="text" name="hi" .value=${b.umax > 1_000_000n ? `0x${b.umax.toString(16)}` : String(b.umax)} size="14" autocomplete="off"></label>`}
      <button class="primary" ?disabled=${this.busy}>${this.busy ? 'Verifying…' : 'Verify with this'}</button><button type="button" @click=${() => { this.open = false; }}>Close</button>
      ${this.trouble === '' ? nothing : html`<p class="bad" role="alert">${this.trouble}</p>`}</form>
      ${b === null ? nothing : bitStrip({ ...b, bits: this.bits ?? b.bits }, this.bits === null ? null : b, i => this.turn(i))}`;
  }
}
