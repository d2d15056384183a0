package object

import (
	"runtime"
	"sort"
	"strconv"

	"skep/vm/btf"
	"skep/vm/isa"
)

// Limits of what linking makes of an object. The kernel takes 256 functions
// and a million instructions a program.
const (
	maxFuncs  = 1024
	maxBudget = 4 << 20
)

// function is a function symbol of a section with code.
type function struct {
	name   string
	sec    *section
	off    uint64 // bytes in the section
	size   uint64
	global bool
	hidden bool
	entry  bool // a program, not only a subprogram

	typ   btf.ID
	funcs []btf.FuncInfo // records of the function, slots of the section
	lines []btf.LineInfo
	relos []btf.CoreRelo
}

// collectFuncs finds the functions of all code sections and their records.
func (l *loader) collectFuncs() error {
	for _, s := range l.f.symbols {
		if s.typ != sttFunc || s.section == shnUndef || s.section >= len(l.f.sections) {
			continue
		}
		sec := &l.f.sections[s.section]
		if sec.typ != shtProgbits || sec.flags&shfExec == 0 {
			continue
		}
		fail := func(msg string) error {
			return &Error{Section: sec.name, Off: s.value, Msg: "function " + quote(s.name) + ": " + msg}
		}
		if s.value%isa.Size != 0 || s.size%isa.Size != 0 {
			return fail("its start or size of " + u64(s.size) + " bytes is no multiple of 8")
		}
		if s.value > sec.size || s.size > sec.size-s.value {
			return fail(u64(s.size) + " bytes end behind the section of " + u64(sec.size))
		}
		if sec.name != ".text" && s.bind == stbLocal {
			return fail("a static function cannot be a program: remove static, or remove SEC(" + quote(sec.name) + ")")
		}
		l.funcs = append(l.funcs, function{name: s.name, sec: sec, off: s.value, size: s.size,
			global: s.bind != stbLocal, hidden: s.hidden, entry: sec.name != ".text"})
	}
	sortBy(l.funcs, func(a, b *function) bool {
		if a.sec != b.sec {
			return a.sec.index < b.sec.index
		}
		return a.off < b.off
	})
	programs := 0
	for i := range l.funcs {
		fn := &l.funcs[i]
		end := fn.sec.size
		if i+1 < len(l.funcs) && l.funcs[i+1].sec == fn.sec {
			end = l.funcs[i+1].off
		}
		if fn.size == 0 {
			fn.size = end - fn.off // assembly without .size
		}
		if fn.size == 0 || fn.off+fn.size > end {
			return &Error{Section: fn.sec.name, Off: fn.off, Msg: "function " + quote(fn.name) + " of " + u64(fn.size) +
				" bytes is empty or overlaps the next one"}
		}
		if fn.entry {
			programs++
		}
	}
	// An object with nothing but .text: take its global functions as programs.
	for i := range l.funcs {
		if programs == 0 {
			l.funcs[i].entry = l.funcs[i].global
		}
	}
	return l.attachRecords()
}

