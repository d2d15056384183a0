/**
 * The real engine behind api.ts: turns method calls into frames and frames into
 * values. Long movements are driven from here, a slice at a time, so that a
 * page can show progress, stop them, and use other sessions meanwhile.
 */
import type {
  CPURun, CPUsMoved, CPUTurn, Engine, EngineInfo, Explored, FiringList, HookInfo, Input, Listing, LoadOptions, MapEntry, MapInit, MoveOptions, Packet, Problem, Provenance,
  Result, RunOptions, Session, Source, TypeList, View, Watch,
} from './api';
import { defaultOptions } from './api';
import { Reader, WireError, Writer } from './codec';
import { inWorker, type Transport } from './transport';
import {
  breakpointsCall, cancelCall, checkCall, chooseCall, closeCall, continueCall, cPUOrderCall, cPUSeekCall, cPUStepCall, describeCall, exploreCall, failedId, firingsCall, getFailed, helloCall, hooksCall,
  defineTypeCall, lastWriteCall, listTypesCall, llvmTextCall, loadCall, lookCall, mapEntriesCall, memoryCall, moveCall, outputPcapCall, packetsCall,
  protocolVersion, startCall, startCPUsCall, toPcapCall, type Call, type Moved, type Movement, type WireInput, type WireSource, type WireWatch,
} from './zprotocol';

/** The engine answered that the request makes no sense to it, or that it has a defect. */
export class EngineError extends Error {
  constructor(readonly problem: Problem) { super(problem.message); }
}

/** Downloads and starts the engine in a Worker. Rejects when that fails; see LoadOptions. */
export async function loadEngine(o: LoadOptions = {}): Promise<Engine> {
  const from = performance.now();
  const url = new URL(o.worker ?? 'engine-worker.js', import.meta.url);
  const wasm = new URL(o.wasm ?? 'engine.wasm', o.wasm === undefined ? url : import.meta.url);
  const worker = new Worker(url, { type: 'module', name: 'skep engine' });
  const transport = await inWorker(worker, wasm.href, o.onProgress, o.signal);
  const engine = await connect(transport, () => performance.now() - from);
  o.onProgress?.({ phase: 'ready', loaded: transport.bytes, total: transport.bytes });
  return engine;
}

/** An Engine over a transport; refuses a module of another build. */
export async function connect(transport: Transport, startup: () => number = () => 0): Promise<Engine> {
  const link = new Link(transport);
  const welcome = await link.ask(helloCall, 0, {});
  return new Client(link, {
    version: welcome.version, kernel: welcome.kernel, protocol: protocolVersion, bytes: transport.bytes, startup: startup(),
  });
}

/** Frames of typed messages. */
export class Link {
  private sessions = 0;
  constructor(readonly transport: Transport) {}

  newSession(): number { return ++this.sessions; }

  async ask<Q, A>(call: Call<Q, A>, session: number, q: Q): Promise<A> {
    const w = new Writer();
    w.u8(protocolVersion);
    w.u8(0);
    w.u16(call.id);
    w.u32(session);
    call.encode(w, q);
    const r = new Reader(await this.transport.call(w.done()));
    if (r.u8() !== protocolVersion) throw new WireError('page and engine come from different builds; reload the page');
    r.u8();
    const id = r.u16();
    r.u32();
    if (id === failedId) throw new EngineError(getFailed(r).problem);
    if (id !== call.reply) throw new WireError(`reply ${id} to request ${call.id}, not ${call.reply}`);
    const a = call.decode(r);
    if (r.rest > 0) throw new WireError('bytes left over behind the reply');
    return a;
  }
}

class Client implements Engine {
  constructor(private readonly link: Link, readonly info: EngineInfo) {}

