/** The reader against what the Go reader says (SKEP_TRACES), broken bytes, and the client against the module (SKEP_ENGINE). */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Answer } from '../engine/asker';
import { Host } from '../engine/host';
import { local, type Transport } from '../engine/transport';
import { defaultVerify } from '../engine/verdict';
import { align } from './align';
import { TraceClient, type Traced } from './client';
import { frameText, isScalar, regBase, regLoc, slotLoc, Trace, TraceError, checkText, reasonText, type State } from './index';
import { follow, holdsNumber } from './follow';
import { linkLog } from './log';

interface Expected {
  readonly Name: string;
  readonly Log: string;
  readonly Steps: readonly { readonly Insn: number; readonly Path: number; readonly Before: string; readonly After: string }[];
}

const dir = process.env['SKEP_TRACES']!;
const names = readdirSync(dir).filter(f => f.endsWith('.trace'));
const load = (name: string): Uint8Array => readFileSync(join(dir, name));
const expected = (name: string): Expected => JSON.parse(readFileSync(join(dir, name.replace(/trace$/, 'json')), 'utf8')) as Expected;

const frames = (t: Trace, s: State | null): string => s === null ? '' : s.frames.map((f, i) => frameText(t, f, i) + '\n').join('');

test('states are those of the Go reader, in the words of the log', () => {
  assert.ok(names.length > 10, `${names.length} traces`);
  let steps = 0;
  for (const name of names) {
    const t = Trace.parse(load(name));
    const e = expected(name);
    assert.equal(t.steps, e.Steps.length, name);
    e.Steps.forEach((s, i) => {
      assert.equal(t.insnOf(i), s.Insn, `${name} step ${i}`);
      assert.equal(t.pathOf(i), s.Path);
      assert.equal(frames(t, t.before(i)), s.Before, `${name} before step ${i}`);
      assert.equal(frames(t, t.after(i)), s.After, `${name} after step ${i}`);
      steps++;
    });
  }
  assert.ok(steps > 500, `${steps} steps`);
});

test('positions along a path lead there and back', () => {
  for (const name of names) {
    const t = Trace.parse(load(name));
    t.paths.forEach((p, path) => {
      const n = t.length(path);
      if (p.steps === 0) return;
      assert.equal(t.stepAt(path, n - 1), p.first + p.steps - 1);
      assert.equal(t.positionOf(p.first + p.steps - 1), n - 1);
      assert.equal(t.stepAt(path, n), -1);
      for (const kid of t.children(path)) assert.equal(t.paths[kid]!.parent, path);
    });
    const roots = t.paths.reduce((n, p, i) => n + (p.parent < 0 ? t.weight(i) : 0), 0);
    assert.equal(roots, t.steps);
  }
});

test('each line of an instruction is linked to its step', () => {
  for (const name of names) {
    const t = Trace.parse(load(name));
    const e = expected(name);
    const link = linkLog(t, e.Log, 2);
    const lines = e.Log.split('\n');
    for (let i = 0; i < t.steps; i++) {
      const line = link.lineOf(i);
      if (t.step(i)!.kind === 'stopped') continue;
      assert.ok(line >= 0, `${name} step ${i}`);
      assert.equal(link.stepOf(line), i);
      assert.match(lines[line]!, new RegExp(`^(from \\d+ to )?${t.insnOf(i)}[ :]`), `${name} step ${i}`);
    }
  }
});

test('a log with its middle left out, or of the failing path only, is linked too', async () => {
  const name = names.find(n => expected(n).Steps.length > 100)!;
  const t = Trace.parse(load(name));
  const lines = expected(name).Log.split('\n');
  const cut = [...lines.slice(0, 40), '[... 12345 bytes of the log are left out here ...]', ...lines.slice(-40)].join('\n');
  const link = linkLog(t, cut, 2);
  const whole = linkLog(t, lines.join('\n'), 2);
  for (let i = 0; i < 40; i++) {
    assert.equal(link.stepOf(i), whole.stepOf(i), `line ${i}`);
    if (whole.stepOf(lines.length - 40 + i) >= 0) assert.equal(link.stepOf(41 + i), whole.stepOf(lines.length - 40 + i), `line ${i} behind`);
  }
  const a = await new TraceClient(start).ask({ source: source(refused), program: 0, options: { ...defaultVerify, level: 1 } });
  if (a.kind !== 'answer' || a.value.trace === null) assert.fail(a.kind);
  const { trace, verdict } = a.value, last = trace.steps - 1, of = linkLog(trace, verdict.log, 1);
  assert.ok(verdict.log.split('\n')[of.lineOf(last)]!.startsWith(trace.insnOf(last) + ': ('));
});

