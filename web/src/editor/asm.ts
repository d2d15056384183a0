/** Highlighting of eBPF assembly, in the dialects that vm/asm reads. */
import type { StreamParser } from '@codemirror/language';

interface State { first: boolean }

const words = /^(if|goto|goto_or_nop|may_goto|gotol|call|callx|exit|lock|ll|s8|s16|s32|s64|u8|u16|u32|u64|be16|be32|be64|le16|le32|le64|bswap16|bswap32|bswap64|fetch|xchg|cmpxchg|and|or|xor|map|pc)$/;
const mnemonics = /^(mov|mov32|add|add32|sub|sub32|mul|mul32|div|div32|sdiv|mod|smod|or32|and32|lsh|lsh32|rsh|rsh32|arsh|arsh32|neg|neg32|ldx(b|h|w|dw)|ldxs[bhw]|stx?(b|h|w|dw)|lddw|ldabs\w*|ldind\w*|ja|jeq|jne|jgt|jge|jlt|jle|jset|jsgt|jsge|jslt|jsle|be(16|32|64)|le(16|32|64)|swap(16|32|64)|movsx\d+)$/;

export const asmLanguage: StreamParser<State> = {
  name: 'bpf-asm',
  startState: () => ({ first: true }),
  token(s, st) {
    if (s.sol()) st.first = true;
    if (s.eatSpace()) return null;
    if (s.match(/^(;|\/\/).*/) || (s.match(/^#(?!\d|0x|-).*/))) return 'comment';
    if (s.match(/^\/\*/)) { s.match(/^.*?\*\//) || s.skipToEnd(); return 'comment'; }
    if (s.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (st.first && s.match(/^\.[\w.]+/)) { st.first = false; return 'meta'; }
    if (st.first && s.match(/^<?[A-Za-z_.$][\w.$]*>?(?=:)/)) { return 'labelName'; }
    if (s.match(/^[rw](10|[0-9])\b/)) { st.first = false; return 'variableName'; }
    if (s.match(/^-?(0x[\da-fA-F]+|\d+)\b/)) { st.first = false; return 'number'; }
    const word = s.match(/^[A-Za-z_.$][\w.$]*/) as RegExpMatchArray | null;
    if (word !== null) {
      st.first = false;
      const w = word[0];
      if (words.test(w) || mnemonics.test(w)) return 'keyword';
      if (w.startsWith('bpf_')) return 'atom';
      return 'labelName';
    }
    s.next();
    return 'operator';
  },
  languageData: { commentTokens: { line: ';' } },
};
