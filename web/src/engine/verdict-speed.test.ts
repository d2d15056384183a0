/**
 * Time from a keystroke to the verdict in V8: prints the ms of the first
 * request to a fresh module, then of SKEP_ROUNDS the one that a tenth is faster than,
 * the median and the worst, as the text goes back and forth between two
 * versions, encoded, verified and decoded.
 * The benchmarks of wasm/verify pass the texts in SKEP_TEXTS (JSON).
 */
import { readFileSync } from 'node:fs';
import { Host } from './host';
import { local } from './transport';
import { defaultVerify, VerdictClient } from './verdict';

const bytes = readFileSync(process.env['SKEP_ENGINE']!);
const texts = JSON.parse(process.env['SKEP_TEXTS']!) as string[];
const rounds = Number(process.env['SKEP_ROUNDS']);
const options = { ...defaultVerify, level: Number(process.env['SKEP_LEVEL'] ?? 0) };
const client = new VerdictClient(async () => local(await Host.start(await WebAssembly.compile(bytes)), bytes.length));
await client.ask({ kind: 'asm', text: '.prog xdp\nr0 = 2\nexit\n' }, 0, options); // the module is there

const times: number[] = [];
for (let i = 0; i <= rounds; i++) {
  const from = performance.now();
  const a = await client.ask({ kind: 'asm', text: texts[i % texts.length]! }, 0, options);
  if (a.kind !== 'answer' || a.value.outcome !== (i % 2 === 0 ? 'accepted' : 'rejected')) throw new Error(JSON.stringify(a).slice(0, 300));
  times.push(performance.now() - from);
}
const [first, ...rest] = times;
rest.sort((a, b) => a - b);
console.log(`${first!.toFixed(2)} ${rest[Math.floor(rest.length / 10)]!.toFixed(3)} ${rest[rest.length >> 1]!.toFixed(2)} ${rest[rest.length - 1]!.toFixed(2)}`);
