package btf

import "strconv"

// WalkKind is what a struct walk arrived at (enum bpf_struct_walk_result).
type WalkKind uint8

const (
	WalkScalar WalkKind = iota // WALK_SCALAR
	WalkPtr                    // WALK_PTR: a pointer to a struct
	WalkStruct                 // WALK_STRUCT: a struct that begins at the offset
)

// PtrFlag are the properties of a pointer that a walk found.
type PtrFlag uint8

const (
	PtrUser      PtrFlag = 1 << iota // MEM_USER, tag "user"
	PtrPercpu                        // MEM_PERCPU, tag "percpu"
	PtrRCU                           // MEM_RCU, tag "rcu"
	PtrUntrusted                     // PTR_UNTRUSTED: went through a union
)

// Walk is the result of [Spec.StructWalk].
type Walk struct {
	Kind  WalkKind
	Type  ID     // the struct pointed to, or the struct at the offset
	Field string // the pointer's name
	Flags PtrFlag
}

// WalkError is an access that a struct does not allow.
type WalkError struct {
	Errno int    // positive: 13 EACCES, 14 EFAULT, 22 EINVAL
	Msg   string // the kernel's log line, without newline
}

func (e *WalkError) Error() string { return e.Msg }

const (
	eACCES = 13
	eFAULT = 14
	eINVAL = 22
)

// resolved is a type by size: arrays of arrays made flat.
type resolved struct {
	size    uint32 // of the whole
	elem    Type   // type of an element, or the type itself, without modifiers
	elems   uint32
	isArray bool
}

func (s *Spec) resolveSize(id ID) (resolved, bool) {
	r := resolved{elems: 1}
	for range MaxDepth {
		t := s.Type(id)
		switch k := t.Kind(); {
		case k == KindArray:
			a := t.Array()
			n := uint64(r.elems) * uint64(a.Len)
			if n>>32 != 0 {
				return r, false
			}
			r.elems, r.isArray, id = uint32(n), true, a.Elem
		case k.IsModifier():
			id = t.Target()
		case k == KindPtr || kinds[k].sized && k != KindDatasec:
			size := uint64(8)
			if k != KindPtr {
				size = uint64(t.word)
			}
			r.elem = t
			size *= uint64(r.elems)
			r.size = uint32(size)
			return r, size>>32 == 0
		default:
			return r, false
		}
	}
	return r, false
}

// StructWalk is one step of finding what the size bytes at offset off of a
// struct are; it mirrors btf_struct_walk in kernel/bpf/btf.c and says the same
// words. flags are those gathered so far. flex allows access behind the end of
// a struct that ends in a flexible array.
func (s *Spec) StructWalk(id ID, off, size uint32, flags PtrFlag, flex bool) (Walk, *WalkError) {
	w := Walk{Flags: flags}
	t := s.Type(s.Resolve(id))
	for range MaxDepth * MaxDepth {
		name := t.Name()
		if !t.Kind().IsComposite() {
			return w, &WalkError{eINVAL, "Type '" + name + "' is not a struct"}
		}
		// Anything read through a union may be another member's bytes.
		if t.Kind() == KindUnion && t.Vlen() != 1 {
			w.Flags |= PtrUntrusted
		}
		if uint64(off)+uint64(size) > uint64(t.word) {
			elem, moff, ok := s.flexElem(t)
			if !flex || !ok || off < moff {
				return w, beyond(name, off, size)
			}
			switch {
			case elem.Kind() == KindInt:
				return w, nil
			case !elem.Kind().IsComposite() || elem.word == 0:
				return w, beyond(name, off, size)
			}
			t, off = elem, (off-moff)%elem.word
			continue
		}
		next, noff, done, err := s.walkMembers(&w, t, off, size)
		if done || err != nil {
			return w, err
		}
		t, off = next, noff
	}
	return w, &WalkError{eINVAL, "Type '" + t.Name() + "' is not a struct"}
}

func beyond(name string, off, size uint32) *WalkError {
	return &WalkError{eACCES, "access beyond struct " + name + " at off " + dec(off) + " size " + dec(size)}
}

// flexElem is the element type and byte offset of the flexible array that ends
// a struct.
func (s *Spec) flexElem(t Type) (Type, uint32, bool) {
	if t.Vlen() == 0 {
		return Type{}, 0, false
	}
	m := t.Member(t.Vlen() - 1)
	a := s.Type(s.Resolve(m.Type))
	if a.Kind() != KindArray || a.Array().Len != 0 {
		return Type{}, 0, false
	}
	return s.Type(s.Resolve(a.Array().Elem)), m.Offset / 8, true
}

