package session

import (
	"strings"
	"unicode/utf8"

	"skep/vm/asm"
	"skep/vm/object"
	"skep/vm/packet"
	"skep/wasm/protocol"
)

// problem is an error without a place.
func problem(where protocol.Where, msg, hint string) protocol.Problem {
	return protocol.Problem{Where: where, Message: msg, Hint: hint, Offset: -1}
}

func problems(where protocol.Where, msg, hint string) []protocol.Problem {
	return []protocol.Problem{problem(where, msg, hint)}
}

// lines finds lines of a text by number, for turning byte columns into the
// UTF-16 columns that editors count in.
type lines struct {
	text string
	line int // line number that starts at pos
	pos  int
}

func newLines(text string) *lines { return &lines{text: text, line: 1} }

// at is line n, from 1; "" behind the end. Asking in ascending order is cheap.
func (l *lines) at(n int) string {
	if n < l.line {
		l.line, l.pos = 1, 0
	}
	for l.line < n {
		i := strings.IndexByte(l.text[l.pos:], '\n')
		if i < 0 {
			return ""
		}
		l.pos += i + 1
		l.line++
	}
	s, _, _ := strings.Cut(l.text[l.pos:], "\n")
	return s
}

// utf16Len is how many UTF-16 code units the first n bytes of s are.
func utf16Len(s string, n int) int {
	n = min(max(n, 0), len(s))
	units := 0
	for i := 0; i < n; {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		units++
		if r > 0xffff {
			units++
		}
	}
	return units
}

// place fills line, column and length of a problem at byte column col (from
// 1) with n bytes.
func (l *lines) place(p *protocol.Problem, line, col, n int) {
	if line <= 0 {
		return
	}
	p.Line = uint32(line)
	if col <= 0 {
		return
	}
	text := l.at(line)
	start := utf16Len(text, col-1)
	p.Col = uint32(start + 1)
	p.Length = uint32(utf16Len(text, col-1+n) - start)
}

func asmProblems(text string, errs []asm.Error) []protocol.Problem {
	l := newLines(text)
	out := make([]protocol.Problem, len(errs))
	for i, e := range errs {
		out[i] = problem(protocol.WhereSource, e.Msg, e.Hint)
		out[i].Word = e.Word
		l.place(&out[i], e.Line, e.Col, e.Len)
	}
	return out
}

func packetProblems(text string, errs []packet.Error) []protocol.Problem {
	l := newLines(text)
	out := make([]protocol.Problem, len(errs))
	for i, e := range errs {
		out[i] = problem(protocol.WhereInput, e.Msg, e.Hint)
		out[i].Word = e.Word
		l.place(&out[i], e.Line, e.Col, e.Len)
	}
	return out
}

func objectProblem(err error) protocol.Problem {
	p := problem(protocol.WhereObject, err.Error(), "")
	if oe, ok := err.(*object.Error); ok {
		if oe.Off <= 1<<31-1 {
			p.Offset = int32(oe.Off)
		}
		p.Word = oe.Section
	}
	return p
}
