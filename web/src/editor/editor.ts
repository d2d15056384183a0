/**
 * CodeMirror as this page uses it: own highlighting for eBPF assembly and C,
 * lines tinted by source line, the current line, underlined problems, and a
 * gutter for breakpoints. A chunk of its own, loaded after the first step can
 * be taken.
 */
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands';
import { bracketMatching, indentUnit, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, RangeSetBuilder, StateEffect, StateField, type Extension } from '@codemirror/state';
import {
  Decoration, drawSelection, EditorView, GutterMarker, gutter, highlightActiveLine, keymap, lineNumbers, type DecorationSet,
} from '@codemirror/view';
import { asmLanguage } from './asm';
import { cLanguage } from './c';
import { colours, theme } from './theme';

/** What the rest of the page paints on the text; lines from 1. */
export interface Paint {
  /** Hue 1..8 by line. */
  readonly hues: ReadonlyMap<number, number>;
  readonly now: number;
  readonly pointed: number;
  readonly breakpoints: ReadonlySet<number>;
  readonly problems: readonly { readonly line: number; readonly col: number; readonly length: number; readonly error: boolean; readonly message: string }[];
}

export interface Events {
  changed(text: string): void;
  breakpoint(line: number): void;
  pointed(line: number): void;
  run(): void;
  leave(): void;
}

export interface Editor {
  setText(text: string, lang: 'asm' | 'c', readOnly: boolean): void;
  paint(p: Paint): void;
  focus(): void;
  /** Puts the cursor at a place and shows it. */
  show(line: number, col: number): void;
  destroy(): void;
}

const setPaint = StateEffect.define<Paint>();
const empty: Paint = { hues: new Map(), now: 0, pointed: 0, breakpoints: new Set(), problems: [] };

const paintField = StateField.define<Paint>({
  create: () => empty,
  update(p, tr) {
    for (const e of tr.effects) if (e.is(setPaint)) return e.value;
    return p;
  },
});

function decorate(state: EditorState): DecorationSet {
  const p = state.field(paintField), b = new RangeSetBuilder<Decoration>(), n = state.doc.lines;
  const problems = [...p.problems].filter(x => x.line > 0 && x.line <= n).sort((a, c) => a.line - c.line || a.col - c.col);
  let k = 0;
  for (let i = 1; i <= n; i++) {
    const line = state.doc.line(i), hue = p.hues.get(i) ?? 0;
    const cls = `${hue > 0 ? `skep-hue skep-hue-${hue}` : ''}${i === p.now ? ' skep-now' : ''}${i === p.pointed ? ' skep-pointed' : ''}`;
    if (cls !== '') b.add(line.from, line.from, Decoration.line({ class: cls, attributes: i === p.now ? { 'aria-current': 'step' } : {} }));
    let last = line.from;
    for (; k < problems.length && problems[k]!.line === i; k++) {
      const x = problems[k]!;
      const from = Math.min(line.to, line.from + Math.max(0, x.col - 1));
      const to = Math.min(line.to, x.length > 0 ? from + x.length : wordEnd(line.text, from - line.from) + line.from);
      if (from < last || to <= from) continue;
      b.add(from, to, Decoration.mark({ class: x.error ? 'skep-error' : 'skep-warning', attributes: { title: x.message } }));
      last = to;
    }
  }
  return b.finish();
}

function wordEnd(s: string, at: number): number {
  let i = at;
  while (i < s.length && /\w/.test(s[i]!)) i++;
  return Math.max(i, Math.min(at + 1, s.length));
}

const decorations = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(d, tr) {
    if (tr.effects.some(e => e.is(setPaint))) return decorate(tr.state);
    return tr.docChanged ? d.map(tr.changes) : d;
  },
  provide: f => EditorView.decorations.from(f),
});

class Dot extends GutterMarker {
  constructor(private readonly cls: string, private readonly sign: string) { super(); }
  override toDOM(): Node {
    const i = document.createElement('span');
    i.className = this.cls;
    i.textContent = this.sign;
    return i;
  }
}
const dot = new Dot('skep-bp', '●'), arrow = new Dot('skep-at', '▸');