// attachRecords hands the records of .BTF.ext to their functions.
func (l *loader) attachRecords() error {
	if l.obj.BTFExt == nil {
		return nil
	}
	for i := 0; i < len(l.funcs); {
		sec := l.funcs[i].sec
		funcs, err := l.obj.BTFExt.Funcs(sec.name)
		if err != nil {
			return &Error{Section: ".BTF.ext", Err: err}
		}
		lines, err := l.obj.BTFExt.Lines(sec.name)
		if err != nil {
			return &Error{Section: ".BTF.ext", Err: err}
		}
		relos, err := l.obj.BTFExt.CoreRelos(sec.name)
		if err != nil {
			return &Error{Section: ".BTF.ext", Err: err}
		}
		sortBy(funcs, func(a, b *btf.FuncInfo) bool { return a.Insn < b.Insn })
		sortBy(lines, func(a, b *btf.LineInfo) bool { return a.Insn < b.Insn })
		sortBy(relos, func(a, b *btf.CoreRelo) bool { return a.Insn < b.Insn })
		for ; i < len(l.funcs) && l.funcs[i].sec == sec; i++ {
			fn := &l.funcs[i]
			lo, hi := uint32(fn.off/isa.Size), uint32((fn.off+fn.size)/isa.Size)
			fn.funcs = within(funcs, lo, hi, func(r btf.FuncInfo) uint32 { return r.Insn })
			fn.lines = within(lines, lo, hi, func(r btf.LineInfo) uint32 { return r.Insn })
			fn.relos = within(relos, lo, hi, func(r btf.CoreRelo) uint32 { return r.Insn })
			if len(fn.funcs) > 0 && fn.funcs[0].Insn == lo {
				fn.typ = fn.funcs[0].Type
			}
			// Hidden functions are verified where they are called, like
			// static ones.
			if fn.global && fn.hidden && fn.typ != 0 {
				l.obj.BTF.SetLinkage(fn.typ, btf.LinkStatic)
			}
		}
	}
	return nil
}

// within is the part of sorted records with instructions in [lo, hi).
func within[R any](rs []R, lo, hi uint32, insn func(R) uint32) []R {
	i := sort.Search(len(rs), func(i int) bool { return insn(rs[i]) >= lo })
	j := sort.Search(len(rs), func(i int) bool { return insn(rs[i]) >= hi })
	return rs[i:j]
}

// funcAt is the function that covers a byte of a section.
func (l *loader) funcAt(sec int, off uint64) *function {
	i := sort.Search(len(l.funcs), func(i int) bool {
		f := &l.funcs[i]
		return f.sec.index > sec || f.sec.index == sec && f.off > off
	})
	if i == 0 {
		return nil
	}
	fn := &l.funcs[i-1]
	if fn.sec.index != sec || off >= fn.off+fn.size {
		return nil
	}
	return fn
}

// link makes a Program of every entry function.
func (l *loader) link() error {
	l.budget = maxBudget
	for i := range l.funcs {
		fn := &l.funcs[i]
		for _, r := range l.f.relocs[fn.sec.index] {
			if i > 0 && l.funcs[i-1].sec == fn.sec {
				break // checked with the section's first function
			}
			if r.off%isa.Size != 0 || r.off >= fn.sec.size {
				return &Error{Section: fn.sec.name, Off: r.off, Msg: "a relocation that is at no instruction"}
			}
		}
	}
	for i := range l.funcs {
		fn := &l.funcs[i]
		if !fn.entry {
			continue
		}
		p := linker{loader: l, placed: make(map[*function]int)}
		p.prog = Program{Name: fn.name, Section: fn.sec.name, License: l.obj.License}
		if err := p.place(fn); err != nil {
			return err
		}
		sortBy(p.prog.Maps, func(a, b *MapRef) bool { return a.Insn < b.Insn })
		sortBy(p.prog.Ksyms, func(a, b *KsymRef) bool { return a.Insn < b.Insn })
		l.obj.Programs = append(l.obj.Programs, p.prog)
	}
	return nil
}

// linker makes one Program.
type linker struct {
	*loader
	prog   Program
	placed map[*function]int // first slot in the program
}

