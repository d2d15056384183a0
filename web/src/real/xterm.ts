/**
 * xterm.js, loaded when the first terminal opens. Its renderer writes style
 * elements, which the content security policy refuses; their text becomes
 * constructed style sheets of the shadow root instead.
 */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import own from '@xterm/xterm/css/xterm.css';

export interface Screen {
  write(b: Uint8Array): void;
  fit(): { readonly rows: number; readonly cols: number };
  focus(): void;
  clear(): void;
  selection(): string;
  paste(text: string): void;
  readable(on: boolean): void;
  colours(): void;
  close(): void;
}

/** What stands for a style element: setting its text changes a sheet. */
function sheetElement(root: ShadowRoot, plain: (name: string) => HTMLElement): HTMLElement {
  const e = plain('span'), sheet = new CSSStyleSheet();
  e.hidden = true;
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  Object.defineProperty(e, 'textContent', { set: (text: string) => sheet.replaceSync(text), get: () => '' });
  return e;
}

/** Opens the terminal; the three style elements that it makes are made here. */
function openIn(t: Terminal, box: HTMLElement, root: ShadowRoot): void {
  const plain = Document.prototype.createElement.bind(document) as (name: string) => HTMLElement;
  document.createElement = ((name: string) => (name === 'style' ? sheetElement(root, plain) : plain(name))) as typeof document.createElement;
  try {
    t.open(box);
  } finally {
    delete (document as Partial<Document>).createElement; // the prototype's again
  }
}

/** Colours of the page's tokens, as they are computed where the terminal is. */
function theme(box: HTMLElement): Record<string, string> {
  const probe = document.createElement('span');
  box.append(probe);
  const colour = (token: string): string => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const t = {
    background: colour('--surface'), foreground: colour('--ink'), cursor: colour('--honey'), cursorAccent: colour('--surface'),
    selectionBackground: colour('--honey-soft'), black: colour('--ink'), red: colour('--bad'), green: colour('--ok'), yellow: colour('--honey'),
    blue: colour('--abstract'), magenta: colour('--pruned'), cyan: colour('--code-call'), white: colour('--ink-2'),
    brightBlack: colour('--ink-3'), brightRed: colour('--bad'), brightGreen: colour('--ok'), brightYellow: colour('--honey'),
    brightBlue: colour('--abstract'), brightMagenta: colour('--pruned'), brightCyan: colour('--code-call'), brightWhite: colour('--ink'),
  };
  probe.remove();
  return t;
}

export function openScreen(box: HTMLElement, root: ShadowRoot, typed: (b: Uint8Array) => void): Screen {
  const sheets = root.adoptedStyleSheets, sheet = new CSSStyleSheet();
  sheet.replaceSync(own);
  root.adoptedStyleSheets = [...sheets, sheet];
  const t = new Terminal({
    fontFamily: getComputedStyle(box).getPropertyValue('--mono').trim() || 'monospace', fontSize: 14, lineHeight: 1.15, scrollback: 5000,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches, theme: theme(box), minimumContrastRatio: 4.5,
  });
  const fit = new FitAddon(), encoder = new TextEncoder();
  t.loadAddon(fit);
  openIn(t, box, root);
  t.onData(s => typed(encoder.encode(s)));
  t.onBinary(s => typed(Uint8Array.from(s, c => c.charCodeAt(0))));
  t.attachCustomKeyEventHandler(e => !(e.type === 'keydown' && e.ctrlKey && e.shiftKey && (e.key === 'C' || e.key === 'V')));
  return {
    write: b => t.write(b),
    fit: () => {
      fit.fit();
      return { rows: t.rows, cols: t.cols };
    },
    focus: () => t.focus(),
    clear: () => t.reset(),
    selection: () => t.getSelection(),
    paste: text => t.paste(text),
    readable: on => { t.options.screenReaderMode = on; },
    colours: () => { t.options.theme = theme(box); },
    close: () => {
      t.dispose();
      root.adoptedStyleSheets = sheets;
    },
  };
}
