/**
 * The full-speed engine in node: `go test ./wasm/jit` bundles this file and
 * runs it with SKEP_ENGINE set to the module and SKEP_CASES to the programs.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { differ, unhex, type Cases } from './cases';
import { FullSpeed } from './fullspeed';

const { cases, endless, wild }: Cases = JSON.parse(readFileSync(process.env['SKEP_CASES']!, 'utf8'));
let full: FullSpeed;

before(async () => {
  full = await FullSpeed.start(await WebAssembly.compile(readFileSync(process.env['SKEP_ENGINE']!)));
});

test('programs do compiled what they do interpreted', () => {
  assert.ok(cases.length > 300, `${cases.length} programs`);
  const wrong = cases.map(c => [c.name, differ(full, c)]).filter(([, d]) => d !== '');
  assert.deepEqual(wrong, []);
});

test('a run that does not end gives the thread back', () => {
  full.load(unhex(endless.load));
  full.begin(unhex(endless.compiled));
  for (let i = 0; i < 5; i++) assert.equal(full.run(100_000).state, 'running');
});

test('a program that was wrongly accepted stays in its own memory', () => {
  full.load(unhex(wild.load));
  full.begin(unhex(wild.compiled));
  assert.deepEqual(full.finish(), { state: 'exited', r0: 1n, fault: '' });
  assert.equal(differ(full, cases[0]!), '');
});

test('frames that are none are refused', () => {
  assert.throws(() => full.load(Uint8Array.of(9)), /unknown kind/);
  assert.throws(() => full.load(Uint8Array.of(1, 200, 0, 0, 0)), /cut short/);
  assert.throws(() => full.begin(Uint8Array.of(2)), /cut short|no program/);
});
