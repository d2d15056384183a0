/**
 * WebAssembly on behalf of a module that makes WebAssembly: the three imports
 * of `skep` by which the full-speed engine has code compiled and called.
 */

/** What the code of a program is linked to. */
export interface Maker {
  readonly memory: WebAssembly.Memory;
  skep_host(op: number): number;
  skep_reach(op: number, info: number): number;
}

type Entry = () => number;

/** Returned for a trap: no entry returns it. */
const trapped = -1;

/** `maker` is asked once there is something to link. */
export function linker(maker: () => Maker): WebAssembly.ModuleImports {
  const linked = new Map<number, Entry[]>();
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
    unlink: (module: number): void => { linked.delete(module); },
  };
}
