/**
 * The functions of wasi_snapshot_preview1 that Go reactors import: the engine
 * ten, the verifier four more, that with the disassemblers one more.
 * There are no files or arguments, and one variable, see `environment`; what
 * the Go run time writes to stdout and stderr (a crash's stack) goes to `log`.
 */

const ESUCCESS = 0, EBADF = 8, ENOTSUP = 58;
const CLOCK_REALTIME = 0;
const EVENTTYPE_CLOCK = 0;

/**
 * A module never gives memory back, and the page holds a trace beside it: from
 * here on the collector works more often rather than let the heap double.
 */
const environment = new TextEncoder().encode('GOMEMLIMIT=80MiB\0');

/** Thrown by proc_exit: the Go run time has given up (a panic nobody caught). */
export class Exit extends Error {
  constructor(readonly code: number) { super(`engine exited with code ${code}`); }
}

export function wasi(memory: () => WebAssembly.Memory, log: (text: string) => void): WebAssembly.ModuleImports {
  const view = () => new DataView(memory().buffer);
  const none = (count: number, size: number) => {
    const v = view();
    v.setUint32(count, 0, true);
    v.setUint32(size, 0, true);
    return ESUCCESS;
  };
  const decoder = new TextDecoder();
  return {
    sched_yield: () => ESUCCESS,
    proc_exit: (code: number) => { throw new Exit(code); },
    args_get: () => ESUCCESS,
    args_sizes_get: none,
    environ_get: (list: number, at: number) => {
      view().setUint32(list, at, true);
      new Uint8Array(memory().buffer, at).set(environment);
      return ESUCCESS;
    },
    environ_sizes_get: (count: number, size: number) => {
      const v = view();
      v.setUint32(count, 1, true);
      v.setUint32(size, environment.length, true);
      return ESUCCESS;
    },

    clock_time_get: (clock: number, _precision: bigint, out: number) => {
      const ms = clock === CLOCK_REALTIME ? Date.now() : performance.now();
      view().setBigUint64(out, BigInt(Math.round(ms * 1e6)), true);
      return ESUCCESS;
    },

    fd_write: (fd: number, iovs: number, n: number, written: number) => {
      if (fd !== 1 && fd !== 2) return EBADF;
      const v = view();
      let total = 0, text = '';
      for (let i = 0; i < n; i++) {
        const at = v.getUint32(iovs + 8 * i, true), len = v.getUint32(iovs + 8 * i + 4, true);
        text += decoder.decode(new Uint8Array(v.buffer, at, len));
        total += len;
      }
      v.setUint32(written, total, true);
      log(text);
      return ESUCCESS;
    },

    // The verifier's module has package time, and that has package syscall,
    // which looks for open folders when it starts. There are none.
    fd_fdstat_get: () => EBADF,
    fd_fdstat_set_flags: () => EBADF,
    fd_prestat_get: () => EBADF,
    fd_prestat_dir_name: () => EBADF,
    // Package os, which the disassemblers bring through fmt.
    fd_close: () => EBADF,

    random_get: (at: number, n: number) => {
      // getRandomValues takes at most 65536 bytes at a time.
      for (let i = 0; i < n; i += 65536) {
        crypto.getRandomValues(new Uint8Array(memory().buffer, at + i, Math.min(65536, n - i)));
      }
      return ESUCCESS;
    },

    // Only ever asked to sleep until a timer; a Worker cannot block, so the
    // timer counts as expired and the scheduler looks again.
    poll_oneoff: (subs: number, events: number, n: number, count: number) => {
      const v = view();
      let done = 0;
      for (let i = 0; i < n; i++) {
        const s = subs + 48 * i;
        if (v.getUint8(s + 8) !== EVENTTYPE_CLOCK) continue;
        const e = events + 32 * done++;
        v.setBigUint64(e, v.getBigUint64(s, true), true); // user data
        v.setUint16(e + 8, ESUCCESS, true);
        v.setUint8(e + 10, EVENTTYPE_CLOCK);
      }
      v.setUint32(count, done, true);
      return done > 0 ? ESUCCESS : ENOTSUP;
    },
  };
}
