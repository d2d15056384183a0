package session

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/kernel"
	"skep/wasm/protocol"
)

// maxTypes is how many rows a list of types has at most.
const maxTypes = 1000

// types are those of the object, nil when it has none, or the kernel's.
func (s *Session) types(kernels bool) *btf.Spec {
	switch {
	case kernels:
		return kernel.Types()
	case s.src != nil:
		return s.src.btf
	}
	return nil
}

// ListTypes is the types whose names have the filter in them.
func (s *Session) ListTypes(q *protocol.ListTypes) *protocol.TypeList {
	l := new(protocol.TypeList)
	spec := s.types(q.Kernel)
	if spec == nil {
		return l
	}
	for id := btf.ID(1); int(id) < spec.Len(); id++ {
		t := spec.Type(id)
		if !strings.Contains(t.Name(), q.Filter) {
			continue
		}
		if l.Total++; l.Total <= q.From || len(l.Types) >= int(min(q.Count, maxTypes)) {
			continue
		}
		// A struct without name is written out: its first line will do.
		text, _, cut := strings.Cut(spec.TypeName(id), "\n")
		if cut {
			text += " ... }"
		}
		row := protocol.TypeRow{ID: uint32(id), Kind: t.Kind().String(), Text: text}
		row.Size, _ = spec.Size(id)
		l.Types = append(l.Types, row)
	}
	return l
}

// DefineType is a type in C.
func (s *Session) DefineType(q *protocol.DefineType) *protocol.Texts {
	spec := s.types(q.Kernel)
	if spec == nil || q.Type == 0 || int(q.Type) >= spec.Len() {
		return new(protocol.Texts)
	}
	return &protocol.Texts{Texts: []string{string(spec.AppendLayout(nil, btf.ID(q.Type)))}}
}
