/** What the browser remembers of how a person likes the page. */
import type { Privilege } from '../engine/verdict';
import type { Base } from './bytes';

export interface Prefs {
  base: Base;
  theme: 'auto' | 'light' | 'dark';
  /** Instruction bytes beside their text. */
  bytes: boolean;
  /** Shortcuts of one key, which some people's input tools press by accident. */
  keys: boolean;
  /** As whom programs are verified, and how much of the log is shown: 1 or 2. */
  privilege: Privilege;
  logLevel: number;
  /** Panes that are not shown. */
  hidden: string[];
  /** Pane shown of each group, by group. */
  front: Record<string, string>;
  /** Shares of the space, by splitter. */
  sizes: Record<string, number[]>;
}

const name = 'skep.prefs';
const initial: Prefs = { base: 'hex', theme: 'auto', bytes: false, keys: true, privilege: 'root', logLevel: 2, hidden: [], front: {}, sizes: {} };

export function readPrefs(): Prefs {
  try {
    const got: unknown = JSON.parse(localStorage.getItem(name) ?? '{}');
    const p = { ...structuredClone(initial) };
    if (typeof got !== 'object' || got === null) return p;
    for (const k of Object.keys(p) as (keyof Prefs)[]) {
      const v = (got as Record<string, unknown>)[k];
      if (typeof v === typeof p[k] && Array.isArray(v) === Array.isArray(p[k])) Object.assign(p, { [k]: v });
    }
    return p;
  } catch {
    return structuredClone(initial); // storage is blocked or holds something else
  }
}

export function writePrefs(p: Prefs): void {
  try {
    localStorage.setItem(name, JSON.stringify(p));
  } catch { /* storage is blocked: nothing is remembered */ }
}
