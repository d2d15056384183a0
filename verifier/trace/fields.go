package trace

import (
	"skep/verifier"
	"skep/vm/btf"
)

// maxFields bounds the members that are named of a map's value.
const maxFields = 64

// valueFields are the members of a map's value by its BTF, those of structs
// inside of it too; of global data the variables. None when it has no BTF.
func valueFields(m *verifier.MapInfo) []FieldText {
	if m.BTF == nil || m.ValueType == 0 {
		return nil
	}
	return appendFields(nil, m.BTF, m.ValueType, 0, "", 0)
}

// nesting bounds how deep structs are opened.
const nesting = 3

func appendFields(out []FieldText, s *btf.Spec, id btf.ID, at uint32, prefix string, depth int) []FieldText {
	t := s.Type(s.Resolve(id))
	for i := 0; i < t.Vlen() && len(out) < maxFields; i++ {
		switch t.Kind() {
		case btf.KindDatasec:
			v := t.SecVar(i)
			out = append(out, FieldText{v.Offset, v.Size, s.Type(v.Type).Name()})
		case btf.KindStruct:
			m := t.Member(i)
			off, name := at+m.Offset/8, prefix+m.Name
			if s.Type(s.Resolve(m.Type)).Kind() == btf.KindStruct && depth < nesting {
				if m.Name != "" {
					name += "."
				}
				out = appendFields(out, s, m.Type, off, name, depth+1)
				continue
			}
			size, _ := s.Size(m.Type)
			if m.Bits > 0 {
				size = (m.Offset%8 + m.Bits + 7) / 8
			}
			out = append(out, FieldText{off, size, name})
		}
	}
	return out
}
