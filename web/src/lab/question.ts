/**
 * <skep-question question="ID" kind="choose|order|predict|click">: a question
 * whose answer is checked at once and explained. Its words stand in the
 * element; what can be picked is drawn here.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import { wireSource } from '../engine/client';
import { predictCall } from '../engine/zprotocol';
import { styles } from '../ui/pane';
import { grader } from './client';
import { lab, type Choice, type LabOption, type LabQuestion } from './data';
import { keep } from './memory';
import text from './question.css';
import { unseal } from './seal';
import { sentence } from './server';

/** 0 wrong, 1 half, 2 right. */
interface Checked { readonly score: number; readonly word: string; readonly reason: string }

const right: Checked = { score: 2, word: 'Right.', reason: '' }, wrong: Checked = { score: 0, word: 'Not yet.', reason: '' };

@customElement('skep-question')
export class Question extends LitElement {
  static override styles = styles(text);
  @state() private checked: Checked | null = null;
  @state() private picked: ReadonlySet<number> = new Set();
  /** Of an order question: indices into options as they lie now. */
  @state() private order: readonly number[] = [];
  @state() private answer = '';
  /** What is dragged: its place now; -1. */
  @state() private dragged = -1;
  private of!: LabQuestion;

  override connectedCallback(): void {
    super.connectedCallback();
    const of = lab?.questions?.find(q => q.id === this.getAttribute('question'));
    if (of === undefined) return;
    this.of = of;
    // The list (and what is clicked into) is drawn here instead.
    const list = of.kind === 'choose' ? 'ul' : of.kind === 'order' ? 'ol' : of.kind === 'click' ? 'pre' : null;
    if (list !== null) this.querySelector(`:scope > ${list}`)?.remove();
    this.order = [...(of.options ?? []).keys()];
  }

  private get options(): readonly LabOption[] { return this.of.options ?? []; }
  private get word(): string { return `${lab!.id}/${this.of.id}`; }
  private choice(i: number): Choice { return unseal<Choice>(`${this.word}/${i}`, this.options[i]!.seal ?? '') ?? { right: false, why: '' }; }

  private tell(c: Checked): void {
    this.checked = c;
    keep(lab!.id, `?${this.of.id}`, { points: c.score * this.of.points / 2, total: this.of.points, passed: c.score === 2 });
  }

  private async check(): Promise<void> {
    switch (this.of.kind) {
      case 'choose':
        this.tell(this.options.every((_, i) => this.choice(i).right === this.picked.has(i)) ? right : wrong);
        break;
      case 'order': {
        const place = unseal<number[]>(this.word, this.of.seal ?? '') ?? [], good = this.order.filter((n, i) => place[n] === i).length;
        this.tell(good === this.order.length ? right : { ...wrong, reason: `${good} of ${this.order.length} are where they belong.` });
        break;
      }
      case 'predict': {
        const a = await grader.ask(predictCall, {
          source: wireSource({ kind: 'asm', text: this.of.source ?? '' }), at: this.of.at ?? '', after: this.of.after ?? false,
          reg: this.of.reg ?? '', answer: this.answer, privilege: lab!.privilege,
        }, `?${this.of.id}`);
        if (a.kind === 'overtaken') return;
        if (a.kind === 'failed') this.checked = { ...wrong, word: 'No answer.', reason: `The verifier could not be started: ${a.why}.` };
        else if (a.value.problems.length > 0) this.checked = { ...wrong, word: 'No answer.', reason: sentence(a.value.problems[0]!.message) };
        else this.tell({ score: a.value.score, word: ['Not yet.', 'Sound, but loose: half.', 'Exactly.'][a.value.score]!, reason: sentence(a.value.reason) });
        break;
      }
    }
  }

  private toggle(i: number, one: boolean): void {
    const p = new Set(one ? [] : this.picked);
    if (!one && this.picked.has(i)) p.delete(i);
    else p.add(i);
    this.picked = p;
    this.checked = null;
  }

  private choose(): TemplateResult {
    const one = this.of.one === true;
    return html`<fieldset><legend class="sr">${one ? 'Pick one' : 'Pick all that are right'}</legend>${this.options.map((o, i) => {
      const on = this.picked.has(i), told = this.checked !== null && on ? this.choice(i) : null;
      return html`<div class="option"><label><input type=${one ? 'radio' : 'checkbox'} name=${this.of.id} .checked=${on} @change=${() => this.toggle(i, one)}>
        <span>${unsafeHTML(o.html)}</span></label>
        ${told === null ? nothing : html`<div class="why"><b class=${told.right ? 'ok' : 'bad'}>${told.right ? '✓ Yes.' : '✗ No.'}</b> ${unsafeHTML(told.why)}</div>`}</div>`;
    })}</fieldset>`;
  }

