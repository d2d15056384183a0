package object

import (
	"sort"
	"strconv"

	"skep/vm/btf"
)

// Map types that need care here (enum bpf_map_type); all others are numbers.
const (
	mapTypeArray       = 2
	mapTypeProgArray   = 3
	mapTypeArrayOfMaps = 12
	mapTypeHashOfMaps  = 13
	mapTypeStructOps   = 26
	mapTypeArena       = 33
)

// maxMapMembers is more than a definition can have.
const maxMapMembers = 32

// collectMaps reads the definitions in .maps: the type of each variable there
// is the definition, a number n written as the type int (*)[n].
func (l *loader) collectMaps() error {
	l.dataMap = make(map[int]int)
	sec := l.f.section(".maps")
	if sec == nil {
		return nil
	}
	if l.obj.BTF == nil {
		return &Error{Section: sec.name, Msg: "map definitions need BTF: compile with -g"}
	}
	id, ok := l.obj.BTF.Lookup(sec.name, btf.KindDatasec)
	if !ok {
		return &Error{Section: sec.name, Msg: "BTF has no such section: compile with -g"}
	}
	for _, v := range secVars(l.obj.BTF.Type(id)) {
		spec := l.obj.BTF
		t := spec.Type(v.Type)
		m := MapSpec{Name: t.Name(), Section: sec.name, offset: uint64(v.Offset), sec: sec.index}
		fail := func(msg string) error {
			return &Error{Section: sec.name, Off: m.offset, Msg: "map " + quote(m.Name) + ": " + msg}
		}
		if t.Kind() != btf.KindVar || t.Linkage() == btf.LinkExtern {
			return fail("expected a variable that is defined here, not " + t.Kind().String())
		}
		if t.Linkage() == btf.LinkStatic {
			return fail("it must not be static")
		}
		def := spec.Type(spec.Resolve(t.Target()))
		m.def = def.ID()
		if msg := parseMapDef(spec, def, &m, false); msg != "" {
			return fail(msg)
		}
		if uint64(v.Offset)+uint64(def.Size()) > sec.size {
			return fail("the definition of " + strconv.Itoa(int(def.Size())) + " bytes ends behind the section")
		}
		l.obj.Maps = append(l.obj.Maps, m)
	}
	l.numMaps = len(l.obj.Maps)
	return nil
}

// parseMapDef reads one definition and returns what is wrong with it.
func parseMapDef(spec *btf.Spec, def btf.Type, m *MapSpec, inner bool) string {
	if def.Kind() != btf.KindStruct {
		return "a map is defined by a struct, not " + def.Kind().String()
	}
	if def.Vlen() > maxMapMembers {
		return "a definition of " + strconv.Itoa(def.Vlen()) + " members, there are 12 attributes"
	}
	for i := range def.Vlen() {
		f := def.Member(i)
		var msg string
		switch f.Name {
		case "type":
			msg = mapNumber(spec, f, &m.Type)
		case "max_entries":
			msg = mapNumber(spec, f, &m.MaxEntries)
		case "map_flags":
			msg = mapNumber(spec, f, &m.Flags)
		case "numa_node":
			msg = mapNumber(spec, f, &m.NUMANode)
		case "key_size":
			msg = mapSize(spec, f, &m.KeySize)
		case "value_size":
			msg = mapSize(spec, f, &m.ValueSize)
		case "key":
			msg = mapType(spec, f, &m.KeySize, &m.KeyType)
		case "value":
			msg = mapType(spec, f, &m.ValueSize, &m.ValueType)
		case "map_extra":
			msg = mapLong(spec, f, &m.Extra)
		case "pinning":
			msg = mapNumber(spec, f, &m.Pinning)
			switch {
			case msg != "":
			case inner:
				msg = "an inner map cannot be pinned"
			case m.Pinning > 1:
				msg = "pinning " + strconv.Itoa(int(m.Pinning)) + ", expected LIBBPF_PIN_NONE (0) or LIBBPF_PIN_BY_NAME (1)"
			}
		case "values":
			if inner {
				return "an inner map cannot have inner maps itself"
			}
			if i != def.Vlen()-1 {
				return "values must be the last member"
			}
			msg = mapValues(spec, f, m)
		default:
			msg = "unknown member " + quote(f.Name) + ", expected type, key, value, key_size, value_size, max_entries, map_flags, " +
				"map_extra, numa_node, pinning or values"
		}
		if msg != "" {
			return msg
		}
	}
	if m.Type == 0 {
		return "the type is missing: __uint(type, BPF_MAP_TYPE_...)"
	}
	return ""
}

// mapNumber reads __uint(name, n).
func mapNumber(spec *btf.Spec, f btf.Member, to *uint32) string {
	t := spec.Type(spec.Resolve(f.Type))
	if t.Kind() == btf.KindPtr {
		if a := spec.Type(t.Target()); a.Kind() == btf.KindArray {
			*to = a.Array().Len
			return ""
		}
	}
	return f.Name + " is no number: expected __uint(" + f.Name + ", ...)"
}

