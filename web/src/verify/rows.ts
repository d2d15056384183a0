/** The rows of the path tree: paths below the one they branched off from; many alike become one. */
import type { Paths } from './paths';

export interface TreeRow {
  readonly key: string;
  readonly level: number;
  /** The path, or the first of a group. */
  readonly path: number;
  /** Paths of a group that begin at the same instruction; 1 for a single one. */
  readonly alike: readonly number[];
  readonly opens: boolean;
  readonly open: boolean;
}

/** So many siblings that begin at the same instruction become one row; fewer when the tree is large. */
const few = 6, large = 2000, levels = 60;

export function rowsOf(p: Paths, opened: ReadonlySet<string>, closed: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [], many = p.all.length > large ? 2 : few;
  const stack: { path: number; level: number }[] = [{ path: 0, level: 1 }];
  // Depth first without recursion: a loop may nest thousands of paths.
  const push = (path: number, level: number) => stack.push({ path, level });
  const groups: { key: string; level: number; paths: readonly number[] }[] = [];
  while (stack.length > 0 || groups.length > 0) {
    const x = stack.pop();
    if (x === undefined) break;
    if (x.path < 0) { // a group that was put aside
      const g = groups[-x.path - 1]!, open = opened.has(g.key);
      rows.push({ key: g.key, level: g.level, path: g.paths[0]!, alike: g.paths, opens: true, open });
      if (open) for (const c of [...g.paths].reverse()) push(c, g.level + 1);
      continue;
    }
    const kids = p.children[x.path] ?? [], key = String(x.path), open = kids.length > 0 && !closed.has(key) && (x.level < levels || opened.has(key));
    rows.push({ key, level: x.level, path: x.path, alike: [x.path], opens: kids.length > 0, open });
    if (!open) continue;
    const bySt = new Map<number, number[]>();
    for (const k of kids) {
      const s = p.all[k]!.start, list = bySt.get(s);
      if (list === undefined) bySt.set(s, [k]);
      else list.push(k);
    }
    const next: number[] = [];
    for (const [start, list] of bySt) {
      if (list.length <= many) next.push(...list);
      else {
        groups.push({ key: `${x.path}@${start}`, level: x.level + 1, paths: list });
        next.push(-groups.length);
      }
    }
    const order = (k: number) => (k < 0 ? groups[-k - 1]!.paths[0]! : k);
    next.sort((a, b) => p.all[order(b)]!.fork - p.all[order(a)]!.fork || order(b) - order(a));
    for (const k of next) push(k, x.level + 1);
  }
  return rows;
}
