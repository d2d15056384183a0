/**
 * What the browser keeps of a student's work: how far each exercise is, what is
 * in its editor, and the attempts before. Bounded; where storage is blocked
 * nothing is kept and nothing fails. Of who is signed in every change is put
 * into the outbox too, from where sync.ts takes it to the server; what comes
 * from other devices comes in by `receive`.
 */
import { drop, put, type Change } from './outbox';

/** How an exercise or question came out at best. */
export interface Done {
  readonly points: number;
  readonly total: number;
  readonly passed: boolean;
  /** The server has graded it so, hidden cases included. */
  readonly counts?: boolean;
}

export interface Attempt {
  /** The same on all devices and on the server. */
  readonly id: string;
  readonly text: string;
  /** Milliseconds since 1970, by the clock of the device. */
  readonly at: number;
  /** "rejected", "4 of 7 points". */
  readonly came: string;
  /** Where it was made. */
  readonly device?: string;
}

interface Draft {
  readonly text: string;
  readonly at: number;
}

/** Who is signed in, as far as this browser knows. */
export interface Account {
  readonly id: string;
  readonly name: string;
  /** Decimal: a number of 64 bits. */
  readonly seed: string;
}

/** What other devices did, and what the server graded (account.Work in Go). */
export interface Work {
  readonly attempts?: readonly (Attempt & Place)[];
  readonly drafts?: readonly (Draft & Place)[];
  readonly done?: readonly (Done & { readonly lab: string; readonly item: string })[];
}
interface Place { readonly lab: string; readonly exercise: string; readonly lang: string }

/** Of one exercise in one language: attempts, and bytes of them. */
const maxAttempts = 200, maxAll = 256 << 10;
const maxText = 64 << 10;

function read<T extends object>(key: string, none: T): T {
  try {
    const v: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return typeof v === 'object' && v !== null && Array.isArray(v) === Array.isArray(none) ? v as T : none;
  } catch {
    return none;
  }
}

function write(key: string, v: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(v));
  } catch { /* full or blocked: the page works without */ }
}

/** A random name, also where crypto.randomUUID is not: on pages that came by http. */
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');

/** This browser's name among a student's devices. */
export const device: string = (() => {
  const kept = read<{ id?: string }>('skep.device', {}).id;
  if (kept !== undefined) return kept;
  const id = random();
  write('skep.device', { id });
  return id;
})();

const accountKey = 'skep.account';

export const account = (): Account | null => {
  const a = read<Partial<Account>>(accountKey, {});
  return a.id === undefined || a.seed === undefined ? null : a as Account;
};

/** What is drawn for this student: by the account, else by a number of this browser's. */
export function seed(): bigint {
  const own = account()?.seed ?? read<{ seed?: string }>('skep.seed', {}).seed;
  if (own !== undefined && /^\d{1,20}$/.test(own)) return BigInt.asUintN(64, BigInt(own));
  const [a, b] = crypto.getRandomValues(new Uint32Array(2)), made = BigInt(a!) << 32n | BigInt(b!);
  write('skep.seed', { seed: String(made) });
  return made;
}

/** Puts a change into the outbox of who is signed in. */
function send(r: Omit<Change, 'account'>): void {
  const a = account();
  if (a !== null) void put({ ...r, account: a.id });
}

const progressKey = (lab: string) => `skep.lab.${lab}`;

export const progressOf = (lab: string): Record<string, Done> => read<Record<string, Done>>(progressKey(lab), {});

/** Keeps the better of what was there and what is new, or what counts; tells the page. */
export function keep(lab: string, id: string, d: Done): void {
  const before = progressOf(lab)[id], now = merge(lab, id, d);
  if (before === undefined || JSON.stringify(before) !== JSON.stringify(now)) send({ key: `done/${lab}/${id}`, kind: 'done', body: { lab, item: id, ...now } });
  dispatchEvent(new CustomEvent('skep-progress'));
}

function merge(lab: string, id: string, d: Done): Done {
  const all = progressOf(lab), old = all[id];
  const now = all[id] = old === undefined ? d : better(old, d);
  write(progressKey(lab), all);
  return now;
}

/** The better one; but of two of which one counts it is that one (account.Done.Merge in Go). */
function better(a: Done, b: Done): Done {
  const counts = a.counts ?? false, rate = (d: Done) => d.points / Math.max(1, d.total);
  if (counts !== (b.counts ?? false)) return counts ? a : b;
  return { ...(rate(b) > rate(a) ? b : a), passed: a.passed || b.passed };
}

/** What is kept of one exercise in one language. */
export class Bench {
  constructor(private readonly lab: string, private readonly exercise: string) {}

  private key(what: string): string { return `skep.${what}.${this.lab}/${this.exercise}`; }

  get lang(): string {
    return read<{ lang?: string }>(this.key('lang'), {}).lang ?? '';
  }
  set lang(lang: string) { write(this.key('lang'), { lang }); }

  draft(lang: string): string | null {
    const d = read<{ text?: unknown }>(`${this.key('draft')}.${lang}`, {}).text;
    return typeof d === 'string' ? d : null;
  }
  saveDraft(lang: string, text: string): void {
    if (text.length > maxText) return;
    const d: Draft = { text, at: Date.now() };
    write(`${this.key('draft')}.${lang}`, d);
    this.sentDraft(lang, d);
  }
  private sentDraft(lang: string, d: Draft): void {
    send({ key: `draft/${this.lab}/${this.exercise}/${lang}`, kind: 'draft', body: { lab: this.lab, exercise: this.exercise, lang, device, ...d } });
  }