// place appends a function and, as its calls come up, those it reaches: the
// order in which libbpf lays subprograms out (bpf_object__reloc_code).
func (p *linker) place(fn *function) error {
	fail := func(msg string) error {
		return &Error{Section: fn.sec.name, Off: fn.off, Msg: "program " + quote(p.prog.Name) + ": " + msg}
	}
	start, n := len(p.prog.Insns), int(fn.size/isa.Size)
	if len(p.placed) == maxFuncs {
		return fail("it reaches more than " + strconv.Itoa(maxFuncs) + " functions")
	}
	if start+n > isa.MaxInsns {
		return fail("it has more than " + strconv.Itoa(isa.MaxInsns) + " instructions")
	}
	if p.budget -= n + len(fn.lines) + len(fn.relos) + len(fn.funcs); p.budget < 0 {
		return fail("the programs of the object together have more than " + strconv.Itoa(maxBudget) + " instructions and line records")
	}
	p.placed[fn] = start
	for i := range n {
		p.prog.Insns = append(p.prog.Insns, isa.Decode(fn.sec.data[fn.off+uint64(i)*isa.Size:]))
	}
	p.prog.Funcs = append(p.prog.Funcs, Func{Name: fn.name, Start: start, Len: n, Type: fn.typ, Global: fn.global && !fn.hidden})
	shift := uint32(start) - uint32(fn.off/isa.Size)
	for _, r := range fn.funcs {
		r.Insn += shift
		p.prog.FuncInfo = append(p.prog.FuncInfo, r)
	}
	for _, r := range fn.lines {
		r.Insn += shift
		p.prog.LineInfo = append(p.prog.LineInfo, r)
	}
	for _, r := range fn.relos {
		r.Insn += shift
		p.prog.CoreRelos = append(p.prog.CoreRelos, r)
	}
	for i := 0; i < n; i++ {
		if i%1024 == 0 {
			runtime.Gosched() // in the page, loops let the collector in
		}
		if err := p.resolve(fn, start, i); err != nil {
			return err
		}
		if p.prog.Insns[start+i].IsWide() {
			i++
		}
	}
	return nil
}

// resolve settles what instruction i of a function refers to.
func (p *linker) resolve(fn *function, start, i int) error {
	off := fn.off + uint64(i)*isa.Size
	insn := p.prog.Insns[start+i]
	r, found := p.f.relocAt(fn.sec.index, off)
	fail := func(msg string) error { return &Error{Section: fn.sec.name, Off: off, Msg: msg} }
	call := insn.Op == isa.ClassJMP|isa.JmpCall
	switch {
	case !found && call && insn.Src == isa.PseudoCall:
		// A static function of the same section.
		return p.reach(fn, start, i, fn.sec.index, int64(off)+(int64(insn.Imm)+1)*isa.Size)
	case !found && insn.IsWide() && insn.Src == isa.PseudoFunc:
		return fail("the address of a function without a relocation")
	case !found:
		return nil
	case call:
		sym := p.f.symbols[r.sym]
		if r.typ != rel64_32 {
			return fail("relocation of type " + strconv.Itoa(int(r.typ)) + " at a call, expected R_BPF_64_32 (10)")
		}
		if sym.section == shnUndef {
			return p.kfunc(fn, start, i, sym)
		}
		if insn.Src != isa.PseudoCall {
			return fail("a call of " + quote(sym.name) + " with source " + strconv.Itoa(int(insn.Src)) + ", expected BPF_PSEUDO_CALL (1)")
		}
		return p.reach(fn, start, i, sym.section, int64(sym.value)+(int64(insn.Imm)+1)*isa.Size)
	case insn.IsWide():
		if i+1 >= int(fn.size/isa.Size) {
			return fail("lddw takes two slots and the function ends after the first")
		}
		if r.typ != rel64_64 {
			return fail("relocation of type " + strconv.Itoa(int(r.typ)) + " at lddw, expected R_BPF_64_64 (1)")
		}
		return p.address(fn, start, i, p.f.symbols[r.sym])
	}
	return fail("a relocation of opcode 0x" + strconv.FormatUint(uint64(insn.Op), 16) + ", expected a call or lddw")
}

// reach points a call, or the address of a callback, to the function that
// begins at byte to of a section, and places it if it is new.
func (p *linker) reach(fn *function, start, i, sec int, to int64) error {
	var target *function
	if to >= 0 {
		target = p.funcAt(sec, uint64(to))
	}
	if target == nil || target.off != uint64(to) {
		name := "special section " + strconv.Itoa(sec)
		if sec < len(p.f.sections) {
			name = "section " + quote(p.f.sections[sec].name)
		}
		return &Error{Section: fn.sec.name, Off: fn.off + uint64(i)*isa.Size, Msg: "no function begins at byte " +
			strconv.FormatInt(to, 10) + " of " + name}
	}
	at, ok := p.placed[target]
	if !ok {
		at = len(p.prog.Insns)
		if err := p.place(target); err != nil {
			return err
		}
	}
	p.prog.Insns[start+i].Imm = int32(at - (start + i) - 1)
	return nil
}

