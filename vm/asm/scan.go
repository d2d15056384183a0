package asm

// kind is the kind of a token.
type kind uint8

const (
	tokEnd    kind = iota // end of the statement
	tokWord               // name, mnemonic or register
	tokNumber             // begins with a digit
	tokPunct              // operator or bracket
	tokString             // in double quotes, without them
)

// token is a piece of a statement. Its text is a part of the source.
type token struct {
	kind kind
	text string
	pos  int // byte offset in the source
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '_' || c == '.' || c == '$'
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' }

// operators that are longer than a byte; the longest first.
var operators = [...]string{"<<=", ">>=", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "|=", "&=", "^=", "%="}

// scan splits src[from:to], one statement without comments, into tokens. It
// reports whether they fit.
func scan(toks []token, src string, from, to int) ([]token, bool) {
	toks = toks[:0]
	for p := from; p < to; {
		c := src[p]
		if isBlank(c) {
			p++
			continue
		}
		if len(toks) == maxTokens {
			return toks, false
		}
		start, k := p, tokPunct
		switch {
		case c == '"':
			for p++; p < to && src[p] != '"'; p++ {
			}
			toks = append(toks, token{tokString, src[start+1 : p], start})
			p = min(p+1, to)
			continue
		case c == 's' && p+1 < to && isSignedOp(src[p+1]):
			// "s>", "s<=", "s>>=", "s/=", "s%=" are one operator.
			p += 1 + operatorLen(src[p+1:to])
		case isWord(c):
			k = tokWord
			if isDigit(c) {
				k = tokNumber
			}
			for p++; p < to && isWord(src[p]); p++ {
			}
		default:
			p += operatorLen(src[p:to])
		}
		toks = append(toks, token{k, src[start:p], start})
	}
	return toks, true
}

func isSignedOp(c byte) bool { return c == '<' || c == '>' || c == '/' || c == '%' }

func operatorLen(s string) int {
	for _, op := range operators {
		if len(s) >= len(op) && s[:len(op)] == op {
			return len(op)
		}
	}
	// A character outside of ASCII is one token.
	n := 1
	if s[0] >= 0xc0 {
		for n < len(s) && s[n]&0xc0 == 0x80 {
			n++
		}
	}
	return n
}
