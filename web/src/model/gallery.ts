/** The examples that come with the page (web/gallery). */
import type { Input, MapInit } from '../engine/api';
import { fromHex } from './bytes';
import type { Program } from './program';

export type Example = (typeof SKEP_GALLERY)[number];

export const examples: readonly Example[] = SKEP_GALLERY;

export const findExample = (id: string): Example | undefined => examples.find(e => e.id === id);

async function get(path: string): Promise<Response> {
  const r = await fetch(new URL(path, import.meta.url));
  if (!r.ok) throw new Error(`${path}: the server answered ${r.status}`);
  return r;
}

export async function fetchProgram(e: Example): Promise<Program> {
  const [text, object] = await Promise.all([
    get(e.source).then(r => r.text()),
    e.object === undefined ? null : get(e.object).then(async r => new Uint8Array(await r.arrayBuffer())),
  ]);
  return { lang: e.lang, text, object, compiled: text, title: e.title, gallery: e.id };
}

export const exampleInput = (e: Example): Input =>
  (e.events !== undefined ? { kind: 'events', text: e.events.join('\n') } : { kind: 'text', text: e.input?.join('\n') ?? '' });

export const exampleMaps = (e: Example): MapInit[] =>
  (e.maps ?? []).map(m => ({ map: m.map, key: fromHex(m.key), value: fromHex(m.value) }));

/** Names of program types as people say them. */
export function hookTitle(hook: string): string {
  switch (hook) {
    case 'xdp': return 'XDP';
    case 'tc': case 'sched_cls': case 'sched_act': return 'tc';
    case 'socket': case 'socket_filter': return 'socket filter';
    case 'cgroup_sock_addr': return 'cgroup connect';
    case 'sock_ops': return 'socket events';
    case 'perf_event': return 'sampling';
    case '': return '';
    default: return hook;
  }
}
