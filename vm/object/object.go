// Package object reads eBPF object files as clang writes them and makes
// programs that can be loaded: functions put together, calls and map
// references resolved, global variables turned into maps. The result is what
// libbpf would hand to the kernel, except for file descriptors: where libbpf
// puts the descriptor of a map, there is the index into [Object.Maps].
//
//	obj, err := object.Load(elf)
//	p := obj.Program("count_packets")
//	for _, r := range p.Maps {
//		m := obj.Maps[r.Map] // instruction r.Insn loads its address
//	}
//
// Why an ELF reader of our own: debug/elf and what it imports would be a tenth
// of the engine in the page, and its errors do not say where.
//
// Read next: link.go, then core.go for CO-RE.
package object

import (
	"strconv"
	"strings"

	"skep/vm/btf"
	"skep/vm/isa"
)

// Error is an object that cannot be used: what is wrong and where.
type Error struct {
	Section string // empty when it is about the file as a whole
	Off     uint64 // byte offset in the section, or the file
	Msg     string
	Err     error // cause, may be nil
}

func (e *Error) Error() string {
	s := "object: "
	if e.Section != "" {
		s += "section " + quote(e.Section) + " "
	}
	s += "at byte " + u64(e.Off) + ": " + e.Msg
	if e.Err != nil {
		if e.Msg != "" {
			s += ": "
		}
		s += e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

func quote(s string) string { return strconv.Quote(s) }

// Object is a loaded object file.
type Object struct {
	Programs []Program
	Maps     []MapSpec // those of the source, then .data, .rodata, .bss, .kconfig, struct_ops
	BTF      *btf.Spec // nil when compiled without -g
	BTFExt   *btf.Ext  // nil likewise
	License  string    // of SEC("license"), empty without
	Externs  []Extern  // of .kconfig and .ksyms
	Warnings []string  // what was left out and does not keep the programs from loading
}

// Program is an entry point with all functions that it reaches.
type Program struct {
	Name    string // of the C function
	Section string // of SEC(), as written: "xdp", "?tc", "tracepoint/syscalls/sys_enter_openat"
	License string
	Insns   []isa.Insn
	Funcs   []Func    // the program itself first, then subprograms in order of place
	Maps    []MapRef  // in order of instruction
	Ksyms   []KsymRef // in order of instruction

	// Records for the verifier and for views, instruction numbers those of
	// Insns. Empty without BTF.
	FuncInfo  []btf.FuncInfo
	LineInfo  []btf.LineInfo
	CoreRelos []btf.CoreRelo // see [Object.Relocate]
}

// Func is a function of a program.
type Func struct {
	Name   string
	Start  int    // slot of its first instruction
	Len    int    // slots
	Type   btf.ID // a btf.KindFunc, 0 without BTF
	Global bool   // verified on its own (BTF_FUNC_GLOBAL)
}

// MapRef is an instruction (lddw) that refers to a map. Its immediate is the
// map's index, its source isa.PseudoMapFD or isa.PseudoMapValue.
type MapRef struct {
	Insn  int
	Map   int
	Value bool   // the address of the map's only value, plus Off: a global variable
	Off   uint32 // also in the second slot's immediate
}

// KsymRef is an instruction that refers to a symbol of the kernel.
type KsymRef struct {
	Insn   int
	Extern int  // index into Object.Externs
	Call   bool // a kfunc call, else the address of a variable
}

// ExternKind says where an extern comes from.
type ExternKind uint8

const (
	ExternKconfig ExternKind = iota // SEC(".kconfig"): a byte range of the .kconfig map
	ExternKsym                      // SEC(".ksyms")
)

// Extern is a symbol that the object declares and the kernel has.
type Extern struct {
	Name   string
	Kind   ExternKind
	Weak   bool
	Func   bool   // a kfunc
	Type   btf.ID // of the variable, or a btf.KindFunc; 0 for a typeless ksym (void)
	Off    uint32 // in the .kconfig map
	Size   uint32 // in the .kconfig map
	Signed bool
}

// MapSpec is a map that the programs refer to.
type MapSpec struct {
	Name       string // at most 15 bytes for implicit maps, as libbpf makes them
	Section    string // ".maps", ".data", ".rodata", ".bss", ".kconfig", ...
	Type       uint32 // enum bpf_map_type
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Extra      uint64 // map_extra
	NUMANode   uint32
	Pinning    uint32 // 1 is LIBBPF_PIN_BY_NAME
	KeyType    btf.ID // 0 when only the size is given
	ValueType  btf.ID // a btf.KindDatasec for implicit maps
	Inner      *MapSpec
	Init       []Slot // of "values"

	// Contents is the value of an implicit map, nil for zeros (.bss).
	Contents []byte
	Frozen   bool // user space freezes it after Contents are in: .rodata, .kconfig
	Vars     []Var

	offset uint64 // in the section
	sec    int
	def    btf.ID // the struct that defines it, in .maps
}

// Slot is an initial element of a prog array or a map of maps.
type Slot struct {
	Index   uint32
	Map     int    // index into Object.Maps, -1 for a program
	Program string // name of a program, empty for a map
}

// Var is a global variable in an implicit map.
type Var struct {
	Name   string
	Off    uint32
	Size   uint32
	Type   btf.ID // of the variable, not the btf.KindVar; 0 without BTF
	Static bool
}

// Program finds a program by name; nil when there is none.
func (o *Object) Program(name string) *Program {
	for i := range o.Programs {
		if o.Programs[i].Name == name {
			return &o.Programs[i]
		}
	}
	return nil
}

// Map finds a map by name; its index is -1 when there is none.
func (o *Object) Map(name string) (int, *MapSpec) {
	for i := range o.Maps {
		if o.Maps[i].Name == name {
			return i, &o.Maps[i]
		}
	}
	return -1, nil
}

// Load reads an object file. The bytes are kept and must not change.
func Load(b []byte) (*Object, error) { return LoadNamed(b, "") }

// LoadNamed is Load for an object whose name shows in the names of implicit
// maps: "counter" makes "counter.rodata". It is a file name up to the first dot.
func LoadNamed(b []byte, name string) (*Object, error) {
	f, err := parseELF(b)
	if err != nil {
		return nil, err
	}
	name, _, _ = strings.Cut(name, ".")
	l := &loader{f: f, name: name, obj: &Object{}}
	for _, step := range []func() error{
		l.loadBTF,
		l.loadLicense,
		l.rejectLegacy,
		l.collectFuncs,
		l.collectMaps,
		l.collectData,
		l.collectExterns,
		l.collectStructOps,
		l.initMaps,
		l.link,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l.obj, nil
}

// loader is the state of one Load. Its steps run in the order of LoadNamed;
// each relies on what the ones before it found.
type loader struct {
	f    *file
	name string
	obj  *Object

	funcs   []function  // by section, then offset
	numMaps int         // those of .maps, the first in obj.Maps
	dataMap map[int]int // section number -> index of its implicit map
	externs map[string]int
	kconfig int            // index of the .kconfig map, -1 without
	vars    map[string]int // global variables by name
	dummy   btf.ID         // the var that stands for kfuncs in .ksyms, 0 without
	budget  int            // instructions and records that linking may still make
}

func (l *loader) loadLicense() error {
	s := l.f.section("license")
	if s == nil {
		return nil
	}
	text, ok := cstr(s.data, 0)
	if !ok || len(text) > 127 {
		return &Error{Section: s.name, Msg: "expected a string of at most 127 bytes"}
	}
	l.obj.License = text
	return nil
}

func (l *loader) rejectLegacy() error {
	for i := range l.f.sections {
		if s := &l.f.sections[i]; s.name == "maps" || strings.HasPrefix(s.name, "maps/") {
			return &Error{Section: s.name, Msg: "map definitions of type struct bpf_map_def are not supported since libbpf 1.0: " +
				"define the map with SEC(\".maps\") and __uint(type, ...)"}
		}
	}
	return nil
}