/** extra is added to what every editor has; text that setText puts in is not filtered by it. */
export function createEditor(parent: HTMLElement, root: ShadowRoot, on: Events, extra: Extension = []): Editor {
  const language = new Compartment(), mode = new Compartment();
  let quiet = false, current = '';
  const lineOf = (view: EditorView, y: number) => view.state.doc.lineAt(view.lineBlockAtHeight(y - view.documentTop).from).number;
  const base: Extension[] = [
    paintField, decorations, history(), drawSelection(), bracketMatching(), highlightActiveLine(), indentUnit.of('\t'), EditorState.tabSize.of(4),
    lineNumbers({ domEventHandlers: { mousedown: (v, block) => { on.breakpoint(v.state.doc.lineAt(block.from).number); return true; } } }),
    gutter({
      class: 'skep-gutter',
      markers: v => {
        const p = v.state.field(paintField), b = new RangeSetBuilder<GutterMarker>();
        for (let i = 1; i <= v.state.doc.lines; i++) {
          const from = v.state.doc.line(i).from;
          if (p.breakpoints.has(i)) b.add(from, from, dot);
          else if (i === p.now) b.add(from, from, arrow);
        }
        return b.finish();
      },
      domEventHandlers: { mousedown: (v, block) => { on.breakpoint(v.state.doc.lineAt(block.from).number); return true; } },
    }),
    keymap.of([
      { key: 'Mod-Enter', run: () => { on.run(); return true; } },
      { key: 'Escape', run: () => { on.leave(); return true; } },
      // Tab indents only inside a line's leading space or a selection of lines; elsewhere it moves on, so that nobody is trapped.
      { key: 'Tab', run: v => atIndent(v) && indentMore(v), shift: v => atIndent(v) && indentLess(v) },
      ...defaultKeymap, ...historyKeymap,
    ]),
    EditorView.updateListener.of(u => {
      if (!u.docChanged || quiet) return;
      current = u.state.doc.toString();
      on.changed(current);
    }),
    EditorView.domEventHandlers({
      mousemove: (e, v) => { on.pointed(lineOf(v, e.clientY)); return false; },
      mouseleave: () => { on.pointed(0); return false; },
    }),
    EditorView.contentAttributes.of({ 'aria-label': 'Source code', tabindex: '0', spellcheck: 'false', autocapitalize: 'off' }),
    theme, syntaxHighlighting(colours), extra,
  ];
  const view = new EditorView({
    parent, root, state: EditorState.create({ doc: '', extensions: [base, language.of([]), mode.of([])] }),
  });
  let lang = '', nowShown = 0;
  return {
    setText(text, l, readOnly) {
      quiet = true;
      if (text !== current) {
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 }, filter: false });
        current = text;
      }
      const key = `${l}${readOnly}`;
      if (key !== lang) {
        lang = key;
        view.dispatch({
          effects: [
            language.reconfigure(l === 'c' ? StreamLanguage.define(cLanguage) : StreamLanguage.define(asmLanguage)),
            mode.reconfigure(readOnly ? [EditorState.readOnly.of(true)] : []),
          ],
        });
      }
      quiet = false;
    },
    paint(p) {
      const effects: StateEffect<unknown>[] = [setPaint.of(p)];
      if (p.now !== nowShown && p.now > 0 && p.now <= view.state.doc.lines && !view.hasFocus) {
        const block = view.lineBlockAt(view.state.doc.line(p.now).from), box = view.scrollDOM;
        if (block.top < box.scrollTop + 24 || block.bottom > box.scrollTop + box.clientHeight - 48) {
          effects.push(EditorView.scrollIntoView(view.state.doc.line(p.now).from, { y: 'center' }));
        }
      }
      nowShown = p.now;
      view.dispatch({ effects });
    },
    focus: () => view.focus(),
    show(line, col) {
      const l = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)));
      const at = Math.min(l.to, l.from + Math.max(0, col - 1));
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

function atIndent(v: EditorView): boolean {
  const s = v.state.selection.main;
  if (v.state.readOnly) return false;
  if (!s.empty) return true;
  const line = v.state.doc.lineAt(s.head);
  return line.text.slice(0, s.head - line.from).trim() === '' && line.length > 0;
}
