package btf

import "encoding/binary"

// The methods here change a blob. They are for the loader of objects, which
// completes what clang leaves open, before anyone else sees the Spec. The blob
// given to Parse changes with it.

// Bytes is the blob as it was given to [Parse], with the changes since: what a
// loader hands to the kernel.
func (s *Spec) Bytes() []byte { return s.blob }

// Extend returns a new blob with more types at its end; those that there are
// keep their ids. Types of a split blob cannot be extended.
func (s *Spec) Extend(add func(*Builder)) []byte {
	if s.base != nil {
		return s.blob
	}
	b := NewSplitBuilder(s)
	add(b)
	return blob(append(append([]byte(nil), s.types...), b.types...), append([]byte(s.strs), b.strs...))
}

// put writes word w after the common record of a type.
func (t Type) put(w uint32, v uint32) {
	binary.LittleEndian.PutUint32(t.s.types[t.off+recordSize+4*w:], v)
}

// SetDatasec sets the size of a section and the places of its variables, of
// which there must be as many as before.
func (s *Spec) SetDatasec(id ID, size uint32, vars []SecVar) {
	t := s.Type(id)
	if t.Kind() != KindDatasec || t.s != s || len(vars) != t.Vlen() {
		return
	}
	binary.LittleEndian.PutUint32(s.types[t.off+8:], size)
	for i, v := range vars {
		t.put(uint32(i)*3, uint32(v.Type))
		t.put(uint32(i)*3+1, v.Offset)
		t.put(uint32(i)*3+2, v.Size)
	}
}

// SetLinkage sets the linkage of a func or var.
func (s *Spec) SetLinkage(id ID, linkage int) {
	t := s.Type(id)
	if t.s != s {
		return
	}
	switch t.Kind() {
	case KindFunc:
		binary.LittleEndian.PutUint32(s.types[t.off+4:], t.info&^0xffff|uint32(linkage)&0xffff)
	case KindVar:
		t.put(0, uint32(linkage))
	}
}

// SetVarType sets the type of a var.
func (s *Spec) SetVarType(id, to ID) {
	if t := s.Type(id); t.s == s && t.Kind() == KindVar && int(to) < s.Len() {
		binary.LittleEndian.PutUint32(s.types[t.off+8:], uint32(to))
	}
}

// NameParams gives the parameters of a func_proto that have no name one: the
// name of another type.
func (s *Spec) NameParams(proto, as ID) {
	t := s.Type(proto)
	if t.s != s || t.Kind() != KindFuncProto {
		return
	}
	for i := range t.Vlen() {
		if p := t.Param(i); p.Type != 0 && p.Name == "" {
			t.put(uint32(i)*2, s.Type(as).name)
		}
	}
}
