/** The verifier's client against the real module (SKEP_ENGINE), and against transports that misbehave. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import type { Source } from './api';
import { Reader, Writer } from './codec';
import { Host } from './host';
import { local, type Transport } from './transport';
import { defaultVerify, VerdictClient, type Answer, type Verified } from './verdict';
import { protocolVersion, putVerifyWelcome, verifyHelloCall } from './zprotocol';

let start: () => Promise<Transport>;
before(async () => {
  const bytes = readFileSync(process.env['SKEP_ENGINE']!), module = await WebAssembly.compile(bytes);
  start = async () => local(await Host.start(module), bytes.length);
});

const asm = (text: string): Source => ({ kind: 'asm', text });
const good = asm('.prog xdp\nr0 = 2\nexit\n'), bad = asm('.prog xdp\n; nothing is returned\nexit\n');

function verdict(a: Answer): Verified {
  assert.equal(a.kind, 'verdict', JSON.stringify(a));
  return a.kind === 'verdict' ? a.verdict : assert.fail();
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

test('the newest question wins', async () => {
  const c = new VerdictClient(start);
  const all = await Promise.all([c.ask(bad, 0, defaultVerify), c.ask(bad, 0, defaultVerify), c.ask(good, 0, defaultVerify)]);
  assert.deepEqual(all.map(a => a.kind), ['overtaken', 'overtaken', 'verdict']);
  assert.equal(verdict(all[2]!).outcome, 'accepted');
});

test('a module that cannot be had is a value, and is tried again', async () => {
  let tries = 0;
  const c = new VerdictClient(() => ++tries === 1 ? Promise.reject(new Error('404 for verify.wasm')) : start());
  const a = await c.ask(good, 0, defaultVerify);
  assert.deepEqual(a, { kind: 'failed', why: '404 for verify.wasm' });
  assert.equal(verdict(await c.ask(good, 0, defaultVerify)).outcome, 'accepted');
});

/** Answers the first message and then nothing until it is closed. */
function stuck(closed: () => void): Transport {
  let reject: (e: Error) => void = () => {};
  return {
    bytes: 0,
    call: frame => {
      const r = new Reader(frame), w = new Writer();
      r.u8(); r.u8();
      if (r.u16() !== verifyHelloCall.id) return new Promise((_, no) => { reject = no; });
      w.u8(protocolVersion); w.u8(0); w.u16(verifyHelloCall.reply); w.u32(0);
      putVerifyWelcome(w, { kernel: 'stuck' });
      return Promise.resolve(w.done());
    },
    close: () => { closed(); reject(new Error('engine: closed')); },
  };
}

test('a verification that takes long gives way to a newer question', async () => {
  let started = 0, ended = 0;
  const c = new VerdictClient(() => ++started === 1 ? Promise.resolve(stuck(() => { ended++; })) : start(), 5);
  const slow = c.ask(bad, 0, defaultVerify);
  await new Promise(r => setTimeout(r, 20));
  const quick = await c.ask(good, 0, defaultVerify);
  assert.equal((await slow).kind, 'overtaken');
  assert.equal(verdict(quick).outcome, 'accepted');
  assert.equal(started, 2);
  assert.equal(ended, 1);
});

test('close', async () => {
  const c = new VerdictClient(async () => stuck(() => {}));
  const waiting = c.ask(good, 0, defaultVerify);
  await new Promise(r => setTimeout(r, 5));
  c.close();
  assert.equal((await waiting).kind, 'overtaken');
});
