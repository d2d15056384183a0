/** What the server says about real kernels, and the messages of its socket (server/real/message.go). */
import { sourceOf } from '../model/program';
import type { Model } from '../model/model';

export type Job = 'confirm' | 'live' | 'terminal';

export interface Kernel { readonly version: string; readonly release: string; readonly reference?: boolean }
export interface Workload { readonly name: string; readonly title: string; readonly about: string }
export interface Limit { readonly do: Job; readonly wall_ms: number; readonly cpu_ms: number; readonly output: number; readonly idle_ms?: number }
export interface Status {
  readonly there: boolean;
  readonly why?: string;
  readonly level?: string;
  readonly min_level?: string;
  readonly allowed: boolean;
  readonly kernels: readonly Kernel[];
  readonly machines: number;
  readonly busy: number;
  readonly waiting: number;
  readonly workloads: readonly Workload[];
  readonly limits: readonly Limit[];
}

export interface Segment { readonly kind: 'same' | 'changed' | 'ours' | 'theirs'; readonly ours: readonly [number, number]; readonly theirs: readonly [number, number] }
export interface MapState {
  readonly name?: string;
  readonly type: string;
  readonly entries: readonly { readonly key: string; readonly value: string }[];
  readonly cut?: boolean;
  readonly error?: string;
}
export interface Opinion {
  readonly kernel: string;
  readonly release: string;
  readonly ok: boolean;
  readonly not_modelled?: string;
  readonly error?: string;
  readonly errno?: number;
  readonly errno_name?: string;
  readonly log_level: number;
  readonly log: string;
  readonly insns_processed: number;
  readonly total_states: number;
  readonly peak_states: number;
  readonly load_us?: number;
  readonly notes?: readonly string[];
  readonly segments?: readonly Segment[];
  readonly first: number;
  readonly finding?: { readonly id: string; readonly kind: 'verdict' | 'errno' | 'log' };
  readonly run?: { readonly ret: number; readonly ns: number; readonly repeat: number; readonly errno?: number; readonly in?: string; readonly out?: string };
  readonly maps?: readonly MapState[];
  readonly xlated?: readonly string[];
  readonly jit?: readonly string[];
}
export interface Step { readonly verb: string; readonly ok: number; readonly errnos?: Readonly<Record<string, number>>; readonly error?: string; readonly us: number; readonly text?: string }
export interface GuestEvent { readonly kind: string; readonly source: string; readonly ns: number; readonly cpu?: number; readonly data?: string; readonly text?: string; readonly lost?: number }

export type Message =
  | { readonly is: 'hello'; readonly token: string; readonly reconnect_ms?: number }
  | { readonly is: 'queue'; readonly kernel: string; readonly ahead?: number; readonly wait_ms?: number }
  | { readonly is: 'started'; readonly kernel: string; readonly release: string; readonly wall_ms: number; readonly cpu_ms: number }
  | { readonly is: 'ours'; readonly ours: Opinion }
  | { readonly is: 'verdict'; readonly kernel: string; readonly theirs: Opinion }
  | { readonly is: 'attached'; readonly links: readonly { readonly program: string; readonly how?: string; readonly error?: string }[] }
  | { readonly is: 'maps'; readonly maps?: readonly MapState[] }
  | { readonly is: 'event'; readonly event: GuestEvent; readonly dropped?: number }
  | { readonly is: 'fired'; readonly workload: string; readonly steps: readonly Step[]; readonly run_count?: number; readonly run_ns?: number }
  | { readonly is: 'idle'; readonly left_ms?: number }
  | { readonly is: 'gap'; readonly dropped?: number }
  | { readonly is: 'error'; readonly code: string; readonly text: string }
  | { readonly is: 'end'; readonly code: string; readonly text?: string; readonly wait_ms?: number };

export interface WireSource {
  readonly text?: string;
  readonly object?: string;
  readonly name?: string;
  readonly program?: number;
  readonly hook?: string;
  readonly privilege: string;
  readonly packets: readonly string[];
  readonly repeat: number;
  readonly c?: string;
}
export type Request =
  | { readonly do: Job; readonly kernel?: string; readonly source?: WireSource; readonly replace?: boolean; readonly rows?: number; readonly cols?: number }
  | { readonly do: 'fire'; readonly workload: string; readonly count: number }
  | { readonly do: 'resize'; readonly rows: number; readonly cols: number }
  | { readonly do: 'stop' };

const noServer = 'Real kernels run on a skep server, and this copy of the page has none. Run "skep serve" and open the page there.';
const offline = 'Real kernels run on the skep server, and it cannot be reached: you are offline.';

/** What there is; a reason when there is nothing to ask. */
export async function askStatus(): Promise<Status | string> {
  if (!navigator.onLine) return offline;
  try {
    const r = await fetch(new URL('api/real', import.meta.url), { headers: { Accept: 'application/json' } });
    if (!r.ok || !(r.headers.get('Content-Type') ?? '').startsWith('application/json')) return noServer;
    return await r.json() as Status;
  } catch {
    return navigator.onLine ? noServer : offline;
  }
}

export const findingAddress = (id: string): string => new URL(`api/real/finding/${id}`, import.meta.url).href;

function base64(b: Uint8Array): string {
  let s = '';
  for (let i = 0; i < b.length; i += 0x8000) s += String.fromCharCode(...b.subarray(i, i + 0x8000));
  return btoa(s);
}
export const unbase64 = (s: string): Uint8Array => Uint8Array.from(atob(s), c => c.charCodeAt(0));

/** The largest object and packets that are sent. */
const maxObject = 2 << 20, maxPackets = 64, maxPacket = 9 << 10;

/** The page's program as the server takes it; a reason why not. */
export function wireSource(m: Model, repeat: number): WireSource | string {
  const s = sourceOf(m.program);
  if (s === null) return 'The program is not compiled yet.';
  const packets = m.packets.slice(0, maxPackets).filter(p => p.bytes.length <= maxPacket).map(p => base64(p.bytes));
  const common = { hook: m.options.hook ?? '', privilege: m.prefs.privilege, packets, repeat };
  if (s.kind === 'asm') return { ...common, text: s.text };
  if (s.bytes.length > maxObject) return 'The object is larger than the 2 MiB that the server takes.';
  const program = Math.max(0, m.listing?.programs.findIndex(p => p.name === m.entry) ?? 0);
  return { ...common, object: base64(s.bytes), name: s.name, program, c: m.program.lang === 'c' ? m.program.compiled : '' };
}
