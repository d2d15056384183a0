/**
 * WebAssembly on behalf of a module that makes WebAssembly: the imports of
 * `skep` by which it has code compiled and called (wasm/link).
 */

/** What the code of a program is linked to. */
export interface Maker {
  readonly memory: WebAssembly.Memory;
  skep_host(op: number): number;
  skep_reach(op: number, info: number): number;
}

type Entry = () => number;
/** Calls an entry up to n times, each time with the registers at `regs` in the context at `ctx`: how many are left. */
type Loop = (n: number, ctx: number, regs: number) => number;

/** Returned for a trap: no entry returns it. */
const trapped = -1;

/** `maker` is asked once there is something to link. */
export function linker(maker: () => Maker): WebAssembly.ModuleImports {
  const linked = new Map<number, Entry[]>();
  const loops = new WeakMap<Entry, Loop>();
  let last = 0;
  return {
    link: (at: number, n: number): number => {
      const { memory, skep_host: host, skep_reach: reach } = maker();
      try {
        const module = new WebAssembly.Module(new Uint8Array(memory.buffer, at >>> 0, n >>> 0));
        const { exports } = new WebAssembly.Instance(module, { m: { memory }, h: { host, reach } });
        const entries: Entry[] = [];
        for (let i = 0; `e${i}` in exports; i++) entries.push(exports[`e${i}`] as Entry);
        linked.set(++last, entries);
        return last;
      } catch (e) {
        console.error(e);
        return 0;
      }
    },
    call: (module: number, entry: number): number => {
      try {
        return linked.get(module)![entry]!();
      } catch (e) {
        if (e instanceof WebAssembly.RuntimeError) return trapped;
        throw e;
      }
    },
    repeat: (module: number, entry: number, n: number, ctx: number, regs: number): number => {
      try {
        const f = linked.get(module)![entry]!;
        let loop = loops.get(f);
        if (loop === undefined) {
          loopCode ??= new WebAssembly.Module(loopModule());
          loop = new WebAssembly.Instance(loopCode, { m: { memory: maker().memory }, e: { f } }).exports['r'] as Loop;
          loops.set(f, loop);
        }
        return loop(n, ctx, regs) | 0;
      } catch (e) {
        if (e instanceof WebAssembly.RuntimeError) return trapped;
        throw e;
      }
    },
    unlink: (module: number): void => { linked.delete(module); },
    now: (): number => performance.now(),
  };
}

let loopCode: WebAssembly.Module | undefined;

/**
 * The module of a Loop, which calls what it imports without JavaScript between:
 *
 *     do {
 *       context.r0 to r10 = those at regs; context.loops = 0;
 *       if (f() !== 0) return n;
 *     } while (--n !== 0);
 *     return 0;
 */
function loopModule(): Uint8Array<ArrayBuffer> {
  const name = (s: string) => [s.length, ...s].map(c => typeof c === 'number' ? c : c.charCodeAt(0));
  const section = (id: number, ...body: number[]) => [id, ...leb(body.length), ...body];
  const i32 = 0x7f, n = [0x20, 0], ctx = [0x20, 1], regs = [0x20, 2]; // local.get
  const copies = Array.from({ length: 11 }, (_, r) => [...ctx, ...regs, 0x29, 3, 8 * r, 0x37, 3, 8 * r]).flat(); // i64.load, i64.store
  const loops = [...ctx, 0x41, 0, 0x36, 2, 100]; // i32.const 0, i32.store: CtxLoops of jit/wasm
  const left = [0x10, 0, 0x04, 0x40, ...n, 0x0f, 0x0b]; // call f, if, return n, end
  const again = [...n, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0]; // n - 1, local.tee, br_if loop
  const code = [0, 0x03, 0x40, ...copies, ...loops, ...left, ...again, 0x0b, 0x41, 0, 0x0b]; // no locals, loop ... end, 0, end
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, 2, 0x60, 0, 1, i32, 0x60, 3, i32, i32, i32, 1, i32),
    ...section(2, 2, ...name('m'), ...name('memory'), 2, 0, 1, ...name('e'), ...name('f'), 0, 0),
    ...section(3, 1, 1),
    ...section(7, 1, ...name('r'), 0, 1),
    ...section(10, 1, ...leb(code.length), ...code),
  ]);
}

const leb = (n: number): number[] => n < 128 ? [n] : [n & 127 | 128, ...leb(n >> 7)];
