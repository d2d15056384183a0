package maps

import "skep/vm/btf"

// specials are the structs of the kernel that a map value may hold and that
// only helpers touch, with their sizes.
var specials = [...]struct {
	name string
	size uint32
}{
	{"bpf_spin_lock", spinLockSize}, {"bpf_timer", 16}, {"bpf_wq", 16}, {"bpf_list_head", 16}, {"bpf_rb_root", 16},
}

// SetSpecial finds the special parts of values of a BTF type: the structs
// above, directly or in a struct or array within, and kptrs. Programs whose
// maps have no BTF have none.
func (s *Spec) SetSpecial(types *btf.Spec, value btf.ID) {
	s.Special, s.SpinLock = nil, false
	if types != nil {
		s.special(types, value, 0, 0)
	}
}

func (s *Spec) special(types *btf.Spec, id btf.ID, off uint32, depth int) {
	const maxDepth, maxSpecial = 8, 64
	if depth > maxDepth || len(s.Special) >= maxSpecial {
		return
	}
	t := types.Type(types.SkipQualifiers(id))
	switch t.Kind() {
	case btf.KindTypedef:
		s.special(types, t.Target(), off, depth+1)
	case btf.KindArray:
		a := t.Array()
		n, _ := types.Size(a.Elem)
		for i := range min(a.Len, maxSpecial) {
			s.special(types, a.Elem, off+i*n, depth+1)
		}
	case btf.KindPtr:
		if tag := types.Type(t.Target()); tag.Kind() == btf.KindTypeTag {
			switch tag.Name() {
			case "kptr", "kptr_untrusted", "percpu_kptr":
				s.Special = append(s.Special, Span{off, 8})
			}
		}
	case btf.KindStruct:
		name := t.Name()
		for i, sp := range specials {
			if sp.name == name {
				s.Special = append(s.Special, Span{off, sp.size})
				s.SpinLock = s.SpinLock || i == 0
				return
			}
		}
		for i := range t.Vlen() {
			if m := t.Member(i); m.Bits == 0 {
				s.special(types, m.Type, off+m.Offset/8, depth+1)
			}
		}
	}
}
