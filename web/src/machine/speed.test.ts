/** Prints the ms from a changed text to its code: the first, the median of 100, and the median when only an option changes. */
import { readFileSync } from 'node:fs';
import { Host } from '../engine/host';
import { local } from '../engine/transport';
import { defaultVerify } from '../engine/verdict';
import { MachineClient } from './client';

/** A packet parser with a bounds check, a branch and a map access at each of 11 steps. */
function parser(last: number): string {
  let t = '.prog xdp\n.license GPL\n.map counts array key=4 value=64 entries=8\n\tr6 = *(u32 *)(r1 + 0)\n\tr7 = *(u32 *)(r1 + 4)\n\tr8 = 0\n';
  for (let n = 0; n < 11; n++) {
    t += `\tr1 = r6\n\tr1 += ${14 + 4 * n}\n\tif r1 > r7 goto out\n\tr2 = *(u8 *)(r1 - 2)\n\tif r2 == ${n} goto skip${n}\n\tr2 &= 7\n\tr8 += r2\n`
      + `\t*(u32 *)(r10 - 4) = r2\n\tr2 = r10\n\tr2 += -4\n\tr1 = map[counts]\n\tcall bpf_map_lookup_elem\n\tif r0 == 0 goto skip${n}\n\tr1 = *(u64 *)(r0 + 8)\n\tr1 += r8\n\t*(u64 *)(r0 + 8) = r1\nskip${n}:\n`;
  }
  return `${t}out:\n\tr0 = ${last}\n\texit\n`;
}

const bytes = readFileSync(process.env['SKEP_ENGINE']!), module = await WebAssembly.compile(bytes);
const c = new MachineClient(async () => local(await Host.start(module), bytes.length));
const one = async (last: number, facts: boolean): Promise<number> => {
  const a = await c.compile({ source: { kind: 'asm', text: parser(last) }, program: 0, options: defaultVerify, arch: 'amd64', facts, fusions: true, blind: false });
  if (a.kind !== 'answer' || a.value.outcome !== 'accepted') throw new Error(JSON.stringify(a).slice(0, 400));
  return a.took;
};
const median = (all: number[]): number => all.sort((a, b) => a - b)[all.length >> 1]!;
const first = await one(0, true), texts: number[] = [], options: number[] = [];
for (let i = 1; i <= 100; i++) {
  texts.push(await one(i, true));
  options.push(await one(i, false));
}
console.log(first.toFixed(1), median(texts).toFixed(1), median(options).toFixed(1));
