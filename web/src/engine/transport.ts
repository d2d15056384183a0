/** How frames reach the engine: a Worker in the page, this thread in tests. */
import type { LoadProgress } from './api';
import type { Host } from './host';
import type { FromWorker, ToWorker } from './worker';

export interface Transport {
  /** One frame there, one back. Rejects when the engine is gone. The frame's buffer is given away. */
  call(frame: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Uncompressed size of the module. */
  readonly bytes: number;
  close(): void;
}

/** What is needed of a Worker. */
export interface WorkerLike {
  postMessage(m: ToWorker, transfer: Transferable[]): void;
  onmessage: ((e: MessageEvent) => void) | null;
  onerror: ((e: ErrorEvent) => void) | null;
  terminate(): void;
}

/** The engine on this thread, without a Worker. */
export function local(host: Host, bytes: number): Transport {
  return { call: async frame => host.call(frame), bytes, close: () => {} };
}

interface Waiting {
  readonly resolve: (frame: Uint8Array) => void;
  readonly reject: (why: Error) => void;
}

/** Starts the engine in a Worker and resolves when it answers. */
export function inWorker(
  worker: WorkerLike, wasm: string, onProgress?: (p: LoadProgress) => void, signal?: AbortSignal,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const waiting = new Map<number, Waiting>();
    let gone: Error | undefined, next = 0;

    const end = (why: Error) => {
      gone ??= why;
      worker.terminate();
      for (const w of waiting.values()) w.reject(why);
      waiting.clear();
      reject(why); // does nothing once resolved
    };
    const abort = () => end(new DOMException('loading the engine was cancelled', 'AbortError'));
    if (signal?.aborted === true) {
      abort();
      return;
    }
    signal?.addEventListener('abort', abort);

    worker.onerror = e => end(new Error(`engine: ${e.message || 'the worker script could not be loaded'}`));
    worker.onmessage = e => {
      const m = e.data as FromWorker;
      switch (m.kind) {
        case 'progress':
          onProgress?.({ phase: m.phase, loaded: m.loaded, total: m.total });
          break;
        case 'ready':
          signal?.removeEventListener('abort', abort);
          resolve({
            bytes: m.bytes,
            call: frame => new Promise((resolve, reject) => {
              if (gone !== undefined) {
                reject(gone);
                return;
              }
              const id = next++;
              waiting.set(id, { resolve, reject });
              worker.postMessage({ kind: 'call', id, frame }, [frame.buffer]);
            }),
            close: () => end(new Error('engine: closed')),
          });
          break;
        case 'reply':
          waiting.get(m.id)?.resolve(m.frame);
          waiting.delete(m.id);
          break;
        case 'failed':
          end(new Error(m.message));
          break;
      }
    };
    worker.postMessage({ kind: 'start', wasm }, []);
  });
}

/**
 * Starts a module of the page in a Worker of its own, whose script is the
 * engine's: name is told to debuggers, file lies beside the page's scripts.
 */
export const moduleInWorker = (name: string, file: string) => (onProgress?: (p: LoadProgress) => void): Promise<Transport> =>
  inWorker(new Worker(new URL(SKEP_WORKER, import.meta.url), { type: 'module', name }), new URL(file, import.meta.url).href, onProgress);
