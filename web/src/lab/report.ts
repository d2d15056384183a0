/** How a trial came out, drawn: verdict, rules, events. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Finding, Graded, GradedEvent, Problem } from '../engine/zprotocol';
import { marked } from '../ui/words';
import { inWords } from './classes';

export interface On {
  /** Show a line of the program. */
  line(line: number, col: number): void;
  /** Open a step of the run. */
  step(step: number): void;
  /** Open the verifier's walk, at a step of it or where it ends. */
  walk(step?: number): void;
  /** Open an order of the CPUs at an instruction of it. */
  order(f: Finding): void;
}

/** The line that is refused, from "line 7" (assembly) or the line's own text (C); 0 for none. */
export function lineOf(place: string, text: string): number {
  const n = /^line (\d+)$/.exec(place)?.[1];
  if (n !== undefined) return Number(n);
  return place === '' ? 0 : text.split('\n').findIndex(l => l.trim() === place.trim()) + 1;
}

/** In a few words, for lists: "4 of 7 points". */
export function came(g: Graded): string {
  if (g.problems.length > 0) return 'does not assemble';
  if (g.passed) return 'passed';
  return g.outcome === 'rejected' ? 'rejected' : `${g.points} of ${g.total} points`;
}

function head(g: Graded, text: string, on: On): TemplateResult {
  const points = html`<span class="points">${g.points} of ${g.total} points</span>`;
  switch (g.outcome) {
    case 'accepted':
      return g.passed ? html`<p class="head ok"><b>✓ Passed</b>${points}</p>`
        : html`<p class="head"><b class="ok">✓ The verifier accepts it.</b><span>It does not do all that it should yet.</span>${points}</p>`;
    case 'not_modelled':
      return html`<p class="head"><b>? No verdict</b><span>This verifier does not cover ${g.feature}. A real kernel can say.</span></p>`;
    case 'unreadable':
      return html`<p class="head bad"><b>✗ It cannot be tried yet</b></p>`;
  }
  const line = lineOf(g.place, text);
  return html`<p class="head bad"><b>✗ The verifier rejects it</b>${g.class === '' ? nothing : html`<span class="class">${g.class}</span>`}
    ${line === 0 ? nothing : html`<button class="link" @click=${() => on.line(line, 1)}>line ${line}</button>`}${points}</p>
    ${inWords(g.class) === '' ? nothing : html`<p class="meant">${inWords(g.class)}</p>`}
    <pre class="message" tabindex="0">${g.message}</pre>
    <p><button class="link" @click=${() => on.walk()}>See what the verifier knew there</button></p>`;
}

/** The way to where a rule can be seen to fail. */
function seen(f: Finding, text: string, on: On): TemplateResult | typeof nothing {
  if (f.state !== 'failed' || f.step < 0) return nothing;
  const link = (words: string, go: () => void) => html`<button class="link" @click=${go}>${words}</button>`;
  switch (f.scene) {
    case 'run': return link(`event ${f.event + 1}, step ${f.step}: see it happen`, () => on.step(f.step));
    case 'verdict': return link(`instruction ${f.step}: see it in Verify`, () => on.walk());
    case 'walk': return link(`step ${f.step} of the verifier's walk: see it in Verify`, () => on.walk(f.step));
    case 'order': return link(`instruction ${f.step} of this order of two CPUs: see it happen`, () => on.order(f));
    case 'program': {
      const line = lineOf(f.place, text);
      return line === 0 ? nothing : link(`line ${line}: the first instruction too many`, () => on.line(line, 1));
    }
  }
}

