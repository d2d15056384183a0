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

/** A module of a program; those that were made for a run that goes on have no `repeat`. */
interface Linked {
  readonly entries: readonly Entry[];
  /** Calls entry 0 up to n times, each time with the registers that a run begins with: how many are left. */
  readonly repeat: ((n: number) => number) | undefined;
}

/** Returned for a trap: no entry returns it. */
const trapped = -1;

/** Of jit/wasm/context.go: passes of may_goto, and the last lookup that found nothing. */
const ctxLoops = 100, ctxNull = 128, registers = 88;

/** `maker` is asked once there is something to link. */
export function linker(maker: () => Maker): WebAssembly.ModuleImports {
  const linked = new Map<number, Linked>();
  let last = 0;
  /** As `repeat` of a module, for those without. */
  const again = (entry: Entry, n: number, ctx: number, regs: number): number => {
    for (; n > 0; n--) {
      const { buffer } = maker().memory; // another one when it has grown
      new Uint8Array(buffer, ctx >>> 0, registers).set(new Uint8Array(buffer, regs >>> 0, registers));
      const context = new DataView(buffer, ctx >>> 0);
      context.setUint32(ctxLoops, 0, true);
      context.setUint32(ctxNull, 0, true);
      if (entry() !== 0) return n;
    }
    return 0;
  };
  return {
    link: (at: number, n: number): number => {
      const { memory, skep_host: host, skep_reach: reach } = maker();
      try {
        const module = new WebAssembly.Module(new Uint8Array(memory.buffer, at >>> 0, n >>> 0));
        const { exports } = new WebAssembly.Instance(module, { m: { memory }, h: { host, reach } });
        const entries: Entry[] = [];
        for (let i = 0; `e${i}` in exports; i++) entries.push(exports[`e${i}`] as Entry);
        linked.set(++last, { entries, repeat: exports['repeat'] as Linked['repeat'] });
        return last;
      } catch (e) {
        console.error(e);
        return 0;
      }
    },
    call: (module: number, entry: number): number => {
      try {
        return linked.get(module)!.entries[entry]!();
      } catch (e) {
        return trap(e);
      }
    },
    repeat: (module: number, entry: number, n: number, ctx: number, regs: number): number => {
      try {
        const { entries, repeat } = linked.get(module)!;
        return entry === 0 && repeat !== undefined ? repeat(n) : again(entries[entry]!, n, ctx, regs);
      } catch (e) {
        return trap(e);
      }
    },
    unlink: (module: number): void => { linked.delete(module); },
    now: (): number => performance.now(),
  };
}

function trap(e: unknown): number {
  if (e instanceof WebAssembly.RuntimeError) return trapped;
  throw e;
}
