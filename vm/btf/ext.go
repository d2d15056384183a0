package btf

import (
	"encoding/binary"
	"sort"
	"strconv"
)

// Sizes of the records that this package knows. Larger ones, of a later
// version, are read up to here.
const (
	FuncInfoSize = 8
	LineInfoSize = 16
	CoreReloSize = 16
)

// FuncInfo says that a function with a BTF type begins at an instruction
// (struct bpf_func_info).
type FuncInfo struct {
	Insn uint32 // slot, in the section or the program
	Type ID     // a func
}

// LineInfo says that a source line begins at an instruction (struct
// bpf_line_info).
type LineInfo struct {
	Insn    uint32 // slot, in the section or the program
	FileOff uint32 // string
	TextOff uint32 // string
	LineCol uint32 // line<<10 | column
}

// Line is the line number, from 1.
func (l LineInfo) Line() int { return int(l.LineCol >> 10) }

// Col is the column, from 1; 0 when it is not known.
func (l LineInfo) Col() int { return int(l.LineCol & 0x3ff) }

// CoreRelo asks the loader to adjust an instruction to the target's types
// (struct bpf_core_relo).
type CoreRelo struct {
	Insn   uint32 // slot, in the section or the program
	Type   ID     // local type
	Access string // member and element numbers: "0:1:2"
	Kind   CoreKind
}

// recordList is one of the three sub-sections of .BTF.ext.
type recordList struct {
	size     uint32              // of a record
	sections map[string][][]byte // runs of records
}

// Ext is a parsed .BTF.ext section: what belongs to instructions, by name of
// the section that holds them.
type Ext struct {
	spec  *Spec
	funcs recordList
	lines recordList
	relos recordList
}

