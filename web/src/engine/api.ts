/**
 * The engine as the page sees it: a promise-based client of the Go engine that
 * runs as WebAssembly in a Worker. No method throws for what a student typed:
 * mistakes come back as values (`Result`), with a place and a hint. A rejected
 * promise means that the engine itself is gone (Worker died, download failed).
 *
 * One `Engine` (one Worker, one module) serves any number of `Session`s: one
 * for each `<skep-play>` on the page. Calls of one session are answered in order.
 *
 * ## Steps
 * A step number is global over a run, which is a list of events (packets):
 * step 0 is "packet 0 has arrived, nothing executed yet"; each executed
 * instruction adds one; after the `exit` of packet k, one more step is
 * "packet k+1 has arrived". So every number names exactly one state of
 * the whole machine, the slider runs over 0..total, and a link may hold it.
 *
 * ## Where is a byte
 * All memory a program can see is an arena of regions ("stack of frame 0",
 * "packet", "value 3 of map counts"). `View.regions` lists those that exist at
 * this step; a place is a region id and an offset in it. An id is stable while
 * the region lives; that of a deleted map value may come back for another one.
 *
 * Read next: fake.ts (a canned engine to develop against), client.ts, worker.ts.
 */

import type {
  CPURun, CPUsMoved, CPUTurn, Explored, FiringList, HookInfo, Listing, MapEntry, MapInit, Packet, Problem, Provenance, RunOptions, TypeList, View,
} from './zprotocol';

/** What panes show. Described once, in wasm/protocol/schema; see zprotocol.ts for each field. */
export type {
  CPUAccess, CPURun, CPUsMoved, CPUsView, CPUTurn, CPUView, CtxField, EventResult, Explored, Fault, Firing, FiringList, Flow, Frame, FuncInfo, HelperArg, HelperCall, HookInfo, Insn, Listing, MapEntry, MapInfo, MapInit,
  LRUSlot, MapView, Narration, Packet, PacketField, PacketView, Problem, ProgramInfo, Provenance, Range, Reg, Region, RegionKind, RegKind,
  RingRecord, RingView, RunOptions, SourceLine, State, StopReason, TimerView, Tone, TraceLine, TrieNode, TypeList, TypeRow, Verdict, View,
} from './zprotocol';

/** A value, or the reasons why there is none. `problems` of a success are warnings. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface EngineInfo {
  /** Version of the Go engine, e.g. "0.1.0". */
  readonly version: string;
  /** Protocol version; client and module must agree, loadEngine checks it. */
  readonly protocol: number;
  /** Size of engine.wasm as compiled (uncompressed bytes). */
  readonly bytes: number;
  /** Reference kernel of helpers and program types, "6.12". */
  readonly kernel: string;
  /** From the first byte requested to the engine answering, in ms. */
  readonly startup: number;
}

export interface LoadProgress {
  readonly phase: 'download' | 'compile' | 'start' | 'ready';
  /** Bytes received; `total` is 0 when the server did not say (compressed transfer). */
  readonly loaded: number;
  readonly total: number;
}