test('origins and reasons have words and come to an end', () => {
  for (const name of names) {
    const t = Trace.parse(load(name));
    for (let i = 0; i < Math.min(t.steps, 400); i++) {
      for (const c of t.step(i)!.changes) {
        assert.ok(c.reason === 'unknown' || reasonText(t, c, t.insnOf(i)) !== '');
        assert.notEqual(c.reason, 'unknown', `${name} step ${i} place ${c.loc}`);
        const list = t.origins(i, c.loc, 'after');
        assert.ok(list.length > 0 || c.reason === 'mark', `${name} step ${i} place ${c.loc} ${c.reason}`);
      }
      for (const c of t.step(i)!.checks) assert.ok(checkText(c).length > 5);
      t.covering(i);
    }
  }
});

test('a run takes the path that the Go reader finds', () => {
  const runs = readdirSync(dir).filter(f => f.endsWith('.run'));
  let steps = 0;
  for (const name of runs) {
    const t = Trace.parse(load(name));
    const e = JSON.parse(readFileSync(join(dir, name + 'json'), 'utf8')) as { Insns: number[]; Regs: string[][]; Steps: number[]; Compared: number[] };
    const run = e.Insns.map((insn, i) => ({ insn, regs: e.Regs[i]!.map(v => v === 'pointer' ? v : BigInt(v)) }));
    const got = follow(t, run);
    assert.deepEqual(got.map(f => f.step), e.Steps, name);
    assert.deepEqual(got.map(f => f.comparable), e.Compared, name);
    got.forEach((f, i) => {
      const regs = t.before(f.step)!.frames.at(-1)!.regs;
      regs.forEach((r, n) => {
        const v = run[i]!.regs[n]!;
        if ((f.comparable >>> n & 1) !== 0 && isScalar(r) && v !== 'pointer') assert.ok(holdsNumber(r.bounds, v), `${name} ${i} r${n}`);
      });
      steps++;
    });
  }
  assert.ok(steps > 300, `${steps} steps`);
});

test('broken bytes are an error, never a crash', () => {
  let seed = 1;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor(seed / 2 ** 32 * n);
  };
  let errors = 0;
  for (const name of names) {
    const good = load(name);
    for (let round = 0; round < 60; round++) {
      const bad = Uint8Array.from(good);
      for (let k = random(4) + 1; k > 0; k--) bad[random(Math.min(bad.length, round % 2 === 0 ? 4000 : bad.length))] = random(256);
      const cut = random(8) === 0 ? bad.subarray(0, random(bad.length)) : bad;
      try {
        const t = Trace.parse(cut);
        for (let n = 0; n < 20 && t.steps > 0; n++) {
          const i = random(t.steps);
          t.before(i);
          t.after(i);
          t.covering(i);
          t.origins(i, regLoc(0, random(11)), 'after');
          t.chain(t.pathOf(i));
        }
      } catch (e) {
        if (!(e instanceof TraceError)) throw e;
        errors++;
      }
    }
  }
  assert.ok(errors > 50, `${errors} errors`);
});

const module = WebAssembly.compile(readFileSync(process.env['SKEP_ENGINE']!));
const start = async (): Promise<Transport> => local(await Host.start(await module), 0);

const source = (text: string): { kind: 'asm'; text: string } => ({ kind: 'asm', text });
const ask = (c: TraceClient, text: string, more: object = {}): Promise<Answer<Traced>> => c.ask({ source: source(text), program: 0, options: { ...defaultVerify, level: 2 }, ...more });

async function traceOf(c: TraceClient, text: string, more: object = {}): Promise<Trace> {
  const a = await ask(c, text, more);
  return a.kind === 'answer' && a.value.trace !== null ? a.value.trace : assert.fail(JSON.stringify(a));
}

