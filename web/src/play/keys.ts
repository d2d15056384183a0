/** The keyboard map; the help dialog prints it. */
import type { Stage } from '../model/stage';

/** What a key needs of the frame around the panes. */
export interface Frame {
  readonly stage: Stage;
  run(): void;
  full(): unknown;
  share(): void;
  help(): void;
  pane(key: string): void;
  maximise(): void;
  goTo(): void;
  escape(): boolean;
  mode(): void;
}

interface Key {
  readonly keys: readonly string[];
  readonly does: string;
  /** Of KeyboardEvents, "Shift+F10"; works in text fields too when it has no plain character. */
  readonly on: readonly string[];
  readonly act: (f: Frame, key: string) => void;
}

export const keyTable: readonly Key[] = [
  { keys: ['→', 'F10'], does: 'step', on: ['ArrowRight', 'F10'], act: f => void f.stage.moving.step() },
  { keys: ['←', 'Shift+F10'], does: 'step back', on: ['ArrowLeft', 'Shift+F10'], act: f => void f.stage.moving.back() },
  { keys: ['F11'], does: 'step, into a call', on: ['F11'], act: f => void f.stage.moving.step() },
  { keys: ['o'], does: 'step over a call', on: ['o'], act: f => void f.stage.moving.over() },
  { keys: ['u', 'Shift+F11'], does: 'step out of the function', on: ['u', 'Shift+F11'], act: f => void f.stage.moving.out() },
  { keys: ['Ctrl+Enter'], does: 'compile what was edited, and run to the next breakpoint or the end', on: ['Ctrl+Enter', 'Meta+Enter'], act: f => f.run() },
  { keys: ['f'], does: 'run at full speed: compiled, from the first packet or event to the last', on: ['f'], act: f => void f.full() },
  { keys: ['B'], does: 'run back to the breakpoint before', on: ['B'], act: f => void f.stage.moving.runBack() },
  { keys: ['Home', 'End'], does: 'to the first step, to the last', on: ['Home', 'End'], act: (f, k) => void (k === 'Home' ? f.stage.moving.start() : f.stage.moving.end()) },
  { keys: [']', '['], does: 'next packet or event, previous one', on: [']', '['], act: (f, k) => void (k === ']' ? f.stage.moving.nextPacket() : f.stage.moving.prevPacket()) },
  { keys: ['}', '{'], does: 'next and previous change of the value you clicked', on: ['}', '{'], act: (f, k) => void (k === '}' ? f.stage.moving.nextChange() : f.stage.moving.prevChange()) },
  { keys: ['b'], does: 'back to the step that wrote the value you clicked', on: ['b'], act: f => void f.stage.moving.toOrigin() },
  { keys: ['g'], does: 'go to an instruction: arrows choose, Enter runs to it, Space sets a breakpoint', on: ['g'], act: f => f.goTo() },
  { keys: ['F9'], does: 'breakpoint at the chosen or current instruction', on: ['F9'], act: f => {
    const m = f.stage.model, pc = m.selected >= 0 ? m.selected : m.view?.pc ?? -1;
    if (pc >= 0) void f.stage.moving.toggleBreakpoint(pc);
  } },
  { keys: ['1', '…', '0'], does: 'go to a pane: the numbers are in the Panes menu', on: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], act: (f, k) => f.pane(k) },
  { keys: ['c'], does: 'CPUs: two packets or events at once', on: ['c'], act: f => f.pane('c') },
  { keys: ['l'], does: 'the verifier\'s log', on: ['l'], act: f => f.pane('l') },
  { keys: ['t'], does: 'types: of the program, and of the kernel', on: ['t'], act: f => f.pane('t') },
  { keys: ['m'], does: 'give the pane all the room, and take it back', on: ['m'], act: f => f.maximise() },
  { keys: ['x'], does: 'hexadecimal or decimal', on: ['x'], act: f => f.stage.model.setPrefs({ base: f.stage.model.prefs.base === 'hex' ? 'dec' : 'hex' }) },
  { keys: ['v'], does: 'the run, the verifier\'s walk, both, or the machine code', on: ['v'], act: f => f.mode() },
  { keys: ['p'], does: 'in Verify: the tree of paths; there the arrow keys walk it, ] and [ go to branches', on: [], act: () => {} },
  { keys: ['Ctrl+S'], does: 'share: a link to this view', on: ['Ctrl+s', 'Meta+s'], act: f => f.share() },
  { keys: ['?'], does: 'this list', on: ['?'], act: f => f.help() },
  { keys: ['Esc'], does: 'leave the editor or the large pane', on: [], act: () => {} },
];

const byName = new Map(keyTable.flatMap(k => k.on.map(n => [n, k] as const)));

function nameOf(e: KeyboardEvent): string {
  const plain = e.key.length === 1;
  return `${e.ctrlKey ? 'Ctrl+' : ''}${e.metaKey ? 'Meta+' : ''}${e.altKey ? 'Alt+' : ''}${e.shiftKey && !plain ? 'Shift+' : ''}${plain && (e.ctrlKey || e.metaKey) ? e.key.toLowerCase() : e.key}`;
}

/** Where plain keys mean something else: in text and choices all, on sliders, splitters and tabs those that move. */
function typing(e: KeyboardEvent): boolean {
  const t = e.composedPath()[0];
  if (!(t instanceof HTMLElement)) return false;
  if (t.matches('[type="range"], [role="separator"], [role="tab"]')) return e.key.length > 1;
  return t.isContentEditable || t.matches('input:not([type="checkbox"]), textarea, select');
}

/** The name of a key that means something outside of text and choices; null for others. */
export function plainKey(f: Frame, e: KeyboardEvent): string | null {
  if (e.defaultPrevented || e.isComposing || e.composedPath().some(t => t instanceof HTMLDialogElement)) return null;
  const name = nameOf(e);
  return typing(e) || (name.length === 1 && !f.stage.model.prefs.keys) ? null : name;
}

export function handleKey(f: Frame, e: KeyboardEvent): void {
  if (e.defaultPrevented || e.isComposing) return;
  if (e.composedPath().some(t => t instanceof HTMLDialogElement)) return;
  if (e.key === 'Escape') {
    if (f.escape()) e.preventDefault();
    return;
  }
  const name = nameOf(e), k = byName.get(name);
  if (k === undefined) return;
  const plain = !/^(Ctrl|Meta|Shift)\+|^F\d/.test(name);
  if (plain && typing(e)) return;
  if (name.length === 1 && !f.stage.model.prefs.keys) return;
  e.preventDefault();
  k.act(f, e.key);
}
