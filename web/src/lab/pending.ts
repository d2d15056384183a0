/** This browser's queue of hand-ins: where it lies, when it goes out, and what its answers do. */
import { account, Bench, keep } from './memory';
import { drop, handedIn, store, type Boxed } from './outbox';
import { Queue, type Box, type HandedIn } from './queue';
import { ask, cameTo, type Report, type Told } from './server';
import { sync } from './sync';

/** What the page hears when the server has answered one. */
export interface Handed { readonly of: HandedIn; readonly told: Told<Report> }

const key = (h: HandedIn) => `handin/${h.attempt}`;
const bodies = (all: readonly Boxed[]) => all.map(r => r.body as HandedIn);

const box: Box = {
  put: h => store({ account: h.account, key: key(h), kind: 'handin', body: h }),
  async all() {
    const a = account();
    // Of an account only while it is signed in: else the grade would be nobody's.
    return [...bodies(await handedIn('')), ...a === null || sync.state === 'expired' ? [] : bodies(await handedIn(a.id))];
  },
  drop: h => drop(r => r.account === h.account && r.key === key(h)),
};

let timer: ReturnType<typeof setTimeout> | undefined;

function later(ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void queue.send(), ms);
}

function told(of: HandedIn, told: Told<Report>): void {
  if (told.ok) {
    const { points, total, passed } = told.value;
    keep(of.lab, of.exercise, { points, total, passed, counts: true });
    new Bench(of.lab, of.exercise).came(of.lang, of.attempt, `handed in: ${cameTo(told.value)}`);
  }
  dispatchEvent(new CustomEvent<Handed>('skep-handed', { detail: { of, told } }));
}

const locks = (navigator as { locks?: LockManager }).locks; // not on pages that came by http

export const queue = new Queue(
  box,
  ({ lab, exercise, lang, source, attempt, at }) => ask<Report>(lab, exercise, 'grade', { lang, source, attempt, at }, new AbortController().signal, () => {}),
  { changed: () => void dispatchEvent(new CustomEvent('skep-handin')), told, later },
  locks === undefined ? f => f() : f => locks.request('skep-handin', f) as Promise<void>,
);

/** Begins to send; called when it is known who is signed in. */
export function begin(): void {
  const now = () => later(0);
  addEventListener('online', now);
  addEventListener('skep-account', () => { if (sync.state === 'saved') now(); }); // signed in again
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') now(); });
  now();
}
