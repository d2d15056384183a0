/**
 * Keeps everything but the compiler for offline use. Files with a hash in their
 * name never change and come from the store; pages come from the network while
 * there is one, so that a new version is seen at the next visit.
 */
export {};
declare const SKEP_KEEP: readonly string[];
declare const SKEP_VERSION: string;

interface Life extends Event { waitUntil(p: Promise<unknown>): void }
/** A page that was visited asks to be kept, with what only such pages need: labs. */
interface Message extends Life { readonly data: { readonly keep?: readonly string[] } }
interface Fetch extends Life { readonly request: Request; respondWith(r: Promise<Response>): void }
interface Scope {
  addEventListener(type: 'install' | 'activate', f: (e: Life) => void): void;
  addEventListener(type: 'fetch', f: (e: Fetch) => void): void;
  addEventListener(type: 'message', f: (e: Message) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
  readonly registration: { readonly scope: string };
}
const self_ = self as unknown as Scope;

const name = `skep-${SKEP_VERSION}`;
const pages = ['./', 'gallery/', 'labs/', 'reference/', 'reference/helpers/', 'reference/maps/', 'reference/programs/', 'reference/instructions/', 'offline.html'];
const at = (path: string) => new URL(path, self_.registration.scope).href;

self_.addEventListener('install', e => {
  e.waitUntil((async () => {
    const store = await caches.open(name);
    // Most of it is in the HTTP cache already: this page has just used it.
    await store.addAll(SKEP_KEEP.map(at));
    await store.addAll(pages.map(p => new Request(at(p), { cache: 'reload' })));
    await self_.skipWaiting();
  })());
});

self_.addEventListener('activate', e => {
  e.waitUntil((async () => {
    for (const k of await caches.keys()) if (k.startsWith('skep-') && k !== name) await caches.delete(k);
    await self_.clients.claim();
  })());
});

self_.addEventListener('fetch', e => {
  const url = new URL(e.request.url), scope = self_.registration.scope;
  if (e.request.method !== 'GET' || !url.href.startsWith(scope) || url.href.startsWith(at('api/'))) return;
  e.respondWith(e.request.mode === 'navigate' ? page(e.request) : file(e.request));
});

self_.addEventListener('message', e => {
  const wanted = (e.data.keep ?? []).filter(u => u.startsWith(self_.registration.scope));
  e.waitUntil((async () => {
    const store = await caches.open(name);
    for (const u of wanted) if (u.endsWith('/') || await store.match(u) === undefined) await store.add(u);
  })().catch(() => {})); // offline, or no room: the next visit asks again
});

async function file(r: Request): Promise<Response> {
  return await (await caches.open(name)).match(r, { ignoreSearch: true }) ?? fetch(r);
}

async function page(r: Request): Promise<Response> {
  try {
    return await fetch(r);
  } catch {
    const store = await caches.open(name);
    return await store.match(r, { ignoreSearch: true }) ?? await store.match(at('offline.html')) ?? Response.error();
  }
}
