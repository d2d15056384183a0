package session

import (
	"sort"
	"strconv"
	"strings"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/isa"
	vmsource "skep/vm/source"
	"skep/wasm/protocol"
)

// fileTexts finds the text of a source line: in the object's BTF, or in the
// files that the page compiled.
type fileTexts struct {
	files []protocol.WireFile
	lines []*lines // of files, made when first asked for
}

func (f *fileTexts) text(file string, line int) string {
	if f.lines == nil {
		f.lines = make([]*lines, len(f.files))
	}
	for i := range f.files {
		if name := f.files[i].Name; name[strings.LastIndexByte(name, '/')+1:] == file {
			if f.lines[i] == nil {
				f.lines[i] = newLines(f.files[i].Text)
			}
			return f.lines[i].at(line)
		}
	}
	return ""
}

// listing describes program number p of a source to the page.
func (src *source) listing(p int) *protocol.Listing {
	prog := &src.programs[p]
	l := &protocol.Listing{Program: uint32(p), Type: prog.typ, License: src.license}
	for i := range src.programs {
		q := &src.programs[i]
		l.Programs = append(l.Programs, protocol.ProgramInfo{
			Name: q.name, Section: q.section, Type: q.typ, Slots: uint32(len(q.insns)),
		})
	}
	for i, f := range prog.funcs {
		l.Funcs = append(l.Funcs, protocol.FuncInfo{
			Name: f.name, PC: uint32(f.start), Slots: uint32(f.len), Proto: f.proto, Entry: i == 0,
		})
	}
	for i := range src.maps {
		l.Maps = append(l.Maps, src.mapInfo(&src.maps[i]))
	}
	at := lineNumbers{known: make(map[fileLine]int32)}
	res := src.resolver()
	next, line := 0, int32(-1)
	for pc := 0; pc < len(prog.insns); pc++ {
		for next < len(prog.lines) && prog.lines[next].PC <= pc {
			line = at.number(l, &prog.lines[next])
			next++
		}
		in := prog.insns[pc]
		out := protocol.Insn{
			PC: uint32(pc), Bytes: in.Append(nil), Text: asm.Text(asm.Kernel, prog.insns, pc, res),
			Func: uint32(prog.funcAt(pc)), Target: -1, Line: line,
		}
		if row := isa.Lookup(in); row != nil {
			out.Doc = row.Doc
			out.Flow, out.Target = flow(row, in, pc)
		}
		if in.IsWide() && pc+1 < len(prog.insns) {
			pc++
			out.Bytes = prog.insns[pc].Append(out.Bytes)
		}
		l.Insns = append(l.Insns, out)
	}
	return l
}

// flow is where an instruction may lead besides to the next one.
func flow(row *isa.Row, in isa.Insn, pc int) (protocol.Flow, int32) {
	switch row.Form {
	case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa:
		return protocol.FlowJump, int32(pc + 1 + int(in.Off))
	case isa.FormGotol:
		return protocol.FlowJump, int32(pc+1) + in.Imm
	case isa.FormCallLocal:
		return protocol.FlowCall, int32(pc+1) + in.Imm
	case isa.FormCall, isa.FormCallKfunc:
		return protocol.FlowHelper, -1
	case isa.FormNone:
		return protocol.FlowExit, -1
	}
	switch row.Kind {
	case isa.KindGotox:
		return protocol.FlowJump, -1
	case isa.KindCallReg:
		return protocol.FlowHelper, -1
	}
	return protocol.FlowPlain, -1
}

// funcAt is the number of the function that holds slot pc.
func (p *program) funcAt(pc int) int {
	i := sort.Search(len(p.funcs), func(i int) bool { return p.funcs[i].start > pc }) - 1
	return max(i, 0)
}

type fileLine struct {
	file string
	line int
}

// lineNumbers gives the same number to the same line, in order of appearance.
type lineNumbers struct{ known map[fileLine]int32 }

func (n *lineNumbers) number(l *protocol.Listing, from *vm.Line) int32 {
	key := fileLine{from.File, from.Line}
	if i, ok := n.known[key]; ok {
		return i
	}
	i := int32(len(l.Lines))
	n.known[key] = i
	l.Lines = append(l.Lines, protocol.SourceLine{File: from.File, Line: uint32(from.Line), Col: uint32(from.Col), Text: from.Text})
	return i
}

func (src *source) mapInfo(m *mapDecl) protocol.MapInfo {
	out := protocol.MapInfo{
		Name: m.spec.Name, Type: m.spec.Type.String(), KeySize: m.spec.KeySize, ValueSize: m.spec.ValueSize,
		MaxEntries: m.spec.MaxEntries, Internal: m.internal,
	}
	if src.btf != nil {
		if m.key != 0 {
			out.KeyType = src.btf.TypeName(m.key)
		}
		if m.val != 0 && !m.internal {
			out.ValueType = src.btf.TypeName(m.val)
		}
	}
	return out
}

// resolver names what the instructions refer to: maps by their index.
func (src *source) resolver() *asm.Resolver {
	r := vmsource.Resolver
	r.MapName = func(imm int32) string {
		if imm >= 0 && int(imm) < len(src.maps) {
			return src.maps[imm].spec.Name
		}
		return "map" + strconv.Itoa(int(imm))
	}
	return &r
}

// LLVMText is the text of each listed instruction in llvm-objdump's words.
func (s *Session) LLVMText() []string {
	if s.src == nil {
		return nil
	}
	prog := &s.src.programs[s.prog]
	res := s.src.resolver()
	var out []string
	for pc := 0; pc < len(prog.insns); pc++ {
		out = append(out, asm.Text(asm.LLVM, prog.insns, pc, res))
		if prog.insns[pc].IsWide() {
			pc++
		}
	}
	return out
}
