/** Where a value comes from: the chain of changes that made it, across spills, calls and linked registers. */
import type { Loc } from './state';
import type { Trace } from './trace';
import type { Change } from './zrecord';

/** A link of the chain, the youngest first. */
export interface Origin {
  readonly step: number;
  readonly change: Change;
  /** The step is the first of a path, and the change was made by the one that queued it. */
  readonly arrived: boolean;
  /** How deep: 0 is the place asked for; what it came from is 1 deeper. */
  readonly depth: number;
  /** Index in the list of the link that asks for this one, -1 for the first. */
  readonly of: number;
}

/** How far back a change is looked for. */
const patience = 200_000;

interface Found {
  readonly step: number;
  readonly change: Change;
  readonly arrived: boolean;
}

/** Changes that keep the old value as a part of the new one: what was there before is an origin too. */
const refines = new Set<Change['reason']>(['alu', 'branchTrue', 'branchFalse', 'link', 'null', 'notNull', 'packet', 'tie', 'store']);

/** The last change of a place at or before a step, marks aside. */
function last(t: Trace, index: number, loc: Loc, when: 'before' | 'after'): Found | null {
  let fresh = when === 'after';
  for (let i = index, n = 0; i >= 0 && n < patience; n++) {
    const s = t.step(i);
    if (s === null) return null;
    const own = fresh ? s.changes.find(c => c.loc === loc && c.reason !== 'mark') : undefined;
    if (own !== undefined) return { step: i, change: own, arrived: false };
    const set = s.set.find(c => c.loc === loc);
    if (set !== undefined) return { step: i, change: set, arrived: true };
    const came = s.arrived.find(c => c.loc === loc && c.reason !== 'mark');
    if (came !== undefined) return { step: i, change: came, arrived: true };
    // A path goes on from the state before the step that queued it.
    fresh = t.paths[s.path]!.first !== i;
    i = t.previous(i);
  }
  return null;
}

export function origins(t: Trace, index: number, loc: Loc, when: 'before' | 'after', limit: number): readonly Origin[] {
  const out: Origin[] = [];
  const seen = new Set<string>();
  const asks: { readonly index: number; readonly loc: Loc; readonly when: 'before' | 'after'; readonly depth: number; readonly of: number }[] = [{ index, loc, when, depth: 0, of: -1 }];
  for (let a = asks.shift(); a !== undefined && out.length < limit; a = asks.shift()) {
    const f = last(t, a.index, a.loc, a.when);
    if (f === null) continue;
    const key = `${f.step}.${f.change.loc}.${f.arrived}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const of = out.push({ ...f, depth: a.depth, of: a.of }) - 1;
    // The operands are those before the instruction, which is that of the
    // parent when the change came with the path.
    const parent = t.paths[t.pathOf(f.step)]!;
    const at = f.arrived ? parent.parent < 0 ? -1 : parent.at : f.step;
    if (at < 0 || f.change.reason === 'whatIf') continue;
    const next = [...f.change.from];
    if (refines.has(f.change.reason) && !next.includes(f.change.loc)) next.unshift(f.change.loc);
    for (const loc of next) asks.push({ index: at, loc, when: 'before', depth: a.depth + 1, of });
  }
  return out;
}
