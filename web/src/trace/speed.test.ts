/**
 * What traces cost in V8; prints JSON. BenchmarkTrace of wasm/verify passes a
 * text as typed in SKEP_TEXT.
 */
import { readFileSync } from 'node:fs';
import { Host } from '../engine/host';
import { local } from '../engine/transport';
import { defaultVerify } from '../engine/verdict';
import { TraceClient } from './client';
import type { Trace } from './trace';

const bytes = readFileSync(process.env['SKEP_ENGINE']!);
let host: Host;
const client = new TraceClient(async () => {
  host = await Host.start(await WebAssembly.compile(bytes));
  return local(host, bytes.length);
});

let size = 0; // of the last trace

async function trace(text: string, level = 0): Promise<Trace> {
  const a = await client.ask({ source: { kind: 'asm', text }, program: 0, options: { ...defaultVerify, level } });
  if (a.kind !== 'answer' || a.value.trace === null) throw new Error(a.kind === 'failed' ? a.why : a.kind);
  size = a.value.bytes.length;
  return a.value.trace;
}

const median = (list: number[]): number => list.sort((a, b) => a - b)[list.length >> 1]!;
const time = async (f: () => unknown): Promise<number> => {
  const from = performance.now();
  await f();
  return performance.now() - from;
};

/** CPU time: other programs on the machine do not count. */
const cpu = (f: () => unknown): number => {
  const from = process.cpuUsage();
  f();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
};

const text = process.env['SKEP_TEXT']!;
const typed: number[] = [];
for (let i = 0; i < 31; i++) typed.push(await time(() => trace(text)));

const loop = (n: number): string => `.prog xdp\n.license GPL\nr6 = 0\nl: r6 += 1\nr7 = r6\nr7 &= 15\n*(u64 *)(r10 - 8) = r7\nif r6 < ${n} goto l\nr0 = 2\nexit\n`;
const long = await trace(loop(20_000)); // 100,000 steps
const seeks: number[] = [];
for (let i = 1; i <= 200; i++) {
  const step = Math.floor(long.steps * ((i * 0.618034) % 1));
  seeks.push(cpu(() => long.after(step)));
}
const worst = Math.max(...seeks);
const origins = cpu(() => long.origins(long.steps - 1, 6, 'before'));

let million: Trace | undefined;
const took = await time(async () => { million = await trace(loop(1_000_000), 2); });
console.log(JSON.stringify({
  typed: median(typed), seek: median(seeks), worst, origins, 
  million: took / 1000, steps: million!.steps, dropped: million!.outcome.dropped, message: million!.outcome.message,
  wasmMiB: host!.memoryBytes / 2 ** 20, traceMiB: size / 2 ** 20,
}));
