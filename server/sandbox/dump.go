package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"skep/server/sandbox/proto"
)

// Dump is a program as a kernel runs it, and where each part came from. A slot is an instruction of the program as it was
// loaded, by its number; a wide load has two and counts as the first.
type Dump struct {
	Functions []DumpFunction
	Xlated    []byte // instructions after the verifier's rewriting
	Slots     []int  // of each instruction of Xlated the slot that it came from; nil when that is not known
}

// DumpFunction is the machine code of a function.
type DumpFunction struct {
	Start int      `json:"start"` // slot of its first instruction, -1 when that is not known
	Code  Hex      `json:"code"`
	Lines [][2]int `json:"lines"` // offset in Code from which on it is of a slot, and the slot; ascending offsets
}

// ErrNotCompiled says that the kernel interprets, or hides what it compiled.
var ErrNotCompiled = errors.New("the kernel has no machine code of the program")

// Dump loads a program and returns what the kernel made of it. When the verifier refuses it the verdict says so, with its
// log, and the dump is nil.
//
// The program is loaded with a line for each instruction in place of its own line info, as the kernel says of lines where
// their machine code begins; where the kernel does not take that, it is loaded as it is, and nothing is known of slots.
func (vm *VM) Dump(ctx context.Context, p *Program) (*Dump, *Verdict, error) {
	q := *p
	q.Keep, q.Run = "dump", nil
	lines := q
	lines.LogLevel = 0
	lines.eachLine()
	v, err := vm.Load(ctx, &lines)
	if err == nil && !v.OK {
		q.LogLevel = max(q.LogLevel, 1)
		v, err = vm.Load(ctx, &q)
	}
	if err != nil || !v.OK {
		return nil, v, err
	}
	j, err := vm.JIT(ctx, q.Keep)
	if err != nil {
		return nil, v, err
	}
	d, err := dumpOf(j, len(q.Insns)/8)
	return d, v, err
}

// Sizes of struct btf_header, struct btf_type with an integer's word, and struct bpf_line_info.
const (
	btfHeader   = 24
	btfInt      = 16
	lineInfoRec = 16
)

// intBTF is type information with nothing in it but an int: the kernel takes line info only with some.
func intBTF() []byte {
	b := binary.LittleEndian.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0) // version, flags
	for _, v := range []uint32{btfHeader, 0, btfInt, btfInt, 5} {
		b = binary.LittleEndian.AppendUint32(b, v) // header, offset and length of the types, of the names
	}
	for _, v := range []uint32{1, 1 << 24, 4, 1<<24 | 32} { // name, kind int, bytes, signed and 32 bits
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, "\x00int\x00"...)
}

// eachLine gives every instruction the line of its slot, counted from 1: 0 is no line.
func (p *Program) eachLine() {
	if p.BTF == "" {
		blob := intBTF()
		p.BTF = hashFiles(map[string][]byte{"btf": blob})[:16]
		blobs := map[string][]byte{p.BTF: blob}
		maps.Copy(blobs, p.blobs)
		p.blobs = blobs
	}
	p.LineInfo, p.LineInfoRecSize = nil, lineInfoRec
	for i := 0; i < len(p.Insns)/8; i++ {
		for _, v := range []uint32{uint32(i), 0, 0, uint32(i+1) << 10} {
			p.LineInfo = binary.LittleEndian.AppendUint32(p.LineInfo, v)
		}
		if p.Insns[8*i] == opLddw {
			i++
		}
	}
}

// maxSubprogs is the kernel's bound of functions (BPF_MAX_SUBPROGS).
const maxSubprogs = 256

// dumpOf puts addresses and lines in order. The guest is not trusted.
func dumpOf(j *proto.JITResult, slots int) (*Dump, error) {
	if len(j.Jited) == 0 {
		return nil, ErrNotCompiled
	}
	if len(j.Xlated) == 0 || len(j.Xlated)%8 != 0 {
		return nil, fmt.Errorf("%w: %d bytes of instructions", proto.ErrFrame, len(j.Xlated))
	}
	if len(j.FuncLens) > maxSubprogs {
		return nil, fmt.Errorf("%w: %d functions", proto.ErrFrame, len(j.FuncLens))
	}
	d := &Dump{Xlated: j.Xlated}
	code := j.Jited
	for _, n := range j.FuncLens {
		if int64(n) > int64(len(code)) {
			return nil, fmt.Errorf("%w: functions of %d bytes in %d", proto.ErrFrame, j.FuncLens, len(j.Jited))
		}
		d.Functions = append(d.Functions, DumpFunction{Start: -1, Code: code[:n:n], Lines: [][2]int{}})
		code = code[n:]
	}
	lines := slices.DeleteFunc(slices.Clone(j.Lines), func(l proto.JITLine) bool {
		return l.Line == 0 || int64(l.Line) > int64(slots)
	})
	for _, l := range lines {
		for i := range min(len(d.Functions), len(j.Ksyms)) {
			f := &d.Functions[i]
			if at := l.Addr - j.Ksyms[i]; l.Addr >= j.Ksyms[i] && at < uint64(len(f.Code)) {
				f.Lines = append(f.Lines, [2]int{int(at), int(l.Line) - 1})
			}
		}
	}
	for i := range d.Functions {
		f := &d.Functions[i]
		slices.SortStableFunc(f.Lines, func(a, b [2]int) int { return a[0] - b[0] })
		if len(f.Lines) > 0 && f.Lines[0][0] == 0 {
			f.Start = f.Lines[0][1]
		}
	}
	if len(lines) > 0 {
		d.Slots = slotsOf(lines, len(j.Xlated)/8)
	}
	return d, nil
}

// slotsOf spreads the lines over n instructions: what has none belongs to the one before.
func slotsOf(lines []proto.JITLine, n int) []int {
	slots := make([]int, n)
	for i := range slots {
		slots[i] = -1
	}
	for _, l := range lines {
		if int64(l.Insn) < int64(n) {
			slots[l.Insn] = int(l.Line) - 1
		}
	}
	last := 0
	for i, s := range slots {
		if s < 0 {
			slots[i] = last
		}
		last = slots[i]
	}
	return slots
}