  session(): Session { return new ClientSession(this.link, this.link.newSession()); }
  async check(text: string): Promise<readonly Problem[]> { return (await this.link.ask(checkCall, 0, { text })).problems; }
  async packets(input: Input): Promise<Result<readonly Packet[]>> {
    const a = await this.link.ask(packetsCall, 0, { input: wireInput(input) });
    return a.ok ? { ok: true, value: a.packets, problems: a.problems } : { ok: false, problems: a.problems };
  }
  async toPcap(packets: readonly Uint8Array[]): Promise<Uint8Array> { return (await this.link.ask(toPcapCall, 0, { packets })).bytes; }
  async hooks(): Promise<readonly HookInfo[]> { return (await this.link.ask(hooksCall, 0, {})).hooks; }
  close(): void { this.link.transport.close(); }
}

const noWatch: WireWatch = { kind: 'reg', reg: 0, range: { region: 0, offset: 0, length: 0 } };

/** Slices aim at this many ms: short enough for a pause button, long enough for V8 to use its best tier. */
const sliceTime = 10;

export class ClientSession implements Session {
  options: RunOptions = defaultOptions;
  /** Calls wait for those before them: a movement is several requests, and nothing may come between. */
  private last: Promise<unknown> = Promise.resolve();
  private slice = 20_000;

  constructor(private readonly link: Link, private readonly id: number) {}

  private queue<T>(work: () => Promise<T>): Promise<T> {
    const p = this.last.then(work, work);
    this.last = p.catch(() => {});
    return p;
  }
  /** A message of this session that Session has no method for. */
  ask<Q, A>(call: Call<Q, A>, q: Q): Promise<A> {
    return this.queue(() => this.link.ask(call, this.id, q));
  }

  private async loaded(p: Promise<{ readonly problems: readonly Problem[]; readonly listing: Listing | null }>): Promise<Result<Listing>> {
    const { problems, listing } = await p;
    return listing === null ? { ok: false, problems } : { ok: true, value: listing, problems };
  }
  load(source: Source): Promise<Result<Listing>> { return this.loaded(this.ask(loadCall, { source: wireSource(source) })); }
  choose(program: number): Promise<Result<Listing>> { return this.loaded(this.ask(chooseCall, { program })); }
  listing(program: number): Promise<Result<Listing>> { return this.loaded(this.ask(describeCall, { program })); }
  async llvmText(): Promise<readonly string[]> { return (await this.ask(llvmTextCall, {})).texts; }

  async start(input: Input, options: Partial<RunOptions> = {}, maps: readonly MapInit[] = []): Promise<Result<View>> {
    const a = await this.ask(startCall, { input: wireInput(input), options: { ...defaultOptions, ...options }, maps });
    if (a.view === null) return { ok: false, problems: a.problems };
    this.options = a.options;
    return { ok: true, value: a.view, problems: a.problems };
  }

  private move(movement: Movement, n: number, o: MoveOptions = {}, watch: WireWatch = noWatch): Promise<View> {
    return this.queue(async () => {
      let at = performance.now();
      const next = (a: Promise<Moved>) => a.then(m => {
        const now = performance.now(), took = now - at;
        at = now;
        if (m.view === null) {
          const want = this.slice * sliceTime / Math.max(took, 0.5);
          this.slice = Math.round(Math.min(1_000_000, Math.max(5_000, want, this.slice / 4), this.slice * 4));
        }
        return m;
      });
      let m = await next(this.link.ask(moveCall, this.id, { movement, n: Math.min(0xffffffff, Math.max(0, Math.trunc(n))), watch, slice: this.slice }));
      while (m.view === null) {
        o.onProgress?.({ step: m.step, event: m.event, events: m.events });
        m = await (o.signal?.aborted === true
          ? this.link.ask(cancelCall, this.id, {})
          : next(this.link.ask(continueCall, this.id, { slice: this.slice })));
      }
      return m.view;
    });
  }
  step(n = 1, o?: MoveOptions): Promise<View> { return this.move('step', n, o); }
  back(n = 1, o?: MoveOptions): Promise<View> { return this.move('back', n, o); }
  seek(step: number, o?: MoveOptions): Promise<View> { return this.move('seek', step, o); }
  runTo(pc: number, o?: MoveOptions): Promise<View> { return this.move('runTo', pc, o); }
  stepOver(o?: MoveOptions): Promise<View> { return this.move('stepOver', 0, o); }
  stepOut(o?: MoveOptions): Promise<View> { return this.move('stepOut', 0, o); }
  run(o?: MoveOptions): Promise<View> { return this.move('run', 0, o); }
  runBack(o?: MoveOptions): Promise<View> { return this.move('runBack', 0, o); }
  nextEvent(o?: MoveOptions): Promise<View> { return this.move('nextEvent', 0, o); }
  prevEvent(o?: MoveOptions): Promise<View> { return this.move('prevEvent', 0, o); }
  reset(): Promise<View> { return this.move('reset', 0); }
  measure(o?: MoveOptions): Promise<View> { return this.move('measure', 0, o); }
  nextChange(w: Watch, o?: MoveOptions): Promise<View> { return this.move('nextChange', 0, o, wireWatch(w)); }
  prevChange(w: Watch, o?: MoveOptions): Promise<View> { return this.move('prevChange', 0, o, wireWatch(w)); }

