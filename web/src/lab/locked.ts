/** Lines of a starter that are not the student's to change. Loaded with the editor. */
import { EditorState, RangeSetBuilder, type Extension, type Text } from '@codemirror/state';
import { Decoration, EditorView, ViewPlugin, type DecorationSet, type ViewUpdate } from '@codemirror/view';
import type { LabSource } from './data';

/** The texts between which a student may write, in order. */
function fixed(s: LabSource): string[] {
  const lines = s.text.split('\n'), out: string[] = [];
  let from = 0;
  for (const [first, last] of s.editable ?? []) {
    out.push(lines.slice(from, first - 1).map(l => `${l}\n`).join(''));
    from = last;
  }
  const rest = lines.slice(from);
  // A text's last line end is no line to guard.
  out.push(rest.length === 1 && rest[0] === '' ? '' : rest.map(l => `\n${l}`).join(''));
  return out;
}

/** Where a text may be changed: pairs of positions. Null when the fixed parts are not all there: then everywhere. */
export function open(text: string, parts: readonly string[]): [number, number][] | null {
  const out: [number, number][] = [];
  const head = parts[0]!, tail = parts.at(-1)!;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return null;
  let from = head.length;
  for (const p of parts.slice(1, -1)) {
    const at = text.indexOf(`\n${p}`, from);
    if (at < 0) return null;
    out.push([from, at]);
    from = at + 1 + p.length;
  }
  out.push([from, text.length - tail.length]);
  return out;
}

export function locked(source: () => LabSource | undefined): Extension {
  const ranges = (doc: Text) => {
    const s = source();
    return s?.editable === undefined ? null : open(doc.toString(), fixed(s));
  };
  const lines = (view: EditorView): DecorationSet => {
    const b = new RangeSetBuilder<Decoration>(), free = ranges(view.state.doc);
    for (let i = 1; free !== null && i <= view.state.doc.lines; i++) {
      const l = view.state.doc.line(i);
      if (!free.some(([from, to]) => l.from >= from && l.to <= to)) b.add(l.from, l.from, Decoration.line({ class: 'skep-locked' }));
    }
    return b.finish();
  };
  return [
    EditorState.changeFilter.of(tr => {
      const free = ranges(tr.startState.doc);
      if (free === null) return true;
      let ok = true;
      tr.changes.iterChangedRanges((from, to) => { ok &&= free.some(([a, b]) => from >= a && to <= b); });
      return ok;
    }),
    ViewPlugin.fromClass(class {
      decorations: DecorationSet;
      constructor(view: EditorView) { this.decorations = lines(view); }
      update(u: ViewUpdate): void { if (u.docChanged) this.decorations = lines(u.view); }
    }, { decorations: p => p.decorations }),
    EditorView.theme({ '.skep-locked, .skep-locked.cm-activeLine': { backgroundColor: 'var(--wash)' } }),
  ];
}
