package conformance

import (
	"encoding/binary"
	"strconv"
	"strings"

	"skep/vm/asm"
	"skep/vm/isa"
)

// File is one test of the bpf_conformance suite.
type File struct {
	Insns  []isa.Insn
	Mem    []byte // memory that r1 points to, nil for none
	Result uint64 // r0 at the exit
	Error  string // text of the expected error; Fails says whether there is one
	Fails  bool
}

// ParseError is a test file that cannot be read.
type ParseError struct {
	Line int // from 1; 0 when it is the file as a whole
	Msg  string
}

func (e *ParseError) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return "line " + strconv.Itoa(e.Line) + ": " + e.Msg
}

// section is a directive of a test file.
type section uint8

const (
	sectNone section = iota
	sectAsm
	sectResult
	sectMem
	sectRaw
	sectError
	sectIgnored
)

// directive recognizes a line with "--" by what it contains, in the order of
// upstream's parser.
func directive(line string) (section, bool) {
	for _, d := range [...]struct {
		word string
		sect section
	}{
		{"asm", sectAsm}, {"result", sectResult}, {"mem", sectMem}, {"raw", sectRaw},
		{"no register offset", sectIgnored}, {" c", sectIgnored}, {"error", sectError},
	} {
		if strings.Contains(line, d.word) {
			return d.sect, true
		}
	}
	return sectIgnored, strings.TrimSpace(line) == "--"
}

// maxProgram bounds what a file may hold.
const maxProgram = 1 << 16

// Parse reads a test file. The raw section may hold a 64-bit number an
// instruction, as upstream reads it, or bytes, as the files in upstream's
// negative folder are written.
func Parse(text string) (*File, error) {
	f := &File{}
	var src strings.Builder
	var raw []string
	seen := [sectIgnored + 1]bool{}
	sect := sectNone
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if i := strings.IndexByte(line, '#'); i >= 0 && sect != sectIgnored {
			line = line[:i]
		}
		if strings.Contains(line, "--") {
			s, ok := directive(line)
			if !ok {
				return nil, &ParseError{n + 1, "unknown directive " + strconv.Quote(strings.TrimSpace(line))}
			}
			sect = s
			seen[s] = true
			f.Fails = f.Fails || s == sectError
			continue
		}
		if sect == sectAsm { // keep blank lines: errors have line numbers
			src.WriteString(line)
		}
		src.WriteByte('\n')
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		switch sect {
		case sectResult:
			v, err := strconv.ParseUint(line, 0, 64)
			if err != nil {
				return nil, &ParseError{n + 1, "result " + strconv.Quote(line) + " is no 64-bit number"}
			}
			f.Result = v
		case sectMem:
			for _, w := range strings.Fields(line) {
				v, err := strconv.ParseUint(w, 16, 8)
				if err != nil {
					return nil, &ParseError{n + 1, "memory byte " + strconv.Quote(w) + " is not two hex digits"}
				}
				f.Mem = append(f.Mem, byte(v))
			}
		case sectRaw:
			raw = append(raw, strings.Fields(line)...)
		case sectError:
			f.Error = line
		}
	}
	if !seen[sectAsm] && !seen[sectRaw] {
		return nil, &ParseError{0, "there is neither an asm nor a raw section"}
	}
	if !seen[sectResult] && !seen[sectError] {
		return nil, &ParseError{0, "there is neither a result nor an error section"}
	}
	return f, f.program(src.String(), raw)
}

// program takes the instructions from the raw section, or else from asm.
func (f *File) program(src string, raw []string) error {
	if len(raw) > 0 {
		return f.decode(raw)
	}
	res := asm.Assemble(src, asm.Options{Dialect: asm.Conformance})
	if len(res.Errors) > 0 {
		return &ParseError{res.Errors[0].Line, res.Errors[0].Error()}
	}
	f.Insns = res.Insns
	return nil
}

func (f *File) decode(words []string) error {
	if len(words) > maxProgram {
		return &ParseError{0, "the raw section is too long"}
	}
	isBytes := true
	for _, w := range words {
		isBytes = isBytes && len(w) == 2
	}
	var b []byte
	for _, w := range words {
		if isBytes {
			v, err := strconv.ParseUint(w, 16, 8)
			if err != nil {
				return &ParseError{0, "raw byte " + strconv.Quote(w) + " is not two hex digits"}
			}
			b = append(b, byte(v))
			continue
		}
		v, err := strconv.ParseUint(w, 0, 64)
		if err != nil {
			return &ParseError{0, "raw instruction " + strconv.Quote(w) + " is no 64-bit number"}
		}
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	insns, err := isa.DecodeAll(b)
	f.Insns = insns
	return err
}
