/** The page draws what the server draws: the numbers are those of labs/draw_test.go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filled, personal } from './draw';
import type { LabExercise } from './data';

const of: LabExercise = {
  id: 'port', title: '', setup: '', trace: 'udp 10.0.0.2:$port x$times\n', grade: 'ret == $port', starters: [{ lang: 'asm', file: 'a.s', text: '; $port\n' }],
  draws: [{ name: 'port', lo: 1024, hi: 65535 }, { name: 'times', lo: 2, hi: 9 }],
};

test('a seed has its numbers, in all texts', () => {
  const one = personal(of, 1n);
  assert.equal(one.trace, 'udp 10.0.0.2:28870 x3\n');
  assert.equal(one.grade, 'ret == 28870');
  assert.equal(one.starters[0]!.text, '; 28870\n');
  assert.deepEqual(one.own, [['port', 28870], ['times', 3]]);
  assert.equal(filled([{ lang: 'asm', file: '', text: 'r0 = $port $x' }], one.own)[0]!.text, 'r0 = 28870 $x');
  assert.equal(personal(of, 2n ** 64n - 1n).trace, 'udp 10.0.0.2:40575 x5\n');
});

test('what draws nothing stays', () => {
  const { draws: _, ...plain } = of;
  assert.equal(personal(plain, 1n).trace, of.trace);
});
