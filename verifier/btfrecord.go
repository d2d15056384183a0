package verifier

import (
	"sort"

	"skep/vm/btf"
)

// fieldType is a kind of field that the kernel keeps programs' hands off
// (enum btf_field_type).
type fieldType uint16

const (
	fieldSpinLock fieldType = 1 << iota
	fieldTimer
	fieldKptrUnref
	fieldKptrRef
	fieldKptrPercpu
	fieldListHead
	fieldListNode
	fieldRBRoot
	fieldRBNode
	fieldRefcount
	fieldWorkqueue

	fieldKptr      = fieldKptrUnref | fieldKptrRef | fieldKptrPercpu
	fieldsOfMap    = fieldSpinLock | fieldTimer | fieldKptr | fieldListHead | fieldRBRoot | fieldRefcount | fieldWorkqueue
	maxFields      = 11 // BTF_FIELDS_MAX
	fieldsOnlyOnce = fieldSpinLock | fieldTimer | fieldRefcount | fieldWorkqueue
)

var fieldStructs = [...]struct {
	name  string // of the struct that is such a field
	kind  fieldType
	size  uint32
	align uint32
}{
	{"bpf_spin_lock", fieldSpinLock, 4, 4},
	{"bpf_timer", fieldTimer, 16, 8},
	{"bpf_wq", fieldWorkqueue, 16, 8},
	{"bpf_list_head", fieldListHead, 16, 8},
	{"bpf_list_node", fieldListNode, 24, 8},
	{"bpf_rb_root", fieldRBRoot, 16, 8},
	{"bpf_rb_node", fieldRBNode, 32, 8},
	{"bpf_refcount", fieldRefcount, 4, 4},
}

func (f fieldType) String() string {
	switch f {
	case fieldKptrUnref, fieldKptrRef:
		return "kptr"
	case fieldKptrPercpu:
		return "percpu_kptr"
	}
	for _, s := range fieldStructs {
		if s.kind == f {
			return s.name
		}
	}
	return "unknown"
}

// btfField is one such field of a map's value or an object.
type btfField struct {
	kind      fieldType
	off, size uint32
	typ       btf.ID // of a kptr: the struct pointed to, in the map's BTF
	value     btf.ID // of a list or tree: the struct that it holds
	nodeOff   uint32 // and where its node is in that
}

// btfRecord are the fields of a type, by offset; nil when it has none.
type btfRecord struct {
	fields []btfField
	mask   fieldType
}

func (r *btfRecord) has(f fieldType) bool { return r != nil && r.mask&f != 0 }

// offsetOf is the offset of the first field of a kind.
func (r *btfRecord) offsetOf(f fieldType) (int, bool) {
	if r.has(f) {
		for i := range r.fields {
			if r.fields[i].kind&f != 0 {
				return int(r.fields[i].off), true
			}
		}
	}
	return 0, false
}

// find is the field of a kind that begins at off, nil when there is none
// (btf_record_find).
func (r *btfRecord) find(off uint32, f fieldType) *btfField {
	if !r.has(f) {
		return nil
	}
	for i := range r.fields {
		if r.fields[i].off == off && r.fields[i].kind&f != 0 {
			return &r.fields[i]
		}
	}
	return nil
}

// parseRecord finds the fields of a map's value. A type that the kernel would
// not take for a map has none here: the map could not have been made.
func parseRecord(m *MapInfo) *btfRecord {
	if m.BTF == nil || m.ValueType == 0 {
		return nil
	}
	p := recordParser{spec: m.BTF, mask: fieldsOfMap}
	id := m.BTF.Resolve(m.ValueType)
	t := m.BTF.Type(id)
	switch t.Kind() {
	case btf.KindStruct:
		p.structFields(t, 0, 0)
	case btf.KindDatasec:
		for i := range t.Vlen() {
			v := t.SecVar(i)
			p.field(v.Type, -1, m.BTF.Type(v.Type).Target(), v.Offset, v.Size, 0)
		}
	}
	return p.record(m.ValueSize)
}

// record is what was found, nil when it does not fit size bytes.
func (p *recordParser) record(size uint32) *btfRecord {
	if p.bad || len(p.out) == 0 {
		return nil
	}
	sort.SliceStable(p.out, func(i, j int) bool { return p.out[i].off < p.out[j].off })
	r := &btfRecord{fields: p.out}
	next := uint32(0)
	for _, f := range r.fields {
		if f.off < next || uint64(f.off)+uint64(f.size) > uint64(size) {
			return nil
		}
		next = f.off + f.size
		r.mask |= f.kind
	}
	return r
}

