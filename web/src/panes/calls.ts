/** The call stack with callbacks and tail calls, then the helper calls so far, newest first. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { Frame, View } from '../engine/api';
import { plural } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import text from './calls.css';

@customElement('skep-calls')
export class Calls extends Pane {
  static override styles = styles(text);

  /** How a frame came to be: called by the program, or by a helper that the frame below is in. */
  private why(v: View, i: number): string {
    if (i === 0) return '';
    // A frame that waits for a helper is already at the instruction behind the call.
    const l = this.m.listing!, at = this.m.insnAt(v.frames[i - 1]!.pc);
    const insn = [l.insns[at], l.insns[at - 1]].find(n => n !== undefined && (n.flow === 'call' || n.flow === 'helper'));
    if (insn === undefined) return '';
    if (insn.flow !== 'helper') return 'called';
    const helper = /bpf_\w+/.exec(insn.text)?.[0] ?? 'the helper';
    return `callback of ${helper}`;
  }

  private frame(v: View, f: Frame, i: number): TemplateResult {
    const l = this.m.listing!, own = f.program === l.program, top = i === v.frames.length - 1, why = this.why(v, i);
    const name = (own ? l.funcs[f.func]?.name : l.programs[f.program]?.name) ?? `function ${f.func}`;
    return html`<li class=${top ? 'top' : ''} aria-current=${top ? 'true' : nothing}><span class="depth">${i}</span>
      <span><span class="mono">${name}</span> <span class="second">at ${f.pc}${why === '' ? nothing : html`, ${why}`}</span></span></li>`;
  }

  /** Frames, innermost first, and the tail calls that led to this program. */
  private stack(v: View): TemplateResult | typeof nothing {
    const l = this.m.listing;
    if (l === null) return nothing;
    const jumps = v.calls.filter(c => c.step > v.eventStep && c.name === 'bpf_tail_call' && c.resultText.startsWith('does not return'));
    if (v.frames.length < 2 && jumps.length === 0) return nothing;
    return html`<section aria-label="Call stack"><h3>Call stack</h3>
      <ol class="frames">${v.frames.map((f, i) => this.frame(v, f, i)).reverse()}</ol>
      ${jumps.length === 0 ? nothing : html`<p class="jumps">${plural(jumps.length, 'tail call')}: now in <span class="mono">${l.programs[v.program]?.name}</span>, with a fresh stack; at most 33 are made.
        ${jumps.slice(-4).map(c => html`<button class="link" @click=${() => void this.stage.moving.seek(c.step)}>step ${c.step}</button> `)}</p>`}</section>`;
  }

  override render(): TemplateResult {
    const v = this.m.view;
    if (v === null) return html``;
    const stack = this.stack(v);
    if (this.m.full !== null) return html`<p class="empty">At full speed calls of helpers are not recorded. Step, or run, to see them.</p>`;
    if (v.calls.length === 0) {
      return html`${stack}<p class="empty">No helper was called yet. Helpers are the kernel functions that a program may call, such as <span class="mono">call bpf_map_lookup_elem</span>.</p>`;
    }
    return html`${stack}${stack === nothing ? nothing : html`<h3>Helper calls</h3>`}<ol aria-label="Helper calls, newest first">${[...v.calls].reverse().map(c => html`<li class=${c.step === v.step ? 'changed' : ''}>
      <span>${c.step === v.step ? html`<span class="sign">◂ now</span>` : html`<button class="link" @click=${() => void this.stage.moving.seek(c.step)}>step ${c.step}</button>`}</span>
      <span class="what">${c.name}(${c.args.map((a, i) => html`${i > 0 ? ', ' : nothing}<span class="arg">${a.name}=</span>${a.text}`)})
        <span class="result">= <span class="value">${c.resultText}</span></span></span></li>`)}</ol>`;
  }
}
