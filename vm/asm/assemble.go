package asm

import (
	"runtime"
	"strconv"
	"strings"

	"skep/vm/isa"
)

// fixup is a use of a label, filled in when all labels are known.
type fixup struct {
	insn int
	kind fixupKind
	tok  token
	line int
}

type fixupKind uint8

const (
	fixJump   fixupKind = iota // 16-bit offset
	fixGotol                   // 32-bit offset in imm
	fixCall                    // 32-bit offset in imm, of a function
	fixFunc                    // the same in a wide load
	fixSymbol                  // LLVM's "r1 = name ll": a map, or a function
)

type assembler struct {
	src   string
	opt   Options
	res   *Result
	fix   []fixup
	late  []Reloc        // found when the labels are resolved
	byPC  map[string]int // label -> index in res.Labels
	maps  map[string]int // map -> index in res.Maps
	funcs []int          // slots at which a function starts

	sections  []sectionStart
	globals   map[string]bool
	line      int // of the statement
	lineStart int // byte offset of the line
	end       int // byte offset of the statement's end
	toks      []token
	at        int // index of the next token
	opcode    int // of a log line "(61) ...", or -1
	exit      int // slot of the first exit, or -1
	full      bool
}

type sectionStart struct {
	pc   int
	name string
}

// Assemble reads a source file. It never fails as a whole: see Result.Errors,
// and the instructions of the lines that are right. Time and memory are linear
// in the length of the source.
func Assemble(src string, opt Options) *Result {
	a := &assembler{src: src, opt: opt, res: &Result{}, byPC: map[string]int{}, maps: map[string]int{}, globals: map[string]bool{}, exit: -1}
	if len(src) > MaxSource {
		a.res.Errors = append(a.res.Errors, Error{Line: 1, Col: 1, Msg: "the source is longer than " + itoa(MaxSource) + " bytes"})
		return a.res
	}
	a.lines()
	a.resolve()
	a.functions()
	return a.res
}

// lines splits the source into statements, without comments.
func (a *assembler) lines() {
	inComment := false
	for pos := 0; pos < len(a.src) && !a.full; {
		eol := strings.IndexByte(a.src[pos:], '\n')
		next := len(a.src)
		if eol >= 0 {
			next = pos + eol + 1
			eol += pos
		} else {
			eol = next
		}
		a.line++
		if a.line&1023 == 0 {
			runtime.Gosched()
		}
		a.lineStart = pos
		start := pos
		for p := pos; ; {
			switch {
			case inComment:
				i := strings.Index(a.src[p:eol], "*/")
				if i < 0 {
					p, start = eol, eol
				} else {
					p += i + 2
					start, inComment = p, false
				}
			case p >= eol:
			default:
				switch c := a.src[p]; {
				case c == '"':
					for p++; p < eol && a.src[p] != '"'; p++ {
					}
					p = min(p+1, eol)
				case c == '/' && p+1 < eol && a.src[p+1] == '*':
					a.statement(start, p)
					inComment = true
					p += 2
				case c == '/' && p+1 < eol && a.src[p+1] == '/', c == '#' && a.isHashComment(p):
					a.statement(start, p)
					p, start = eol, eol
				case c == ';':
					a.statement(start, p)
					p++
					start = p
					// In an llvm-objdump -S listing a line of C begins with ";".
					if a.opt.Dialect != LLVM || strings.TrimLeft(a.src[pos:p-1], " \t") == "" {
						p, start = eol, eol
					}
				default:
					p++
				}
			}
			if p >= eol {
				if !inComment {
					a.statement(start, eol)
				}
				break
			}
		}
		pos = next
	}
	if inComment {
		a.end = len(strings.TrimRight(a.src, "\n"))
		a.fail(token{pos: len(a.src)}, "the comment is not closed", "end it with */")
	}
}

// isHashComment tells a comment from the "#" before a number in the log's
// "call bpf_loop#181", "call #0" and "call kfunc#5".
func (a *assembler) isHashComment(p int) bool {
	if p+1 < len(a.src) && (isDigit(a.src[p+1]) || a.src[p+1] == '-') {
		if p > a.lineStart && isWord(a.src[p-1]) {
			return false
		}
		return !strings.HasSuffix(strings.TrimRight(a.src[a.lineStart:p], " \t"), "call")
	}
	return true
}

// statement reads labels and one directive or instruction in src[from:to].
func (a *assembler) statement(from, to int) {
	for from < to && isBlank(a.src[from]) {
		from++
	}
	for to > from && isBlank(a.src[to-1]) {
		to--
	}
	if from == to || a.full {
		return
	}
	a.end = to
	from = a.prefix(from, to)
	if from < 0 {
		return
	}
	var fits bool
	if a.toks, fits = scan(a.toks, a.src, from, to); !fits {
		a.fail(a.toks[maxTokens-1], "the statement is too long", "an instruction a line")
		return
	}
	a.at = 0
	for a.at+1 < len(a.toks) && a.toks[a.at].kind == tokWord && a.toks[a.at+1].text == ":" {
		if !a.label(a.toks[a.at]) {
			return
		}
		a.at += 2
	}
	if a.at == len(a.toks) {
		return
	}
	if len(a.res.Insns) >= MaxInsns-1 {
		a.fail(a.toks[a.at], "the program is longer than "+itoa(MaxInsns)+" instructions", "")
		a.full = true
		return
	}
	n := len(a.res.Insns)
	if t := a.toks[a.at]; t.kind == tokWord && t.text[0] == '.' {
		a.directive()
	} else {
		start := t.pos
		a.instruction()
		if len(a.res.Insns) > n && a.opcode >= 0 && int(a.res.Insns[n].Op) != a.opcode {
			op := a.res.Insns[n].Op
			a.fail(token{tokPunct, a.src[start:to], start}, "the opcode in front is "+hexByte(uint8(a.opcode))+", but this is "+hexByte(op), "take the opcode away, or correct one of the two")
		}
	}
	for range len(a.res.Insns) - n {
		a.res.Lines = append(a.res.Lines, Pos{Line: a.line, Col: a.toks[a.at0()].pos - a.lineStart + 1, End: to - a.lineStart + 1})
	}
}

