/**
 * A Worker that measures programs for `skep bench -chromium`
 * (server/internal/chromiumbench), a message each: a program at full speed,
 * for so long. Every form of a program has an engine of its own, so that V8's
 * best code of it stays from one round to the next.
 */
import { FullSpeed } from './fullspeed';
import { unhex } from './cases';

/** What is asked: frames of skep/wasm/fullspeed in hex, and how long to measure, in ms. */
interface Ask { readonly form: string; readonly name: string; readonly load: string; readonly begin: string; readonly ms: number }

/** The answer: ns of one run; r0 of the first run in hex, and the packet it left. */
interface Answer { readonly ns: number; readonly r0?: string; readonly packet?: string }

/** How long a program runs before it is measured. */
const warmUp = 300;
/** A batch takes at least so long: the clock of a page is that coarse. */
const batchTime = 0.5;

const module = WebAssembly.compileStreaming(fetch('jit.wasm'));
const engines = new Map<string, { full: FullSpeed; name: string; batch: number }>();

async function round(q: Ask): Promise<Answer> {
  let e = engines.get(q.form);
  if (e === undefined) engines.set(q.form, e = { full: await FullSpeed.start(await module), name: '', batch: 1 });
  if (e.name === q.name) return { ns: measure(e, q.ms) };
  e.full.load(unhex(q.load));
  e.full.begin(unhex(q.begin));
  const end = e.full.finish(1000);
  if (end.state !== 'exited') throw new Error(`it has ${end.state}: ${end.fault}`);
  const packet = Array.from(e.full.left().packet, b => b.toString(16).padStart(2, '0')).join('');
  e.name = q.name;
  e.batch = 1;
  measure(e, warmUp);
  return { ns: measure(e, q.ms), r0: end.r0.toString(16), packet };
}

/** Runs batches for so many ms: the time of a run of the fastest, in ns. */
function measure(e: { full: FullSpeed; batch: number }, ms: number): number {
  let best = Infinity;
  for (const begin = performance.now(); performance.now() - begin < ms || best === Infinity;) {
    const from = performance.now();
    e.full.repeat(e.batch);
    const took = performance.now() - from;
    if (took < batchTime) e.batch *= 2;
    else best = Math.min(best, 1e6 * took / e.batch);
  }
  return best;
}

self.onmessage = (m: MessageEvent<Ask>) => {
  round(m.data).then(
    answer => { self.postMessage(answer); },
    (e: unknown) => { self.postMessage({ error: String(e) }); },
  );
};
