/**
 * One instance of the engine module: frames in, frames out, on this thread.
 * The Worker owns one; tests in node use it directly.
 */
import { linker, type Maker } from '../jit/link';
import { wasi } from './wasi';

/** Of a module that compiles programs also what their code is linked to. */
interface Exports extends Maker {
  _initialize(): void;
  /** Room for a request of n bytes: its address. */
  skep_request(n: number): number;
  /** Answers the request of n bytes: the length of the reply, at skep_reply(). */
  skep_call(n: number): number;
  skep_reply(): number;
}

export class Host {
  private constructor(private readonly exports: Exports) {}

  static async start(module: WebAssembly.Module, log: (text: string) => void = console.error): Promise<Host> {
    let exports: Exports | undefined;
    const imports = { wasi_snapshot_preview1: wasi(() => exports!.memory, log), skep: linker(() => exports!) };
    exports = (await WebAssembly.instantiate(module, imports)).exports as unknown as Exports;
    exports._initialize();
    return new Host(exports);
  }

  /** Bytes of linear memory in use: never shrinks. */
  get memoryBytes(): number { return this.exports.memory.buffer.byteLength; }

  /** One request, one reply; the reply is a copy outside of linear memory, fit to be transferred. */
  call(frame: Uint8Array): Uint8Array<ArrayBuffer> {
    const at = this.exports.skep_request(frame.length) >>> 0;
    if (at === 0) throw new Error(`engine: a request of ${frame.length} bytes is too large`);
    new Uint8Array(this.exports.memory.buffer, at, frame.length).set(frame);
    const n = this.exports.skep_call(frame.length) >>> 0;
    // The buffer may be another one now: memory.grow detaches the old.
    const reply = this.exports.skep_reply() >>> 0;
    return new Uint8Array(this.exports.memory.buffer, reply, n).slice();
  }
}
