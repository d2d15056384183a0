/** The queue of hand-ins against a box and a server that do as they are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { again, Queue, type Box, type HandedIn } from './queue';
import type { Report, Told } from './server';

const hand = (attempt: string, at: number): HandedIn => ({ account: '', lab: 'f1', exercise: 'answer', lang: 'asm', source: attempt, attempt, at });
const good: Told<Report> = { ok: true, value: { world: 'simulator', outcome: 'accepted', points: 3, total: 3, passed: true, took_ms: 1 } };
const away: Told<Report> = { ok: false, why: 'away', away: true };

/** What is on disk; full: this browser keeps nothing. */
class Memory implements Box {
  readonly on = new Map<string, HandedIn>();
  full = false;
  async put(h: HandedIn): Promise<boolean> {
    if (!this.full) this.on.set(h.attempt, h);
    return !this.full;
  }
  async all(): Promise<readonly HandedIn[]> { return [...this.on.values()]; }
  async drop(h: HandedIn): Promise<void> { this.on.delete(h.attempt); }
}

function made(box: Box, ask: (h: HandedIn) => Promise<Told<Report>>, alone?: (f: () => Promise<void>) => Promise<void>) {
  const said: string[] = [], delays: number[] = [];
  const q = new Queue(box, ask, { changed: () => {}, told: (h, t) => said.push(`${h.attempt} ${t.ok ? 'graded' : t.why}`), later: ms => delays.push(ms) }, alone);
  return { q, said, delays };
}

test('what waits goes out once, the oldest first, when the server is back', async () => {
  const box = new Memory(), sent: string[] = [];
  let there = false;
  const { q, said, delays } = made(box, async h => {
    sent.push(h.attempt);
    return there ? good : away;
  });
  assert.equal(await q.add(hand('late', 20)), true);
  assert.equal(await q.add(hand('early', 10)), true);
  assert.equal(await q.add(hand('early', 10)), true); // pressed twice: one
  assert.deepEqual(q.waiting.map(h => h.attempt), ['early', 'late']);
  await q.send();
  assert.deepEqual(sent, ['early']); // the server is away: no more is tried
  assert.deepEqual(delays, [again, again, again, again]);
  there = true;
  await q.send();
  assert.deepEqual(sent, ['early', 'early', 'late']);
  assert.deepEqual(said, ['early graded', 'late graded']);
  await q.send();
  assert.equal(sent.length, 3);
  assert.deepEqual(q.waiting, []);
});

test('it outlives the page', async () => {
  const box = new Memory();
  await made(box, async () => away).q.add(hand('a', 1));
  const { q, said } = made(box, async () => good);
  await q.load();
  assert.equal(q.waiting.length, 1);
  await q.send();
  assert.deepEqual(said, ['a graded']);
  assert.equal(box.on.size, 0);
});

test('two sends at once, also of two tabs, send it once', async () => {
  const box = new Memory();
  let sent = 0, last: Promise<void> = Promise.resolve();
  const alone = (f: () => Promise<void>) => last = last.then(f); // as navigator.locks
  const ask = async () => {
    sent++;
    await new Promise(r => setTimeout(r, 5));
    return good;
  };
  const one = made(box, ask, alone).q, two = made(box, ask, alone).q;
  await one.add(hand('a', 1));
  await Promise.all([one.send(), one.send(), two.send()]);
  assert.equal(sent, 1);
});

test('a busy server is asked again when it says; a refusal is told and not repeated', async () => {
  const box = new Memory();
  let answer: Told<Report> = { ok: false, why: 'busy', retry: 5 };
  const { q, said, delays } = made(box, async () => answer);
  await q.add(hand('a', 1));
  await q.send();
  assert.deepEqual(delays, [again, 5000]);
  assert.equal(q.waiting.length, 1);
  answer = { ok: false, why: 'too large' };
  await q.send();
  assert.deepEqual(said, ['a too large']);
  assert.equal(q.waiting.length, 0);
});

test('one is taken back; a browser that keeps nothing says so', async () => {
  const box = new Memory(), { q } = made(box, async () => good);
  await q.add(hand('a', 1));
  await q.withdraw(q.waiting[0]!);
  assert.equal(box.on.size + q.waiting.length, 0);
  box.full = true;
  assert.equal(await q.add(hand('b', 2)), false);
});
