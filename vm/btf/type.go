package btf

import "iter"

// Type is a view of one type record. The zero Type is void. It is small:
// pass it by value.
type Type struct {
	s    *Spec
	id   ID
	off  uint32
	name uint32
	info uint32
	word uint32 // size or type id
}

// Type returns the record of id; void when there is none.
func (s *Spec) Type(id ID) Type {
	for s.base != nil && id < s.first {
		s = s.base
	}
	i := id - s.first
	if id == 0 || uint64(i) >= uint64(len(s.offs)) {
		return Type{}
	}
	off := s.offs[i]
	return Type{s: s, id: id, off: off, name: u32(s.types, off), info: u32(s.types, off+4), word: u32(s.types, off+8)}
}

// All ranges over every type, those of the base first.
func (s *Spec) All() iter.Seq[Type] {
	return func(yield func(Type) bool) {
		for id := ID(1); int(id) < s.Len(); id++ {
			if !yield(s.Type(id)) {
				return
			}
		}
	}
}

// Name is the name of type id, empty when it has none.
func (s *Spec) Name(id ID) string { return s.Type(id).Name() }

// Kind is the kind of type id.
func (s *Spec) Kind(id ID) Kind { return s.Type(id).Kind() }

// ID is the type's number, 0 for void.
func (t Type) ID() ID { return t.id }

// Kind is the type's kind.
func (t Type) Kind() Kind { return Kind(t.info >> 24 & 0x1f) }

// Vlen is the number of members, enumerators, parameters or section variables.
func (t Type) Vlen() int {
	if kinds[t.Kind()].each == 0 {
		return 0
	}
	return int(t.info & 0xffff)
}

// KindFlag is bit 31 of the info word: a struct with bitfield sizes, a signed
// enum, a forward declaration of a union.
func (t Type) KindFlag() bool { return t.info>>31 != 0 }

// Name is the type's name, empty when it has none.
func (t Type) Name() string {
	if t.s == nil || t.name == 0 {
		return ""
	}
	return t.s.nameAt(t.name)
}

// Size is the size in bytes that the record states, 0 for kinds without.
// [Spec.Size] follows references.
func (t Type) Size() uint32 {
	if kinds[t.Kind()].sized {
		return t.word
	}
	return 0
}

// Target is the type that the record refers to: of a pointer, a modifier, a
// variable, a tag; the prototype of a func, the result of a func_proto.
func (t Type) Target() ID {
	if kinds[t.Kind()].ref {
		return ID(t.word)
	}
	return 0
}

func (t Type) has(i int) bool { return uint(i) < uint(t.Vlen()) }

// at is word w of part i after the common record.
func (t Type) at(i int, w uint32) uint32 {
	return u32(t.s.types, t.off+recordSize+uint32(i)*uint32(kinds[t.Kind()].each)+4*w)
}

// Member is a member of a struct or union. Parts of a type that do not exist,
// or are not of its kind, read as zero.
type Member struct {
	Name   string
	Type   ID
	Offset uint32 // in bits from the start of the struct
	Bits   uint32 // width of a bitfield, 0 for an ordinary member
}

// Member is member i of a struct or union.
func (t Type) Member(i int) Member {
	if !t.Kind().IsComposite() || !t.has(i) {
		return Member{}
	}
	m := Member{Name: t.s.nameAt(t.at(i, 0)), Type: ID(t.at(i, 1)), Offset: t.at(i, 2)}
	if t.KindFlag() {
		m.Bits, m.Offset = m.Offset>>24, m.Offset&0xffffff
	}
	return m
}

// MemberByName finds a direct member.
func (t Type) MemberByName(name string) (Member, bool) {
	if t.Kind().IsComposite() {
		for i := range t.Vlen() {
			if t.s.nameAt(t.at(i, 0)) == name {
				return t.Member(i), true
			}
		}
	}
	return Member{}, false
}

// Param is a parameter of a func_proto. A last one without name and type is
// the dots of a variadic function.
type Param struct {
	Name string
	Type ID
}

// Param is parameter i of a func_proto.
func (t Type) Param(i int) Param {
	if t.Kind() != KindFuncProto || !t.has(i) {
		return Param{}
	}
	return Param{Name: t.s.nameAt(t.at(i, 0)), Type: ID(t.at(i, 1))}
}

// Enumerator is a named value of an enum, sign extended when it is signed.
type Enumerator struct {
	Name  string
	Value uint64
}

// Enumerator is value i of an enum or enum64.
func (t Type) Enumerator(i int) Enumerator {
	if !t.Kind().IsEnum() || !t.has(i) {
		return Enumerator{}
	}
	e := Enumerator{Name: t.s.nameAt(t.at(i, 0)), Value: uint64(t.at(i, 1))}
	if t.Kind() == KindEnum64 {
		e.Value |= uint64(t.at(i, 2)) << 32
	} else if t.KindFlag() {
		e.Value = uint64(int64(int32(uint32(e.Value))))
	}
	return e
}

// Signed reports whether an int or enum reads as signed.
func (t Type) Signed() bool {
	switch t.Kind() {
	case KindInt:
		return t.Int().Encoding&IntSigned != 0
	case KindEnum, KindEnum64:
		return t.KindFlag()
	}
	return false
}

// SecVar is a variable of a datasec.
type SecVar struct {
	Type   ID // the var
	Offset uint32
	Size   uint32
}

// SecVar is variable i of a datasec.
func (t Type) SecVar(i int) SecVar {
	if t.Kind() != KindDatasec || !t.has(i) {
		return SecVar{}
	}
	return SecVar{Type: ID(t.at(i, 0)), Offset: t.at(i, 1), Size: t.at(i, 2)}
}

// Array is what an array record says.
type Array struct {
	Elem, Index ID
	Len         uint32
}

// Array is the record of an array; the zero Array for other kinds.
func (t Type) Array() Array {
	if t.Kind() != KindArray {
		return Array{}
	}
	return Array{Elem: ID(t.at(0, 0)), Index: ID(t.at(0, 1)), Len: t.at(0, 2)}
}

// Int is what an int record says.
type Int struct {
	Encoding uint8  // IntSigned, IntChar, IntBool
	Offset   uint32 // of the value within its bytes, in bits
	Bits     uint32
}

// Int is the record of an int; the zero Int for other kinds.
func (t Type) Int() Int {
	if t.Kind() != KindInt {
		return Int{}
	}
	w := t.at(0, 0)
	return Int{Encoding: uint8(w >> 24 & 0x0f), Offset: w >> 16 & 0xff, Bits: w & 0xff}
}

// Linkage is that of a func or var: LinkStatic, LinkGlobal or LinkExtern.
func (t Type) Linkage() int {
	switch t.Kind() {
	case KindFunc:
		return int(t.info & 0xffff)
	case KindVar:
		return int(t.at(0, 0))
	}
	return 0
}

// Component is what a decl_tag tags: member or parameter number, -1 for the
// declaration itself.
func (t Type) Component() int {
	if t.Kind() != KindDeclTag {
		return -1
	}
	return int(int32(t.at(0, 0)))
}
