/**
 * The line that says in words what happened and what comes next; screen
 * readers read it at each step. Around it: a fault and what to do about it,
 * the origin of the value that was asked about, what the page is busy with.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { Fault, Verdict, View } from '../engine/api';
import { word } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import { marked, sentence } from '../ui/words';
import text from './narration.css';

@customElement('skep-narration')
export class NarrationLine extends Pane {
  static override styles = styles(text);

  private said(): TemplateResult {
    const m = this.m, v = m.view;
    if (v === null) {
      const words = m.engineState === 'failed' ? 'The engine is not running.' : m.engineState === 'loading' ? this.loading()
        : m.problems.some(p => p.severity === 'error') ? `The program does not ${m.program.lang === 'asm' ? 'assemble' : m.program.lang === 'c' ? 'compile' : 'load'}; what is wrong is listed below it.`
          : m.inputProblems.some(p => p.severity === 'error') ? 'The packets cannot be read yet; what is wrong is listed below them.' : 'Loading the program.';
      return html`<p class="said" aria-live="polite">${words}</p>`;
    }
    return html`<p class="said" aria-live="polite" aria-atomic="true"><span class="did">${v.narration.did}</span> <span class="next">${v.narration.next}</span></p>`;
  }

  private loading(): string {
    const p = this.m.engineProgress;
    if (p === null || p.phase === 'download') {
      const mb = ((p?.loaded ?? 0) / 1e6).toFixed(1);
      return p === null || p.loaded === 0 ? 'Loading the engine.' : `Loading the engine: ${mb} MB so far.`;
    }
    return p.phase === 'compile' ? 'Compiling the engine.' : 'Starting the engine.';
  }

  private verdict(v: View): TemplateResult | typeof nothing {
    const r: Verdict | undefined = v.verdicts.find(x => x.event === v.event);
    if (r === undefined || v.state !== 'exited') return nothing;
    return html`<p class="verdict"><b class="tone-${r.tone}">${r.tone === 'good' ? '✓ ' : r.tone === 'bad' ? '✖ ' : ''}${r.name}</b>${r.meaning}</p>`;
  }

  private fault(f: Fault): TemplateResult {
    const insn = this.m.insn(f.pc), reg = /\(r(\d+)/.exec(insn?.text ?? '')?.[1];
    return html`<section class="fault" role="alert" aria-label="Fault">
      <h2><span class="cross" aria-hidden="true">✖</span> Instruction ${f.pc} <span class="mono">${insn?.text ?? ''}</span> cannot go on</h2>
      <p>${marked(sentence(f.message))}</p>${f.hint === '' ? nothing : html`<p class="second">${marked(sentence(f.hint))}</p>`}
      <div class="acts">${this.m.full !== null ? html`<button @click=${() => void this.stage.moving.end()}>Step to it</button>` : html`${reg === undefined ? nothing : html`<button @click=${() => void this.stage.moving.watch({ kind: 'reg', reg: Number(reg) }, `r${reg}`)}>Where does r${reg} come from?</button>`}
        <button @click=${() => void this.stage.moving.back()}>Step back</button>
        <button @click=${() => void this.stage.moving.start()}>Start again</button>`}</div></section>`;
  }

  private why(): TemplateResult | typeof nothing {
    const w = this.m.watched, v = this.m.view;
    if (w === null || v === null || this.m.full !== null) return nothing;
    const o = w.origin, go = this.stage.moving;
    const reg = w.watch.kind === 'reg' ? v.regs[w.watch.reg] : undefined;
    const value = reg === undefined ? '' : reg.kind === 'scalar' ? word(reg.value, this.m.prefs.base) : reg.text;
    return html`<div class="why" role="group" aria-label="Where a value comes from">
      <span aria-live="polite"><b>${w.name}</b>${value === '' ? '' : html` is ${value},`} ${o === null ? '…' : o.text}${o !== null && o.step === v.step ? ', just now' : ''}</span>
      ${o !== null && o.step >= 0 && o.step !== v.step ? html`<button class="link" title="b" @click=${() => void go.toOrigin()}>Go to step ${o.step}</button>` : nothing}
      <span class="grow"></span>
      <button title="{" @click=${() => void go.prevChange()}>Previous change</button>
      <button title="}" @click=${() => void go.nextChange()}>Next change</button>
      <button @click=${() => go.unwatch()}>Close</button></div>`;
  }

  private failed(): TemplateResult {
    return html`<section class="failed" role="alert"><p><b>The engine could not be started.</b> ${sentence(this.m.engineError)}</p>
      <p class="second">${navigator.onLine ? 'Try again; if it fails twice, your browser may be too old (WebAssembly with 2022 features is needed) or something blocks the download.'
        : 'You are offline and the engine is not in the browser\'s store yet. Go online once and it will be kept.'}</p>
      <button class="primary" @click=${() => this.dispatchEvent(new CustomEvent('skep-retry', { bubbles: true, composed: true }))}>Try again</button></section>`;
  }

  override render(): TemplateResult {
    const m = this.m, v = m.view;
    return html`${m.engineState === 'failed' ? this.failed() : nothing}
      ${v !== null && v.fault !== null ? this.fault(v.fault) : nothing}
      ${v !== null && v.fault !== null && m.full === null ? nothing
        : html`<div class="line">${m.full !== null ? html`<skep-full .stage=${this.stage}></skep-full>` : this.said()}${v === null ? nothing : this.verdict(v)}</div>`}
      ${this.why()}
      ${m.busy === null ? nothing : html`<p class="busy" role="status"><span>${m.busy.words}…</span>
        ${m.busy.part === null ? nothing : html`<progress max="1" .value=${m.busy.part} aria-label=${m.busy.words}></progress>`}
        ${m.busy.cancel === null ? nothing : html`<button @click=${m.busy.cancel}>Stop</button>`}</p>`}
      ${m.notice === '' ? nothing : html`<p class="notice" role="status">${m.notice}</p>`}`;
  }
}