// ParseExt reads a .BTF.ext section, whose strings and types are those of spec.
// The blob is kept.
func ParseExt(blob []byte, spec *Spec) (*Ext, error) {
	fail := func(off uint32, msg string) (*Ext, error) { return nil, &Error{Off: off, Msg: ".BTF.ext: " + msg} }
	n := uint64(len(blob))
	if n < headerSize {
		return fail(0, "the header takes 24 bytes and there are "+strconv.Itoa(len(blob)))
	}
	switch binary.LittleEndian.Uint16(blob) {
	case magic:
	case magicSwapped:
		return fail(0, "big-endian BTF is not supported: compile with -target bpfel")
	default:
		return fail(0, "the magic number 0xeb9f is missing")
	}
	if blob[2] != 1 {
		return fail(2, "version "+strconv.Itoa(int(blob[2]))+" is not known, expected 1")
	}
	hdr := u32(blob, 4)
	if hdr < headerSize || uint64(hdr) > n {
		return fail(4, "header length "+dec(hdr)+" does not fit "+strconv.Itoa(len(blob))+" bytes")
	}
	e := &Ext{spec: spec}
	for _, sub := range []struct {
		name string
		at   uint32
		min  uint32
		to   *recordList
	}{
		{"func_info", 8, FuncInfoSize, &e.funcs},
		{"line_info", 16, LineInfoSize, &e.lines},
		{"core_relo", 24, CoreReloSize, &e.relos},
	} {
		if hdr < sub.at+8 {
			break // an old header without CO-RE
		}
		off, size := u32(blob, sub.at), u32(blob, sub.at+4)
		start := uint64(hdr) + uint64(off)
		if start+uint64(size) > n {
			return fail(sub.at, sub.name+" ends behind the section of "+strconv.Itoa(len(blob))+" bytes")
		}
		if size == 0 {
			continue
		}
		if err := sub.to.parse(blob[start:start+uint64(size)], uint32(start), sub.min, sub.name, spec); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (l *recordList) parse(b []byte, at, least uint32, name string, spec *Spec) error {
	fail := func(off uint32, msg string) error {
		return &Error{Off: at + off, Msg: ".BTF.ext: " + name + ": " + msg}
	}
	if len(b) < 4 {
		return fail(0, "the record size is missing")
	}
	l.size = u32(b, 0)
	if l.size < least || l.size > 252 || l.size%4 != 0 {
		return fail(0, "record size "+dec(l.size)+", expected a multiple of 4 from "+dec(least)+" to 252")
	}
	l.sections = make(map[string][][]byte)
	for off := uint32(4); off < uint32(len(b)); {
		if uint32(len(b))-off < 8 {
			return fail(off, "a section header takes 8 bytes and "+strconv.Itoa(len(b)-int(off))+" are left")
		}
		nameOff, n := u32(b, off), u32(b, off+4)
		if !spec.hasString(nameOff) {
			return fail(off, "section name "+dec(nameOff)+" is no string")
		}
		off += 8
		size := uint64(n) * uint64(l.size)
		if n == 0 || size > uint64(uint32(len(b))-off) {
			return fail(off-4, dec(n)+" records of "+dec(l.size)+" bytes do not fit the "+strconv.Itoa(len(b)-int(off))+" left")
		}
		section := spec.nameAt(nameOff)
		l.sections[section] = append(l.sections[section], b[off:off+uint32(size)])
		off += uint32(size)
	}
	return nil
}

// each calls f with every record of a section; off is the instruction's slot.
func (l *recordList) each(section string, f func(insn uint32, rec []byte)) error {
	for _, rec := range l.sections[section] {
		for ; len(rec) != 0; rec = rec[l.size:] {
			off := u32(rec, 0)
			if off%8 != 0 {
				return &Error{Msg: ".BTF.ext: section " + strconv.Quote(section) + ": a record for byte " + dec(off) +
					", which is inside an instruction"}
			}
			f(off/8, rec)
		}
	}
	return nil
}

// Funcs are the functions of a section in the order of the records.
func (e *Ext) Funcs(section string) (out []FuncInfo, err error) {
	err = e.funcs.each(section, func(insn uint32, r []byte) {
		out = append(out, FuncInfo{insn, ID(u32(r, 4))})
	})
	return out, err
}

// Lines are the source lines of a section in the order of the records.
func (e *Ext) Lines(section string) (out []LineInfo, err error) {
	err = e.lines.each(section, func(insn uint32, r []byte) {
		out = append(out, LineInfo{insn, u32(r, 4), u32(r, 8), u32(r, 12)})
	})
	return out, err
}

// CoreRelos are the CO-RE relocations of a section.
func (e *Ext) CoreRelos(section string) (out []CoreRelo, err error) {
	err = e.relos.each(section, func(insn uint32, r []byte) {
		out = append(out, CoreRelo{insn, ID(u32(r, 4)), e.spec.StringAt(u32(r, 8)), CoreKind(u32(r, 12))})
	})
	return out, err
}

// Sections are the names of the sections that have records of any kind.
func (e *Ext) Sections() []string {
	var names []string
	for _, l := range []*recordList{&e.funcs, &e.lines, &e.relos} {
		for name := range l.sections {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	n := 0
	for i, s := range names {
		if i == 0 || s != names[i-1] {
			names[n] = s
			n++
		}
	}
	return names[:n]
}

// DecodeFuncInfo reads the records that a loader hands to the kernel: size
// bytes each, instruction numbers in slots.
func DecodeFuncInfo(raw []byte, size int) ([]FuncInfo, error) {
	if err := checkRecords("func_info", raw, size, FuncInfoSize); err != nil {
		return nil, err
	}
	out := make([]FuncInfo, 0, len(raw)/size)
	for ; len(raw) != 0; raw = raw[size:] {
		out = append(out, FuncInfo{u32(raw, 0), ID(u32(raw, 4))})
	}
	return out, nil
}

// DecodeLineInfo is DecodeFuncInfo for line information.
func DecodeLineInfo(raw []byte, size int) ([]LineInfo, error) {
	if err := checkRecords("line_info", raw, size, LineInfoSize); err != nil {
		return nil, err
	}
	out := make([]LineInfo, 0, len(raw)/size)
	for ; len(raw) != 0; raw = raw[size:] {
		out = append(out, LineInfo{u32(raw, 0), u32(raw, 4), u32(raw, 8), u32(raw, 12)})
	}
	return out, nil
}

func checkRecords(what string, raw []byte, size, least int) error {
	if size < least || size > 252 || len(raw)%size != 0 {
		return &Error{Msg: what + ": " + strconv.Itoa(len(raw)) + " bytes in records of " + strconv.Itoa(size) +
			", expected whole records of " + strconv.Itoa(least) + " to 252 bytes"}
	}
	return nil
}

// EncodeFuncInfo makes the records that a loader hands to the kernel.
func EncodeFuncInfo(infos []FuncInfo) []byte {
	b := make([]byte, 0, len(infos)*FuncInfoSize)
	for _, i := range infos {
		b = binary.LittleEndian.AppendUint32(b, i.Insn)
		b = binary.LittleEndian.AppendUint32(b, uint32(i.Type))
	}
	return b
}

// EncodeLineInfo makes the records that a loader hands to the kernel.
func EncodeLineInfo(infos []LineInfo) []byte {
	b := make([]byte, 0, len(infos)*LineInfoSize)
	for _, i := range infos {
		for _, w := range [...]uint32{i.Insn, i.FileOff, i.TextOff, i.LineCol} {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
	}
	return b
}

// Line is line information with its texts.
type Line struct {
	Insn int
	File string
	Text string // as in the file, with its indentation
	Line int
	Col  int
}

// Line looks up the texts of a record.
func (s *Spec) Line(l LineInfo) Line {
	return Line{Insn: int(l.Insn), File: s.StringAt(l.FileOff), Text: s.StringAt(l.TextOff), Line: l.Line(), Col: l.Col()}
}

// LineAt is the record that covers an instruction: the last one at or before
// it. The records must be in order of instructions, as the kernel demands.
func LineAt(lines []LineInfo, insn int) (LineInfo, bool) {
	i := sort.Search(len(lines), func(i int) bool { return int(lines[i].Insn) > insn })
	if i == 0 {
		return LineInfo{}, false
	}
	return lines[i-1], true
}

// FuncAt is the record that covers an instruction, under the same condition.
func FuncAt(funcs []FuncInfo, insn int) (FuncInfo, bool) {
	i := sort.Search(len(funcs), func(i int) bool { return int(funcs[i].Insn) > insn })
	if i == 0 {
		return FuncInfo{}, false
	}
	return funcs[i-1], true
}
