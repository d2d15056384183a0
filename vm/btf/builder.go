package btf

import "encoding/binary"

// Builder makes a BTF blob type by type. Each method returns the new type's
// id; a type may refer to one that comes later ([Builder.Next]). The zero
// Builder is ready to use.
//
//	var b btf.Builder
//	u32 := b.Int("unsigned int", 4, 0)
//	b.Struct("pair", 8, btf.Member{Name: "a", Type: u32}, btf.Member{Name: "b", Type: u32, Offset: 32})
//	spec, err := btf.Parse(b.Bytes())
type Builder struct {
	base    *Spec
	types   []byte
	strs    []byte
	strIdx  map[string]uint32
	count   ID
	strBase uint32
}

// NewSplitBuilder makes a blob that continues base.
func NewSplitBuilder(base *Spec) *Builder {
	return &Builder{base: base, count: ID(base.Len()) - 1, strBase: base.strOff + uint32(len(base.strs))}
}

// Next is the id that the next type will get.
func (b *Builder) Next() ID { return b.count + 1 }

// String puts s into the string section once and returns its offset.
func (b *Builder) String(s string) uint32 {
	if s == "" {
		return 0
	}
	if b.strIdx == nil {
		b.strIdx = make(map[string]uint32)
		if b.base == nil {
			b.strs = append(b.strs, 0)
		}
	}
	off, ok := b.strIdx[s]
	if !ok {
		off = b.strBase + uint32(len(b.strs))
		b.strs = append(append(b.strs, s...), 0)
		b.strIdx[s] = off
	}
	return off
}

func (b *Builder) words(w ...uint32) {
	for _, v := range w {
		b.types = binary.LittleEndian.AppendUint32(b.types, v)
	}
}

func (b *Builder) add(name string, k Kind, flag bool, vlen int, word uint32) ID {
	info := uint32(k)<<24 | uint32(vlen)&0xffff
	if flag {
		info |= 1 << 31
	}
	b.words(b.String(name), info, word)
	b.count++
	return b.count
}

// Int adds an integer of size bytes; encoding is IntSigned, IntChar, IntBool or 0.
func (b *Builder) Int(name string, size uint32, encoding uint8) ID {
	id := b.add(name, KindInt, false, 0, size)
	b.words(uint32(encoding)<<24 | size*8)
	return id
}

// Pointer adds a pointer.
func (b *Builder) Pointer(to ID) ID { return b.add("", KindPtr, false, 0, uint32(to)) }

// Array adds an array; index is the type of its subscript, an int.
func (b *Builder) Array(elem, index ID, n uint32) ID {
	id := b.add("", KindArray, false, 0, 0)
	b.words(uint32(elem), uint32(index), n)
	return id
}

// Struct adds a struct of size bytes.
func (b *Builder) Struct(name string, size uint32, members ...Member) ID {
	return b.composite(KindStruct, name, size, members)
}

// Union adds a union of size bytes.
func (b *Builder) Union(name string, size uint32, members ...Member) ID {
	return b.composite(KindUnion, name, size, members)
}

func (b *Builder) composite(k Kind, name string, size uint32, members []Member) ID {
	bitfields := false
	for _, m := range members {
		bitfields = bitfields || m.Bits != 0
	}
	id := b.add(name, k, bitfields, len(members), size)
	for _, m := range members {
		b.words(b.String(m.Name), uint32(m.Type), m.Bits<<24|m.Offset)
	}
	return id
}

// Enum adds an enum of size bytes whose values fit 32 bits.
func (b *Builder) Enum(name string, size uint32, signed bool, values ...Enumerator) ID {
	id := b.add(name, KindEnum, signed, len(values), size)
	for _, v := range values {
		b.words(b.String(v.Name), uint32(v.Value))
	}
	return id
}

// Enum64 adds an enum of 8 bytes.
func (b *Builder) Enum64(name string, signed bool, values ...Enumerator) ID {
	id := b.add(name, KindEnum64, signed, len(values), 8)
	for _, v := range values {
		b.words(b.String(v.Name), uint32(v.Value), uint32(v.Value>>32))
	}
	return id
}

// Fwd adds a forward declaration.
func (b *Builder) Fwd(name string, union bool) ID { return b.add(name, KindFwd, union, 0, 0) }

// Typedef adds a typedef.
func (b *Builder) Typedef(name string, to ID) ID {
	return b.add(name, KindTypedef, false, 0, uint32(to))
}

// Const adds a const type.
func (b *Builder) Const(of ID) ID { return b.add("", KindConst, false, 0, uint32(of)) }

// Volatile adds a volatile type.
func (b *Builder) Volatile(of ID) ID { return b.add("", KindVolatile, false, 0, uint32(of)) }

// Restrict adds a restrict type.
func (b *Builder) Restrict(of ID) ID { return b.add("", KindRestrict, false, 0, uint32(of)) }

