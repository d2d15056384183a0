/** The page's address holds the situation: program, packets, options, step. */
import type { LinkState } from '../engine/api';
import { decodeLink, encodeLink } from '../engine/link';
import type { Situation } from './loading';
import { exampleInput, exampleMaps, fetchProgram, findExample } from './gallery';
import type { Model, Watched } from './model';
import { orderText, readOrder } from './order';
import { emptyProgram, type Program } from './program';

export function stateOf(m: Model): LinkState {
  const p = m.program;
  const example = p.gallery === '' ? undefined : findExample(p.gallery);
  const given = example === undefined ? null : exampleInput(example);
  const own = given !== null && given.kind !== 'pcap' && m.input.kind === given.kind && m.input.text === given.text;
  return {
    program: example !== undefined ? { kind: 'gallery', id: p.gallery }
      : p.lang === 'object' ? { kind: 'object', bytes: p.object ?? new Uint8Array(), name: p.title }
        : { kind: p.lang, text: p.text },
    entry: m.entry,
    input: own ? null : m.input,
    options: m.options,
    maps: example !== undefined ? [] : m.maps,
    step: m.step?.step ?? 0,
    breakpoints: [...m.breakpoints].sort((a, b) => a - b),
    view: viewOf(m),
  };
}

/** What is shown of a step: panes in front, number base, the value asked about. */
function viewOf(m: Model): string {
  const q = new URLSearchParams(), w = m.watched;
  const front = Object.entries(m.prefs.front).map(([slot, pane]) => `${slot}:${pane}`).sort();
  if (front.length > 0) q.set('front', front.join());
  if (m.prefs.base !== 'hex') q.set('base', m.prefs.base);
  if (m.mode !== 'run') q.set('mode', m.mode);
  if (m.mode === 'machine' && m.code !== '') q.set('code', m.code);
  if (m.order !== null) q.set('order', orderText(m.order));
  if (w?.watch.kind === 'reg') q.set('watch', `r${w.watch.reg}`);
  else if (w !== null) q.set('watch', [w.watch.region, w.watch.offset, w.watch.length, w.name].join(':'));
  return q.toString();
}

/** Which mode a link is in, at which step of the verifier's walk, at which machine code, and in which order of CPUs. */
export function applyMode(m: Model, view: string): void {
  const q = new URLSearchParams(view), mode = q.get('mode');
  m.mode = mode === 'verify' || mode === 'both' || mode === 'machine' ? mode : 'run';
  m.code = q.get('code') ?? '';
  m.at = q.get('at') ?? '';
  m.order = readOrder(q.get('order') ?? '');
}

/** The inverse, for this visit only: what the browser remembers stays. Takes what it understands. */
export function applyView(m: Model, view: string): Watched | null {
  const q = new URLSearchParams(view);
  const front = (q.get('front') ?? '').split(',').map(s => s.split(':')).filter(s => s.length === 2);
  m.prefs = {
    ...m.prefs, front: { ...m.prefs.front, ...Object.fromEntries(front) as Record<string, string> }, base: q.get('base') === 'dec' ? 'dec' : 'hex',
  };
  applyMode(m, view);
  const w = q.get('watch') ?? '', reg = /^r(\d|10)$/.exec(w)?.[1];
  if (reg !== undefined) return { watch: { kind: 'reg', reg: Number(reg) }, name: w, origin: null };
  const [, region, offset, length, name] = /^(\d+):(-?\d+):(\d+):(.*)$/.exec(w) ?? [];
  if (name === undefined) return null;
  return { watch: { kind: 'memory', region: Number(region), offset: Number(offset), length: Number(length) }, name, origin: null };
}

/** What a link says, or words for the student. Behind the link itself stands a step of the verifier's walk, to be read and changed by hand: "&step=A.7". */
export async function situationOf(fragment: string): Promise<Situation | string> {
  const [link = '', ...more] = fragment.split('&'), at = new URLSearchParams(more.join('&')).get('step') ?? '';
  const r = await decodeLink(link);
  if (!r.ok) {
    const p = r.problems[0];
    return p === undefined ? 'This link cannot be read.' : sentence(p.message, p.hint);
  }
  const s = r.value, view = new URLSearchParams(s.view);
  if (at !== '') view.set('at', at);
  const rest = { options: s.options, entry: s.entry, step: s.step, breakpoints: s.breakpoints, view: view.toString() };
  if (s.program.kind === 'gallery') {
    const e = findExample(s.program.id);
    if (e === undefined) return `This link shows the example "${s.program.id}", which this site does not have.`;
    const own = await exampleSituation(e.id);
    return typeof own === 'string' ? own : { ...own, ...rest, input: s.input ?? own.input };
  }
  let program: Program;
  switch (s.program.kind) {
    case 'asm': program = { ...emptyProgram, text: s.program.text, title: 'Shared program' }; break;
    case 'c': program = { ...emptyProgram, lang: 'c', text: s.program.text, title: 'Shared program' }; break;
    case 'object': program = { ...emptyProgram, lang: 'object', object: s.program.bytes, title: s.program.name }; break;
  }
  return { program, input: s.input ?? { kind: 'text', text: '' }, maps: s.maps, ...rest };
}

export async function exampleSituation(id: string): Promise<Situation | string> {
  const e = findExample(id);
  if (e === undefined) return `There is no example "${id}".`;
  try {
    return {
      program: await fetchProgram(e), input: exampleInput(e), maps: exampleMaps(e), options: { hook: e.events === undefined ? hookType(e.hook) : '' }, entry: e.program ?? '',
      step: e.step ?? 0, breakpoints: [], about: e.about, hint: e.watch,
    };
  } catch (err) {
    return `The example could not be fetched: ${err instanceof Error ? err.message : String(err)}`;
  }
}

/** Gallery entries use section names. */
function hookType(hook: string): string {
  switch (hook) {
    case 'tc': return 'sched_cls';
    case 'socket': return 'socket_filter';
    default: return hook;
  }
}

const sentence = (message: string, hint: string) =>
  `${message.charAt(0).toUpperCase()}${message.slice(1)}${hint === '' ? '.' : `; ${hint}.`}`;

/** Keeps location.hash in step with the model. */
export class Address {
  private timer = 0;
  private turn = 0;
  /** A jump has no entry yet: what is saved next makes it. */
  private jumped = false;

  constructor(private readonly m: Model) {}

  /** A link to the present situation. */
  async link(): Promise<string> {
    const url = new URL(location.href);
    url.search = '';
    url.hash = await encodeLink(stateOf(this.m)) + ((this.m.mode === 'verify' || this.m.mode === 'both') && this.m.at !== '' ? `&step=${this.m.at}` : '');
    return url.href;
  }

  /** Soon (a step), or now and as a new history entry (a jump). */
  save(jump: boolean): void {
    clearTimeout(this.timer);
    const turn = ++this.turn;
    this.jumped ||= jump;
    const write = async () => {
      let url: string;
      try {
        url = await this.link();
      } catch {
        return; // too long for an address: sharing says so
      }
      if (turn !== this.turn) return;
      const push = this.jumped;
      this.jumped = false;
      if (url === location.href) return;
      if (push) history.pushState(null, '', url);
      else history.replaceState(null, '', url);
    };
    if (jump) void write();
    else this.timer = window.setTimeout(() => void write(), 250);
  }
}
