package session

import (
	"skep/vm/btf"
	"skep/vm/hook"
)

// recordType is what the program's BTF has for records of some length.
type recordType struct {
	size int
	id   btf.ID // 0: nothing, or too much to choose from
}

// recordTypeOf is the type of a record of n bytes, 0 when it is not known. A
// ring says nothing of what is in it. What programs do instead is what bpf2go
// reads: a variable of the type, or of a pointer to it, keeps the type in the
// object. Without one, the only named struct of that size will do.
func (src *source) recordTypeOf(n int) btf.ID {
	if src.btf == nil || n == 0 {
		return 0
	}
	for _, r := range src.records {
		if r.size == n {
			return r.id
		}
	}
	var kept, any btf.ID
	keptN, anyN := 0, 0
	for at := btf.ID(1); int(at) < src.btf.Len(); at++ {
		switch t := src.btf.Type(at); t.Kind() {
		case btf.KindVar:
			id := src.btf.Resolve(t.Target())
			if p := src.btf.Type(id); p.Kind() == btf.KindPtr {
				id = src.btf.Resolve(p.Target())
			}
			if id != kept && src.isRecord(src.btf.Type(id), n) {
				kept = id
				keptN++
			}
		case btf.KindStruct:
			if src.isRecord(t, n) {
				any = at
				anyN++
			}
		}
	}
	r := recordType{size: n}
	if keptN == 1 {
		r.id = kept
	} else if keptN == 0 && anyN == 1 {
		r.id = any
	}
	src.records = append(src.records, r)
	return r.id
}

// isRecord reports whether records of n bytes may be of a type: not those
// that a program gets as its context.
func (src *source) isRecord(t btf.Type, n int) bool {
	if t.Kind() != btf.KindStruct || int(t.Size()) != n || t.Name() == "" {
		return false
	}
	for p := hook.ProgType(1); int(p) < hook.NumTypes; p++ {
		if p.Info().Context == t.Name() {
			return false
		}
	}
	return true
}

// recordText is a record as text, and the type that it was read by.
func (s *Session) recordText(b []byte) (text, typ string) {
	id := s.src.recordTypeOf(len(b))
	if id != 0 {
		typ = s.src.btf.TypeName(id)
	}
	return s.bytesText(id, b), typ
}
