package verifier

import (
	"encoding/binary"

	"skep/vm/btf"
	"skep/vm/isa"
)

// checkAbnormalReturn refuses, in functions without BTF, what leaves them in
// the middle.
func (e *env) checkAbnormalReturn() errno {
	for i := 1; i+1 < len(e.subprogs); i++ {
		if e.subprogs[i].hasLdAbs {
			e.logs("LD_ABS is not allowed in subprogs without BTF\n")
			return einval
		}
		if e.subprogs[i].hasTailCall {
			e.logs("tail_call is not allowed in subprogs without BTF\n")
			return einval
		}
	}
	return 0
}

const maxRecordSize = 252 // MAX_FUNCINFO_REC_SIZE

func recordSize(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// tailZero reports whether the bytes of a record that this kernel does not
// know are zero.
func tailZero(rec []byte, known int) bool {
	for _, b := range rec[min(known, len(rec)):] {
		if b != 0 {
			return false
		}
	}
	return true
}

// checkBTFInfoEarly reads the function records.
func (e *env) checkBTFInfoEarly() errno {
	p := e.prog
	if len(p.FuncInfo) == 0 && len(p.LineInfo) == 0 {
		return 0
	}
	if p.BTF == nil {
		return einval
	}
	if len(p.FuncInfo) == 0 {
		return 0
	}
	size := recordSize(p.FuncInfoSize, btf.FuncInfoSize)
	if size < btf.FuncInfoSize || size > maxRecordSize || size%4 != 0 {
		e.logf("invalid func info rec size %u\n", size)
		return einval
	}
	prev := uint32(0)
	for i, raw := 0, p.FuncInfo; len(raw) >= size; i, raw = i+1, raw[size:] {
		if !tailZero(raw[:size], btf.FuncInfoSize) {
			e.logs("nonzero tailing record in func info")
			return e2big
		}
		f := btf.FuncInfo{Insn: binary.LittleEndian.Uint32(raw), Type: btf.ID(binary.LittleEndian.Uint32(raw[4:]))}
		switch {
		case i == 0 && f.Insn != 0:
			e.logf("nonzero insn_off %u for the first func info record", f.Insn)
			return einval
		case i > 0 && f.Insn <= prev:
			e.logf("same or smaller insn offset (%u) than previous func info record (%u)", f.Insn, prev)
			return einval
		case p.BTF.Kind(f.Type) != btf.KindFunc:
			e.logf("invalid type id %d in func info", int32(f.Type))
			return einval
		case p.BTF.Kind(p.BTF.Type(f.Type).Target()) != btf.KindFuncProto:
			return einval
		}
		prev = f.Insn
		e.funcs = append(e.funcs, f)
	}
	return 0
}

// smallInt is btf_type_is_small_int.
func smallInt(s *btf.Spec, id btf.ID) bool {
	t := s.Type(id)
	return t.Kind() == btf.KindInt && t.Size() <= 8
}

// checkBTFInfo checks that function and line records fit the functions found.
func (e *env) checkBTFInfo() errno {
	p := e.prog
	if len(p.FuncInfo) == 0 && len(p.LineInfo) == 0 {
		return e.checkAbnormalReturn()
	}
	if err := e.checkBTFFunc(); err != 0 {
		return err
	}
	return e.checkBTFLine()
}

func (e *env) checkBTFFunc() errno {
	if len(e.funcs) == 0 {
		return e.checkAbnormalReturn()
	}
	if len(e.funcs) != len(e.subprogs)-1 {
		e.logs("number of funcs in func_info doesn't match number of subprogs\n")
		return einval
	}
	spec := e.prog.BTF
	for i, f := range e.funcs {
		sub := &e.subprogs[i]
		if sub.start != int(f.Insn) {
			e.logs("func_info BTF section doesn't match subprog layout in BPF program\n")
			return einval
		}
		fn := spec.Type(f.Type)
		ret := spec.Resolve(spec.Type(fn.Target()).Target())
		scalar := smallInt(spec, ret) || spec.Kind(ret).IsEnum()
		if i > 0 && !scalar && sub.hasLdAbs {
			e.logs("LD_ABS is only allowed in functions that return 'int'.\n")
			return einval
		}
		if i > 0 && !scalar && sub.hasTailCall {
			e.logs("tail_call is only allowed in functions that return 'int'.\n")
			return einval
		}
		sub.linkage, sub.funcType = fn.Linkage(), f.Type
	}
	for i := range e.funcs {
		e.subprogs[i].hasFuncInfoAux = true
	}
	return 0
}

// hasString reports whether off lies in the string table: where a string ends
// there is an empty one (btf_name_by_offset).
func hasString(spec *btf.Spec, off uint32) bool {
	return off == 0 || spec.StringAt(off) != "" || spec.StringAt(off-1) != ""
}

func (e *env) checkBTFLine() errno {
	p := e.prog
	if len(p.LineInfo) == 0 {
		return 0
	}
	size := recordSize(p.LineInfoSize, btf.LineInfoSize)
	if size < btf.LineInfoSize || size > maxRecordSize || size%4 != 0 {
		return einval
	}
	n := len(p.LineInfo) / size
	lines := make([]btf.LineInfo, 0, n)
	nsub := len(e.subprogs) - 1
	s := 0
	prev := uint32(0)
	for i := range n {
		raw := p.LineInfo[i*size : (i+1)*size]
		if !tailZero(raw, btf.LineInfoSize) {
			e.logs("nonzero tailing record in line_info")
			return e2big
		}
		l := btf.LineInfo{
			Insn:    binary.LittleEndian.Uint32(raw),
			FileOff: binary.LittleEndian.Uint32(raw[4:]),
			TextOff: binary.LittleEndian.Uint32(raw[8:]),
			LineCol: binary.LittleEndian.Uint32(raw[12:]),
		}
		switch {
		case i > 0 && l.Insn <= prev, l.Insn >= uint32(len(e.insns)):
			e.logf("Invalid line_info[%u].insn_off:%u (prev_offset:%u prog->len:%u)\n", i, l.Insn, prev, len(e.insns))
			return einval
		case e.insns[l.Insn].Op == 0:
			e.logf("Invalid insn code at line_info[%u].insn_off\n", i)
			return einval
		case !hasString(p.BTF, l.TextOff), !hasString(p.BTF, l.FileOff):
			e.logf("Invalid line_info[%u].line_off or .file_name_off\n", i)
			return einval
		}
		if s != nsub {
			switch start := uint32(e.subprogs[s].start); {
			case l.Insn == start:
				s++
			case start < l.Insn:
				e.logf("missing bpf_line_info for func#%u\n", s)
				return einval
			}
		}
		prev = l.Insn
		lines = append(lines, l)
	}
	if s != nsub {
		e.logf("missing bpf_line_info for %u funcs starting from func#%u\n", nsub-s, s)
		return einval
	}
	e.lines = lines
	return 0
}

// lineAt is the index of the line record that covers an instruction, -1 when
// there is none (find_linfo).
func (e *env) lineAt(insn int) int {
	if len(e.lines) == 0 || insn >= len(e.insns) {
		return -1
	}
	lo, hi := 0, len(e.lines)-1
	for lo < hi {
		mid := lo + (hi-lo+1)/2
		if int(e.lines[mid].Insn) <= insn {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// printLine logs the source line of an instruction, unless it was the last
// one logged (verbose_linfo).
func (e *env) printLine(insn int, prefix string) {
	i := e.lineAt(insn)
	if i < 0 || i == e.prevLine {
		return
	}
	l := &e.lines[i]
	if e.prevLine >= 0 {
		if p := &e.lines[e.prevLine]; p.FileOff == l.FileOff && p.Line() == l.Line() {
			return
		}
	}
	text, file := e.prog.BTF.StringAt(l.TextOff), e.prog.BTF.StringAt(l.FileOff)
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	for j := len(file) - 1; j >= 0; j-- {
		if file[j] == '/' {
			file = file[j+1:]
			break
		}
	}
	// The kernel formats into 1 KiB.
	const kbuf = 1023
	e.logs(prefix)
	e.logs(text[:min(len(text), kbuf)])
	e.logf(" @ %s:%u\n", file, l.Line())
	e.prevLine = i
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0 }

// opcodeKnown reports whether 6.12 has an instruction of that opcode
// (bpf_opcode_in_insntable).
func opcodeKnown(op uint8) bool {
	switch op & 7 {
	case isa.ClassSTX:
		if op&0xe0 == isa.ModeAtomic && op&0x18 != isa.SizeW && op&0x18 != isa.SizeDW {
			return false
		}
	case isa.ClassJMP:
		if op&isa.SrcX != 0 && (op&0xf0 == isa.JmpA || op&0xf0 == isa.JmpCall) {
			return false
		}
	}
	return isa.Closest(isa.Insn{Op: op}) != nil
}