// TypeTag adds a type with a tag, which a pointer then points to.
func (b *Builder) TypeTag(tag string, of ID) ID { return b.add(tag, KindTypeTag, false, 0, uint32(of)) }

// DeclTag adds a tag to a declaration; component -1 is the declaration itself.
func (b *Builder) DeclTag(tag string, of ID, component int) ID {
	id := b.add(tag, KindDeclTag, false, 0, uint32(of))
	b.words(uint32(int32(component)))
	return id
}

// FuncProto adds a function type. A last Param{} makes it variadic.
func (b *Builder) FuncProto(result ID, params ...Param) ID {
	id := b.add("", KindFuncProto, false, len(params), uint32(result))
	for _, p := range params {
		b.words(b.String(p.Name), uint32(p.Type))
	}
	return id
}

// Func adds a function.
func (b *Builder) Func(name string, proto ID, linkage int) ID {
	return b.add(name, KindFunc, false, linkage, uint32(proto))
}

// Var adds a variable.
func (b *Builder) Var(name string, t ID, linkage int) ID {
	id := b.add(name, KindVar, false, 0, uint32(t))
	b.words(uint32(linkage))
	return id
}

// Datasec adds a section with its variables.
func (b *Builder) Datasec(name string, size uint32, vars ...SecVar) ID {
	id := b.add(name, KindDatasec, false, len(vars), size)
	for _, v := range vars {
		b.words(uint32(v.Type), v.Offset, v.Size)
	}
	return id
}

// Float adds a floating point type.
func (b *Builder) Float(name string, size uint32) ID { return b.add(name, KindFloat, false, 0, size) }

// Bytes is the blob.
func (b *Builder) Bytes() []byte {
	strs := b.strs
	if len(strs) == 0 {
		strs = []byte{0}
	}
	return blob(b.types, strs)
}

func blob(types, strs []byte) []byte {
	out := make([]byte, 0, headerSize+len(types)+len(strs))
	out = append(out, 0x9f, 0xeb, 1, 0)
	for _, w := range [...]uint32{headerSize, 0, uint32(len(types)), uint32(len(types)), uint32(len(strs))} {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	out = append(out, types...)
	return append(out, strs...)
}

// ExtBuilder makes a .BTF.ext section for a [Builder]'s blob: records by
// section name, instruction numbers in slots.
type ExtBuilder struct {
	b     *Builder
	lists [3][]extRun
}

type extRun struct {
	name uint32
	n    int
	data []byte
}

// NewExtBuilder puts strings into b: take b's Bytes after the last record.
func NewExtBuilder(b *Builder) *ExtBuilder { return &ExtBuilder{b: b} }

func (e *ExtBuilder) run(list int, section string, n int, words []uint32) {
	r := extRun{name: e.b.String(section), n: n}
	for _, w := range words {
		r.data = binary.LittleEndian.AppendUint32(r.data, w)
	}
	if n > 0 {
		e.lists[list] = append(e.lists[list], r)
	}
}

// Funcs adds the functions of a section.
func (e *ExtBuilder) Funcs(section string, infos ...FuncInfo) {
	var w []uint32
	for _, i := range infos {
		w = append(w, i.Insn*8, uint32(i.Type))
	}
	e.run(0, section, len(infos), w)
}

// Lines adds the lines of a section; File and Text go into the string section.
func (e *ExtBuilder) Lines(section string, lines ...Line) {
	var w []uint32
	for _, l := range lines {
		w = append(w, uint32(l.Insn)*8, e.b.String(l.File), e.b.String(l.Text), uint32(l.Line)<<10|uint32(l.Col)&0x3ff)
	}
	e.run(1, section, len(lines), w)
}

// CoreRelos adds the CO-RE relocations of a section.
func (e *ExtBuilder) CoreRelos(section string, relos ...CoreRelo) {
	var w []uint32
	for _, r := range relos {
		w = append(w, r.Insn*8, uint32(r.Type), e.b.String(r.Access), uint32(r.Kind))
	}
	e.run(2, section, len(relos), w)
}

// Bytes is the section.
func (e *ExtBuilder) Bytes() []byte {
	const hdr = 32
	sizes := [3]uint32{FuncInfoSize, LineInfoSize, CoreReloSize}
	var bodies [3][]byte
	for i, runs := range e.lists {
		if len(runs) == 0 {
			continue
		}
		body := binary.LittleEndian.AppendUint32(nil, sizes[i])
		for _, r := range runs {
			body = binary.LittleEndian.AppendUint32(body, r.name)
			body = binary.LittleEndian.AppendUint32(body, uint32(r.n))
			body = append(body, r.data...)
		}
		bodies[i] = body
	}
	out := append([]byte(nil), 0x9f, 0xeb, 1, 0)
	out = binary.LittleEndian.AppendUint32(out, hdr)
	off := uint32(0)
	for _, body := range bodies {
		out = binary.LittleEndian.AppendUint32(out, off)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
		off += uint32(len(body))
	}
	for _, body := range bodies {
		out = append(out, body...)
	}
	return out
}