// mapLong also reads __ulong(name, n).
func mapLong(spec *btf.Spec, f btf.Member, to *uint64) string {
	if t := spec.Type(spec.Resolve(f.Type)); t.Kind().IsEnum() && t.Vlen() == 1 {
		*to = t.Enumerator(0).Value
		return ""
	}
	var n uint32
	msg := mapNumber(spec, f, &n)
	*to = uint64(n)
	return msg
}

func mapSize(spec *btf.Spec, f btf.Member, to *uint32) string {
	before := *to
	if msg := mapNumber(spec, f, to); msg != "" {
		return msg
	}
	return sizeConflict(f.Name, before, *to)
}

// mapType reads __type(name, T).
func mapType(spec *btf.Spec, f btf.Member, size *uint32, id *btf.ID) string {
	t := spec.Type(f.Type)
	if t.Kind() != btf.KindPtr {
		return f.Name + " is no type: expected __type(" + f.Name + ", ...)"
	}
	n, ok := spec.Size(t.Target())
	if !ok {
		return f.Name + " has type " + spec.TypeName(t.Target()) + ", whose size is not known"
	}
	before := *size
	*size, *id = n, t.Target()
	return sizeConflict(f.Name+"_size", before, n)
}

func sizeConflict(name string, before, now uint32) string {
	if before != 0 && before != now {
		return name + " is given twice: " + strconv.Itoa(int(before)) + " and " + strconv.Itoa(int(now))
	}
	return ""
}

// mapValues reads __array(values, ...): the inner map's definition, or that the
// elements are programs.
func mapValues(spec *btf.Spec, f btf.Member, m *MapSpec) string {
	maps := m.Type == mapTypeArrayOfMaps || m.Type == mapTypeHashOfMaps
	if !maps && m.Type != mapTypeProgArray {
		return "values are for arrays and hashes of maps and for prog arrays"
	}
	if m.ValueSize != 0 && m.ValueSize != 4 {
		return "value_size " + strconv.Itoa(int(m.ValueSize)) + ", expected 4"
	}
	m.ValueSize = 4
	a := spec.Type(f.Type)
	if a.Kind() != btf.KindArray || a.Array().Len != 0 {
		return "values must be an array without length: __array(values, ...)"
	}
	p := spec.Type(spec.Resolve(a.Array().Elem))
	if p.Kind() != btf.KindPtr {
		return "values must hold pointers, not " + p.Kind().String()
	}
	t := spec.Type(spec.Resolve(p.Target()))
	if !maps {
		if t.Kind() != btf.KindFuncProto {
			return "values of a prog array are functions, not " + t.Kind().String()
		}
		return ""
	}
	m.Inner = &MapSpec{Name: m.Name + ".inner", Section: m.Section}
	if msg := parseMapDef(spec, t, m.Inner, true); msg != "" {
		return "inner map: " + msg
	}
	return ""
}

// initMaps reads the initial elements of "values" from the relocations of .maps.
func (l *loader) initMaps() error {
	sec := l.f.section(".maps")
	if sec == nil {
		return nil
	}
	for _, r := range l.f.relocs[sec.index] {
		sym := l.f.symbols[r.sym]
		fail := func(msg string) error { return &Error{Section: sec.name, Off: r.off, Msg: msg} }
		if r.typ != rel64ABS64 {
			return fail("relocation of type " + strconv.Itoa(int(r.typ)) + ", expected R_BPF_64_ABS64 (2)")
		}
		at := l.mapAt(sec.index, r.off)
		if at < 0 {
			return fail("an initial value outside of any map")
		}
		m := &l.obj.Maps[at]
		def := l.obj.BTF.Type(m.def)
		vlen := def.Vlen()
		if vlen == 0 || def.Member(vlen-1).Name != "values" {
			return fail("map " + quote(m.Name) + ": only values can be initialised")
		}
		first := m.offset + uint64(def.Member(vlen-1).Offset/8)
		if r.off < first || (r.off-first)%8 != 0 || (r.off-first)/8 > 1<<31 {
			return fail("map " + quote(m.Name) + ": an initial value in the middle of an element")
		}
		slot := Slot{Index: uint32((r.off - first) / 8), Map: -1}
		if m.Type == mapTypeProgArray {
			fn := l.funcAt(sym.section, sym.value)
			if fn == nil || fn.off != sym.value || !fn.entry {
				return fail("map " + quote(m.Name) + ": " + quote(sym.name) + " is no program")
			}
			slot.Program = fn.name
		} else {
			slot.Map = l.mapAt(sym.section, sym.value)
			if slot.Map < 0 || l.obj.Maps[slot.Map].offset != sym.value {
				return fail("map " + quote(m.Name) + ": " + quote(sym.name) + " is no map")
			}
		}
		m.Init = append(m.Init, slot)
	}
	return nil
}

// mapAt is the index of the map of .maps whose definition covers a byte of the
// section, -1 when there is none. Initial values extend it behind its struct.
func (l *loader) mapAt(sec int, off uint64) int {
	maps := l.obj.Maps[:l.numMaps]
	i := sort.Search(len(maps), func(i int) bool { return maps[i].offset > off }) - 1
	if i < 0 || maps[i].sec != sec {
		return -1
	}
	return i
}
