package object

import (
	"sort"
	"strings"

	"skep/vm/btf"
)

// Map flags of implicit maps (include/uapi/linux/bpf.h).
const (
	flagRdonlyProg = 1 << 7  // BPF_F_RDONLY_PROG
	flagMmapable   = 1 << 10 // BPF_F_MMAPABLE
)

// maxKconfig bounds the .kconfig map, whose sizes come from types alone.
const maxKconfig = 1 << 16

// dataKind says whether a section holds global variables, and read-only ones.
func dataKind(s *section) (data, readonly bool) {
	has := func(prefix string) bool { return s.name == prefix || strings.HasPrefix(s.name, prefix+".") }
	switch s.typ {
	case shtProgbits:
		ro := has(".rodata")
		return ro || has(".data"), ro
	case shtNobits:
		return has(".bss"), false
	}
	return false, false
}

// collectData turns each section of global variables into an array map with
// one value, as libbpf does.
func (l *loader) collectData() error {
	l.kconfig = -1
	for i := range l.f.sections {
		s := &l.f.sections[i]
		if s.name == ".addr_space.1" {
			if err := l.arenaData(s); err != nil {
				return err
			}
			continue
		}
		data, readonly := dataKind(s)
		if !data || s.size == 0 {
			continue
		}
		if s.size > maxBSSMemory {
			return &Error{Section: s.name, Off: s.size, Msg: u64(s.size) + " bytes of variables, at most 64 MiB fit a map"}
		}
		m := MapSpec{Name: implicitName(l.name, s.name), Section: s.name, Type: mapTypeArray, KeySize: 4,
			ValueSize: uint32(s.size), MaxEntries: 1, Contents: s.data, Frozen: readonly, sec: s.index}
		if readonly {
			m.Flags = flagRdonlyProg
		}
		l.describeVars(&m, s)
		for _, v := range m.Vars {
			if !v.Static {
				m.Flags |= flagMmapable
				break
			}
		}
		if len(l.f.relocs[s.index]) != 0 {
			l.warn(s.name + ": pointers in initial values stay NULL, loaders do not relocate them")
		}
		l.dataMap[s.index] = len(l.obj.Maps)
		l.obj.Maps = append(l.obj.Maps, m)
	}
	return nil
}

func (l *loader) warn(msg string) { l.obj.Warnings = append(l.obj.Warnings, msg) }

// describeVars fills in the value type and the variables of a section, when
// BTF has them.
func (l *loader) describeVars(m *MapSpec, s *section) {
	spec := l.obj.BTF
	if spec == nil {
		return
	}
	id, ok := spec.Lookup(s.name, btf.KindDatasec)
	if !ok {
		return // string literals
	}
	m.ValueType = id
	for _, v := range secVars(spec.Type(id)) {
		if t := spec.Type(v.Type); t.Kind() == btf.KindVar {
			m.Vars = append(m.Vars, Var{Name: t.Name(), Off: v.Offset, Size: v.Size, Type: t.Target(),
				Static: t.Linkage() == btf.LinkStatic})
		}
	}
}

// arenaData gives the variables of the arena's address space to the arena map.
func (l *loader) arenaData(s *section) error {
	for i := range l.obj.Maps {
		if m := &l.obj.Maps[i]; m.Type == mapTypeArena {
			m.Contents = s.data
			l.dataMap[s.index] = i
			return nil
		}
	}
	return &Error{Section: s.name, Msg: "variables in the arena and no map of type BPF_MAP_TYPE_ARENA (33)"}
}

// implicitName is libbpf's name for the map of a section: at most seven bytes
// of the object's name, more only for short section names, 15 in all. Sections
// with a second dot (.data.counters) go by their own name.
func implicitName(object, section string) string {
	const most = 15
	suffix := min(max(7, len(section)), most)
	name := section
	if !strings.Contains(section[1:], ".") {
		name = object[:min(most-suffix, len(object))] + section
	}
	b := []byte(name[:min(len(name), most)])
	for i, c := range b {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.') {
			b[i] = '_'
		}
	}
	return string(b)
}

// collectStructOps makes a map for each variable of a struct_ops section. Its
// function pointers become Init slots by byte offset.
func (l *loader) collectStructOps() error {
	spec := l.obj.BTF
	for i := range l.f.sections {
		s := &l.f.sections[i]
		name := strings.TrimPrefix(s.name, "?")
		if name != ".struct_ops" && name != ".struct_ops.link" || s.typ != shtProgbits {
			continue
		}
		if spec == nil {
			return &Error{Section: s.name, Msg: "struct_ops need BTF: compile with -g"}
		}
		id, ok := spec.Lookup(s.name, btf.KindDatasec)
		if !ok {
			return &Error{Section: s.name, Msg: "BTF has no such section: compile with -g"}
		}
		for _, v := range secVars(spec.Type(id)) {
			t := spec.Type(v.Type)
			st := spec.Resolve(t.Target())
			size, _ := spec.Size(st)
			end := uint64(v.Offset) + uint64(size)
			if t.Kind() != btf.KindVar || spec.Kind(st) != btf.KindStruct || end > uint64(len(s.data)) {
				return &Error{Section: s.name, Off: uint64(v.Offset), Msg: "expected variables of a struct type, not " +
					quote(t.Name()) + " of type " + spec.TypeName(t.Target())}
			}
			m := MapSpec{Name: t.Name(), Section: s.name, Type: mapTypeStructOps, KeySize: 4, ValueSize: size, MaxEntries: 1,
				ValueType: st, Contents: s.data[v.Offset:end], offset: uint64(v.Offset), sec: s.index}
			relocs := l.f.relocs[s.index]
			for i := sort.Search(len(relocs), func(i int) bool { return relocs[i].off >= m.offset }); i < len(relocs); i++ {
				r := relocs[i]
				if r.off >= end {
					break
				}
				if r.typ != rel64ABS64 {
					continue
				}
				sym := l.f.symbols[r.sym]
				fn := l.funcAt(sym.section, sym.value)
				if fn == nil || !fn.entry {
					return &Error{Section: s.name, Off: r.off, Msg: quote(sym.name) + " is no program"}
				}
				m.Init = append(m.Init, Slot{Index: uint32(r.off - m.offset), Map: -1, Program: fn.name})
			}
			l.obj.Maps = append(l.obj.Maps, m)
		}
	}
	return nil
}
