/** An order of the instructions of several CPUs, as links have it. */
import type { CPUTurn } from '../engine/zprotocol';

export interface Order {
  /** Which events run, by CPU: indexes into the input. */
  readonly events: readonly number[];
  readonly turns: readonly CPUTurn[];
  /** The instruction behind which it is looked at. */
  readonly step: number;
}

/** "0,1:0.8,1.11,0.1:20": the events, the turns as CPU and instructions, the step. */
export const orderText = (o: Order) => `${o.events.join()}:${o.turns.map(t => `${t.cpu}.${t.steps}`).join()}:${o.step}`;

/** Its inverse; null for what is none. */
export function readOrder(text: string): Order | null {
  const [, events, turns, step] = /^(\d+(?:,\d+){1,7}):(\d+\.\d+(?:,\d+\.\d+)*):(\d+)$/.exec(text) ?? [];
  if (step === undefined) return null;
  return {
    events: events!.split(',').map(Number), step: Number(step),
    turns: turns!.split(',').map(t => t.split('.').map(Number)).map(([cpu, steps]) => ({ cpu: cpu!, steps: steps! })),
  };
}

/** The view of a link that leads to it: the CPUs pane in front, in windows of any width. */
export const orderView = (o: Order) => new URLSearchParams({ front: ['calls', 'm-memory', 'one'].map(slot => `${slot}:cpus`).join(), order: orderText(o) }).toString();