function rule(f: Finding, text: string, on: On): TemplateResult {
  // Of a rejected program nothing ran, and why it was rejected stands above.
  const waits = f.state === 'failed' && f.got.startsWith('nothing ran'), said = waits || f.got.startsWith('rejected: ');
  const mark = waits ? '·' : { passed: '✓', failed: '✗', skipped: '–' }[f.state];
  const word = waits ? 'nothing ran' : { passed: 'holds', failed: 'fails', skipped: 'not decided' }[f.state];
  const weight = f.weight === 0 ? nothing : html`<span class="weight">${f.weight} ${f.weight === 1 ? 'point' : 'points'}</span>`;
  return html`<li class=${waits ? 'waits' : f.state}><span class="mark" aria-hidden="true">${mark}</span><span class="sr">${word}: </span>
    <div><p class="rule"><span class="mono">${f.rule}</span>${f.badge === '' ? nothing : html`<span class="badge">badge: ${f.badge}</span>`}${weight}</p>
    ${f.state === 'passed' || waits || (f.expected === '' && f.got === '') ? nothing
      : html`<p class="got">${said ? nothing : html`expected <span class="mono">${f.expected}</span>, got <span class="mono">${f.got}</span> `}${seen(f, text, on)}</p>`}
    ${f.state === 'failed' && !said && f.why !== '' ? html`<p class="why">${marked(f.why)}</p>` : nothing}</div></li>`;
}

/** The hidden cases in one line: how many of them hold. */
function hidden(all: readonly Finding[]): TemplateResult | typeof nothing {
  if (all.length === 0) return nothing;
  const good = all.filter(f => f.state === 'passed').length, state = good === all.length ? 'passed' : 'failed';
  return html`<li class=${state}><span class="mark" aria-hidden="true">${state === 'passed' ? '✓' : '✗'}</span>
    <div><p class="rule">hidden cases: ${good} of ${all.length} rules hold</p></div></li>`;
}

function event(e: GradedEvent, i: number, first: number, on: On): TemplateResult {
  return html`<li><p><span class="mono">${e.text}</span>${e.result === 0n ? nothing : html` <span class="second">user space got ${String(e.result)}</span>`}</p>
    ${e.firings.length === 0 ? html`<p class="second">nothing ran</p>` : e.firings.map(f => html`<p class="second">
      <span class="mono">${f.program}</span> ran ${f.steps} ${f.steps === 1 ? 'instruction' : 'instructions'}${f.cpu === 0 ? '' : ` on CPU ${f.cpu}`}
      ${f.fault === '' ? html`and answered <span class="mono">${String(f.ret)}</span>` : html`<span class="bad">and stopped: ${f.fault}</span>`}</p>`)}
    ${e.printk.map(l => html`<p class="mono printk">${l}</p>`)}
    ${e.firings.length === 0 ? nothing : html`<button class="link" @click=${() => on.step(first)}>step through event ${i + 1}</button>`}</li>`;
}

export function problems(all: readonly Problem[], on: On): TemplateResult | typeof nothing {
  if (all.length === 0) return nothing;
  return html`<ul class="problems">${all.slice(0, 20).map(p => html`<li>
    ${p.line > 0 ? html`<button class="link" @click=${() => on.line(p.line, p.col)}>line ${p.line}</button>` : nothing}
    <span>${marked(p.message)}</span>${p.hint === '' ? nothing : html` <span class="second">${marked(p.hint)}</span>`}</li>`)}</ul>`;
}

/** The step at which each event begins: each run has a step for its arrival and one for each instruction. */
function firsts(all: readonly GradedEvent[]): number[] {
  const out: number[] = [];
  let step = 0;
  for (const e of all) {
    out.push(step);
    for (const f of e.firings) step += f.steps + 1;
  }
  return out;
}

export function report(g: Graded, text: string, on: On): TemplateResult {
  const first = firsts(g.events);
  const own = g.findings.filter(f => f.rule !== ''), secret = g.findings.filter(f => f.rule === '');
  return html`${head(g, text, on)}${problems(g.problems, on)}
    ${g.findings.length === 0 ? nothing : html`<ul class="rules">${own.map(f => rule(f, text, on))}${hidden(secret)}</ul>${own.some(f => f.rule.startsWith('ret(')) ? html`<p class="second legend"><span class="mono">ret(1)</span> is what the program returned for event 1.</p>` : nothing}`}
    ${g.events.length === 0 ? nothing : html`<details class="events"><summary>What happened: ${g.events.length} ${g.events.length === 1 ? 'event' : 'events'}</summary>
      <ol>${g.events.map((e, i) => event(e, i, first[i]!, on))}</ol></details>`}
    ${g.log === '' ? nothing : html`<details class="log"><summary>The verifier's log</summary><pre tabindex="0">${g.log}</pre></details>`}`;
}
