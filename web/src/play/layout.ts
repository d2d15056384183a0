/** Which panes there are, and how they are arranged by width. */
import type { Listing, View } from '../engine/api';

export type PaneId = 'source' | 'packets' | 'code' | 'regs' | 'packet' | 'stack' | 'maps' | 'ctx' | 'calls' | 'output' | 'cpus' | 'log' | 'types';

export interface PaneInfo { readonly id: PaneId; readonly title: string; readonly key: string }

export const panes: readonly PaneInfo[] = [
  { id: 'source', title: 'Source', key: '1' },
  { id: 'packets', title: 'Input', key: '2' },
  { id: 'code', title: 'Bytecode', key: '3' },
  { id: 'regs', title: 'Registers', key: '4' },
  { id: 'packet', title: 'Packet bytes', key: '5' },
  { id: 'stack', title: 'Stack', key: '6' },
  { id: 'maps', title: 'Maps', key: '7' },
  { id: 'ctx', title: 'Context', key: '8' },
  { id: 'calls', title: 'Helper calls', key: '9' },
  { id: 'output', title: 'Output', key: '0' },
  { id: 'cpus', title: 'CPUs', key: 'c' },
  { id: 'log', title: 'Verifier log', key: 'l' },
  { id: 'types', title: 'Types', key: 't' },
];
export const paneInfo = (id: PaneId): PaneInfo => panes.find(p => p.id === id)!;

/** Panes that share a place; one of them is in front. */
export interface Slot { readonly id: string; readonly panes: readonly PaneId[]; readonly share: number }
export interface Column { readonly id: string; readonly share: number; readonly slots: readonly Slot[] }
export type Width = 'wide' | 'middle' | 'short' | 'narrow';

const wide: readonly Column[] = [
  { id: 'left', share: 36, slots: [{ id: 'source', panes: ['source'], share: 60 }, { id: 'packets', panes: ['packets'], share: 40 }] },
  { id: 'mid', share: 28, slots: [{ id: 'code', panes: ['code'], share: 72 }, { id: 'calls', panes: ['calls', 'output', 'cpus', 'log', 'types'], share: 28 }] },
  { id: 'right', share: 36, slots: [
    { id: 'regs', panes: ['regs'], share: 47 }, { id: 'packet', panes: ['packet'], share: 28 }, { id: 'memory', panes: ['stack', 'maps', 'ctx'], share: 25 },
  ] },
];
const middle: readonly Column[] = [
  { id: 'm-left', share: 50, slots: [{ id: 'm-source', panes: ['source', 'packets'], share: 50 }, { id: 'm-code', panes: ['code'], share: 50 }] },
  { id: 'm-right', share: 50, slots: [
    { id: 'm-regs', panes: ['regs'], share: 46 }, { id: 'm-memory', panes: ['packet', 'stack', 'maps', 'ctx', 'calls', 'output', 'cpus', 'log', 'types'], share: 54 },
  ] },
];
/** Not wide, and low besides, as a window at 200 %: one pane above the other would leave two lines of each. */
const short: readonly Column[] = [
  { id: 's-left', share: 50, slots: [{ id: 'm-code', panes: ['code', 'source', 'packets'], share: 100 }] },
  { id: 's-right', share: 50, slots: [{ id: 'm-memory', panes: ['regs', 'packet', 'stack', 'maps', 'ctx', 'calls', 'output', 'cpus', 'log', 'types'], share: 100 }] },
];
const narrow: readonly Column[] = [
  { id: 'n', share: 100, slots: [{ id: 'one', panes: ['code', 'source', 'regs', 'packet', 'stack', 'maps', 'packets', 'ctx', 'calls', 'output', 'cpus', 'log', 'types'], share: 100 }] },
];

const arrangements = { wide, middle, short, narrow };
export const columnsOf = (w: Width): readonly Column[] => arrangements[w];
/** What an element of so many CSS pixels has room for. */
export const widthOf = (px: number, height: number): Width => (px >= 1100 ? 'wide' : px < 700 ? 'narrow' : height < 600 ? 'short' : 'middle');

/** Panes in which the last step changed something. */
export function changedPanes(v: View | null, l: Listing | null): ReadonlySet<PaneId> {
  const s = new Set<PaneId>();
  if (v === null || l === null || v.step === 0) return s;
  if (v.regs.some(r => r.changed)) s.add('regs');
  if (v.maps.some(m => m.changed)) s.add('maps');
  for (const w of v.writes) {
    if (v.packet !== null && w.region === v.packet.region) s.add('packet');
    if (w.region === v.ctxRegion) s.add('ctx');
    if (v.frames.some(f => f.region === w.region)) s.add('stack');
  }
  if (v.calls[v.calls.length - 1]?.step === v.step) s.add('calls');
  if (v.trace[v.trace.length - 1]?.step === v.step || v.verdicts[v.verdicts.length - 1]?.step === v.step) s.add('output');
  return s;
}