export interface LoadOptions {
  /** engine.wasm; default: beside the worker script, so a subfolder works. */
  readonly wasm?: string | URL;
  /** The bundled worker.ts; default: `engine-worker.js` beside the page's bundle (import.meta.url). */
  readonly worker?: string | URL;
  readonly onProgress?: (p: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

// ---------------------------------------------------------------- program in

/** eBPF assembly text in any of the dialects vm/asm reads. */
export interface AsmSource { readonly kind: 'asm'; readonly text: string }
/** An ELF object as clang -target bpf writes it. */
export interface ObjectSource {
  readonly kind: 'object';
  readonly bytes: Uint8Array;
  /** Shown in the page, e.g. "drop_ping.bpf.o". */
  readonly name?: string;
  /** The C text by file name, when the page has it (compiled here); completes source lines. */
  readonly sources?: Readonly<Record<string, string>>;
}
export type Source = AsmSource | ObjectSource;

// ---------------------------------------------------------------- packets in

/** The packet language of vm/packet, one packet a line: `eth / ipv4(ttl=3) / udp(dport=53) / "hello"`. */
export interface TextInput { readonly kind: 'text'; readonly text: string }
/** Plain hex, white space and # comments ignored, an empty line separates packets. */
export interface HexInput { readonly kind: 'hex'; readonly text: string }
/** A pcap or pcapng file. */
export interface PcapInput { readonly kind: 'pcap'; readonly bytes: Uint8Array }
/** The event language of vm/world, one event a line: `exec uid=1000 path=/bin/true`. */
export interface EventsInput { readonly kind: 'events'; readonly text: string }
export type Input = TextInput | HexInput | PcapInput | EventsInput;

// ---------------------------------------------------------------- a run

export const defaultOptions: RunOptions = {
  hook: '', seed: 1n, clock: 1_000_000_000n, cpus: 2, cpu: 0, ifindex: 1, rxQueue: 0, budget: 1_000_000,
};

/** Something whose changes can be watched and whose last writer can be asked for. */
export type Watch =
  | { readonly kind: 'reg'; readonly reg: number }
  | { readonly kind: 'memory'; readonly region: number; readonly offset: number; readonly length: number };

export interface RunProgress { readonly step: number; readonly event: number; readonly events: number }

export interface MoveOptions {
  /** Aborting stops at the next slice (about 10 ms); the view tells where. */
  readonly signal?: AbortSignal;
  /** Called after each slice of a long movement. */
  readonly onProgress?: (p: RunProgress) => void;
}

/** One program with one input: the model behind one `<skep-play>`. */
export interface Session {
  /** Load a program. On success earlier input and options are forgotten: call start next. */
  load(source: Source): Promise<Result<Listing>>;
  /** Another program of the loaded object, by index into Listing.programs. */
  choose(program: number): Promise<Result<Listing>>;
  /** The listing of another program without choosing it: what a tail call went to (View.program). */
  listing(program: number): Promise<Result<Listing>>;
  /** Instruction texts in llvm-objdump's dialect, parallel to Listing.insns. */
  llvmText(): Promise<readonly string[]>;
  /**
   * Set packets and options, fresh maps with the entries that user space would have put there; the
   * machine is at step 0. Breakpoints stay.
   */
  start(input: Input, options?: Partial<RunOptions>, maps?: readonly MapInit[]): Promise<Result<View>>;
  /** The options in force (hook resolved). */
  readonly options: RunOptions;

  /** n executed instructions further (or back); stops early at the ends, at a fault, at cancel. */
  step(n?: number, o?: MoveOptions): Promise<View>;
  back(n?: number, o?: MoveOptions): Promise<View>;
  /** To any step number; beyond the end stops at the end. */
  seek(step: number, o?: MoveOptions): Promise<View>;
  /** Forward until the next instruction is `pc` (or a breakpoint, or the end). */
  runTo(pc: number, o?: MoveOptions): Promise<View>;
  /** Over a bpf-to-bpf call; else a step. */
  stepOver(o?: MoveOptions): Promise<View>;
  /** Until the current function has returned. */
  stepOut(o?: MoveOptions): Promise<View>;
  /** To the next breakpoint, or the end of all events. */
  run(o?: MoveOptions): Promise<View>;
  /** Backwards to the previous breakpoint, or step 0. */
  runBack(o?: MoveOptions): Promise<View>;
  /** To the arrival of the next packet (from the last: to the end). */
  nextEvent(o?: MoveOptions): Promise<View>;
  /** To the arrival of this packet, or of the one before when already there. */
  prevEvent(o?: MoveOptions): Promise<View>;
  /** Fresh maps, step 0. */
  reset(): Promise<View>;
  /** Executes ahead to learn `total` and comes back to the current step: call it once after start. */
  measure(o?: MoveOptions): Promise<View>;
  /** The present view again (after a reload of a pane). */
  view(): Promise<View>;

  /** Replaces all breakpoints (slots). Kept over start and reset; load forgets them. */
  setBreakpoints(pcs: readonly number[]): Promise<void>;

  /** Who gave this its present value. */
  lastWrite(w: Watch): Promise<Provenance>;
  /** Move to the next (previous) step at which the watched value changes. */
  nextChange(w: Watch, o?: MoveOptions): Promise<View>;
  prevChange(w: Watch, o?: MoveOptions): Promise<View>;

  /** Entries of a map beyond the first 64. */
  mapEntries(map: number, from: number, count: number): Promise<readonly MapEntry[]>;
  /** Bytes of any region. */
  memory(region: number): Promise<Uint8Array>;
  /** The packets as they left the program (dropped ones too, or not), as a pcap file. */
  outputPcap(o?: { readonly dropped?: boolean }): Promise<Uint8Array>;

  /** Types whose name has the filter in it, of the object or of the kernel that programs run on. */
  types(kernel: boolean, filter: string, from: number, count: number): Promise<TypeList>;
  /** A type's definition in C, with the offsets of its members; '' when there is none of that id. */
  defineType(kernel: boolean, id: number): Promise<string>;

  /** What the events of an EventsInput ran so far, and what came of them; empty for packets. */
  firings(): Promise<FiringList>;

  /**
   * Runs in flight on several CPUs: a machine beside the run, in which an order says whose
   * instruction is next. Its steps count the instructions of all CPUs together.
   */
  startCPUs(input: Input, options: Partial<RunOptions>, maps: readonly MapInit[], runs: readonly CPURun[]): Promise<CPUsMoved>;
  cpuStep(cpu: number, n: number): Promise<CPUsMoved>;
  cpuSeek(step: number): Promise<CPUsMoved>;
  cpuOrder(turns: readonly CPUTurn[]): Promise<CPUsMoved>;
  /** Looks for an order whose outcome no serial order has; call again while not done. */
  explore(switches: number, budget: number): Promise<Explored>;

  /** Frees the engine's memory of this session. */
  close(): void;
}

export interface Engine {
  readonly info: EngineInfo;
  session(): Session;
  /** Diagnostics only, for a keystroke; empty = fine. */
  check(text: string): Promise<readonly Problem[]>;
  /** Decode an input without running it: the packet list of the input pane. */
  packets(input: Input): Promise<Result<readonly Packet[]>>;
  /** Packets to a pcap file. */
  toPcap(packets: readonly Uint8Array[]): Promise<Uint8Array>;
  hooks(): Promise<readonly HookInfo[]>;
  /** Stops the Worker; outstanding promises reject. */
  close(): void;
}

// ---------------------------------------------------------------- links

/** What a URL fragment holds. `encodeLink`/`decodeLink` are in link.ts and need no engine. */
export interface LinkState {
  readonly program:
    | { readonly kind: 'asm'; readonly text: string }
    | { readonly kind: 'c'; readonly text: string }
    | { readonly kind: 'object'; readonly bytes: Uint8Array; readonly name: string }
    | { readonly kind: 'gallery'; readonly id: string };
  /** Program of the object by name; "" = the first. */
  readonly entry: string;
  /** null = the gallery item's own input. */
  readonly input: Input | null;
  readonly options: Partial<RunOptions>;
  /** Map entries there before the first packet. */
  readonly maps: readonly MapInit[];
  readonly step: number;
  readonly breakpoints: readonly number[];
  /** Opaque to the engine: "mode=run;pane=stack;theme=dark". */
  readonly view: string;
}
