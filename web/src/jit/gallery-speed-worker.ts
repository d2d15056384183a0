/**
 * A Worker that measures the programs of same.ts in a browser, for
 * `go test -bench Gallery ./wasm/run`: a line for each that ends without a
 * fault, ns of one run at full speed and interpreted.
 */
import { Host } from '../engine/host';
import { local } from '../engine/transport';
import { FullSpeed } from './run';
import { factsOf, workOf, type Case } from './same';

async function main(): Promise<string[]> {
  const cases: readonly Case[] = await (await fetch('cases.json')).json();
  const transport = local(await Host.start(await WebAssembly.compileStreaming(fetch('run.wasm'))), 0);
  const full = new FullSpeed(async () => transport), lines: string[] = [];
  for (const c of cases) {
    const p = await full.measure({ ...workOf(c), facts: factsOf(c) });
    if (p !== null) lines.push(`${c.name} ${p.compiled.toFixed(1)} ${p.interpreted.toFixed(1)}`);
  }
  return lines;
}

main().catch((e: unknown) => [String(e)]).then(lines => { self.postMessage(lines); });
