/** The asker against modules that answer when they are told to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Asker, type Answer } from './asker';
import { Reader, Writer } from './codec';
import type { Transport } from './transport';
import { gradeHelloCall, llvmTextCall, protocolVersion, type Call } from './zprotocol';

/** A module whose requests wait for `reply`; it greets at once. */
class Module implements Transport {
  readonly bytes = 0;
  closed = 0;
  asked = 0;
  private waiting: { readonly resolve: (frame: Uint8Array) => void; readonly reject: (why: Error) => void } | null = null;

  call(frame: Uint8Array): Promise<Uint8Array> {
    const r = new Reader(frame);
    r.u8(); r.u8();
    if (r.u16() === gradeHelloCall.id) return Promise.resolve(answer(gradeHelloCall, w => w.str('6.12')));
    this.asked++;
    return new Promise((resolve, reject) => { this.waiting = { resolve, reject }; });
  }
  reply(text: string): void {
    this.waiting?.resolve(answer(llvmTextCall, w => { w.u32(1); w.str(text); }));
    this.waiting = null;
  }
  die(why: string): void { this.waiting?.reject(new Error(why)); }
  close(): void {
    this.closed++;
    this.die('engine: closed');
  }
}

function answer<Q, A>(call: Call<Q, A>, body: (w: Writer) => void): Uint8Array {
  const w = new Writer();
  w.u8(protocolVersion); w.u8(0); w.u16(call.reply); w.u32(0);
  body(w);
  return w.done();
}

/** An asker of modules, each started anew; the requests are any that have texts for an answer. */
function asker(patience?: number) {
  const modules: Module[] = [];
  const a = new Asker(() => { const m = new Module(); modules.push(m); return Promise.resolve<Transport>(m); }, gradeHelloCall, patience);
  const ask = (lane?: string) => a.ask(llvmTextCall, {}, lane);
  return { a, ask, modules };
}

/** Lets promises settle. */
const settle = (): Promise<void> => new Promise(done => setTimeout(done, 0));

const told = (a: Answer<{ readonly texts: readonly string[] }>): string => a.kind === 'answer' ? a.value.texts[0]! : a.kind === 'failed' ? `failed: ${a.why}` : a.kind;

test('answers, and who gives them', async () => {
  const { a, ask, modules } = asker();
  assert.equal(a.welcome, null);
  const one = ask();
  assert.equal(a.idle, false);
  await settle();
  modules[0]!.reply('one');
  assert.equal(told(await one), 'one');
  assert.equal(a.welcome!.kernel, '6.12');
  assert.equal(a.idle, true);
  assert.equal(modules.length, 1);
});

test('in a lane the newest question wins, other lanes are answered', async () => {
  const { ask, modules } = asker();
  const all = [ask('a'), ask('a'), ask('b'), ask('a')];
  await settle();
  modules[0]!.reply('a');
  await settle();
  modules[0]!.reply('b');
  assert.deepEqual((await Promise.all(all)).map(told), ['overtaken', 'overtaken', 'b', 'a']);
  assert.equal(modules[0]!.asked, 2);
});

test('what takes long gives way to a newer question of its lane only', async () => {
  const { ask, modules } = asker(1);
  const slow = ask('a');
  await settle();
  const other = ask('b');
  await new Promise(done => setTimeout(done, 20));
  assert.equal(modules[0]!.closed, 0);
  const quick = ask('a');
  assert.equal(told(await slow), 'overtaken');
  assert.equal(modules[0]!.closed, 1);
  await settle();
  modules[1]!.reply('b');
  await settle();
  modules[1]!.reply('a');
  assert.deepEqual([told(await other), told(await quick)], ['b', 'a']);
});

test('a question of several requests gives way between them', async () => {
  const { a, ask, modules } = asker();
  const long = a.work(async send => {
    for (;;) await send(llvmTextCall, {});
  });
  await settle();
  modules[0]!.reply('');
  await settle();
  const next = ask();
  modules[0]!.reply('');
  assert.equal((await long).kind, 'overtaken');
  await settle();
  modules[0]!.reply('next');
  assert.equal(told(await next), 'next');
  assert.equal(modules[0]!.closed, 0);
});

test('a module that cannot be had is a value, and is tried again', async () => {
  let tries = 0;
  const m = new Module(), a = new Asker<object>(() => ++tries === 1 ? Promise.reject(new Error('404')) : Promise.resolve<Transport>(m), gradeHelloCall);
  assert.deepEqual(await a.ask(llvmTextCall, {}), { kind: 'failed', why: '404' });
  const again = a.ask(llvmTextCall, {});
  await settle();
  m.reply('here');
  assert.equal(told(await again), 'here');
});

test('a module of another build is refused and closed', async () => {
  const m = new Module();
  m.call = () => Promise.resolve(Uint8Array.of(protocolVersion + 1));
  const a = await new Asker(() => Promise.resolve<Transport>(m), gradeHelloCall).ask(llvmTextCall, {});
  assert.match(told(a), /^failed: page and engine come from different builds/);
  assert.equal(m.closed, 1);
});

test('a Worker that failed is not asked again', async () => {
  const { a, ask, modules } = asker();
  const one = ask();
  await settle();
  modules[0]!.die('out of memory');
  assert.equal(told(await one), 'failed: out of memory');
  assert.equal(a.idle, false);
  const two = ask();
  await settle();
  modules[1]!.reply('two');
  assert.equal(told(await two), 'two');
});

test('cancel and close give up what was asked', async () => {
  const { a, ask, modules } = asker();
  for (const end of [() => a.cancel(), () => a.close()]) {
    const all = [ask('a'), ask('b')];
    await settle();
    end();
    assert.deepEqual((await Promise.all(all)).map(told), ['overtaken', 'overtaken']);
    assert.equal(modules.at(-1)!.closed, 1);
  }
  await settle();
  const starting = ask(); // its module is not there yet
  a.cancel();
  assert.equal(told(await starting), 'overtaken');
  await settle();
  assert.equal(modules.length, 3);
  assert.equal(modules[2]!.asked, 0);
  const after = ask();
  await settle();
  modules[2]!.reply('after');
  assert.equal(told(await after), 'after');
});

test('cancel between two requests', async () => {
  const { a, modules } = asker();
  const long = a.work(async send => {
    await send(llvmTextCall, {});
    a.cancel();
    return send(llvmTextCall, {});
  });
  await settle();
  modules[0]!.reply('');
  assert.equal(told(await long), 'overtaken');
  await settle();
  assert.deepEqual([a.idle, modules[0]!.asked, modules[0]!.closed], [true, 1, 0]);
});

test('warm starts the module once; what is wrong is told to the question', async () => {
  const { a, ask, modules } = asker();
  a.warm();
  const one = ask();
  await settle();
  modules[0]!.reply('one');
  assert.equal(told(await one), 'one');
  assert.equal(modules.length, 1);
  const b = new Asker(() => Promise.reject(new Error('404')), gradeHelloCall);
  b.warm();
  await settle();
  assert.equal(told(await b.ask(llvmTextCall, {})), 'failed: 404');
});
