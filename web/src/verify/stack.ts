/** The verifier's stack: a row for each slot that was written, byte by byte, and what was spilled there. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import type { FrameState, Slot } from './types';
import { byteName, meaning, slotText } from './words';
import { WalkPane } from './view';
import text from './stack.css';

@customElement('skep-walk-stack')
export class WalkStack extends WalkPane {
  static override styles = styles(text);

  private row(s: Slot, old: Slot | undefined, f: number): TemplateResult {
    const w = this.walk, asked = w.asked?.kind === 'slot' && w.asked.off === s.off && w.asked.frame === f;
    const changed = old === undefined || old.bytes !== s.bytes || old.reg?.text !== s.reg?.text;
    return html`<li class="${changed ? 'changed' : ''} ${asked ? 'asked' : ''}"><button class="bare" data-slot=${s.off} aria-pressed=${asked} title="Where does this come from?" @click=${() => w.about({ kind: 'slot', frame: f, off: s.off })}>
      <span class="off">fp${s.off}</span>
      <span class="bytes" aria-hidden="true">${[...s.bytes].map((c, i) => html`<i class="b${c === '?' ? 'x' : c}" title="fp${s.off + i}: ${byteName(c)}">${c === '?' ? '·' : c}</i>`)}</span>
      <span class="value">${s.reg === null ? html`<span class="sr">${slotText(s)}</span>` : html`${meaning(s.reg)}${s.reg.precise ? html` <abbr title="Precise">P</abbr>` : nothing}`}</span>
      <span class="note">${changed ? html`<span class="sign" aria-hidden="true">◂</span><span class="sr">changed</span>` : ''}</span></button></li>`;
  }

  private frame(f: FrameState, i: number, old: FrameState | undefined): TemplateResult {
    const deepest = f.slots.reduce((a, s) => Math.max(a, -s.off), 0);
    return html`<section><h3>${this.m.listing?.funcs[f.func]?.name ?? `frame ${i}`} <span class="second">${f.slots.length === 0 ? 'nothing written' : `${deepest} of 512 bytes`}</span></h3>
      ${deepest === 0 ? nothing : html`<svg class="depth" viewBox="0 0 512 6" preserveAspectRatio="none" role="img" aria-label="${deepest} of 512 bytes used"><rect class="rail" width="512" height="6"/><rect class="used" width=${deepest} height="6"/></svg>`}
      <ul>${f.slots.map(s => this.row(s, old?.slots.find(o => o.off === s.off), i))}</ul></section>`;
  }

  override render(): TemplateResult {
    const s = this.walk.state, old = this.walk.before;
    if (s === null || s.frames.every(f => f.slots.length === 0)) {
      return html`<p class="empty">Nothing is on the stack yet. What is stored below r10 appears here byte by byte: <span class="mono">m</span> some value, <span class="mono">0</span> zero,
        <span class="mono">r</span> part of a register that was spilled.</p>`;
    }
    return html`${[...s.frames].map((f, i) => this.frame(f, i, old?.frames[i])).reverse()}
      <p class="legend"><i class="bm">m</i> some value <i class="b0">0</i> zero <i class="br">r</i> spilled register <i class="bx">·</i> never written</p>`;
  }
}
