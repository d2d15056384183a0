// Package btf reads, writes and prints BTF, the type information that clang
// puts into an object and that a kernel carries about itself.
//
// A [Spec] is a parsed blob. It keeps the bytes and one 32-bit offset a type,
// nothing else: a kernel's 5 MB parse in milliseconds. A [Type] is a small
// value that looks into those bytes when asked.
//
//	spec, err := btf.Parse(blob)
//	id, ok := spec.Lookup("iphdr", btf.KindStruct)
//	t := spec.Type(id)
//	for i := range t.Vlen() {
//		m := t.Member(i) // m.Name, m.Type, m.Offset in bits
//	}
//	text := spec.AppendValue(nil, id, packet[14:34]) // {"ihl":5,...}
//
// Why not one object a type, as other libraries have it: the page opens a
// kernel's BTF to relocate one program, and 150,000 objects are the garbage
// collector's work and the student's wait.
//
// Read next: type.go, then ext.go for line information, core.go for CO-RE.
package btf

import (
	"encoding/binary"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// ID numbers a type within its Spec. 0 is void.
type ID uint32

// Sizes of the fixed parts of the format.
const (
	headerSize = 24
	recordSize = 12

	magic        = 0xeb9f
	magicSwapped = 0x9feb
)

// MaxDepth bounds every chase through references: modifiers, nested arrays,
// structs in structs (MAX_RESOLVE_DEPTH in the kernel and libbpf).
const MaxDepth = 32

// Spec is a parsed BTF blob. It is read-only and may be shared.
type Spec struct {
	base   *Spec
	blob   []byte
	first  ID     // id of the first type of this blob; 1 without a base
	types  []byte // the type section
	strs   string // the string section
	strOff uint32 // string offset at which strs begins; 0 without a base
	typOff uint32 // byte offset of types within the blob, for error texts
	offs   []uint32

	once  sync.Once
	index nameIndex
}

// Error is a BTF blob that cannot be used: what is wrong and where.
type Error struct {
	ID  ID     // the type, 0 when it is about header or strings
	Off uint32 // byte offset in the blob
	Msg string
}

func (e *Error) Error() string {
	s := "btf: "
	if e.ID != 0 {
		s += "type " + strconv.Itoa(int(e.ID)) + " "
	}
	return s + "at byte " + strconv.FormatUint(uint64(e.Off), 10) + ": " + e.Msg
}

func u32(b []byte, off uint32) uint32 { return binary.LittleEndian.Uint32(b[off:]) }

func dec(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// Parse reads a self-contained BTF blob: the .BTF section of an object, or a
// kernel's /sys/kernel/btf/vmlinux. The blob is kept, not copied: it must not
// change afterwards.
func Parse(blob []byte) (*Spec, error) { return ParseSplit(blob, nil) }

// ParseSplit reads a blob whose type ids and string offsets continue those of
// base, as a kernel module's do. A nil base is [Parse].
func ParseSplit(blob []byte, base *Spec) (*Spec, error) {
	n := uint64(len(blob))
	fail := func(off uint32, msg string) (*Spec, error) { return nil, &Error{Off: off, Msg: msg} }
	if n < headerSize {
		return fail(0, "the header takes 24 bytes and there are "+strconv.Itoa(len(blob)))
	}
	switch binary.LittleEndian.Uint16(blob) {
	case magic:
	case magicSwapped:
		return fail(0, "big-endian BTF is not supported: compile with -target bpfel")
	default:
		return fail(0, "no BTF: the magic number 0xeb9f is missing")
	}
	if blob[2] != 1 {
		return fail(2, "version "+strconv.Itoa(int(blob[2]))+" is not known, expected 1")
	}
	hdr := u32(blob, 4)
	if hdr < headerSize || uint64(hdr) > n {
		return fail(4, "header length "+dec(hdr)+" does not fit a blob of "+strconv.Itoa(len(blob))+" bytes")
	}
	section := func(at uint32, what string) ([]byte, uint32, error) {
		off, size := u32(blob, at), u32(blob, at+4)
		start := uint64(hdr) + uint64(off)
		if start+uint64(size) > n {
			return nil, 0, &Error{Off: at, Msg: what + " section, offset " + dec(off) + " length " + dec(size) +
				", ends behind the blob of " + strconv.Itoa(len(blob)) + " bytes"}
		}
		return blob[start : start+uint64(size)], uint32(start), nil
	}
	types, typOff, err := section(8, "type")
	if err != nil {
		return nil, err
	}
	strs, strOff, err := section(16, "string")
	if err != nil {
		return nil, err
	}
	if typOff%4 != 0 {
		return fail(8, "the type section must begin at a multiple of 4 bytes")
	}
	if base == nil && (len(strs) == 0 || strs[0] != 0) {
		return fail(strOff, "the string section must begin with a NUL byte")
	}
	if len(strs) != 0 && strs[len(strs)-1] != 0 {
		return fail(strOff+uint32(len(strs))-1, "the string section must end with a NUL byte")
	}
	s := &Spec{base: base, blob: blob, first: 1, types: types, strs: string(strs), typOff: typOff}
	if base != nil {
		s.first = ID(base.Len())
		s.strOff = base.strOff + uint32(len(base.strs))
	}
	if err := s.scan(); err != nil {
		return nil, err
	}
	return s, nil
}

// scan fills the offset index and checks every record: its kind, that it fits,
// and that its strings and types exist.
func (s *Spec) scan() error {
	size := uint32(len(s.types))
	s.offs = make([]uint32, 0, size/24+1)
	for off := uint32(0); off < size; {
		if len(s.offs)%1024 == 0 {
			runtime.Gosched() // in the page, loops let the collector in
		}
		id := s.first + ID(len(s.offs))
		if size-off < recordSize {
			return s.error(id, off, "the record takes 12 bytes and the section has "+dec(size-off)+" left")
		}
		info := u32(s.types, off+4)
		k := Kind(info >> 24 & 0x1f)
		if k == KindVoid || k >= numKinds {
			return s.error(id, off+4, "kind "+strconv.Itoa(int(k))+" is not known, expected 1 to "+strconv.Itoa(int(numKinds)-1))
		}
		need := recordSize + uint32(kinds[k].fixed) + uint32(kinds[k].each)*(info&0xffff)
		if size-off < need {
			return s.error(id, off, k.String()+" takes "+dec(need)+" bytes and the section has "+dec(size-off)+" left")
		}
		s.offs = append(s.offs, off)
		off += need
	}
	for i, off := range s.offs {
		if i%1024 == 0 {
			runtime.Gosched()
		}
		if err := s.check(s.first+ID(i), off); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) error(id ID, off uint32, msg string) error {
	return &Error{ID: id, Off: s.typOff + off, Msg: msg}
}

// check validates what one record refers to.
func (s *Spec) check(id ID, off uint32) error {
	info := u32(s.types, off+4)
	k, vlen := Kind(info>>24&0x1f), info&0xffff
	strEnd, idEnd := s.strOff+uint32(len(s.strs)), uint32(s.Len())
	str := func(at uint32) error {
		if v := u32(s.types, at); v >= strEnd {
			return s.error(id, at, k.String()+" names string "+dec(v)+", the string section has "+dec(strEnd)+" bytes")
		}
		return nil
	}
	ref := func(at uint32) error {
		if v := u32(s.types, at); v >= idEnd {
			return s.error(id, at, k.String()+" refers to type "+dec(v)+", the last is "+dec(idEnd-1))
		}
		return nil
	}
	// Offsets of string and type words within each of the vlen parts, -1 for none.
	strAt, refAt := int32(-1), int32(-1)
	body := off + recordSize
	if err := str(off); err != nil {
		return err
	}
	if kinds[k].ref {
		if err := ref(off + 8); err != nil {
			return err
		}
	}
	switch k {
	case KindInt:
		w, size := u32(s.types, body), u32(s.types, off+8)
		if bits, at := w&0xff, w>>16&0xff; size == 0 || size > 16 || bits == 0 || bits > 128 || bits+at > size*8 {
			return s.error(id, body, "int of "+dec(size)+" bytes cannot hold "+dec(bits)+" bits at bit "+dec(at))
		}
	case KindArray:
		if err := ref(body); err != nil {
			return err
		}
		return ref(body + 4)
	case KindFloat:
		switch size := u32(s.types, off+8); size {
		case 2, 4, 8, 12, 16:
		default:
			return s.error(id, off+8, "float of "+dec(size)+" bytes, expected 2, 4, 8, 12 or 16")
		}
	case KindStruct, KindUnion, KindFuncProto:
		strAt, refAt = 0, 4
	case KindEnum, KindEnum64:
		strAt = 0
		switch size := u32(s.types, off+8); size {
		case 1, 2, 4, 8:
		default:
			return s.error(id, off+8, "enum of "+dec(size)+" bytes, expected 1, 2, 4 or 8")
		}
	case KindDatasec:
		refAt = 0
	}
	each := uint32(kinds[k].each)
	for i := uint32(0); i < vlen && each != 0; i++ {
		at := body + i*each
		if strAt >= 0 {
			if err := str(at + uint32(strAt)); err != nil {
				return err
			}
		}
		if refAt >= 0 {
			if err := ref(at + uint32(refAt)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Base is the Spec that this one continues, nil when it stands alone.
func (s *Spec) Base() *Spec { return s.base }

// Len is one more than the highest type id, ids of the base included.
func (s *Spec) Len() int { return int(s.first) + len(s.offs) }

// FirstID is the id of the first type of this blob: 1, or for a split blob
// the Len of its base.
func (s *Spec) FirstID() ID { return s.first }

// Bounds on how far a string is read, which keep a hostile blob, all of whose
// names are ends of one long string, from costing its square. The kernel takes
// names of 512 bytes.
const (
	maxName = 1 << 10
	maxText = 1 << 16
)

// StringAt is the string at an offset of the string section, as line info and
// CO-RE records name it. It is empty when there is none.
func (s *Spec) StringAt(off uint32) string { return s.stringAt(off, maxText) }

// nameAt is the name of a type, member, parameter or value.
func (s *Spec) nameAt(off uint32) string { return s.stringAt(off, maxName) }

func (s *Spec) stringAt(off uint32, most int) string {
	for s.base != nil && off < s.strOff {
		s = s.base
	}
	off -= s.strOff
	if uint64(off) >= uint64(len(s.strs)) {
		return ""
	}
	str := s.strs[off:min(len(s.strs), int(off)+most)]
	if end := strings.IndexByte(str, 0); end >= 0 {
		str = str[:end]
	}
	return str
}

// hasString reports whether an offset lies in the string section.
func (s *Spec) hasString(off uint32) bool { return off < s.strOff+uint32(len(s.strs)) }
