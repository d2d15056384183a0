import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultOptions, type LinkState } from './api';
import { decodeLink, encodeLink, maxFragment } from './link';

const state: LinkState = {
  program: { kind: 'asm', text: 'r0 = 2\nexit\n' }, entry: '', input: { kind: 'text', text: 'ipv4 / icmp' },
  options: { ...defaultOptions, seed: 7n, hook: 'xdp' }, maps: [{ map: 'm', key: new Uint8Array(4), value: new Uint8Array([1]) }],
  step: 14, breakpoints: [3, 5], view: 'pane=stack',
};

let seed = 1;
const random = (n: number) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return (seed >>> 8) % n;
};
const randomText = () => Array.from({ length: random(300) }, () => String.fromCodePoint([random(128), 0x80 + random(0x700), 0x1f600 + random(64)][random(3)]!)).join('');
const randomBytes = () => Uint8Array.from({ length: random(400) }, () => random(256));

function randomState(): LinkState {
  const program = ([
    { kind: 'asm', text: randomText() }, { kind: 'c', text: randomText() }, { kind: 'gallery', id: 'icmp-filter' },
    { kind: 'object', bytes: randomBytes(), name: 'a.o' },
  ] as const)[random(4)]!;
  const input = ([null, { kind: 'text', text: randomText() }, { kind: 'hex', text: '00 ff' }, { kind: 'pcap', bytes: randomBytes() }] as const)[random(4)]!;
  return {
    program, input, entry: randomText(), options: { ...defaultOptions, seed: BigInt(random(1 << 24)) << 20n, cpus: random(64) },
    maps: state.maps.slice(random(2)), step: random(1 << 24), breakpoints: Array.from({ length: random(5) }, () => random(1000)), view: randomText(),
  };
}

test('what goes in comes out', async () => {
  for (let i = 0; i < 200; i++) {
    const s = i === 0 ? state : randomState();
    const text = await encodeLink(s);
    assert.match(text, /^1\.[A-Za-z0-9_-]+$/);
    assert.equal(await encodeLink(s), text);
    const r = await decodeLink(i % 2 === 0 ? text : '#' + text);
    assert.ok(r.ok, JSON.stringify(r.problems));
    assert.deepEqual(r.value, s);
  }
});

/** In the form as it was first released: what LinkRecord is made of may get new words at the end of a list, and nothing else. */
const early = '1.wnemYWPgYWBgKDJQsFUw4kqtyCzhYkACjAzcDAwMmQVlJgr6CpnJuQUgQWYGBoaKlAJ2mKJTs6xBFBNcDwQ4OPGD2SCcy4IkycgHVQ0yiJWBgQFkZUFiXqptcUlicjYA';

test('links that are out in the world still work', async () => {
  const r = await decodeLink(early);
  assert.ok(r.ok, JSON.stringify(r.problems));
  assert.deepEqual(r.value, state);
});

test('a small program makes a short link', async () => {
  assert.ok((await encodeLink(state)).length < 300);
});

test('whatever is broken is an error with words', async () => {
  const text = await encodeLink(state);
  for (let i = 0; i < 2000; i++) {
    let bad = text;
    switch (random(3)) {
      case 0: bad = text.slice(0, random(text.length)); break;
      case 1: { const at = random(text.length); bad = text.slice(0, at) + String.fromCharCode(33 + random(90)) + text.slice(at + 1); break; }
      case 2: bad = text + String.fromCharCode(33 + random(90)); break;
    }
    if (bad === text) continue;
    const r = await decodeLink(bad);
    assert.ok(!r.ok, bad);
    assert.equal(r.problems[0]!.where, 'link');
    assert.ok(r.problems[0]!.message.length > 10);
  }
  for (const junk of ['', '#', 'x', '2.abcd', '1.', '1.AAAA', '1.AAAAAAAA', '1.' + 'A'.repeat(maxFragment)]) {
    const r = await decodeLink(junk);
    assert.ok(!r.ok, junk.slice(0, 20));
  }
});

test('a bomb is not unpacked', async () => {
  const huge: LinkState = { ...state, program: { kind: 'asm', text: 'r0 = 0\n'.repeat(2_000_000) } };
  const text = await encodeLink(huge);
  const r = await decodeLink(text);
  assert.ok(!r.ok);
  assert.match(r.problems[0]!.message, /unpacks to more/);
});