// address settles a lddw of a symbol's address.
func (p *linker) address(fn *function, start, i int, sym symbol) error {
	insn, high := &p.prog.Insns[start+i], &p.prog.Insns[start+i+1]
	off := fn.off + uint64(i)*isa.Size
	fail := func(msg string) error { return &Error{Section: fn.sec.name, Off: off, Msg: msg} }
	if sym.section == shnUndef {
		return p.externAddress(fn, start, i, sym)
	}
	if sym.section >= len(p.f.sections) {
		return fail("symbol " + quote(sym.name) + " is in special section " + strconv.Itoa(sym.section) +
			": is a global variable without initial value? write = 0")
	}
	sec := &p.f.sections[sym.section]
	if sec.flags&shfExec != 0 {
		to := int64(sym.value) + int64(insn.Imm)
		insn.Src, high.Imm = isa.PseudoFunc, 0
		return p.reach(fn, start, i, sym.section, to)
	}
	if index, ok := p.dataMap[sym.section]; ok {
		at := int64(sym.value) + int64(insn.Imm)
		if at < 0 || uint64(at) > sec.size {
			return fail("byte " + strconv.FormatInt(at, 10) + " of section " + quote(sec.name) + ", which has " + u64(sec.size))
		}
		insn.Src, insn.Imm, high.Imm = isa.PseudoMapValue, int32(index), int32(at)
		p.prog.Maps = append(p.prog.Maps, MapRef{Insn: start + i, Map: index, Value: true, Off: uint32(at)})
		return nil
	}
	if index := p.mapAt(sym.section, sym.value); index >= 0 && p.obj.Maps[index].offset == sym.value {
		insn.Src, insn.Imm, high.Imm = isa.PseudoMapFD, int32(index), 0
		p.prog.Maps = append(p.prog.Maps, MapRef{Insn: start + i, Map: index})
		return nil
	}
	return fail(quote(sym.name) + " at byte " + u64(sym.value) + " of section " + quote(sec.name) +
		" is no map, variable or function")
}

// externAddress settles a lddw of an undefined symbol's address.
func (p *linker) externAddress(fn *function, start, i int, sym symbol) error {
	insn, high := &p.prog.Insns[start+i], &p.prog.Insns[start+i+1]
	index, msg := p.extern(sym)
	if msg != "" {
		return &Error{Section: fn.sec.name, Off: fn.off + uint64(i)*isa.Size, Msg: msg}
	}
	e := &p.obj.Externs[index]
	if e.Kind == ExternKconfig {
		insn.Src, insn.Imm, high.Imm = isa.PseudoMapValue, int32(p.kconfig), int32(e.Off)
		p.prog.Maps = append(p.prog.Maps, MapRef{Insn: start + i, Map: p.kconfig, Value: true, Off: e.Off})
		return nil
	}
	insn.Src, insn.Imm, high.Imm = 0, 0, 0
	p.prog.Ksyms = append(p.prog.Ksyms, KsymRef{Insn: start + i, Extern: index})
	return nil
}

// kfunc settles a call of an undefined function.
func (p *linker) kfunc(fn *function, start, i int, sym symbol) error {
	index, msg := p.extern(sym)
	if msg == "" && !p.obj.Externs[index].Func {
		msg = "a call of " + quote(sym.name) + ", which is no function"
	}
	if msg != "" {
		return &Error{Section: fn.sec.name, Off: fn.off + uint64(i)*isa.Size, Msg: msg}
	}
	insn := &p.prog.Insns[start+i]
	insn.Src, insn.Imm, insn.Off = isa.PseudoKfuncCall, 0, 0
	p.prog.Ksyms = append(p.prog.Ksyms, KsymRef{Insn: start + i, Extern: index, Call: true})
	return nil
}
