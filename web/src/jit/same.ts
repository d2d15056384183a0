/**
 * Programs with their input, made by the test of wasm/run: what they leave at
 * full speed must be what they leave when they are stepped. For node and for a
 * Worker in a browser.
 */
import type { View } from '../engine/api';
import { ClientSession, Link } from '../engine/client';
import { Reader } from '../engine/codec';
import type { Transport } from '../engine/transport';
import { getFacts, type Facts } from '../engine/zprotocol';
import type { FullSpeed, Work } from './run';

export interface Case {
  readonly name: string;
  readonly text: string; // assembly, "" of an object
  readonly object: string; // in hex
  readonly program: number; // of the object
  readonly hook: string;
  readonly packets: string; // or
  readonly events: string;
  readonly maps: readonly { readonly map: string; readonly key: string; readonly value: string }[];
  readonly facts: string; // protocol.Facts in hex for machines of up to 4 CPUs, '' of a program that is not accepted
  readonly state: 'exited' | 'faulted';
}

/** A case as it is run once, on a machine as the page has it. */
export const workOf = (c: Case): Work => ({
  source: c.object === '' ? { kind: 'asm', text: c.text } : { kind: 'object', bytes: unhex(c.object), name: 'prog.bpf.o' },
  program: c.program, input: c.events === '' ? { kind: 'text', text: c.packets } : { kind: 'events', text: c.events },
  options: { hook: c.hook }, maps: c.maps.map(m => ({ map: m.map, key: unhex(m.key), value: unhex(m.value) })), facts: null, repeat: 1,
});

/** Says what is wrong with a case, '' for nothing. */
export async function differ(t: Transport, full: FullSpeed, c: Case): Promise<string> {
  const { source, input, maps, program } = workOf(c);
  const s = new ClientSession(new Link(t), 1_000_000);
  try {
    let l = await s.load(source);
    if (l.ok && program !== l.value.program) l = await s.choose(program);
    if (!l.ok) return `it does not load: ${l.problems[0]?.message}`;
    const facts = factsOf(c);
    for (const cpus of [1, 2, 4]) {
      const options = { hook: c.hook, cpus, cpu: cpus - 1 };
      const started = await s.start(input, options, maps);
      if (!started.ok && c.events !== '') continue; // an event names a CPU that is not there
      if (!started.ok) return `it does not start: ${started.problems[0]?.message}`;
      const want = await s.seek(0xffffffff);
      if (want.state !== c.state) return `stepped it has ${want.state}`;
      for (const f of facts === null ? [null] : [null, facts]) {
        const r = await full.run({ ...workOf(c), options, facts: f });
        if (!r.ok) return `at full speed: ${r.problems[0]?.message}`;
        if (r.value.proved !== (f !== null)) return 'the facts are not about the program';
        const d = first(left(r.value.view), left(want), `${cpus} CPUs: ${f !== null ? 'view of unchecked code' : 'view'}`);
        if (d !== '') return d;
      }
    }
    return '';
  } finally {
    s.close();
  }
}

export const factsOf = (c: Case): Facts | null => c.facts === '' ? null : getFacts(new Reader(unhex(c.facts)));

/** What a run left, of all that a view has. */
function left(v: View): unknown {
  return {
    state: v.state, event: v.event, events: v.events, program: v.program, r0: v.state === 'exited' ? v.regs[0]!.value : 0n,
    fault: v.fault, packet: v.packet, ctx: v.ctx, clock: v.clock,
    verdicts: v.verdicts.map(x => ({ ...x, step: 0 })),
    trace: v.trace.map(x => ({ ...x, step: 0 })),
    maps: v.maps.map(m => ({
      ...m, changed: false, entries: m.entries.map(e => ({ ...e, writer: 0, changed: false })), records: m.records.map(x => ({ ...x, step: 0 })),
    })),
  };
}

/** Where two values differ first, '' for nowhere. */
function first(a: unknown, b: unknown, path: string): string {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b ? '' : `${path} is ${String(a)}, stepped ${String(b)}`;
  for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const d = first((a as Record<string, unknown>)[k], (b as Record<string, unknown>)[k], `${path}.${k}`);
    if (d !== '') return d;
  }
  return '';
}

export function unhex(s: string): Uint8Array {
  return Uint8Array.from(s.match(/../g) ?? [], b => parseInt(b, 16));
}
