/**
 * The paths as a tree, and each as the whole way from the program's entry: what
 * the views number "A.11", the eleventh instruction on path A.
 */
import type { Path, Trace } from './types';

/** A piece of a whole way: steps first … first+count-1, which begin at n on it. */
interface Piece { readonly path: number; readonly first: number; readonly count: number; readonly n: number }

/** A, B … Z, AA, AB … */
export function pathName(id: number): string {
  let s = '';
  for (let n = id + 1; n > 0; n = Math.floor((n - 1) / 26)) s = String.fromCharCode(65 + (n - 1) % 26) + s;
  return s;
}
export function pathId(name: string): number {
  if (!/^[A-Z]{1,6}$/.test(name)) return -1;
  let n = 0;
  for (const c of name) n = n * 26 + c.charCodeAt(0) - 64;
  return n - 1;
}

/** Steps that are counted by instruction at most. */
export const counted = 20_000;

export class Paths {
  readonly all: readonly Path[];
  readonly children: readonly (readonly number[])[];
  private readonly starts: number[];
  private readonly ways = new Map<number, readonly Piece[]>();

  constructor(readonly trace: Trace) {
    this.all = trace.paths;
    const c: number[][] = this.all.map(() => []);
    for (const p of this.all) if (p.parent >= 0 && p.count > 0) c[p.parent]?.push(p.id);
    for (const list of c) list.sort((a, b) => this.all[a]!.fork - this.all[b]!.fork || a - b);
    this.children = c;
    // Parents come first.
    this.starts = [];
    for (const p of this.all) this.starts.push(p.parent < 0 ? 0 : this.starts[p.parent]! + p.fork - this.all[p.parent]!.first + 1);
  }

  private way(id: number): readonly Piece[] {
    let w = this.ways.get(id);
    if (w !== undefined) return w;
    const rev: { path: number; first: number; count: number }[] = [];
    let p = this.all[id], to = p === undefined ? 0 : p.first + p.count;
    for (let hops = 0; p !== undefined && hops <= this.all.length; hops++) {
      rev.push({ path: p.id, first: p.first, count: Math.max(0, to - p.first) });
      to = p.fork + 1;
      p = this.all[p.parent];
    }
    let n = 0;
    w = rev.reverse().map(x => {
      const y = { ...x, n };
      n += x.count;
      return y;
    });
    if (this.ways.size > 500) this.ways.clear();
    this.ways.set(id, w);
    return w;
  }

  /** Steps from the entry to the end of the path. */
  length(id: number): number { return this.before(id) + (this.all[id]?.count ?? 0); }
  /** Steps of the way before the path's own begin. */
  before(id: number): number { return this.starts[id] ?? 0; }

  /** Step number n of a path; -1 beyond its end. */
  stepAt(id: number, n: number): number {
    const w = this.way(id);
    let lo = 0, hi = w.length - 1;
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if (w[mid]!.n <= n) lo = mid;
      else hi = mid - 1;
    }
    const p = w[lo];
    return p === undefined || n < p.n || n >= p.n + p.count ? -1 : p.first + n - p.n;
  }
  /** The inverse; -1 when the step is not on the path. */
  indexOf(id: number, step: number): number {
    for (const p of this.way(id)) if (step >= p.first && step < p.first + p.count) return p.n + step - p.first;
    return -1;
  }

  /** Paths that branch off at a step. */
  forksAt(step: number): readonly number[] {
    const p = this.all[this.trace.pathOf(step)];
    return p === undefined ? [] : this.children[p.id]!.filter(c => this.all[c]!.fork === step);
  }

  /** The next step of a path (from n, in a direction) at which another branches off; -1. */
  branch(id: number, n: number, by: 1 | -1): number {
    const end = this.length(id);
    for (let i = n + by; i >= 0 && i < end; i += by) {
      const s = this.stepAt(id, i);
      if (this.forks.has(s)) return i;
    }
    return -1;
  }
  private forkSet: ReadonlySet<number> | null = null;
  private get forks(): ReadonlySet<number> { return this.forkSet ??= new Set(this.all.filter(p => p.count > 0).map(p => p.fork)); }

  private passes: Map<number, number[]> | null = null;
  /** Paths that executed an instruction, at most 8 of them each. */
  through(pc: number): readonly number[] {
    if (this.passes === null) {
      this.passes = new Map();
      for (let s = 0; s < Math.min(counted, this.trace.steps); s++) {
        const at = this.trace.pcOf(s), id = this.trace.pathOf(s);
        let list = this.passes.get(at);
        if (list === undefined) this.passes.set(at, list = []);
        if (list.length < 8 && list[list.length - 1] !== id && !list.includes(id)) list.push(id);
      }
    }
    return this.passes.get(pc) ?? [];
  }
  private times: Map<number, number> | null = null;
  /** How often an instruction was processed. */
  count(pc: number): number {
    if (this.times === null) {
      this.times = new Map();
      for (let s = 0; s < Math.min(counted, this.trace.steps); s++) this.times.set(this.trace.pcOf(s), (this.times.get(this.trace.pcOf(s)) ?? 0) + 1);
    }
    return this.times.get(pc) ?? 0;
  }
}