  async view(): Promise<View> {
    const { view } = await this.ask(lookCall, {});
    if (view === null) throw new WireError('no view in the reply to look');
    return view;
  }
  async setBreakpoints(pcs: readonly number[]): Promise<void> { await this.ask(breakpointsCall, { pcs }); }
  async lastWrite(w: Watch): Promise<Provenance> { return (await this.ask(lastWriteCall, { watch: wireWatch(w) })).provenance; }
  types(kernel: boolean, filter: string, from: number, count: number): Promise<TypeList> {
    return this.ask(listTypesCall, { kernel, filter, from, count });
  }
  async defineType(kernel: boolean, type: number): Promise<string> { return (await this.ask(defineTypeCall, { kernel, type })).texts[0] ?? ''; }
  async mapEntries(map: number, from: number, count: number): Promise<readonly MapEntry[]> {
    return (await this.ask(mapEntriesCall, { map, from, count })).entries;
  }
  async memory(region: number): Promise<Uint8Array> { return (await this.ask(memoryCall, { region })).bytes; }
  async outputPcap(o: { readonly dropped?: boolean } = {}): Promise<Uint8Array> {
    return (await this.ask(outputPcapCall, { dropped: o.dropped ?? false })).bytes;
  }
  firings(): Promise<FiringList> { return this.ask(firingsCall, {}); }

  startCPUs(input: Input, options: Partial<RunOptions>, maps: readonly MapInit[], runs: readonly CPURun[]): Promise<CPUsMoved> {
    return this.ask(startCPUsCall, { input: wireInput(input), options: { ...defaultOptions, ...options }, maps, runs });
  }
  cpuStep(cpu: number, n: number): Promise<CPUsMoved> { return this.ask(cPUStepCall, { cpu, n }); }
  cpuSeek(step: number): Promise<CPUsMoved> { return this.ask(cPUSeekCall, { step }); }
  cpuOrder(turns: readonly CPUTurn[]): Promise<CPUsMoved> { return this.ask(cPUOrderCall, { turns }); }
  explore(switches: number, budget: number): Promise<Explored> { return this.ask(exploreCall, { switches, budget }); }

  close(): void { this.ask(closeCall, {}).catch(() => {}); }
}

const noBytes = new Uint8Array();

export function wireInput(i: Input): WireInput {
  return i.kind === 'pcap' ? { kind: i.kind, text: '', bytes: i.bytes } : { kind: i.kind, text: i.text, bytes: noBytes };
}

export function wireSource(s: Source): WireSource {
  if (s.kind === 'asm') return { kind: 'asm', text: s.text, bytes: noBytes, name: '', files: [] };
  const files = Object.entries(s.sources ?? {}).map(([name, text]) => ({ name, text }));
  return { kind: 'object', text: '', bytes: s.bytes, name: s.name ?? '', files };
}

function wireWatch(w: Watch): WireWatch {
  if (w.kind === 'reg') return { ...noWatch, reg: w.reg };
  return { kind: 'memory', reg: 0, range: { region: w.region, offset: w.offset, length: w.length } };
}
