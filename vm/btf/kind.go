package btf

// Kind is the kind of a type record (kernel doc "BPF Type Format", section 2).
type Kind uint8

// The kinds, numbered as in include/uapi/linux/btf.h. KindVoid is type id 0.
const (
	KindVoid Kind = iota
	KindInt
	KindPtr
	KindArray
	KindStruct
	KindUnion
	KindEnum
	KindFwd
	KindTypedef
	KindVolatile
	KindConst
	KindRestrict
	KindFunc
	KindFuncProto
	KindVar
	KindDatasec
	KindFloat
	KindDeclTag
	KindTypeTag
	KindEnum64

	numKinds
)

// kindRow says how a record of a kind is laid out: after the 12 bytes that all
// records share come fixed bytes and then each bytes for every one of vlen.
type kindRow struct {
	name  string
	fixed uint8
	each  uint8
	ref   bool // the third word is a type id, not a size
	sized bool // the third word is a size in bytes
}

var kinds = [numKinds]kindRow{
	KindVoid:      {name: "void"},
	KindInt:       {name: "int", fixed: 4, sized: true},
	KindPtr:       {name: "ptr", ref: true},
	KindArray:     {name: "array", fixed: 12},
	KindStruct:    {name: "struct", each: 12, sized: true},
	KindUnion:     {name: "union", each: 12, sized: true},
	KindEnum:      {name: "enum", each: 8, sized: true},
	KindFwd:       {name: "fwd"},
	KindTypedef:   {name: "typedef", ref: true},
	KindVolatile:  {name: "volatile", ref: true},
	KindConst:     {name: "const", ref: true},
	KindRestrict:  {name: "restrict", ref: true},
	KindFunc:      {name: "func", ref: true},
	KindFuncProto: {name: "func_proto", each: 8, ref: true},
	KindVar:       {name: "var", fixed: 4, ref: true},
	KindDatasec:   {name: "datasec", each: 12, sized: true},
	KindFloat:     {name: "float", sized: true},
	KindDeclTag:   {name: "decl_tag", fixed: 4, ref: true},
	KindTypeTag:   {name: "type_tag", ref: true},
	KindEnum64:    {name: "enum64", each: 12, sized: true},
}

// String is the kind's name in lower case, as bpftool has it but for the case.
func (k Kind) String() string {
	if k < numKinds {
		return kinds[k].name
	}
	return "unknown"
}

// IsModifier reports whether a type of this kind is only another name or a
// qualifier of the type that it refers to (btf_type_is_modifier in the kernel).
func (k Kind) IsModifier() bool {
	switch k {
	case KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag:
		return true
	}
	return false
}

// IsComposite reports whether the type has members.
func (k Kind) IsComposite() bool { return k == KindStruct || k == KindUnion }

// IsEnum reports whether the type is an enum of either width.
func (k Kind) IsEnum() bool { return k == KindEnum || k == KindEnum64 }

// Encodings of an int: how its bits read. Zero is unsigned.
const (
	IntSigned = 1 << 0
	IntChar   = 1 << 1
	IntBool   = 1 << 2
)

// Linkage of a func, and of a var (BTF_FUNC_*, BTF_VAR_*).
const (
	LinkStatic = 0
	LinkGlobal = 1
	LinkExtern = 2
)
