/**
 * Fuzzes decodeLink for LINK_FUZZ_SECONDS (10): fragments are damaged as text
 * and, behind base64 and deflate, as bytes. A fragment is decoded to a state
 * that encodes and decodes to itself, or to problems with words; it never
 * throws. Run by `make fuzz` through node.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { defaultOptions, type LinkState } from './api';
import { decodeLink, encodeLink } from './link';

const seconds = Number(process.env['LINK_FUZZ_SECONDS'] ?? 10);
let seed = Number(process.env['LINK_FUZZ_SEED'] ?? 1);
const random = (n: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};

const start: LinkState[] = [
  {
    program: { kind: 'asm', text: 'r0 = 2\nexit\n' }, entry: '', input: { kind: 'text', text: 'ipv4 / icmp' },
    options: { ...defaultOptions, seed: 7n, hook: 'xdp' }, maps: [{ map: 'm', key: new Uint8Array(4), value: new Uint8Array([1]) }],
    step: 14, breakpoints: [3, 5], view: 'pane=stack',
  },
  {
    program: { kind: 'object', bytes: new Uint8Array(300).fill(7), name: 'a.o' }, entry: 'main', input: { kind: 'pcap', bytes: new Uint8Array(50) },
    options: { ...defaultOptions }, maps: [], step: 0, breakpoints: [], view: '',
  },
  {
    program: { kind: 'gallery', id: 'icmp-filter' }, entry: '', input: null, options: { ...defaultOptions }, maps: [], step: 3, breakpoints: [], view: '',
  },
];

/** A fragment with its bytes changed behind the compression. */
function damageBytes(text: string): string {
  const dot = text.indexOf('.');
  const raw = new Uint8Array(inflateRawSync(Buffer.from(text.slice(dot + 1), 'base64url').subarray(4)));
  let out = [...raw];
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(out.length + 1);
    switch (random(4)) {
      case 0: out[at] = random(256); break;
      case 1: out.splice(at, random(8)); break;
      case 2: out.splice(at, 0, ...Array.from({ length: random(8) }, () => random(256))); break;
      case 3: out = out.slice(0, at); break;
    }
  }
  const body = deflateRawSync(Uint8Array.from(out));
  let sum = 0x811c9dc5; // with the right checksum: what is behind it is tested
  for (const x of body) sum = Math.imul(sum ^ x, 0x01000193);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(sum >>> 0);
  return text.slice(0, dot + 1) + Buffer.concat([head, body]).toString('base64url');
}

function damageText(text: string): string {
  const at = random(text.length);
  return [text.slice(0, at), text.slice(0, at) + String.fromCharCode(33 + random(90)) + text.slice(at + 1), text + text.slice(at)][random(3)] ?? text;
}

const corpus = await Promise.all(start.map((s) => encodeLink(s)));
const end = Date.now() + seconds * 1000;
let runs = 0;
let accepted = 0;
while (Date.now() < end) {
  const from = corpus[random(corpus.length)] ?? '';
  const text = random(4) === 0 ? damageText(from) : damageBytes(from);
  const r = await decodeLink(text);
  runs++;
  if (!r.ok) {
    if (!r.problems[0]?.message) throw new Error('no words for ' + text);
    continue;
  }
  accepted++;
  const again = await decodeLink(await encodeLink(r.value));
  const show = (v: unknown) => JSON.stringify(v, (_, x: unknown) => (typeof x === 'bigint' ? `${x}n` : x));
  if (!again.ok || show(again.value) !== show(r.value)) throw new Error('not itself again: ' + text);
  if (corpus.length < 500 && text.length < 2000) corpus.push(text);
}
console.log(`link: ${runs} fragments in ${seconds} s, ${accepted} decoded, no finding`);
