/**
 * What the server has not taken yet, in IndexedDB: it survives the page, the
 * browser, and days without a network. Changes are taken there by sync.ts,
 * hand-ins by queue.ts. A record is written over by a newer one of its key, and
 * goes when the server has acknowledged it. Where there is no IndexedDB nothing
 * is queued and nothing fails.
 */
export interface Change {
  /** Whose it is; "" of a hand-in of nobody who is signed in. */
  readonly account: string;
  /** "attempt/ID", "draft/LAB/EXERCISE/LANG", "done/LAB/ITEM", "handin/ATTEMPT": what it takes the place of. */
  readonly key: string;
  readonly kind: 'attempt' | 'draft' | 'done' | 'handin';
  /** As the server takes it (account.Attempt, Draft, Done in Go), or a HandedIn. */
  readonly body: object;
}
/** What is in the box; rev tells a record from a newer one of its key. */
export type Boxed = Change & { readonly rev: number };

const records = 'out';

let db: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  return db ??= new Promise<IDBDatabase>((done, fail) => {
    const r = indexedDB.open('skep-work', 1);
    r.onupgradeneeded = () => r.result.createObjectStore(records, { keyPath: ['account', 'key'] });
    r.onsuccess = () => {
      r.result.onversionchange = () => { r.result.close(); db = null; };
      done(r.result);
    };
    r.onerror = () => fail(r.error ?? new Error('no IndexedDB'));
  }).catch((e: unknown) => { db = null; throw e; });
}

/** Runs f in a transaction; resolves when it is on disk. */
async function inside<T>(mode: IDBTransactionMode, f: (s: IDBObjectStore) => () => T): Promise<T> {
  const tx = (await open()).transaction(records, mode, { durability: 'strict' });
  return new Promise((done, fail) => {
    const result = f(tx.objectStore(records));
    tx.oncomplete = () => done(result());
    tx.onabort = tx.onerror = () => fail(tx.error ?? new Error('no IndexedDB'));
  });
}

/** Of the keys of an account those of hand-ins are the last. */
const changes = (account: string) => IDBKeyRange.bound([account], [account, 'handin/'], false, true);
const handIns = (account: string) => IDBKeyRange.bound([account, 'handin/'], [account, []]);
const everything = (account: string) => IDBKeyRange.bound([account], [account, []]);

let revs = Date.now();

/** Puts a record in, and says whether it is on disk. */
export async function store(r: Change): Promise<boolean> {
  try {
    await inside('readwrite', s => {
      s.put({ ...r, rev: ++revs } satisfies Boxed);
      return () => undefined;
    });
    return true;
  } catch {
    return false; // no IndexedDB here: what is in this browser stays in it
  }
}

/** Puts a change in. It is told at once, and again when it is on disk. */
export async function put(r: Change): Promise<void> {
  dispatchEvent(new CustomEvent('skep-outbox'));
  if (await store(r)) dispatchEvent(new CustomEvent('skep-outbox'));
}

async function all(range: () => IDBKeyRange, most?: number): Promise<Boxed[]> {
  try {
    return await inside('readonly', s => {
      const r = s.getAll(range(), most) as IDBRequest<Boxed[]>;
      return () => r.result;
    });
  } catch {
    return [];
  }
}

/** A student's changes, some of them when there are very many. */
export const waiting = (account: string, most: number) => all(() => changes(account), most);
/** A student's hand-ins. */
export const handedIn = (account: string) => all(() => handIns(account));

async function size(range: () => IDBKeyRange): Promise<number> {
  try {
    return await inside('readonly', s => {
      const r = s.count(range());
      return () => r.result;
    });
  } catch {
    return 0;
  }
}

/** How many changes wait. */
export const count = (account: string) => size(() => changes(account));
/** How many changes and hand-ins wait. */
export const countAll = (account: string) => size(() => everything(account));

/** Takes out what of it fits; a record that was written over since it was read stays. */
export async function drop(fits: (r: Boxed) => boolean): Promise<void> {
  try {
    await inside('readwrite', s => {
      const r = s.openCursor();
      r.onsuccess = () => {
        const c = r.result;
        if (c === null) return;
        if (fits(c.value as Boxed)) c.delete();
        c.continue();
      };
      return () => undefined;
    });
  } catch { /* as in put */ }
}