  /** Those of all devices, oldest first. */
  attempts(lang: string): readonly Attempt[] {
    return read<Attempt[]>(`${this.key('tries')}.${lang}`, []).filter(a => typeof a?.text === 'string');
  }
  /** Adds one, unless it is the last one again; the identifier is of the last one then. */
  add(lang: string, text: string, came: string): string {
    const last = this.attempts(lang).at(-1);
    if (last !== undefined && last.text === text && last.id !== undefined) return last.id;
    const a: Attempt = { id: random(), text, at: Date.now(), came, device };
    if (text.length > maxText) return a.id;
    this.insert(lang, [a]);
    this.sent(lang, a);
    return a.id;
  }
  /** Notes what the server says of one of them; other devices hear it from the server. */
  came(lang: string, id: string, came: string): void {
    const a = this.attempts(lang).find(a => a.id === id);
    if (a !== undefined) this.insert(lang, [{ ...a, came }]);
  }
  private sent(lang: string, a: Attempt): void {
    send({ key: `attempt/${a.id}`, kind: 'attempt', body: { lab: this.lab, exercise: this.exercise, lang, ...a } });
  }
  private insert(lang: string, more: readonly Attempt[]): void {
    const ids = new Map([...this.attempts(lang), ...more].map(a => [a.id, a])); // a newer form of one takes its place
    let all = [...ids.values()].sort((a, b) => a.at - b.at).slice(-maxAttempts), size = all.reduce((n, a) => n + a.text.length, 0);
    while (size > maxAll && all.length > 1) size -= all[0]!.text.length, all = all.slice(1);
    write(`${this.key('tries')}.${lang}`, all);
  }

  /** From other devices. */
  receive(lang: string, attempts: readonly Attempt[], draft: Draft | null): void {
    if (attempts.length > 0) this.insert(lang, attempts);
    const key = `${this.key('draft')}.${lang}`;
    if (draft !== null && draft.at > (read<Partial<Draft>>(key, {}).at ?? 0)) write(key, { text: draft.text, at: draft.at });
  }

  /** Puts all of it into the outbox: it was made before its student signed in. */
  sendAll(lang: string): void {
    const all = this.attempts(lang).map(a => a.id === undefined ? { ...a, id: random(), device } : a);
    write(`${this.key('tries')}.${lang}`, all);
    for (const a of all) this.sent(lang, a);
    const d = read<Partial<Draft>>(`${this.key('draft')}.${lang}`, {});
    if (typeof d.text === 'string') this.sentDraft(lang, { text: d.text, at: d.at ?? Date.now() });
  }
}

/** Takes in what other devices did; the page is told by skep-work and skep-progress. */
export function receive(w: Work): void {
  const benches = new Map<string, { at: Place; attempts: Attempt[]; draft: Draft | null }>();
  const bench = (p: Place) => {
    const key = `${p.lab}/${p.exercise}/${p.lang}`, b = benches.get(key) ?? { at: p, attempts: [], draft: null };
    benches.set(key, b);
    return b;
  };
  for (const { lab, exercise, lang, ...a } of w.attempts ?? []) bench({ lab, exercise, lang }).attempts.push(a);
  for (const { lab, exercise, lang, text, at } of w.drafts ?? []) bench({ lab, exercise, lang }).draft = { text, at };
  for (const b of benches.values()) new Bench(b.at.lab, b.at.exercise).receive(b.at.lang, b.attempts, b.draft);
  for (const { lab, item, ...d } of w.done ?? []) merge(lab, item, d);
  if (benches.size > 0) dispatchEvent(new CustomEvent('skep-work'));
  if ((w.done ?? []).length > 0) dispatchEvent(new CustomEvent('skep-progress'));
}

const mine = /^skep\.(lab|draft|tries|lang)\./;

function keys(): string[] {
  try {
    return Object.keys(localStorage).filter(k => mine.test(k));
  } catch {
    return [];
  }
}

/**
 * Makes a student the one whose work this browser keeps: what was there without
 * a name becomes theirs; what was another's is taken away here (it is on the
 * server, or waits in the outbox for them).
 */
export function adopt(a: Account): void {
  const old = account();
  if (old !== null && old.id !== a.id) forget();
  write(accountKey, a);
  if (old?.id === a.id) return;
  const benches = new Set<string>();
  for (const k of keys()) {
    const lab = /^skep\.lab\.(.*)$/.exec(k)?.[1];
    if (lab !== undefined) for (const [item, d] of Object.entries(progressOf(lab))) send({ key: `done/${lab}/${item}`, kind: 'done', body: { lab, item, ...d } });
    const bench = /^skep\.(?:draft|tries)\.(.*)$/.exec(k)?.[1];
    if (bench !== undefined) benches.add(bench);
  }
  for (const b of benches) {
    const [, lab, exercise, lang] = /^([^/]*)\/(.*)\.(\w+)$/.exec(b) ?? [];
    if (lab !== undefined) new Bench(lab, exercise!).sendAll(lang!);
  }
}

/** Forgets who is signed in, and their work in this browser. */
export function forget(): void {
  for (const k of [...keys(), accountKey]) localStorage.removeItem(k);
  dispatchEvent(new CustomEvent('skep-work'));
  dispatchEvent(new CustomEvent('skep-progress'));
}

/** Forgets a student's outbox too: they have deleted the account. */
export async function forgetAll(a: Account): Promise<void> {
  forget();
  await drop(r => r.account === a.id);
}
