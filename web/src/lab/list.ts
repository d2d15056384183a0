/** How far one is, in lists of labs and on the map; and what the map says of its labs. */
import { account, progressOf } from './memory';

/** How many exercises of a lab were passed. */
const passedOf = (lab: string): number => Object.entries(progressOf(lab)).filter(([id, d]) => !id.startsWith('?') && d.passed).length;

export function showProgress(): void {
  const said = document.getElementById('progress'), counted = new Set<string>();
  let passed = 0, all = 0;
  for (const li of document.querySelectorAll<HTMLElement>('li[data-lab]')) {
    const lab = li.dataset['lab']!, total = Number(li.dataset['exercises']), n = passedOf(lab);
    if (!counted.has(lab)) {
      passed += n;
      all += total;
    }
    counted.add(lab);
    const to = li.querySelector('.done');
    if (to !== null) to.textContent = n === 0 ? '' : n >= total ? '✓ done' : `${n} of ${total} passed`;
    li.toggleAttribute('data-done', n >= total && total > 0);
  }
  for (const a of document.querySelectorAll<SVGAElement>('.map [data-node]')) {
    const n = passedOf(a.dataset['node']!), total = Number(a.dataset['exercises']), done = n >= total && total > 0;
    a.classList.toggle('done', done);
    a.querySelector('.tick')!.textContent = done ? '✓' : n > 0 ? '◐' : '';
  }
  if (said !== null && passed > 0) said.textContent = `You have passed ${passed} of ${all} exercises here. That is kept ${account() === null ? 'in this browser' : 'in this browser and on the server'}.`;
}

/** Pointing at a lab of the map marks what leads to it and what it opens. */
export function liveMap(): void {
  const map = document.querySelector('.map svg');
  if (map === null) return;
  const nodes = [...map.querySelectorAll<SVGElement>('[data-code]')], edges = [...map.querySelectorAll<SVGElement>('[data-from]')];
  const reach = (code: string, from: 'from' | 'to', to: 'from' | 'to', into: Set<string>): Set<string> => {
    for (const e of edges) {
      const next = e.dataset[to]!;
      if (e.dataset[from] === code && !into.has(next)) reach(next, from, to, into.add(next));
    }
    return into;
  };
  const mark = (code: string | undefined) => {
    map.classList.toggle('pointed', code !== undefined);
    const before = code === undefined ? new Set<string>() : reach(code, 'to', 'from', new Set([code]));
    const opens = code === undefined ? new Set<string>() : new Set(edges.filter(e => e.dataset['from'] === code).map(e => e.dataset['to']!));
    for (const n of nodes) {
      n.classList.toggle('on', before.has(n.dataset['code']!));
      n.classList.toggle('next', opens.has(n.dataset['code']!));
    }
    for (const e of edges) {
      e.classList.toggle('on', before.has(e.dataset['to']!) && before.has(e.dataset['from']!));
      e.classList.toggle('next', e.dataset['from'] === code);
    }
  };
  const of = (e: Event) => (e.target as Element).closest<SVGElement>('[data-code]')?.dataset['code'];
  map.addEventListener('pointerover', e => mark(of(e)));
  map.addEventListener('pointerleave', () => mark(undefined));
  map.addEventListener('focusin', e => mark(of(e)));
  map.addEventListener('focusout', () => mark(undefined));
}

/** Asks the service worker for the pages that lists of labs lead to. */
export async function keepCourse(): Promise<void> {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('.ways a, .track h2 a')].map(a => a.href);
  if (!('serviceWorker' in navigator) || links.length === 0 || SKEP_FAKE) return;
  (await navigator.serviceWorker.ready).active?.postMessage({ keep: links });
}
