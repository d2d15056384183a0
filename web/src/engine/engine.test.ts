/**
 * The client against the real module, in node: `go test ./wasm` bundles this
 * file and runs it with SKEP_ENGINE set to the module.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import type { Engine, Result, Session, View } from './api';
import { connect } from './client';
import { Reader, WireError, Writer } from './codec';
import { Host } from './host';
import { inWorker, local, type WorkerLike } from './transport';
import { serve, type FromWorker, type Port, type ToWorker } from './worker';
import { protocolVersion } from './zprotocol';

const bytes = readFileSync(process.env['SKEP_ENGINE']!);
let engine: Engine;

before(async () => {
  engine = await connect(local(await Host.start(await WebAssembly.compile(bytes)), bytes.length));
});

const source = `.prog xdp
.map counts array key=4 value=8 entries=4
count:
  r2 = *(u32 *)(r1 + 4)
  r1 = *(u32 *)(r1 + 0)
  r3 = r1
  r3 += 14
  if r3 > r2 goto out
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
  exit
`;

function value<T>(r: Result<T>): T {
  assert.ok(r.ok, JSON.stringify(r.problems));
  return r.value;
}

async function started(packets = 'ipv4 / icmp\nraw(000102)\nipv4 / udp'): Promise<[Session, View]> {
  const s = engine.session();
  value(await s.load({ kind: 'asm', text: source }));
  return [s, value(await s.start({ kind: 'text', text: packets }))];
}

/** Without what depends on how one got there. */
function still(v: View): unknown {
  const { stop: _stop, total: _total, totalKnown: _known, ...rest } = v;
  return rest;
}

test('welcome', () => {
  assert.equal(engine.info.protocol, protocolVersion);
  assert.equal(engine.info.kernel, '6.12');
  assert.equal(engine.info.bytes, bytes.length);
});

test('listing', async () => {
  const s = engine.session();
  const l = value(await s.load({ kind: 'asm', text: source }));
  assert.equal(l.insns.length, 15);
  assert.equal(l.insns[0]!.text, 'r2 = *(u32 *)(r1 +4)');
  assert.equal(l.insns[4]!.flow, 'jump');
  assert.equal(l.insns[4]!.target, 14);
  assert.equal(l.insns[8]!.bytes.length, 16);
  assert.equal(l.lines[l.insns[0]!.line]!.line, 4);
  assert.deepEqual(l.maps.map(m => [m.name, m.type, m.maxEntries]), [['counts', 'array', 4]]);
  assert.equal((await s.llvmText())[0], 'r2 = *(u32 *)(r1 + 0x4)');
  s.close();
});

test('diagnostics have a place', async () => {
  const problems = await engine.check('r0 = 0\n  r1 = bogus_thing\nexit\n');
  assert.equal(problems.length, 1);
  assert.equal(problems[0]!.line, 2);
  assert.ok(problems[0]!.col > 2 && problems[0]!.length > 0);
  const s = engine.session();
  const r = await s.load({ kind: 'object', bytes: new Uint8Array([1, 2, 3]) });
  assert.ok(!r.ok && r.problems[0]!.where === 'object');
  value(await s.load({ kind: 'asm', text: source }));
  const st = await s.start({ kind: 'text', text: 'nonsense' });
  assert.ok(!st.ok && st.problems[0]!.where === 'input' && st.problems[0]!.line === 1);
  await assert.rejects(s.step(), /nothing is running/);
});

test('forwards, backwards and jumps lead to the same views', async () => {
  const [s, first] = await started();
  const measured = await s.measure();
  assert.ok(measured.totalKnown);
  assert.deepEqual(still(measured), still(first));
  const forth: View[] = [first];
  for (let i = 1; i <= measured.total; i++) forth.push(await s.step());
  assert.equal(forth.at(-1)!.state, 'exited');
  assert.equal((await s.step()).stop, 'end');
  for (let i = measured.total - 1; i >= 0; i--) assert.deepEqual(still(await s.back()), still(forth[i]!), `back at ${i}`);
  assert.equal((await s.back()).stop, 'start');
  for (const i of [measured.total, 3, 30, 17, 16, 0, 40, 18]) {
    if (i <= measured.total) assert.deepEqual(still(await s.seek(i)), still(forth[i]!), `seek ${i}`);
  }
  assert.deepEqual(forth.map(v => v.step), forth.map((_, i) => i));
  assert.deepEqual(forth.at(-1)!.verdicts.map(v => v.name), ['XDP_PASS', 'XDP_PASS', 'XDP_PASS']);
  assert.equal(forth.at(-1)!.maps[0]!.entries[0]!.valueTexts[0], '2');
  s.close();
});