// walkMembers finds the member at off. It is done when w holds the result, else
// the walk goes on at offset noff of the struct next.
func (s *Spec) walkMembers(w *Walk, t Type, off, size uint32) (next Type, noff uint32, done bool, err *WalkError) {
	name := t.Name()
	for i := range t.Vlen() {
		m := t.Member(i)
		moff := m.Offset / 8
		if off+size <= moff {
			break
		}
		if m.Bits != 0 {
			// Clang has no member for an unnamed bitfield before this one,
			// so the load may begin earlier.
			if off <= moff && (m.Offset+m.Bits+7)/8 <= off+size {
				return t, 0, true, nil
			}
			continue
		}
		if off < moff {
			break // a hole
		}
		r, ok := s.resolveSize(m.Type)
		if !ok {
			return t, 0, true, &WalkError{eFAULT, "field " + m.Name + " doesn't have size"}
		}
		end := moff + r.size
		if off >= end {
			continue
		}
		msize := r.size
		if r.isArray {
			msize /= r.elems
			moff += (off - moff) / msize * msize
		}
		switch k := r.elem.Kind(); {
		case k.IsComposite():
			if off == moff {
				w.Kind, w.Type = WalkStruct, r.elem.id
				return t, 0, true, nil
			}
			return r.elem, off - moff, false, nil
		case k == KindPtr:
			if msize != size || off != moff {
				return t, 0, true, &WalkError{eACCES, "cannot access ptr member " + m.Name + " with moff " + dec(moff) +
					" in struct " + name + " with off " + dec(off) + " size " + dec(size)}
			}
			if target := s.Resolve(r.elem.Target()); s.Kind(target).IsComposite() {
				w.Kind, w.Type, w.Field = WalkPtr, target, m.Name
				w.Flags |= tagFlag(s.Type(r.elem.Target()))
				return t, 0, true, nil
			}
		}
		// A scalar may be read in any way that stays in the member, an array
		// of them as one piece: skb->cb[].
		if off+size > end && w.Flags&PtrUntrusted == 0 {
			return t, 0, true, &WalkError{eACCES, "access beyond the end of member " + m.Name + " (mend:" + dec(end) +
				") in struct " + name + " with off " + dec(off) + " size " + dec(size)}
		}
		return t, 0, true, nil
	}
	return t, 0, true, &WalkError{eINVAL, "struct " + name + " doesn't have field at offset " + strconv.Itoa(int(int32(off)))}
}

func tagFlag(t Type) PtrFlag {
	if t.Kind() == KindTypeTag {
		switch t.Name() {
		case "user":
			return PtrUser
		case "percpu":
			return PtrPercpu
		case "rcu":
			return PtrRCU
		}
	}
	return 0
}

// StructAccess walks until it finds a scalar or a pointer: what a load of size
// bytes at off yields (the loop of btf_struct_access). Kind is never WalkStruct.
func (s *Spec) StructAccess(id ID, off, size uint32, flex bool) (Walk, *WalkError) {
	var flags PtrFlag
	for range MaxDepth {
		w, err := s.StructWalk(id, off, size, flags, flex)
		if err != nil || w.Kind != WalkStruct {
			return w, err
		}
		id, off, flags = w.Type, 0, w.Flags
	}
	return Walk{}, &WalkError{eINVAL, "struct " + s.Name(id) + " doesn't have field at offset 0"}
}

// PathStep is a step of [Spec.PathAt]: a member, or an element of an array.
type PathStep struct {
	Name   string // member name, empty for an element or an anonymous member
	Index  uint32 // element number
	Elem   bool   // an element of an array
	Type   ID     // as declared
	Offset uint32 // in bytes from the start of the outermost type
}

// PathAt names what lies at byte offset off of a type, from outside in:
// iph->saddr is one step, cpus[3].count are three. Of members that share the
// offset it takes the first. The path ends early in a hole or a scalar.
func (s *Spec) PathAt(id ID, off uint32) []PathStep {
	var path []PathStep
	base := uint32(0)
	for range MaxDepth {
		t := s.Type(s.Resolve(id))
		step, ok := s.stepInto(t, off-base)
		if !ok {
			return path
		}
		step.Offset += base
		base, id = step.Offset, step.Type
		path = append(path, step)
	}
	return path
}

func (s *Spec) stepInto(t Type, off uint32) (PathStep, bool) {
	switch t.Kind() {
	case KindArray:
		a := t.Array()
		size, ok := s.Size(a.Elem)
		if !ok || size == 0 || a.Len != 0 && off/size >= a.Len {
			return PathStep{}, false
		}
		return PathStep{Index: off / size, Elem: true, Type: a.Elem, Offset: off / size * size}, true
	case KindStruct, KindUnion:
		for i := range t.Vlen() {
			m := t.Member(i)
			if m.Bits != 0 {
				if off >= m.Offset/8 && uint64(off)*8 < uint64(m.Offset)+uint64(m.Bits) {
					return PathStep{Name: m.Name, Type: m.Type, Offset: m.Offset / 8}, true
				}
				continue
			}
			size, _ := s.Size(m.Type)
			flex := size == 0 && i == t.Vlen()-1 && s.Kind(s.Resolve(m.Type)) == KindArray
			if off >= m.Offset/8 && (off-m.Offset/8 < size || flex) {
				return PathStep{Name: m.Name, Type: m.Type, Offset: m.Offset / 8}, true
			}
		}
	}
	return PathStep{}, false
}

// AppendPath writes a path as C has it: a.b[3].c, without a leading dot.
func AppendPath(dst []byte, path []PathStep) []byte {
	start := len(dst)
	for _, p := range path {
		switch {
		case p.Elem:
			dst = append(dst, '[')
			dst = strconv.AppendUint(dst, uint64(p.Index), 10)
			dst = append(dst, ']')
		case p.Name != "":
			if len(dst) > start {
				dst = append(dst, '.')
			}
			dst = append(dst, p.Name...)
		}
	}
	return dst
}
