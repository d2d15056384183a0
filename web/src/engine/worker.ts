/**
 * The Worker: fetches and compiles the module, then answers frames one after
 * the other. It knows nothing of what they say; long movements are cut into
 * slices by the page (client.ts), so it is never busy for more than about 10 ms.
 */
import { Host } from './host';

export type ToWorker =
  | { readonly kind: 'start'; readonly wasm: string }
  | { readonly kind: 'call'; readonly id: number; readonly frame: Uint8Array };

export type FromWorker =
  | { readonly kind: 'progress'; readonly phase: 'download' | 'compile' | 'start'; readonly loaded: number; readonly total: number }
  | { readonly kind: 'ready'; readonly bytes: number }
  | { readonly kind: 'reply'; readonly id: number; readonly frame: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string };

/** The part of a Worker's global scope that is used; node tests bring their own. */
export interface Port {
  postMessage(m: FromWorker, transfer: Transferable[]): void;
  onmessage: ((e: { readonly data: ToWorker }) => void) | null;
}

export function serve(port: Port, fetchWasm: (url: string) => Promise<Response> = url => fetch(url)): void {
  let host: Host | undefined;
  let lastLog = '';
  const post = (m: FromWorker, transfer: Transferable[] = []) => port.postMessage(m, transfer);
  const fail = (e: unknown) => {
    const what = e instanceof Error ? e.message : String(e);
    post({ kind: 'failed', message: lastLog === '' ? what : `${what}: ${lastLog}` });
  };

  const start = async (url: string) => {
    const response = await fetchWasm(url);
    if (!response.ok) throw new Error(`engine: the server answered ${response.status} for ${url}`);
    const [module, bytes] = await compile(response, post);
    post({ kind: 'progress', phase: 'start', loaded: bytes, total: bytes });
    host = await Host.start(module, text => { lastLog = (lastLog + text).slice(-2000); console.error(text); });
    post({ kind: 'ready', bytes });
  };

  port.onmessage = e => {
    const m = e.data;
    if (m.kind === 'start') {
      start(m.wasm).catch(fail);
      return;
    }
    try {
      if (host === undefined) throw new Error('engine: called before it was ready');
      const frame = host.call(m.frame);
      post({ kind: 'reply', id: m.id, frame }, [frame.buffer]);
    } catch (e) {
      host = undefined; // a trapped instance must not be entered again
      fail(e);
    }
  };
}

/** Compiles while the bytes arrive, counting them on a copy of the stream. */
async function compile(response: Response, post: (m: FromWorker) => void): Promise<[WebAssembly.Module, number]> {
  // Content-Length counts compressed bytes when there is an encoding; what is read is not compressed.
  const length = Number(response.headers.get('Content-Length') ?? 0);
  const total = response.headers.get('Content-Encoding') === null && length > 0 ? length : 0;
  let loaded = 0;
  const count = async (body: ReadableStream<Uint8Array>) => {
    const reader = body.getReader();
    for (let r = await reader.read(); !r.done; r = await reader.read()) {
      loaded += r.value.length;
      post({ kind: 'progress', phase: 'download', loaded, total });
    }
    post({ kind: 'progress', phase: 'compile', loaded, total: loaded });
  };
  const copy = response.clone().body;
  const counted = copy === null ? Promise.resolve() : count(copy);
  // compileStreaming wants this type exactly; not every static server knows it.
  const typed = response.headers.get('Content-Type') === 'application/wasm';
  const module = typed
    ? await WebAssembly.compileStreaming(response)
    : await WebAssembly.compile(await response.arrayBuffer());
  await counted;
  return [module, loaded];
}
