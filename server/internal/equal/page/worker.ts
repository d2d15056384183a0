/** A Worker that asks for batches and posts the answers until there are none. */
import { FullSpeed } from '../../../../web/src/jit/fullspeed';
import { run } from './batch';

const full = await FullSpeed.start(await WebAssembly.compileStreaming(fetch('jit.wasm')));
let answer = '';
for (;;) {
  const r = await fetch('batch', { method: 'POST', body: answer });
  if (r.status !== 200) break;
  answer = JSON.stringify(run(full, await r.json()));
}