type recordParser struct {
	spec *btf.Spec
	mask fieldType
	seen fieldType
	out  []btfField
	bad  bool
}

func (p *recordParser) structFields(t btf.Type, off uint32, level int) {
	if level >= btf.MaxDepth {
		p.bad = true
		return
	}
	for i := 0; i < t.Vlen() && !p.bad; i++ {
		m := t.Member(i)
		if m.Offset%8 != 0 || m.Bits != 0 {
			if m.Offset%8 != 0 {
				p.bad = true
			}
			continue
		}
		p.field(t.ID(), i, m.Type, off+m.Offset/8, 0, level)
	}
}

// field looks at a member or variable of type id (btf_find_field_one); decl and
// component say whose.
func (p *recordParser) field(decl btf.ID, component int, id btf.ID, off, want uint32, level int) {
	n := uint64(1)
	t := p.spec.Type(id)
	for i := 0; t.Kind() == btf.KindArray; i++ {
		if i == btf.MaxDepth {
			p.bad = true
			return
		}
		a := t.Array()
		n *= uint64(a.Len)
		t = p.spec.Type(a.Elem)
	}
	if n == 0 || n > 1<<20 {
		return
	}
	first := len(p.out)
	size := uint32(8)
	isStruct := t.Kind() == btf.KindStruct
	kind, align := fieldType(0), uint32(8)
	name := t.Name()
	for _, s := range fieldStructs {
		if s.kind&p.mask != 0 && name == s.name {
			kind, size, align = s.kind, s.size, s.align
			break
		}
	}
	if kind&fieldsOnlyOnce != 0 {
		if p.seen&kind != 0 {
			p.bad = true
			return
		}
		p.seen |= kind
	}
	switch {
	case kind == 0 && isStruct:
		size = t.Size()
		if want != 0 && uint64(want) != uint64(size)*n {
			return
		}
		p.structFields(t, off, level+1)
	case kind == 0:
		if want != 0 && uint64(want) != 8*n || off%8 != 0 {
			return
		}
		kind, typ, ok := p.kptr(t)
		if !ok {
			return
		}
		p.out = append(p.out, btfField{kind: kind, off: off, size: 8, typ: typ})
	default:
		if want != 0 && uint64(want) != uint64(size)*n || off%align != 0 || !isStruct || t.Size() != size {
			return
		}
		f := btfField{kind: kind, off: off, size: size}
		if kind == fieldListHead || kind == fieldRBRoot {
			node := "bpf_list_node"
			if kind == fieldRBRoot {
				node = "bpf_rb_node"
			}
			var ok bool
			if f.value, f.nodeOff, ok = graphTag(p.spec, decl, component, node); !ok {
				p.bad = true
				return
			}
		}
		p.out = append(p.out, f)
	}
	// Elements of an array after the first.
	found := len(p.out) - first
	if found > 0 && n > 1 {
		if uint64(found)*n > maxFields {
			p.bad = true
			return
		}
		for i := uint32(1); i < uint32(n); i++ {
			for _, f := range p.out[first : first+found] {
				f.off += i * size
				p.out = append(p.out, f)
			}
		}
	}
	if len(p.out) > maxFields {
		p.bad = true
	}
}

// kptr reports whether t is a pointer tagged as one (btf_find_kptr).
func (p *recordParser) kptr(t btf.Type) (fieldType, btf.ID, bool) {
	if t.Kind() == btf.KindVolatile {
		t = p.spec.Type(t.Target())
	}
	if t.Kind() != btf.KindPtr {
		return 0, 0, false
	}
	tag := p.spec.Type(t.Target())
	if tag.Kind() != btf.KindTypeTag {
		return 0, 0, false
	}
	var kind fieldType
	switch tag.Name() {
	case "kptr_untrusted":
		kind = fieldKptrUnref
	case "kptr":
		kind = fieldKptrRef
	case "percpu_kptr":
		kind = fieldKptrPercpu
	default:
		p.bad = true
		return 0, 0, false
	}
	return kind, p.spec.Resolve(tag.Target()), true
}

// parseStructRecord finds the fields of a struct that programs allocate.
func parseStructRecord(spec *btf.Spec, id btf.ID) *btfRecord {
	const fields = fieldSpinLock | fieldListHead | fieldListNode | fieldRBRoot | fieldRBNode | fieldRefcount | fieldKptr
	t := spec.Type(id)
	if t.Kind() != btf.KindStruct {
		return nil
	}
	p := recordParser{spec: spec, mask: fields}
	p.structFields(t, 0, 0)
	return p.record(t.Size())
}
