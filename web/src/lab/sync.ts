/**
 * Who is signed in, and the way of their work to the server and back. Changes
 * wait in the outbox; they go out a moment after the last one, when the network
 * comes back, and when the page is left. What goes out is merged there
 * (server/sqlite/work.go), and what other devices did comes with the answer.
 */
import { site } from './data';
import { account, adopt, forget, forgetAll, receive, type Account, type Work } from './memory';
import { count, countAll, drop, waiting, type Boxed } from './outbox';

/** none: this copy of the page has no accounts; out: nobody is signed in. */
export type State = 'none' | 'out' | 'saved' | 'sending' | 'waiting' | 'expired' | 'full';

export interface Person extends Account { readonly password: boolean }

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly why: string };

const calm = 2000, again = 30_000, batch = 200;
/** What a page that is being left may still send (Fetch, keepalive). */
const keepalive = 60_000;

interface Reply { readonly status: number; readonly body: { readonly account?: Person | null; readonly error?: { readonly message: string } } & Work & { readonly at?: number; readonly more?: boolean } }

/** A request to the server; null when there is none. */
async function request(method: string, path: string, body?: unknown, leaving = false): Promise<Reply | null> {
  try {
    const r = await fetch(site(path), {
      method, keepalive: leaving, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
    if (!(r.headers.get('Content-Type') ?? '').startsWith('application/json')) return { status: 404, body: {} };
    return { status: r.status, body: await r.json() as Reply['body'] };
  } catch {
    return null;
  }
}

class Sync {
  state: State = 'none';
  /** Changes that the server does not have yet. */
  left = 0;
  person: Person | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | null = null;

  private tell(s: State): void {
    this.state = s;
    dispatchEvent(new CustomEvent('skep-account'));
  }

  /** Finds out who is signed in. Offline the browser's word is taken. */
  async start(): Promise<void> {
    addEventListener('online', () => this.soon(0));
    addEventListener('skep-outbox', () => {
      if (this.state === 'saved') this.tell('sending');
      this.soon(calm);
    });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') void this.flush(true);
      else this.soon(0);
    });
    const link = /^#enter=([\w-]+)$/.exec(location.hash)?.[1];
    if (link !== undefined) history.replaceState(null, '', location.pathname + location.search);
    const r = await request('GET', 'api/account');
    if (r === null) {
      if (account() !== null) await this.stay('waiting');
      return;
    }
    if (r.status !== 200) return;
    const known = account(), there = r.body.account ?? null;
    if (link !== undefined && there === null) {
      const o = await this.enter({ link });
      if (!o.ok) this.failed = o.why;
    } else if (there !== null) {
      await this.entered(there);
    } else if (known !== null) {
      await this.stay('expired');
    } else {
      this.tell('out');
    }
  }
  /** Why a link did not let in. */
  failed = '';

  private async stay(s: State): Promise<void> {
    const a = account();
    this.left = a === null ? 0 : await count(a.id);
    this.tell(s);
  }

  private async entered(p: Person): Promise<void> {
    this.person = p;
    const { id, name, seed } = p;
    adopt({ id, name, seed });
    await this.flush();
  }

  async enter(by: { readonly name: string; readonly password: string } | { readonly link: string }): Promise<Outcome> {
    const r = await request('POST', 'api/account/enter', by), p = r?.body.account;
    if (r === null || p == null) return refusal(r);
    this.failed = '';
    await this.entered(p);
    return { ok: true };
  }

  /** Signs out and takes the student's work off this browser, once the server has all of it. */
  async leave(): Promise<Outcome> {
    await this.flush();
    const a = account();
    if (a !== null && await countAll(a.id) > 0) return { ok: false, why: 'Some of your work is not on the server yet. Sign out when you are online: it would be lost here.' };
    const r = await request('POST', 'api/account/leave');
    if (r === null || r.status !== 200) return refusal(r);
    this.gone();
    return { ok: true };
  }

  async setPassword(old: string, password: string): Promise<Outcome> {
    const r = await request('POST', 'api/account/password', { old, password });
    if (r === null || r.status !== 200) return refusal(r);
    this.person = r.body.account ?? this.person;
    this.tell(this.state);
    return { ok: true };
  }

  /** Deletes the account and all work, on the server and here. */
  async remove(): Promise<Outcome> {
    const a = account(), r = await request('DELETE', 'api/account');
    if (r === null || r.status !== 200) return refusal(r);
    if (a !== null) await forgetAll(a);
    this.gone();
    return { ok: true };
  }

  private gone(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    cursor(null);
    forget();
    this.person = null;
    this.left = 0;
    this.tell('out');
  }

  private soon(ms: number): void {
    if (this.state === 'none' || this.state === 'out') return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), ms);
  }

  /** Sends what waits and takes what came; one at a time, also among tabs. */
  flush(leaving = false): Promise<void> {
    if (account() === null) return Promise.resolve();
    if (leaving) return this.last();
    const locks = (navigator as { locks?: LockManager }).locks; // not on pages that came by http
    return this.running ??= (locks === undefined ? this.exchange() : locks.request('skep-sync', () => this.exchange()) as Promise<void>)
      .finally(() => { this.running = null; });
  }

  private async exchange(): Promise<void> {
    for (let most = batch; ;) {
      const a = account();
      if (a === null) return;
      const box = await waiting(a.id, most);
      this.left = box.length;
      if (box.length > 0) this.tell('sending');
      const r = await request('POST', 'api/work', { since: cursor(), ...sorted(box) });
      if (account()?.id !== a.id) return; // signed out meanwhile
      if (r?.status === 200) {
        const sent = new Map(box.map(b => [b.key, b.rev]));
        await drop(b => b.account === a.id && sent.get(b.key) === b.rev);
        receive(r.body);
        cursor(r.body.at ?? 0);
        if (r.body.more === true || box.length === most) continue;
        await this.stay('saved');
        if (this.left > 0) this.soon(calm); // written meanwhile
        return;
      }
      if (r?.status === 400 || r?.status === 413) { // too much at once, or one that no server takes: it stays here
        if (most > 1) most >>= 1;
        else if (box.length > 0) await drop(b => b.account === a.id && b.key === box[0]!.key);
        else return;
        continue;
      }
      await this.stay(r === null || r.status >= 500 && r.status !== 507 || r.status === 429 ? 'waiting' : r.status === 507 ? 'full' : 'expired');
      if (this.state === 'waiting') this.soon(again);
      return;
    }
  }

  /** What fits into a request that outlives the page; what is taken is taken out at the next visit. */
  private async last(): Promise<void> {
    const a = account();
    if (a === null) return;
    const box = await waiting(a.id, batch);
    if (box.length === 0) return;
    const body = { since: cursor(), ...sorted(box) };
    if (JSON.stringify(body).length < keepalive) await request('POST', 'api/work', body, true);
  }
}

/** Up to where this browser has seen the work of who is signed in. */
function cursor(set?: number | null): number {
  const key = 'skep.seen';
  try {
    if (set === null) localStorage.removeItem(key);
    else if (set !== undefined) localStorage.setItem(key, `${account()?.id ?? ''} ${set}`);
    const [id, at] = (localStorage.getItem(key) ?? '').split(' ');
    return id !== undefined && id === account()?.id ? Number(at) : 0;
  } catch {
    return 0;
  }
}

const sorted = (box: readonly Boxed[]) => {
  const of = (kind: Boxed['kind']) => box.filter(b => b.kind === kind).map(b => b.body);
  return { attempts: of('attempt'), drafts: of('draft'), done: of('done') };
};

function refusal(r: Reply | null): Outcome {
  if (r === null) return { ok: false, why: 'The server cannot be reached.' };
  const m = r.body.error?.message ?? `the server answered ${r.status}`;
  return { ok: false, why: `${m.charAt(0).toUpperCase()}${m.slice(1)}.` };
}

export const sync = new Sync();
