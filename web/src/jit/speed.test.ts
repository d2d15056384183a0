/**
 * `go test -bench . ./wasm/jit`: a line for each program of package workload,
 * ns of one run compiled with checks, compiled as accepted, and interpreted.
 */
import { readFileSync } from 'node:fs';
import { measure, type Cases } from './cases';
import { FullSpeed } from './fullspeed';

const { speed }: Cases = JSON.parse(readFileSync(process.env['SKEP_CASES']!, 'utf8'));
const full = await FullSpeed.start(await WebAssembly.compile(readFileSync(process.env['SKEP_ENGINE']!)));
const now = () => performance.now();
for (let i = 0; i + 1 < speed.length; i += 2) {
  const checked = speed[i]!, accepted = speed[i + 1]!;
  console.log(checked.name, measure(full, checked, checked.compiled, now), measure(full, accepted, accepted.compiled, now), measure(full, checked, checked.interpreted, now));
}