// at0 is the first token after the labels.
func (a *assembler) at0() int {
	i := 0
	for i+2 < len(a.toks) && a.toks[i].kind == tokWord && a.toks[i+1].text == ":" {
		i += 2
	}
	return i
}

func hexByte(b uint8) string { return "0x" + string([]byte{hexDigits[b>>4], hexDigits[b&15]}) }

// prefix reads over the left column of a listing and returns where the
// statement begins, or -1 when there is none:
//
//	8: (61) r1 = ...                        verifier log
//	(61) r1 = ...
//	8:  61 01 00 00 00 00 00 00  r1 = ...   llvm-objdump -d
//	0000000000000000 <name>:                llvm-objdump -d
func (a *assembler) prefix(from, to int) int {
	a.opcode = -1
	p := from
	for p < to && isHexDigit(a.src[p]) {
		p++
	}
	if p-from == 16 && p+2 < to && a.src[p] == ' ' && a.src[p+1] == '<' && strings.HasSuffix(a.src[from:to], ">:") {
		if name := a.src[p+2 : to-2]; isName(name) {
			a.label(token{tokWord, name, p + 2})
			return -1
		}
	}
	p = from
	for p < to && isDigit(a.src[p]) {
		p++
	}
	if p > from && p < to && a.src[p] == ':' {
		pc, err := strconv.Atoi(a.src[from:p])
		if err == nil && pc != len(a.res.Insns) {
			a.fail(token{tokNumber, a.src[from:p], from}, "this is instruction "+itoa(len(a.res.Insns))+" of the file, not "+a.src[from:p],
				"a log skips what the verifier did not visit; take the numbers away or fill the gap")
			return -1
		}
		for p++; p < to && isBlank(a.src[p]); p++ {
		}
		from = p
		if end, ok := a.byteColumn(p, to); ok {
			from = end
		}
	}
	if to-from > 4 && a.src[from] == '(' && isHexDigit(a.src[from+1]) && isHexDigit(a.src[from+2]) && a.src[from+3] == ')' {
		n, _ := strconv.ParseUint(a.src[from+1:from+3], 16, 8)
		a.opcode = int(n)
		for from += 4; from < to && isBlank(a.src[from]); from++ {
		}
	}
	if from == to {
		return -1
	}
	return from
}

// byteColumn reads over the bytes of an instruction: eight or sixteen pairs of
// hex digits, each followed by a blank.
func (a *assembler) byteColumn(p, to int) (int, bool) {
	n := 0
	for p+2 < to && isHexDigit(a.src[p]) && isHexDigit(a.src[p+1]) && isBlank(a.src[p+2]) {
		p, n = p+3, n+1
	}
	for p < to && isBlank(a.src[p]) {
		p++
	}
	return p, n == 8 || n == 16
}

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }

// label defines a label at the next slot.
func (a *assembler) label(t token) bool {
	if first, ok := a.byPC[t.text]; ok {
		return a.fail(t, "label "+quote(t.text)+" is defined twice", "the first is in line "+itoa(a.res.Labels[first].Pos.Line))
	}
	if len(a.res.Labels) == MaxLabels {
		return a.fail(t, "the file has more than "+itoa(MaxLabels)+" labels", "")
	}
	a.byPC[t.text] = len(a.res.Labels)
	a.res.Labels = append(a.res.Labels, Label{t.text, len(a.res.Insns), a.pos(t)})
	return true
}

func (a *assembler) pos(t token) Pos {
	col := t.pos - a.lineStart + 1
	return Pos{a.line, col, col + len(t.text)}
}

// fail records an error at a token; at the end of the statement when it has no
// text. It returns false, for the caller to return.
func (a *assembler) fail(t token, msg, hint string) bool {
	if len(a.res.Errors) >= MaxErrors {
		a.full = true
		return false
	}
	if t.kind == tokEnd {
		t.pos = max(a.end, a.lineStart)
	}
	n := len(t.text)
	if t.kind == tokString {
		n += 2
	}
	a.res.Errors = append(a.res.Errors, Error{
		Line: a.line, Col: t.pos - a.lineStart + 1, Len: n, Word: t.text, Msg: msg, Hint: hint,
	})
	return false
}

// emit appends a slot.
func (a *assembler) emit(i isa.Insn) bool {
	a.res.Insns = append(a.res.Insns, i)
	return true
}

// emitWide appends a wide load.
func (a *assembler) emitWide(dst, src uint8, v uint64) bool {
	w := isa.Wide(dst, src, v)
	a.res.Insns = append(a.res.Insns, w[0], w[1])
	return true
}

func (a *assembler) use(kind fixupKind, t token) {
	a.fix = append(a.fix, fixup{len(a.res.Insns), kind, t, a.line})
}
