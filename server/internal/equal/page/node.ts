/** Batches as lines of standard input, answers as lines of standard output. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { FullSpeed } from '../../../../web/src/jit/fullspeed';
import { run } from './batch';

const full = await FullSpeed.start(await WebAssembly.compile(readFileSync(process.argv[2]!)));
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${JSON.stringify(run(full, JSON.parse(line)))}\n`);
}
