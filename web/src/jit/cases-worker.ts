/** A Worker that runs the cases in a browser: see cases.ts. */
import { differ, type Cases } from './cases';
import { FullSpeed } from './fullspeed';

async function main(): Promise<string[]> {
  const { cases }: Cases = await (await fetch('cases.json')).json();
  const full = await FullSpeed.start(await WebAssembly.compileStreaming(fetch('jit.wasm')));
  return [`${cases.length} programs`, ...cases.flatMap(c => {
    const d = differ(full, c);
    return d === '' ? [] : [`${c.name}: ${d}`];
  })];
}

main().catch((e: unknown) => [String(e)]).then(lines => { self.postMessage(lines); });
