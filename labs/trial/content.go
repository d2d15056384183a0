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
			Keys: r.fields[i][0], Fields: r.fields[i][1], Records: r.records[i],
		}
		for key, e := m.NextKey(nil); e == 0 && len(g.Entries) < maxEntries; key, e = m.NextKey(key) {
			b, err := m.Get(key)
			if err != 0 {
				continue // maps that can be walked and not be read: prog arrays
			}
			g.Entries = append(g.Entries, grade.Entry{Key: key, Values: split(m, b, r.m.Maps().CPUs), Event: -1})
		}
		out = append(out, g)
	}
	return out
}

// split cuts the values of a per-CPU map apart.
func split(m maps.Map, b []byte, cpus uint32) [][]byte {
	size := int(m.ValueSize())
	if !m.Spec().Type.Row().PerCPU {
		return [][]byte{b}
	}
	var out [][]byte
	for step := (size + 7) &^ 7; len(b) >= size && len(out) < int(cpus); b = b[min(step, len(b)):] {
		out = append(out, b[:size])
	}
	return out
}

// fieldsOf is the members of each map's key and value.
func fieldsOf(src *source.Source) [][2][]grade.Field {
	out := make([][2][]grade.Field, len(src.Maps))
	if src.BTF == nil {
		return out
	}
	for i := range src.Maps {
		m := &src.Maps[i]
		out[i] = [2][]grade.Field{members(src.BTF, m.Key), members(src.BTF, m.Value)}
	}
	return out
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
