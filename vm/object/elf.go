package object

import (
	"encoding/binary"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// The parts of ELF64 that an eBPF object has (System V ABI chapter 4).
const (
	ehdrSize = 64
	shdrSize = 64
	symSize  = 24
	relSize  = 16

	machineBPF = 247

	shtProgbits = 1
	shtSymtab   = 2
	shtStrtab   = 3
	shtRela     = 4
	shtNobits   = 8
	shtRel      = 9

	shfExec = 4

	shnUndef     = 0
	shnLoreserve = 0xff00
	shnXindex    = 0xffff

	sttFunc    = 2
	sttSection = 3

	stbLocal = 0
	stbWeak  = 2
)

// Relocation types of eBPF (kernel doc "BPF LLVM Relocations").
const (
	relNone      = 0
	rel64_64     = 1  // a lddw
	rel64ABS64   = 2  // 8 bytes of data
	rel64ABS32   = 3  // 4 bytes of data
	rel64Nodyld  = 4  // 4 bytes of BTF
	rel64_32     = 10 // a call
	maxSections  = 1 << 14
	maxBSSMemory = 64 << 20
)

type section struct {
	name  string
	index int
	typ   uint32
	flags uint64
	off   uint64 // in the file
	size  uint64
	data  []byte // nil for SHT_NOBITS
	link  uint32
	info  uint32
}

type symbol struct {
	name    string
	value   uint64
	size    uint64
	section int // 0 when undefined, 0xff00 and up when special
	typ     uint8
	bind    uint8
	hidden  bool
}

type reloc struct {
	off uint64
	sym int
	typ uint32
}

// file is a parsed ELF file. Sections and names are parts of the bytes given.
type file struct {
	sections []section
	byName   map[string]int // the first section of a name
	symbols  []symbol
	relocs   map[int][]reloc // by number of the section that they change, in order of offset
}

func (f *file) section(name string) *section {
	if i, ok := f.byName[name]; ok {
		return &f.sections[i]
	}
	return nil
}

// cstr is the string at off of a string table.
func cstr(tab []byte, off uint32) (string, bool) {
	if uint64(off) >= uint64(len(tab)) {
		return "", off == 0
	}
	s := string(tab[off:min(uint64(len(tab)), uint64(off)+4096)])
	end := strings.IndexByte(s, 0)
	if end < 0 {
		return "", false
	}
	return s[:end], true
}

func parseELF(b []byte) (*file, error) {
	fail := func(off uint64, msg string) (*file, error) { return nil, &Error{Off: off, Msg: msg} }
	if len(b) < 4 || string(b[:4]) != "\x7fELF" {
		return fail(0, "not an ELF file: expected the bytes 7f 45 4c 46, as clang -target bpf -c writes them")
	}
	if len(b) < ehdrSize {
		return fail(0, "the ELF header takes 64 bytes and the file has "+strconv.Itoa(len(b)))
	}
	if b[4] != 2 {
		return fail(4, "32-bit ELF (class "+strconv.Itoa(int(b[4]))+"), expected 64-bit: compile with -target bpf")
	}
	if b[5] != 1 {
		return fail(5, "big-endian ELF (data encoding "+strconv.Itoa(int(b[5]))+") is not supported: compile with -target bpfel")
	}
	le := binary.LittleEndian
	if typ := le.Uint16(b[16:]); typ != 1 {
		return fail(16, "ELF type "+strconv.Itoa(int(typ))+", expected a relocatable object (1): compile with -c and do not link")
	}
	if m := le.Uint16(b[18:]); m != machineBPF {
		return fail(18, "machine "+strconv.Itoa(int(m))+", expected eBPF (247): compile with -target bpf")
	}
	shoff, shentsize := le.Uint64(b[40:]), le.Uint16(b[58:])
	num, strndx := int(le.Uint16(b[60:])), int(le.Uint16(b[62:]))
	if shentsize != shdrSize {
		return fail(58, "section headers of "+strconv.Itoa(int(shentsize))+" bytes, expected 64")
	}
	n := uint64(len(b))
	if num == 0 || num > maxSections || strndx >= num {
		return fail(60, strconv.Itoa(num)+" sections with the names in section "+strconv.Itoa(strndx)+", expected 1 to "+strconv.Itoa(maxSections))
	}
	if shoff > n || uint64(num)*shdrSize > n-shoff {
		return fail(40, strconv.Itoa(num)+" section headers at byte "+u64(shoff)+" end behind the file of "+u64(n)+" bytes")
	}
	f := &file{sections: make([]section, num), byName: make(map[string]int), relocs: make(map[int][]reloc)}
	names := make([]uint32, num)
	var bss uint64
	for i := range f.sections {
		h := b[shoff+uint64(i)*shdrSize:]
		names[i] = le.Uint32(h)
		s := &f.sections[i]
		*s = section{index: i, typ: le.Uint32(h[4:]), flags: le.Uint64(h[8:]), off: le.Uint64(h[24:]),
			size: le.Uint64(h[32:]), link: le.Uint32(h[40:]), info: le.Uint32(h[44:])}
		switch {
		case s.typ == 0: // SHT_NULL has no data
		case s.typ == shtNobits:
			if s.size > maxBSSMemory || bss+s.size > maxBSSMemory {
				return fail(shoff+uint64(i)*shdrSize+32, "section "+strconv.Itoa(i)+" of "+u64(s.size)+
					" zero bytes, an object may have 64 MiB of them")
			}
			bss += s.size
		case s.off > n || s.size > n-s.off:
			return fail(shoff+uint64(i)*shdrSize+24, "section "+strconv.Itoa(i)+", "+u64(s.size)+" bytes at byte "+u64(s.off)+
				", ends behind the file of "+u64(n)+" bytes")
		default:
			s.data = b[s.off : s.off+s.size]
		}
	}
	for i := range f.sections {
		name, ok := cstr(f.sections[strndx].data, names[i])
		if !ok {
			return fail(shoff+uint64(i)*shdrSize, "section "+strconv.Itoa(i)+" has no name: byte "+strconv.Itoa(int(names[i]))+
				" of section "+strconv.Itoa(strndx)+" is no string")
		}
		f.sections[i].name = name
		if _, ok := f.byName[name]; !ok {
			f.byName[name] = i
		}
	}
	if err := f.parseSymbols(); err != nil {
		return nil, err
	}
	return f, f.parseRelocs()
}

func u64(v uint64) string { return strconv.FormatUint(v, 10) }

func (f *file) parseSymbols() error {
	var tab *section
	for i := range f.sections {
		if s := &f.sections[i]; s.typ == shtSymtab {
			if tab != nil {
				return &Error{Section: s.name, Msg: "a second symbol table, expected one"}
			}
			tab = s
		}
	}
	if tab == nil {
		return nil
	}
	if tab.size%symSize != 0 {
		return &Error{Section: tab.name, Off: tab.size, Msg: "the symbol table has " + u64(tab.size) + " bytes, expected a multiple of 24"}
	}
	if int(tab.link) >= len(f.sections) {
		return &Error{Section: tab.name, Msg: "symbol names in section " + u64(uint64(tab.link)) + ", which does not exist"}
	}
	strs := f.sections[tab.link].data
	f.symbols = make([]symbol, len(tab.data)/symSize)
	for i := range f.symbols {
		if i%1024 == 0 {
			runtime.Gosched()
		}
		b := tab.data[i*symSize:]
		s := &f.symbols[i]
		*s = symbol{value: binary.LittleEndian.Uint64(b[8:]), size: binary.LittleEndian.Uint64(b[16:]),
			section: int(binary.LittleEndian.Uint16(b[6:])), typ: b[4] & 15, bind: b[4] >> 4,
			hidden: b[5]&3 == 1 || b[5]&3 == 2}
		var ok bool
		if s.name, ok = cstr(strs, binary.LittleEndian.Uint32(b)); !ok {
			return &Error{Section: tab.name, Off: uint64(i * symSize), Msg: "the name of symbol " + strconv.Itoa(i) + " is no string"}
		}
		if s.section == shnXindex || s.section < shnLoreserve && s.section >= len(f.sections) {
			return &Error{Section: tab.name, Off: uint64(i*symSize + 6), Msg: "symbol " + quote(s.name) + " is in section " +
				strconv.Itoa(s.section) + ", which does not exist"}
		}
		if s.typ == sttSection && s.section < len(f.sections) {
			s.name = f.sections[s.section].name
		}
	}
	return nil
}

func (f *file) parseRelocs() error {
	for i := range f.sections {
		s := &f.sections[i]
		// Relocations of debug sections are of no interest, and of every size.
		if s.typ != shtRel && s.typ != shtRela || strings.Contains(s.name, ".debug_") {
			continue
		}
		if int(s.info) >= len(f.sections) || s.info == 0 {
			return &Error{Section: s.name, Msg: "relocations of section " + u64(uint64(s.info)) + ", which does not exist"}
		}
		if s.typ == shtRela {
			return &Error{Section: s.name, Msg: "relocations with addends (SHT_RELA), expected SHT_REL as clang -target bpf writes"}
		}
		if s.size%relSize != 0 {
			return &Error{Section: s.name, Off: s.size, Msg: u64(s.size) + " bytes of relocations, expected a multiple of 16"}
		}
		target := int(s.info)
		for off := 0; off < len(s.data); off += relSize {
			if off%(1024*relSize) == 0 {
				runtime.Gosched()
			}
			info := binary.LittleEndian.Uint64(s.data[off+8:])
			r := reloc{off: binary.LittleEndian.Uint64(s.data[off:]), sym: int(info >> 32), typ: uint32(info)}
			if r.sym >= len(f.symbols) {
				return &Error{Section: s.name, Off: uint64(off + 8), Msg: "relocation by symbol " + strconv.Itoa(r.sym) +
					", the object has " + strconv.Itoa(len(f.symbols))}
			}
			f.relocs[target] = append(f.relocs[target], r)
		}
	}
	for _, rs := range f.relocs {
		sortBy(rs, func(a, b *reloc) bool { return a.off < b.off })
	}
	return nil
}

// relocAt finds the relocation of a byte offset of a section.
func (f *file) relocAt(sec int, off uint64) (reloc, bool) {
	rs := f.relocs[sec]
	i := sort.Search(len(rs), func(i int) bool { return rs[i].off >= off })
	if i == len(rs) || rs[i].off != off {
		return reloc{}, false
	}
	return rs[i], true
}
