/**
 * Changes that the server has not taken yet, in IndexedDB: they survive the
 * page, the browser, and days without a network. A record is written over by a
 * newer one of its key, and goes when the server has acknowledged it. Where
 * there is no IndexedDB nothing is queued and nothing fails.
 */
export interface Change {
  /** Whose it is. */
  readonly account: string;
  /** "attempt/ID", "draft/LAB/EXERCISE/LANG", "done/LAB/ITEM": what it takes the place of. */
  readonly key: string;
  readonly kind: 'attempt' | 'draft' | 'done';
  /** As the server takes it (account.Attempt, Draft, Done in Go). */
  readonly body: object;
}
/** What is in the box; rev tells a record from a newer one of its key. */
export type Boxed = Change & { readonly rev: number };

const store = 'out';

let db: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  return db ??= new Promise<IDBDatabase>((done, fail) => {
    const r = indexedDB.open('skep-work', 1);
    r.onupgradeneeded = () => r.result.createObjectStore(store, { keyPath: ['account', 'key'] });
    r.onsuccess = () => {
      r.result.onversionchange = () => { r.result.close(); db = null; };
      done(r.result);
    };
    r.onerror = () => fail(r.error ?? new Error('no IndexedDB'));
  }).catch((e: unknown) => { db = null; throw e; });
}

/** Runs f in a transaction; resolves when it is on disk. */
async function inside<T>(mode: IDBTransactionMode, f: (s: IDBObjectStore) => () => T): Promise<T> {
  const tx = (await open()).transaction(store, mode, { durability: 'strict' });
  return new Promise((done, fail) => {
    const result = f(tx.objectStore(store));
    tx.oncomplete = () => done(result());
    tx.onabort = tx.onerror = () => fail(tx.error ?? new Error('no IndexedDB'));
  });
}

let revs = Date.now();

/** Puts a change in. It is told at once, and again when it is on disk. */
export async function put(r: Change): Promise<void> {
  dispatchEvent(new CustomEvent('skep-outbox'));
  try {
    await inside('readwrite', s => {
      s.put({ ...r, rev: ++revs } satisfies Boxed);
      return () => undefined;
    });
    dispatchEvent(new CustomEvent('skep-outbox'));
  } catch { /* no IndexedDB here: what is in this browser stays in it */ }
}

/** A student's changes, some of them when there are very many. */
export async function waiting(account: string, most: number): Promise<Boxed[]> {
  try {
    return await inside('readonly', s => {
      const r = s.getAll(IDBKeyRange.bound([account], [account, []]), most) as IDBRequest<Boxed[]>;
      return () => r.result;
    });
  } catch {
    return [];
  }
}

export async function count(account: string): Promise<number> {
  try {
    return await inside('readonly', s => {
      const r = s.count(IDBKeyRange.bound([account], [account, []]));
      return () => r.result;
    });
  } catch {
    return 0;
  }
}

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