const refused = `.prog xdp
.license GPL
	r2 = *(u32 *)(r1 + 0)
	r3 = *(u32 *)(r1 + 4)
	r4 = r2
	r4 += 14
	if r4 > r3 goto bad
	r0 = 2
	exit
bad:
	r0 = *(u8 *)(r2 + 0)
	exit
`;

const spill = `.prog xdp
.license GPL
	r6 = r1
	call bpf_get_prandom_u32
	*(u64 *)(r10 - 8) = r0
	r2 = *(u64 *)(r10 - 8)
	if r2 > 15 goto out
	r1 = *(u64 *)(r10 - 8)
	call twice
	r3 = r0
	r0 = 2
	exit
out:
	r0 = 1
	exit
twice:
	r0 = r1
	r0 += r1
	exit
`;

test('a bound is followed across a call and a spill to the helper that returned it', async () => {
  const t = await traceOf(new TraceClient(start), spill);
  const step = t.find(0, 7);
  assert.ok(step > 0);
  const r3 = t.after(step)!.frames[0]!.regs[3]!;
  assert.equal(regBase(r3), 'scalar');
  assert.equal(r3.bounds.umax, 30n);
  const reasons = t.origins(step, regLoc(0, 3), 'after').map(o => o.change.reason);
  for (const r of ['copy', 'result', 'alu', 'arg', 'fill', 'spill', 'link', 'ret']) assert.ok(reasons.includes(r as never), `${r} in ${reasons.join(' ')}`);
  const slot = t.after(t.find(0, 2))!.frames[0]!.slots[0]!;
  assert.equal(slot.bytes[7], 'spill');
  assert.equal(t.origins(t.find(0, 2), slotLoc(0, 0), 'after')[0]!.change.reason, 'spill');
});

test('what if a bound were smaller, and which step is the first to differ', async () => {
  const c = new TraceClient(start);
  const text = `.prog xdp
.license GPL
.map m array key=4 value=16 entries=1
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[m]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u32 *)(r0 + 0)
	r0 += r1
	r1 = *(u8 *)(r0 + 0)
out:
	r0 = 2
	exit
`;
  const before = await traceOf(c, text);
  assert.equal(before.outcome.verdict, 'rejected');
  const failed = before.step(before.steps - 1)!;
  assert.equal(failed.checks.at(-1)!.failed, true);
  const step = before.find(before.lastPath, 8);
  const after = await traceOf(c, text, { whatIf: [{ step, loc: regLoc(0, 1), set: { umax: 15n } }] });
  assert.equal(after.outcome.verdict, 'accepted');
  assert.equal(after.program.hypothetical, true);
  assert.equal(after.step(step)!.set[0]!.reason, 'whatIf');
  const rows = align(before, after);
  assert.equal(rows.rows[rows.first]!.a, step);
  const none = await ask(c, text, { whatIf: [{ step: 1e6, loc: regLoc(0, 1), set: { umax: 15n } }] });
  assert.equal(none.kind, 'failed');
  // An instruction that shifts the others: all but it are matched.
  const longer = await traceOf(c, text.replace('\tr0 += r1', '\tr1 &= 7\n\tr0 += r1'));
  assert.equal(longer.outcome.verdict, 'accepted');
  const shifted = align(before, longer);
  assert.deepEqual({ a: shifted.rows[shifted.first]!.a, insn: longer.insnOf(shifted.rows[shifted.first]!.b) }, { a: -1, insn: 8 });
});

test('the newest question wins, and a long one can be given up', async () => {
  const c = new TraceClient(start);
  const long = '.prog xdp\n.license GPL\nr6 = 0\nl: r6 += 1\nif r6 < 300000 goto l\nr0 = 2\nexit\n';
  let told = 0;
  const first = ask(c, long);
  const second = c.ask({ source: source(long), program: 0, options: defaultVerify }, () => { if (++told === 3) c.cancel(); });
  assert.equal((await first).kind, 'overtaken');
  assert.equal((await second).kind, 'overtaken');
  assert.equal((await ask(c, '.prog xdp\nr0 = 2\nexit\n')).kind, 'answer');
  c.close();
});
