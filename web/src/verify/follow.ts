/**
 * Which steps of the verifier a concrete run follows. The run's instructions
 * since its packet arrived are walked over the paths: on, to the other side of
 * a branch, or into the state that covered the path.
 */
import type { Reg as Concrete, Session, View } from '../engine/api';
import type { Stage } from '../model/stage';
import { sourceOf } from '../model/program';
import type { Paths } from './paths';
import type { Bounds, State, Trace } from './types';

export interface Spot { readonly path: number; readonly n: number }

/** Instructions of one packet that are followed at most. */
const most = 4096;

/** A concrete value lies in what is known of it. */
export function inside(v: bigint, b: Bounds): boolean {
  const u = BigInt.asUintN(64, v), s = BigInt.asIntN(64, v), u32 = BigInt.asUintN(32, v), s32 = BigInt.asIntN(32, v);
  return u >= b.umin && u <= b.umax && s >= b.smin && s <= b.smax && u32 >= b.u32min && u32 <= b.u32max && s32 >= b.s32min && s32 <= b.s32max
    && ((u ^ b.bits.value) & ~b.bits.mask & ((1n << 64n) - 1n)) === 0n;
}

/** All that the run holds lies in what the state allows. */
export function allows(s: State | null, regs: readonly Concrete[]): boolean {
  const f = s?.frames.at(-1);
  return f !== undefined && f.regs.every((r, i) => {
    const c = regs[i];
    if (c === undefined || r.kind === 'unset') return true;
    if (r.kind === 'scalar') return c.kind !== 'scalar' || inside(c.value, r.bounds);
    if (r.orNull) return true;
    return c.kind !== 'scalar' || c.value !== 0n;
  });
}

interface Seen { readonly session: Session; readonly of: unknown; event: number; first: number; readonly views: View[] }
const seen = new WeakMap<Stage, Seen>();

/** The run's spot, or words that say why there is none. */
export async function follow(stage: Stage, trace: Trace, paths: Paths): Promise<Spot | string> {
  const m = stage.model, now = m.view!;
  if (now.step - now.eventStep > most) return `This packet has run for more than ${most} instructions; the verifier's state is shown again from the next packet on.`;
  const views = await history(stage, now);
  if (views === null) return 'The run cannot be followed.';
  let path = 0, n = 0;
  for (let i = 1; i < views.length; i++) {
    const v = views[i]!;
    if (v.state === 'exited' || v.state === 'faulted') break;
    const to = next(trace, paths, path, n, v);
    if (to === null) return 'The run is at a place that the verifier did not walk to.';
    ({ path, n } = to);
  }
  return { path, n };
}

function next(trace: Trace, paths: Paths, path: number, n: number, v: View): Spot | null {
  const step = paths.stepAt(path, n);
  const spots: Spot[] = [];
  if (n + 1 < paths.length(path)) spots.push({ path, n: n + 1 });
  for (const f of paths.forksAt(step)) spots.push({ path: f, n: paths.before(f) });
  for (const s of spots) {
    const landed = landing(trace, paths, s, v);
    if (landed !== null) return landed;
  }
  return null;
}

/** Where a spot leads for a run that is at an instruction: itself, or the state that covers it. */
function landing(trace: Trace, paths: Paths, s: Spot, v: View): Spot | null {
  if (trace.pcOf(paths.stepAt(s.path, s.n)) !== v.pc) return null;
  const p = trace.paths[s.path]!;
  if (p.end !== 'covered' || s.n + 1 < paths.length(s.path)) return s;
  if (p.by >= 0) return at(trace, paths, p.by);
  const dropped = p.first + p.count - 1;
  for (let i = 0; i < trace.steps; i++) if (i !== dropped && trace.pcOf(i) === v.pc && allows(trace.state(i), v.regs)) return at(trace, paths, i);
  return s;
}
function at(trace: Trace, paths: Paths, step: number): Spot {
  const path = trace.pathOf(step);
  return { path, n: paths.indexOf(path, step) };
}

/** The views of the present packet's run up to now, from a session of their own. */
async function history(stage: Stage, now: View): Promise<readonly View[] | null> {
  const m = stage.model, source = sourceOf(m.program);
  if (m.engine === null || source === null || m.session === null) return null;
  let s = seen.get(stage);
  if (s === undefined || s.of !== m.session || s.first !== now.eventStep || m.stale) {
    s?.session.close();
    const session = m.engine.session();
    s = { session, of: m.session, event: now.event, first: now.eventStep, views: [] };
    seen.set(stage, s);
    const l = await session.load(source);
    if (!l.ok) return null;
    if (m.listing !== null && m.listing.program !== l.value.program) await session.choose(m.listing.program);
    const r = await session.start(m.input, m.session.options, m.maps);
    if (!r.ok) return null;
    s.views.push(now.eventStep === 0 ? r.value : await session.seek(now.eventStep));
  }
  while (s.views.length <= now.step - now.eventStep) {
    const v = await s.session.step();
    if (v.step !== now.eventStep + s.views.length) break;
    s.views.push(v);
  }
  return s.views.slice(0, now.step - now.eventStep + 1);
}
