/** The editor in the page's colours: quiet, weight rather than hue. */
import { HighlightStyle } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags as t } from '@lezer/highlight';

const hues = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`.skep-hue-${i + 1}`, { backgroundColor: `var(--hue-${i + 1})` }]));

export const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'transparent', color: 'var(--ink)', fontSize: 'var(--size-1)' },
  '&.cm-focused': { outline: '2px solid var(--honey)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', fontVariantLigatures: 'none', lineHeight: '24px', overflow: 'auto' },
  '.cm-content': { padding: '4px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 12px 0 8px' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--ink-3)', border: '0', cursor: 'pointer' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 4px 0 8px', minWidth: '32px' },
  '.skep-gutter .cm-gutterElement': { width: '14px', textAlign: 'center' },
  '.skep-bp': { color: 'var(--bad)' },
  '.skep-at': { color: 'var(--honey)', fontWeight: '600' },
  '.cm-activeLine': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { boxShadow: 'inset 0 1px 0 var(--line), inset 0 -1px 0 var(--line)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { background: 'color-mix(in srgb, var(--abstract) 24%, transparent)' },
  '.cm-matchingBracket': { backgroundColor: 'transparent', boxShadow: 'inset 0 0 0 1px var(--line-strong)' },
  '.skep-error': { textDecoration: 'underline wavy var(--bad) 1.5px', textUnderlineOffset: '4px' },
  '.skep-warning': { textDecoration: 'underline dotted var(--honey) 2px', textUnderlineOffset: '4px' },
  ...hues,
  '.skep-now': { backgroundColor: 'var(--honey-soft)', boxShadow: 'inset 3px 0 0 var(--honey)' },
  '.skep-pointed': { boxShadow: 'inset 0 0 0 1px var(--line-strong)' },
});

export const colours = HighlightStyle.define([
  { tag: t.comment, color: 'var(--ink-2)', fontStyle: 'italic' },
  { tag: t.keyword, fontWeight: '600' },
  { tag: t.typeName, color: 'var(--ink)' },
  { tag: t.number, color: 'var(--code-number)' },
  { tag: t.string, color: 'var(--code-string)' },
  { tag: t.meta, color: 'var(--ink-2)', fontWeight: '600' },
  { tag: t.atom, color: 'var(--code-call)' },
  { tag: t.labelName, color: 'var(--ink)', fontWeight: '400' },
]);