test('views name what registers point at', async () => {
  const [s] = await started();
  const v = await s.runTo(11);
  assert.equal(v.stop, 'target');
  assert.equal(v.regs[0]!.text, 'value of counts[0] + 0');
  assert.equal(v.regs[0]!.kind, 'pointer');
  assert.equal(v.regs[3]!.kind, 'unset');
  assert.equal(v.calls[0]!.name, 'bpf_map_lookup_elem');
  assert.equal(v.regions.find(r => r.id === v.regs[0]!.region)!.kind, 'map_value');
  assert.equal(v.packet!.summary.length > 0, true);
  s.close();
});

test('breakpoints, events and provenance', async () => {
  const [s] = await started();
  await s.setBreakpoints([13]);
  const one = await s.run();
  assert.equal(one.stop, 'breakpoint');
  assert.equal(one.pc, 13);
  const after = await s.step();
  const region = after.maps[0]!.entries[0]!.regions[0]!;
  assert.ok(after.maps[0]!.changed);
  const w = await s.lastWrite({ kind: 'memory', region, offset: 0, length: 8 });
  assert.equal(w.step, after.step);
  assert.match(w.text, /lock \*\(u64 \*\)/);
  const two = await s.run();
  assert.equal(two.event, 2);
  const earlier = await s.lastWrite({ kind: 'memory', region, offset: 0, length: 8 });
  assert.equal(earlier.step, after.step);
  assert.equal(two.maps[0]!.entries[0]!.writer, after.step);
  assert.equal((await s.prevChange({ kind: 'memory', region, offset: 0, length: 8 })).step, after.step);
  assert.equal((await s.nextChange({ kind: 'memory', region, offset: 0, length: 8 })).step, two.step + 1);
  assert.equal((await s.runBack()).step, two.step);
  assert.equal((await s.runBack()).step, one.step);
  assert.equal((await s.runBack()).stop, 'start');
  assert.equal((await s.nextEvent()).event, 1);
  assert.equal((await s.prevEvent()).event, 0);
  const reg = await s.seek(4);
  assert.equal(reg.regs[3]!.writer, 4);
  assert.equal((await s.lastWrite({ kind: 'reg', reg: 3 })).step, 4);
  s.close();
});

test('map entries of user space are there, in the link too', async () => {
  const s = engine.session();
  value(await s.load({ kind: 'asm', text: source }));
  const key = new Uint8Array(4), value7 = new Uint8Array([7, 0, 0, 0, 0, 0, 0, 0]);
  const v = value(await s.start({ kind: 'hex', text: 'ffffffffffff0202020202020800' }, {}, [{ map: 'counts', key, value: value7 }]));
  assert.equal(v.maps[0]!.entries[0]!.valueTexts[0], '7');
  assert.equal((await s.run()).maps[0]!.entries[0]!.valueTexts[0], '8');
  const bad = await s.start({ kind: 'text', text: 'arp' }, {}, [{ map: 'nope', key, value: value7 }]);
  assert.ok(!bad.ok && bad.problems[0]!.word === 'nope');
  s.close();
});

test('packets out are packets in again', async () => {
  const [s] = await started();
  await s.run();
  const pcap = await s.outputPcap({ dropped: true });
  const list = value(await engine.packets({ kind: 'pcap', bytes: pcap }));
  assert.equal(list.length, 3);
  assert.deepEqual(list[1]!.bytes, new Uint8Array([0, 1, 2]));
  assert.ok(list[0]!.fields.some(f => f.name.startsWith('ipv4.')));
  s.close();
});

test('a fault is a view', async () => {
  const s = engine.session();
  value(await s.load({ kind: 'asm', text: 'r0 = *(u64 *)(r10 - 520)\nexit\n' }));
  value(await s.start({ kind: 'text', text: 'arp' }));
  const v = await s.run();
  assert.equal(v.state, 'faulted');
  assert.equal(v.stop, 'fault');
  assert.match(v.fault!.message, /8 bytes/);
  assert.equal((await s.back()).state, 'arrived');
  s.close();
});

const loop = 'r1 = 0\nagain:\nr1 += 1\nif r1 < 400000 goto again\nr0 = 2\nexit\n';

