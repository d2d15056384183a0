/** What machine code is looked at, as a link says it: "arm64,checked,blind". */
import type { Arch } from './client';

/** A tab of the view: a target of ours, or what the kernel's own compiler made. */
export type Tab = Arch | 'linux';

export interface MachineOptions {
  readonly tab: Tab;
  readonly facts: boolean;
  readonly fusions: boolean;
  readonly blind: boolean;
}

export const tabs: readonly (readonly [Tab, string])[] = [['amd64', 'amd64'], ['arm64', 'arm64'], ['wasm', 'WebAssembly'], ['linux', 'Linux 6.12']];

/** Their names where there is little room. */
export const shortNames: Readonly<Record<Tab, string>> = { amd64: 'amd64', arm64: 'arm64', wasm: 'wasm', linux: 'Linux' };

export const archOf = (t: Tab): Arch => (t === 'linux' ? 'amd64' : t);

/** Takes what it understands. */
export function readOptions(text: string): MachineOptions {
  const words = text.split(',');
  return {
    tab: tabs.find(([t]) => words.includes(t))?.[0] ?? 'amd64',
    facts: !words.includes('checked'), fusions: !words.includes('plain'), blind: words.includes('blind'),
  };
}

/** The inverse; "" for what is shown first. */
export function writeOptions(o: MachineOptions): string {
  return [o.tab === 'amd64' ? '' : o.tab, o.facts ? '' : 'checked', o.fusions ? '' : 'plain', o.blind ? 'blind' : ''].filter(w => w !== '').join();
}
