/**
 * The engine with a compiler in node: `go test ./wasm/run` bundles this file and
 * runs it with SKEP_ENGINE set to the module and SKEP_CASES to the programs.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { Host } from '../engine/host';
import { local, type Transport } from '../engine/transport';
import { FullSpeed, type Work } from './run';
import { differ, type Case } from './same';

const cases: readonly Case[] = JSON.parse(readFileSync(process.env['SKEP_CASES']!, 'utf8'));
const bytes = readFileSync(process.env['SKEP_ENGINE']!);
let transport: Transport, full: FullSpeed;

before(async () => {
  transport = local(await Host.start(await WebAssembly.compile(bytes)), bytes.length);
  full = new FullSpeed(async () => transport);
});

test('programs leave at full speed what they leave when stepped', async () => {
  assert.ok(cases.length > 20, `${cases.length} programs`);
  const wrong: string[] = [];
  for (const c of cases) {
    const d = await differ(transport, full, c);
    if (d !== '') wrong.push(`${c.name}: ${d}`);
  }
  assert.deepEqual(wrong, []);
});

const work = (text: string, more: Partial<Work> = {}): Work => ({
  source: { kind: 'asm', text: `.prog xdp\n${text}` }, program: 0, input: { kind: 'text', text: 'eth / ipv4 / udp\neth' }, options: {}, maps: [], facts: null, repeat: 1, ...more,
});
const counter = `.map counts array key=4 value=8 entries=1
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  r1 = map[counts]
  call bpf_map_lookup_elem
  if r0 == 0 goto out
  r1 = 1
  lock *(u64 *)(r0 + 0) += r1
out:
  r0 = 2
  exit`;

test('each packet is run as often as asked', async () => {
  for (const repeat of [1, 3, 1000]) {
    const r = await full.run(work(counter, { repeat }));
    assert.ok(r.ok);
    assert.equal(r.value.runs, 2 * repeat);
    assert.deepEqual(r.value.view.maps[0]!.entries[0]!.valueTexts, [String(2 * repeat)]);
    assert.deepEqual(r.value.view.verdicts.map(v => v.name), ['XDP_PASS', 'XDP_PASS']);
  }
});

test('records are read between two runs, and counted', async () => {
  const r = await full.run(work(`.map ring ringbuf entries=4096
  *(u64 *)(r10 - 8) = 7
  r1 = map[ring]
  r2 = r10
  r2 += -8
  r3 = 8
  r4 = 0
  call bpf_ringbuf_output
  exit`, { repeat: 1000 }));
  assert.ok(r.ok);
  const m = r.value.view.maps[0]!;
  assert.equal(m.recordCount, 2000);
  assert.equal(m.records.at(-1)!.state, 'submitted');
  assert.equal(r.value.view.regs[0]!.value, 0n);
});

test('a run without an end is stopped by hand, or by its budget', async () => {
  const endless = 'r6 = 1\ntop:\nr6 += 1\nif r6 != 0 goto top\nexit';
  const stop = new AbortController();
  const r = await full.run(work(endless), { signal: stop.signal, onProgress: () => stop.abort() });
  assert.ok(r.ok);
  assert.equal(r.value.view.stop, 'cancelled');
  assert.ok(r.value.view.regs[6]!.value > 1n, 'the registers are those of where it was stopped');
  const b = await full.run(work(endless));
  assert.ok(b.ok);
  assert.equal(b.value.view.fault?.code, 'budget');
  assert.match(b.value.view.fault!.message, /ran 1,000,000,000 instructions without an end; stopped/);
  assert.ok([1, 2].includes(b.value.view.fault!.pc), `stopped at ${b.value.view.fault!.pc}`);
  assert.equal(await full.measure(work(endless)), null);
});

test('what cannot be loaded or begun is a problem', async () => {
  assert.match((await full.run(work('r0 = \nexit'))).problems[0]!.message, /./);
  assert.match((await full.run(work('exit', { input: { kind: 'text', text: '' } }))).problems[0]!.message, /no packet/);
  assert.ok((await full.run(work(counter))).ok);
});

test('one run is measured, compiled and interpreted', async () => {
  const p = await full.measure(work(counter));
  assert.ok(p !== null && p.compiled > 0 && p.interpreted > p.compiled, JSON.stringify(p));
});

test('what is measured begins in fresh memory each time', async () => {
  const hash = counter.replace('array', 'hash').replace('*(u32 *)(r10 - 4) = 0', '*(u32 *)(r10 - 4) = 5');
  const p = await full.measure(work(hash, { maps: [{ map: 'counts', key: Uint8Array.of(5, 0, 0, 0), value: new Uint8Array(8) }] }));
  assert.ok(p !== null && p.compiled > 0 && p.interpreted > p.compiled, JSON.stringify(p));
});

test('a run that was prepared is the run that follows', async () => {
  for (const next of [counter, counter.replace('r0 = 2', 'r0 = 1'), counter]) {
    await full.prepare(work(counter));
    const r = await full.run(work(next));
    assert.ok(r.ok);
    assert.equal(r.value.runs, 2);
    assert.deepEqual(r.value.view.maps[0]!.entries[0]!.valueTexts, ['2']);
    assert.equal(r.value.view.verdicts[0]!.name, next === counter ? 'XDP_PASS' : 'XDP_DROP');
  }
  await full.prepare(work('r0 = \nexit'));
  assert.ok((await full.run(work(counter))).ok);
});

test('a session that ran at full speed is not stepped', async () => {
  const r = await full.run(work(counter));
  assert.ok(r.ok);
  await assert.rejects(r.value.session.step(), /cannot|not one/);
  assert.equal((await r.value.session.mapEntries(0, 0, 10)).length, 1);
  assert.ok((await r.value.session.outputPcap()).length > 24);
});
