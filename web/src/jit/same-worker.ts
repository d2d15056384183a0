/** A Worker that runs the cases of same.ts in a browser, and says how soon a run of 200 instructions is there. */
import { Host } from '../engine/host';
import { local } from '../engine/transport';
import { FullSpeed, type Work } from './run';
import { differ, type Case } from './same';

async function main(): Promise<string[]> {
  const cases: readonly Case[] = await (await fetch('cases.json')).json();
  const transport = local(await Host.start(await WebAssembly.compileStreaming(fetch('run.wasm'))), 0);
  const full = new FullSpeed(async () => transport), wrong: string[] = [], first: number[] = [];
  for (let i = 0; i < 10; i++) {
    const r = await full.run(long(i));
    if (!r.ok) throw new Error(r.problems[0]?.message);
    first.push(r.value.first);
  }
  for (const c of cases) {
    const d = await differ(transport, full, c);
    if (d !== '') wrong.push(`${c.name}: ${d}`);
  }
  return [`${cases.length} programs; ms to the first run of 200 instructions: ${first.map(f => f.toFixed(1)).join(' ')}`, ...wrong];
}

/** A program of 200 instructions, another one for each i. */
function long(i: number): Work {
  const body = Array.from({ length: 66 }, (_, n) => `r1 += ${n + i}\nr0 ^= r1\nif r0 s> ${n} goto +0`).join('\n');
  return {
    source: { kind: 'asm', text: `.prog xdp\nr0 = ${i}\n${body}\nexit` }, program: 0, input: { kind: 'text', text: 'eth' }, options: {}, maps: [], facts: null, repeat: 1,
  };
}

main().catch((e: unknown) => ['failed', String(e)]).then(lines => { self.postMessage(lines); });
