/** The rows of the path tree: paths below the one they branched off from; many alike become one. */
import type { Paths } from './paths';

export interface TreeRow {
  readonly key: string;
  readonly level: number;
  /** The path, or the first of a group. */
  readonly path: number;
  /** Paths of a group that begin at the same instruction: siblings, or each the child of the one before; the path itself when it is alone. */
  readonly alike: readonly number[];
  readonly opens: boolean;
  readonly open: boolean;
}

/** So many that begin at the same instruction become one row; fewer when the tree is large. */
const few = 6, large = 2000, levels = 60;

/** A row to be made: a path, or a group of them. */
interface Next { readonly path: number; readonly level: number; readonly group: readonly number[] | null }

export function rowsOf(p: Paths, opened: ReadonlySet<string>, closed: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [], many = p.all.length > large ? 2 : few;
  /** Children that stand beside their parent, in the row of a chain. */
  const lifted = new Set<number>();
  // Depth first without recursion: a loop may nest thousands of paths.
  const stack: Next[] = [{ path: 0, level: 1, group: null }];
  for (let x = stack.pop(); x !== undefined; x = stack.pop()) {
    if (x.group !== null) {
      const key = `${p.all[x.path]!.parent}@${p.all[x.path]!.start}`, open = opened.has(key);
      rows.push({ key, level: x.level, path: x.path, alike: x.group, opens: true, open });
      if (open) for (const path of [...x.group].reverse()) stack.push({ path, level: x.level + 1, group: null });
      continue;
    }
    const kids = (p.children[x.path] ?? []).filter(k => !lifted.has(k)), key = String(x.path), open = kids.length > 0 && !closed.has(key) && (x.level < levels || opened.has(key));
    rows.push({ key, level: x.level, path: x.path, alike: [x.path], opens: kids.length > 0, open });
    if (!open) continue;
    const byStart = new Map<number, number[]>();
    for (const k of kids) {
      const s = p.all[k]!.start, list = byStart.get(s);
      if (list === undefined) byStart.set(s, [k]);
      else list.push(k);
    }
    const next: Next[] = [];
    for (const list of byStart.values()) {
      const group = list.length > 1 ? list : chain(p, list[0]!);
      if (group.length <= many) next.push(...list.map(path => ({ path, level: x.level + 1, group: null })));
      else {
        if (list.length === 1) for (const k of group.slice(1)) lifted.add(k);
        next.push({ path: group[0]!, level: x.level + 1, group });
      }
    }
    next.sort((a, b) => p.all[b.path]!.fork - p.all[a.path]!.fork || b.path - a.path);
    stack.push(...next);
  }
  return rows;
}

/** A path and those that branched off each from the one before, to go on where it began. */
function chain(p: Paths, first: number): number[] {
  const out = [first], start = p.all[first]!.start;
  for (let k: number | undefined = first; k !== undefined;) {
    k = p.children[k]!.find(c => p.all[c]!.start === start);
    if (k !== undefined) out.push(k);
  }
  return out;
}
