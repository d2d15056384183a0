/** Highlighting of C as BPF programs use it. */
import type { StreamParser } from '@codemirror/language';

interface State { comment: boolean }

const keywords = /^(break|case|const|continue|default|do|else|enum|extern|for|goto|if|inline|return|sizeof|static|struct|switch|typedef|union|volatile|while|__always_inline|__noinline|__attribute__|_Static_assert|asm)$/;
const types = /^(void|char|short|int|long|float|double|signed|unsigned|bool|_Bool|__[us](8|16|32|64)|[us](8|16|32|64)|u?int(8|16|32|64)_t|size_t|__be(16|32|64)|__le(16|32|64)|__wsum|__sum16)$/;
const macros = /^(SEC|__uint|__type|__array|__ksym|__kconfig|__weak|[A-Z][A-Z0-9_]+)$/;

export const cLanguage: StreamParser<State> = {
  name: 'c',
  startState: () => ({ comment: false }),
  token(s, st) {
    if (st.comment) {
      if (s.match(/^.*?\*\//)) st.comment = false;
      else s.skipToEnd();
      return 'comment';
    }
    if (s.eatSpace()) return null;
    if (s.match('//')) { s.skipToEnd(); return 'comment'; }
    if (s.match('/*')) {
      st.comment = !s.match(/^.*?\*\//);
      if (st.comment) s.skipToEnd();
      return 'comment';
    }
    if (s.match(/^#\s*include\b/)) return 'meta';
    if (s.match(/^#\s*\w*/)) return 'meta';
    if (s.match(/^<[\w./-]+\.h>/)) return 'string';
    if (s.match(/^"(?:[^"\\]|\\.)*"?/) || s.match(/^'(?:[^'\\]|\\.)*'?/)) return 'string';
    if (s.match(/^(0[xX][\da-fA-F]+|\d+(\.\d+)?)[uUlL]*/)) return 'number';
    const word = s.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
    if (word !== null) {
      const w = word[0];
      if (keywords.test(w)) return 'keyword';
      if (types.test(w)) return 'typeName';
      if (w.startsWith('bpf_')) return 'atom';
      if (macros.test(w)) return 'labelName';
      return null;
    }
    s.next();
    return null;
  },
  languageData: { commentTokens: { line: '//', block: { open: '/*', close: '*/' } } },
};