  private move(from: number, to: number): void {
    if (to < 0 || to >= this.order.length || from === to || from < 0) return;
    const o = [...this.order], [x] = o.splice(from, 1);
    o.splice(to, 0, x!);
    this.order = o;
    this.checked = null;
  }

  /** A mouse takes an item anywhere, a finger at its handle: the rest of the item scrolls the page. */
  private grab(e: PointerEvent, i: number): void {
    const on = e.target as Element;
    if (e.button !== 0 || on.closest('button') !== null || e.pointerType === 'touch' && on.closest('.handle') === null) return;
    e.preventDefault();
    (e.currentTarget as Element).parentElement!.setPointerCapture(e.pointerId);
    this.dragged = i;
  }
  /** The item follows the pointer over the middles of the others. */
  private drag(e: PointerEvent): void {
    if (this.dragged < 0) return;
    const to = [...this.renderRoot.querySelectorAll('.order li')].filter((li, i) => {
      const r = li.getBoundingClientRect();
      return i !== this.dragged && e.clientY > r.top + r.height / 2;
    }).length;
    if (to === this.dragged) return;
    this.move(this.dragged, to);
    this.dragged = to;
  }

  private async moved(from: number, to: number, button: string): Promise<void> {
    this.move(from, to);
    await this.updateComplete;
    const li = this.renderRoot.querySelectorAll<HTMLElement>('.order li')[to];
    (li?.querySelector<HTMLButtonElement>(`.${button}:not(:disabled)`) ?? li?.querySelector<HTMLButtonElement>('button:not(:disabled)'))?.focus();
  }

  private sort(): TemplateResult {
    return html`<ol class="order" @pointermove=${(e: PointerEvent) => this.drag(e)} @pointerup=${() => { this.dragged = -1; }} @pointercancel=${() => { this.dragged = -1; }}>${this.order.map((n, i) => html`<li
      class=${i === this.dragged ? 'dragged' : ''} @pointerdown=${(e: PointerEvent) => this.grab(e, i)}><span class="handle" aria-hidden="true">⠿</span>
      <span>${unsafeHTML(this.options[n]!.html)}</span><span class="grow"></span>
      <button class="up" ?disabled=${i === 0} aria-label="Move number ${i + 1} up" @click=${() => void this.moved(i, i - 1, 'up')}>↑</button>
      <button class="down" ?disabled=${i === this.order.length - 1} aria-label="Move number ${i + 1} down" @click=${() => void this.moved(i, i + 1, 'down')}>↓</button></li>`)}</ol>`;
  }

  private predict(): TemplateResult {
    return html`<form class="predict" @submit=${(e: Event) => { e.preventDefault(); void this.check(); }}>
      <label><span class="mono">${this.of.reg}</span> is <input type="text" spellcheck="false" autocapitalize="off" autocomplete="off" .value=${this.answer}
        @input=${(e: Event) => { this.answer = (e.target as HTMLInputElement).value; this.checked = null; }}></label>
      <button class="outlined">Check</button> <span class="hint">a number, a range such as 0..255, or a type</span></form>`;
  }

  private listing(): TemplateResult {
    const lines = (this.of.source ?? '').replace(/\n$/, '').split('\n');
    return html`<ol class="listing">${lines.map((l, i) => {
      const code = bare(l), can = code !== '' && !code.startsWith('.') && !code.endsWith(':');
      return html`<li>${can ? html`<button class="bare mono ${this.picked.has(i) ? 'picked' : ''}" aria-pressed=${this.picked.has(i)} @click=${() => this.point(i, code)}>${l.trim()}</button>`
        : html`<span class="mono second">${l.trim()}</span>`}</li>`;
    })}</ol>`;
  }
  private point(i: number, code: string): void {
    this.picked = new Set([i]);
    this.tell(code === bare(unseal<string>(this.word, this.of.seal ?? '') ?? '') ? right : { ...wrong, reason: 'Another instruction is meant.' });
  }

  override render(): TemplateResult {
    const c = this.checked;
    if (this.of === undefined) return html`<slot></slot>`;
    const body = { choose: () => this.choose(), order: () => this.sort(), predict: () => this.predict(), click: () => this.listing() }[this.of.kind]();
    const button = this.of.kind === 'choose' || this.of.kind === 'order';
    return html`<slot></slot>${body}
      <div class="end">${button ? html`<button class="outlined" ?disabled=${this.of.kind === 'choose' && this.picked.size === 0} @click=${() => void this.check()}>Check</button>` : nothing}
      <p role="status">${c === null ? nothing : html`<b class=${c.score === 2 ? 'ok' : c.score === 0 ? 'bad' : ''}>${c.score === 2 ? '✓ ' : c.score === 0 ? '✗ ' : '≈ '}${c.word}</b> ${c.reason}`}</p></div>`;
  }
}

const bare = (line: string) => line.replace(/\s*(;|\/\/|#).*$/, '').trim().replace(/\s+/g, ' ');
