/**
 * The full-speed engine: a module of its own that compiles a program to
 * WebAssembly and runs it in slices. On this thread; a Worker owns one.
 *
 *     const f = await FullSpeed.start(await WebAssembly.compileStreaming(fetch(url)));
 *     f.load(program);                       // frames of skep/wasm/fullspeed
 *     f.begin(input);
 *     const end = f.finish();                // or f.run(fuel) until it has ended
 */
import { Reader, Writer } from '../engine/codec';
import { wasi } from '../engine/wasi';
import { linker, type Maker } from './link';

interface Exports extends Maker {
  _initialize(): void;
  skep_request(n: number): number;
  skep_call(n: number): number;
  skep_reply(): number;
}

/** Kinds of requests: those of wasm/fullspeed. */
const kindRun = 3, kindState = 4, kindRepeat = 5;

/** How a run stands; of `state` those of jit.Status. */
export interface Standing {
  readonly state: 'running' | 'exited' | 'faulted';
  readonly r0: bigint;
  readonly fault: string;
}

const states = ['running', 'exited', 'faulted'] as const;

/** What a run has left: a hash of all memory, and the packet. */
export interface Left { readonly sum: bigint; readonly packet: Uint8Array }

/**
 * Instructions a slice: V8 brings code to its best tier only between calls of
 * it, and nobody hears a pause button meanwhile.
 */
export const slice = 1_000_000;

export class FullSpeed {
  private constructor(private readonly exports: Exports) {}

  static async start(module: WebAssembly.Module, log: (text: string) => void = console.error): Promise<FullSpeed> {
    let exports: Exports | undefined;
    const imports = { wasi_snapshot_preview1: wasi(() => exports!.memory, log), skep: linker(() => exports!) };
    exports = (await WebAssembly.instantiate(module, imports)).exports as unknown as Exports;
    exports._initialize();
    return new FullSpeed(exports);
  }

  /** Loads and compiles a program: a frame of Program.Append. Returns the bytes of its module. */
  load(frame: Uint8Array): number { return this.call(frame).u32(); }

  /** Puts the program at its start: a frame of Input.Append. */
  begin(frame: Uint8Array): void { this.call(frame); }

  /** Goes on for about fuel instructions. */
  run(fuel = slice): Standing {
    const r = this.call(numbered(kindRun, fuel));
    return { state: states[r.u8()]!, r0: r.u64(), fault: r.str() };
  }

  /** Goes on to the end, for at most that many slices. */
  finish(slices = Infinity): Standing {
    let s = this.run();
    for (let n = 1; s.state === 'running' && n < slices; n++) s = this.run();
    return s;
  }

  left(): Left {
    const r = this.call(Uint8Array.of(kindState));
    return { sum: r.u64(), packet: r.bytes() };
  }

  /** Does the run n times more, in the memory as it is: to measure. */
  repeat(n: number): void { this.call(numbered(kindRepeat, n)); }

  private call(frame: Uint8Array): Reader {
    const e = this.exports;
    const at = e.skep_request(frame.length) >>> 0;
    if (at === 0) throw new Error(`full speed: a request of ${frame.length} bytes is too large`);
    new Uint8Array(e.memory.buffer, at, frame.length).set(frame);
    const n = e.skep_call(frame.length) >>> 0;
    // The buffer may be another one now: memory.grow detaches the old.
    const r = new Reader(new Uint8Array(e.memory.buffer, e.skep_reply() >>> 0, n).slice());
    const problem = r.str();
    if (problem !== '') throw new Error(`full speed: ${problem}`);
    return r;
  }
}

/** A frame that says a number. */
function numbered(kind: number, n: number): Uint8Array {
  const w = new Writer();
  w.u8(kind);
  w.u32(n);
  return w.done();
}
