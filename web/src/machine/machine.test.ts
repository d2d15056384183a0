/** The client against the real module (SKEP_ENGINE), and what is made of its answers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import type { Answer } from '../engine/asker';
import { Host } from '../engine/host';
import { local, type Transport } from '../engine/transport';
import { defaultVerify } from '../engine/verdict';
import { MachineClient, type MachineCode, type Question } from './client';
import { readOptions, writeOptions } from './options';
import { noteWords, rowsOf, workOf } from './rows';
import { chosenWords, factsWords, sizeWords } from './words';

let start: () => Promise<Transport>;
before(async () => {
  const bytes = readFileSync(process.env['SKEP_ENGINE']!), module = await WebAssembly.compile(bytes);
  start = async () => local(await Host.start(module), bytes.length);
});

const text = '.prog xdp\nr6 = *(u32 *)(r1 + 0)\nr1 = r6\nr1 += 14\nr0 = 2\nexit\n';
const ask: Question = { source: { kind: 'asm', text }, program: 0, options: defaultVerify, arch: 'amd64', facts: true, fusions: true, blind: false };

function code(a: Answer<MachineCode>): MachineCode {
  return a.kind === 'answer' ? a.value : assert.fail(JSON.stringify(a));
}

test('code of all targets, in rows and words', async () => {
  const c = new MachineClient(start);
  for (const arch of ['amd64', 'arm64', 'wasm'] as const) {
    const m = code(await c.compile({ ...ask, arch })), { rows, of } = rowsOf(m);
    assert.equal(m.outcome, 'accepted');
    assert.equal(rowsOf(m), rowsOf(m), 'rows are made once');
    assert.equal(m.insns, 5);
    assert.ok(sizeWords(m).includes('for 5 of eBPF'), sizeWords(m));
    const [from] = of.get(0)!, note = rows[from + 1]!;
    assert.deepEqual(note.kind === 'note' ? noteWords(note.note) : null, ['check dropped', 'bounds: the verifier proved 4 bytes in reach; it knows R1=ctx()']);
    assert.equal(workOf(m, 2), 1);
    assert.match(chosenWords(m, 2, 'r1 += 14'), /^Instruction 2, r1 \+= 14: its work is done by the code of instruction 1: .* Fused: address sum/);
    assert.match(chosenWords(m, 0, ''), /Check dropped: .* it knows R1=ctx\(\)\.$/);
    assert.equal(factsWords(m, readOptions('')), '');
  }
});

test('a rejected program has safe code, and why', async () => {
  const m = code(await new MachineClient(start).compile({ ...ask, source: { kind: 'asm', text: '.prog xdp\nexit\n' } }));
  assert.equal(m.outcome, 'rejected');
  assert.equal(m.facts, false);
  assert.equal(factsWords(m, readOptions('')), 'The verifier rejects this program (R0 !read_ok): every access is checked as it runs.');
  assert.equal(factsWords(m, readOptions('checked')), '');
});

test('code from elsewhere', async () => {
  const m = code(await new MachineClient(start).disassemble('amd64', Uint8Array.of(0xf3, 0x0f, 0x1e, 0xfa, 0x31, 0xc0, 0xc3), [{ at: 0, slot: 0 }, { at: 6, slot: 1 }]));
  assert.deepEqual(m.groups.map(g => [g.slot, ...g.insns.map(i => i.text)]), [[0, 'endbr64', 'xor eax, eax'], [1, 'ret']]);
  assert.equal(sizeWords(m), '7 bytes, 3 instructions');
});

test('options of a link', () => {
  for (const t of ['', 'arm64', 'wasm,checked', 'linux,checked,plain,blind', 'blind']) assert.equal(writeOptions(readOptions(t)), t);
  assert.deepEqual(readOptions('riscv,<b>'), { tab: 'amd64', facts: true, fusions: true, blind: false });
});
