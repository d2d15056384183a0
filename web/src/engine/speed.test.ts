/**
 * Speed of the interpreter in V8: prints ns an instruction for the loop that
 * BenchmarkV8 of wasm/bench_test.go passes in SKEP_PROGRAM (hex), best of
 * several runs, then µs of CPU for a step with its view, encoded and decoded.
 */
import { readFileSync } from 'node:fs';
import { connect } from './client';
import { Reader, Writer } from './codec';
import { Host } from './host';
import { local } from './transport';
import { execCall, protocolVersion } from './zprotocol';

const bytes = readFileSync(process.env['SKEP_ENGINE']!);
const insns = Uint8Array.from(process.env['SKEP_PROGRAM']!.match(/../g)!, h => parseInt(h, 16));
const host = await Host.start(await WebAssembly.compile(bytes));

const w = new Writer();
w.u8(protocolVersion);
w.u8(0);
w.u16(execCall.id);
w.u32(0);
execCall.encode(w, { insns, memory: new Uint8Array(64), budget: 30_000_000n, raw: true });
const frame = w.done();
let best = Infinity;
for (let i = 0; i < 6; i++) {
  const from = performance.now();
  const r = new Reader(host.call(frame).slice(8));
  const took = performance.now() - from;
  const done = execCall.decode(r);
  best = Math.min(best, took * 1e6 / Number(done.steps));
}

const engine = await connect(local(host, bytes.length));
const s = engine.session();
await s.load({ kind: 'asm', text: '.map m array key=4 value=8 entries=64\nr1 = 0\nagain:\nr1 += 1\n*(u64 *)(r10 - 8) = r1\nif r1 < 1000000 goto again\nr0 = 2\nexit\n' });
await s.start({ kind: 'text', text: 'ipv4 / icmp' });
for (let i = 0; i < 300; i++) await s.step();
const from = process.cpuUsage();
for (let i = 0; i < 1000; i++) await s.step();
const used = process.cpuUsage(from), step = (used.user + used.system) / 1000;
console.log(`${best.toFixed(3)} ${step.toFixed(1)}`);