test('long movements can be followed and cancelled', async () => {
  const s = engine.session();
  value(await s.load({ kind: 'asm', text: loop }));
  value(await s.start({ kind: 'text', text: 'arp' }));
  const stop = new AbortController();
  let slices = 0;
  const v = await s.run({ signal: stop.signal, onProgress: () => { if (++slices === 3) stop.abort(); } });
  assert.equal(v.stop, 'cancelled');
  assert.ok(v.step > 0 && v.step < 800_000);
  const end = await s.run();
  assert.equal(end.stop, 'end');
  assert.equal(end.step, 800_003);
  assert.equal(end.regs[1]!.value, 400_000n);
  const back = await s.seek(v.step);
  assert.deepEqual(still(back), still(v));
  s.close();
});

test('an endless program ends with its budget', async () => {
  const s = engine.session();
  value(await s.load({ kind: 'asm', text: 'again:\nr1 += 1\ngoto again\n' }));
  value(await s.start({ kind: 'text', text: 'arp' }, { budget: 100_001 }));
  const v = await s.run();
  assert.equal(v.step, 100_001);
  assert.equal(v.stop, 'budget');
  assert.equal(v.fault!.code, 'budget');
  s.close();
});

test('sessions do not disturb each other, calls wait their turn', async () => {
  const [a] = await started();
  const [b] = await started();
  const all = await Promise.all([a.step(), b.run(), a.step(), a.step(5), b.view(), a.view()]);
  assert.deepEqual(all.map(v => v.step), [1, all[1]!.step, 2, 7, all[1]!.step, 7]);
  a.close();
  b.close();
});

/** A Worker made of two ends of a channel: worker.ts itself, without a thread. */
function fakeWorker(module: Uint8Array, headers: Record<string, string>): WorkerLike {
  const port: Port = {
    onmessage: null,
    postMessage: (m: FromWorker) => queueMicrotask(() => worker.onmessage?.({ data: m } as MessageEvent)),
  };
  const worker: WorkerLike = {
    onmessage: null, onerror: null, terminate: () => { port.onmessage = null; },
    postMessage: (m: ToWorker) => queueMicrotask(() => port.onmessage?.({ data: m })),
  };
  serve(port, async url => new Response(url.endsWith('missing') ? null : module, { status: url.endsWith('missing') ? 404 : 200, headers }));
  return worker;
}

for (const type of ['application/wasm', 'application/octet-stream']) {
  test(`the Worker loads the module served as ${type}`, async () => {
    const phases = new Set<string>();
    let loaded = 0;
    const t = await inWorker(fakeWorker(bytes, { 'Content-Type': type, 'Content-Length': String(bytes.length) }), 'engine.wasm',
      p => { phases.add(p.phase); loaded = p.loaded; assert.ok(p.loaded <= p.total); });
    assert.deepEqual([...phases], ['download', 'compile', 'start']);
    assert.equal(loaded, bytes.length);
    const e = await connect(t);
    assert.equal((await e.check('exit')).length, 0);
    e.close();
    await assert.rejects(e.check('exit'), /closed/);
  });
}

test('a module that is not there is an error that says so', async () => {
  await assert.rejects(inWorker(fakeWorker(bytes, {}), 'missing'), /404/);
  await assert.rejects(inWorker(fakeWorker(new Uint8Array([1, 2, 3]), {}), 'engine.wasm'), /WebAssembly|magic/);
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(inWorker(fakeWorker(bytes, {}), 'engine.wasm', undefined, stop.signal), { name: 'AbortError' });
});

test('damaged frames are answered, not obeyed', async () => {
  const host = await Host.start(await WebAssembly.compile(bytes), () => {});
  const w = new Writer();
  w.u8(protocolVersion); w.u8(0); w.u16(20); w.u32(1);
  const good = w.done();
  let seed = 1;
  const random = (n: number) => { seed = Math.imul(seed, 1103515245) + 12345 >>> 0; return (seed >>> 8) % n; };
  for (let i = 0; i < 3000; i++) {
    const f = new Uint8Array(good.length + random(40));
    f.set(good);
    for (let k = 0; k < f.length; k++) if (k >= 2 && random(3) === 0) f[k] = random(256);
    const r = new Reader(host.call(f));
    assert.equal(r.u8(), protocolVersion);
  }
  assert.throws(() => new Reader(new Uint8Array([9, 0, 0, 0])).list(4, r => r.u32()), WireError);
});
