package trial

import (
	"encoding/binary"

	"skep/labs/grade"
	"skep/vm/btf"
	"skep/vm/maps"
	"skep/vm/source"
)

// Bounds of what a grade looks at.
const (
	maxEntries = 1 << 16 // of a map
	maxRecords = 1 << 16 // of a ring buffer
)

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// maps is the content of all maps.
func (r *rig) maps() []grade.Map {
	out := make([]grade.Map, 0, len(r.src.Maps))
	for i := range r.src.Maps {
		m := r.m.Maps().At(i)
		if m == nil {
			continue
		}
		g := grade.Map{
			Name: m.Name(), Type: m.Spec().Type.Row().Name, KeySize: int(m.KeySize()),
			Keys: r.fields[i].key, Fields: r.fields[i].value, Records: r.records[i],
		}
		for key, e := m.NextKey(nil); e == 0 && len(g.Entries) < maxEntries; key, e = m.NextKey(key) {
			b, err := m.Get(key)
			if err != 0 {
				continue // maps that can be walked and not be read: prog arrays
			}
			g.Entries = append(g.Entries, grade.Entry{Key: key, Values: Split(m.Spec(), b), Event: -1})
		}
		out = append(out, g)
	}
	return out
}

// Split cuts the values of a per-CPU map, as user space gets them, apart.
func Split(m *maps.Spec, b []byte) [][]byte {
	size := int(m.ValueSize)
	if !m.Type.Row().PerCPU {
		return [][]byte{b}
	}
	var out [][]byte
	for step := (size + 7) &^ 7; size > 0 && len(b) >= size; b = b[min(step, len(b)):] {
		out = append(out, b[:size])
	}
	return out
}

// Fields is the members of a map's key and value, none without BTF.
func Fields(src *source.Source, m int) (key, value []grade.Field) {
	if src.BTF == nil {
		return nil, nil
	}
	return members(src.BTF, src.Maps[m].Key), members(src.BTF, src.Maps[m].Value)
}

// members is the scalars and texts of a type, those of inner structs with the
// outer name in front: "addr.port".
func members(spec *btf.Spec, id btf.ID) []grade.Field {
	if id == 0 {
		return nil
	}
	size, ok := spec.Size(id)
	if !ok || size > 1<<16 {
		return nil
	}
	var out []grade.Field
	var names []string
	spec.Walk(id, make([]byte, size), func(n btf.Node) bool {
		names = append(names[:min(n.Depth, len(names))], n.Name)
		switch n.Form {
		case btf.FormStruct:
			return n.Depth < 3
		case btf.FormArray:
			return false
		}
		if n.Bits == 0 || n.Bits%8 != 0 || n.Offset%8 != 0 || len(out) >= 256 {
			return false
		}
		name := ""
		for _, part := range names {
			if name != "" && part != "" {
				name += "_"
			}
			name += part
		}
		out = append(out, grade.Field{
			Name: name, Offset: int(n.Offset / 8), Size: int(n.Bits / 8), Text: n.Form == btf.FormString, Signed: spec.Type(spec.Resolve(n.Type)).Signed(),
		})
		return false
	})
	return out
}
