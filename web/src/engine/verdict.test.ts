/** The verifier's client against the real module (SKEP_ENGINE). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import type { Source } from './api';
import type { Answer } from './asker';
import { Host } from './host';
import { local, type Transport } from './transport';
import { defaultVerify, VerdictClient, type Verified } from './verdict';

let start: () => Promise<Transport>;
before(async () => {
  const bytes = readFileSync(process.env['SKEP_ENGINE']!), module = await WebAssembly.compile(bytes);
  start = async () => local(await Host.start(module), bytes.length);
});

const asm = (text: string): Source => ({ kind: 'asm', text });
const good = asm('.prog xdp\nr0 = 2\nexit\n'), bad = asm('.prog xdp\n; nothing is returned\nexit\n');

function verdict(a: Answer<Verified>): Verified {
  return a.kind === 'answer' ? a.value : assert.fail(JSON.stringify(a));
}

test('accepted and rejected', async () => {
  const c = new VerdictClient(start);
  const yes = verdict(await c.ask(good, 0, defaultVerify));
  assert.equal(yes.outcome, 'accepted');
  assert.equal(yes.processed, 2);
  assert.equal(yes.log, '');
  assert.equal(c.kernel, '6.12');
  const no = verdict(await c.ask(bad, 0, defaultVerify));
  assert.equal(no.outcome, 'rejected');
  assert.equal(no.errnoName, 'EACCES');
  assert.deepEqual(no.errors, ['R0 !read_ok']);
  assert.equal(no.pc, 0);
  assert.equal(no.line, 3);
});

test('log with links', async () => {
  const c = new VerdictClient(start);
  const v = verdict(await c.ask(bad, 0, { ...defaultVerify, level: 2 }));
  const lines = v.log.replace(/\n$/, '').split('\n');
  assert.equal(lines.length, v.linePcs.length);
  assert.equal(lines[v.linePcs.length - 2], 'R0 !read_ok');
  assert.equal(v.linePcs[v.linePcs.length - 2], 0);
});

test('what does not assemble has problems and no verdict', async () => {
  const v = verdict(await new VerdictClient(start).ask(asm('r0 = \n'), 0, defaultVerify));
  assert.equal(v.outcome, 'unreadable');
  assert.equal(v.problems[0]!.line, 1);
});

test('privilege', async () => {
  const leak = asm('.prog socket_filter\nr0 = r10\nexit\n'), c = new VerdictClient(start);
  assert.equal(verdict(await c.ask(leak, 0, defaultVerify)).outcome, 'accepted');
  const v = verdict(await c.ask(leak, 0, { ...defaultVerify, privilege: 'unprivileged' }));
  assert.equal(v.outcome, 'rejected');
  assert.deepEqual(v.errors, ['R0 leaks addr as return value']);
});
