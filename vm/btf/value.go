package btf

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Form is the shape of a [Node].
type Form uint8

const (
	FormScalar Form = iota // has Text, no children
	FormString             // char array shown as one string; has Text
	FormStruct             // struct or union
	FormArray
)

// Node is a value in the tree that [Spec.Walk] makes of bytes.
type Node struct {
	Depth  int    // of the outermost value: 0
	Name   string // of a member or variable; empty for an element
	Index  int    // of an array element, else -1
	Type   ID     // as declared
	Offset uint32 // from the start of the bytes, in bits
	Bits   uint32 // width in bits; 0 when it has no size
	Form   Form
	Text   string // scalars for people: -3, 0xffff8881, ETH_P_IP, "eth0", true
	JSON   string // scalars for machines
}

// Walk renders bytes by type, a node at a time, parents before children:
// what a tree view needs. visit returns whether to go into a struct or array.
// Members of anonymous structs and unions belong to the struct around them, as
// in C. A flexible array at the end takes all bytes that are left. Where the
// bytes end early, scalars read "?" and null.
func (s *Spec) Walk(id ID, data []byte, visit func(Node) bool) {
	w := walker{s: s, data: data, visit: visit, fuel: min(4096+64*len(data), 1<<20)}
	w.value(id, Node{Index: -1}, 0)
}

type walker struct {
	s     *Spec
	data  []byte
	visit func(Node) bool
	fuel  int // nodes that may still be made: a hostile blob nests without end
}

func (w *walker) value(id ID, n Node, nest int) {
	if w.fuel--; w.fuel < 0 || nest > MaxDepth {
		return
	}
	n.Type = id
	t := w.s.Type(w.s.Resolve(id))
	if t.Kind() == KindVar {
		if n.Name == "" {
			n.Name = t.Name()
		}
		t = w.s.Type(w.s.Resolve(t.Target()))
	}
	size, sized := w.s.Size(t.id)
	if n.Bits == 0 && sized && size < 1<<29 {
		n.Bits = size * 8
	}
	switch t.Kind() {
	case KindStruct, KindUnion:
		n.Form = FormStruct
		if w.visit(n) {
			w.members(t, n, nest)
		}
	case KindDatasec:
		n.Form, n.Name = FormStruct, t.Name()
		if w.visit(n) {
			for i := range t.Vlen() {
				v := t.SecVar(i)
				if v.Offset < 1<<29 && w.fuel > 0 {
					w.value(v.Type, Node{Depth: n.Depth + 1, Index: -1, Offset: n.Offset + v.Offset*8}, nest+1)
				}
			}
		}
	case KindArray:
		w.array(t, n, nest)
	default:
		w.scalar(t, &n)
		w.visit(n)
	}
}

func (w *walker) members(t Type, parent Node, nest int) {
	for i := range t.Vlen() {
		if w.fuel < 0 {
			return
		}
		m := t.Member(i)
		w.fuel -= len(m.Name) / 16
		n := Node{Depth: parent.Depth + 1, Name: m.Name, Index: -1, Offset: parent.Offset + m.Offset, Bits: m.Bits}
		if mt := w.s.Type(w.s.Resolve(m.Type)); m.Name == "" && mt.Kind().IsComposite() {
			if w.fuel--; nest < MaxDepth {
				n.Depth = parent.Depth
				w.members(mt, n, nest+1)
			}
			continue
		}
		w.value(m.Type, n, nest+1)
	}
}

func (w *walker) array(t Type, n Node, nest int) {
	a := t.Array()
	elem, ok := w.s.Size(a.Elem)
	if !ok || elem == 0 || elem >= 1<<29 {
		n.Form = FormArray
		w.visit(n)
		return
	}
	count := a.Len
	if count == 0 && n.Offset/8 <= uint32(len(w.data)) {
		count = (uint32(len(w.data)) - n.Offset/8) / elem
		n.Bits = count * elem * 8
	}
	if elem == 1 {
		if text, ok := w.cstring(a, n.Offset/8, count); ok {
			n.Form, n.Text = FormString, text
			n.JSON = text
			w.visit(n)
			return
		}
	}
	n.Form = FormArray
	if !w.visit(n) {
		return
	}
	for i := uint32(0); i < count && w.fuel > 0; i++ {
		off := uint64(n.Offset) + uint64(i)*uint64(elem)*8
		if off > uint64(len(w.data))*8 {
			return
		}
		w.value(a.Elem, Node{Depth: n.Depth + 1, Index: int(i), Offset: uint32(off)}, nest+1)
	}
}

// cstring is a char array whose bytes are printable up to a NUL, quoted. The
// rule is bpftool's: a typedef of char is no string.
func (w *walker) cstring(a Array, off, count uint32) (string, bool) {
	t := w.s.Type(w.s.SkipQualifiers(a.Elem))
	if t.Kind() != KindInt || t.Int().Encoding&IntChar == 0 && t.Name() != "char" {
		return "", false
	}
	if uint64(off)+uint64(count) > uint64(len(w.data)) {
		return "", false
	}
	b := w.data[off : off+count]
	for i, c := range b {
		if c == 0 {
			return quoteJSON(b[:i]), true
		}
		if c < 0x20 || c >= 0x7f {
			return "", false
		}
	}
	return "", false
}

func quoteJSON(b []byte) string {
	out := []byte{'"'}
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < 0x20 || c >= 0x7f:
			const digits = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}

// load reads bits of the data, at most 128, little endian.
func (w *walker) load(off, bits uint32) (lo, hi uint64, ok bool) {
	if bits == 0 || bits > 128 || uint64(off)+uint64(bits) > uint64(len(w.data))*8 {
		return 0, 0, false
	}
	var buf [24]byte
	copy(buf[:], w.data[off/8:])
	lo, hi = binary.LittleEndian.Uint64(buf[:]), binary.LittleEndian.Uint64(buf[8:])
	top := binary.LittleEndian.Uint64(buf[16:])
	if sh := off % 8; sh != 0 {
		lo = lo>>sh | hi<<(64-sh)
		hi = hi>>sh | top<<(64-sh)
	}
	switch {
	case bits < 64:
		lo, hi = lo&(1<<bits-1), 0
	case bits == 64:
		hi = 0
	case bits < 128:
		hi &= 1<<(bits-64) - 1
	}
	return lo, hi, true
}

// scalar fills in the texts of a leaf.
func (w *walker) scalar(t Type, n *Node) {
	n.Text, n.JSON = "?", "null"
	off, bits := n.Offset, n.Bits
	if t.Kind() == KindInt {
		if in := t.Int(); bits == t.Size()*8 && (in.Bits != bits || in.Offset != 0) {
			off, bits = off+in.Offset, in.Bits
		}
	}
	lo, hi, ok := w.load(off, bits)
	if !ok {
		return
	}
	signed := t.Signed()
	if signed && bits < 64 && lo>>(bits-1) != 0 {
		lo |= ^uint64(0) << bits
	}
	number := func() string {
		if signed {
			return strconv.FormatInt(int64(lo), 10)
		}
		return strconv.FormatUint(lo, 10)
	}
	switch t.Kind() {
	case KindInt:
		enc := t.Int().Encoding
		switch {
		case bits > 64:
			n.Text = "0x" + hex128(hi, lo)
			n.JSON = `"` + n.Text + `"`
			return
		case enc&IntBool != 0:
			n.Text = strconv.FormatBool(lo != 0)
		case enc&IntChar != 0 && bits == 8:
			n.JSON = quoteJSON([]byte{byte(lo)})
			n.Text = "'" + string([]byte{byte(lo)}) + "'"
			if byte(lo) < 0x20 || byte(lo) >= 0x7f {
				n.Text = number()
			}
			return
		default:
			n.Text = number()
		}
		n.JSON = n.Text
	case KindEnum, KindEnum64:
		for i := range t.Vlen() {
			if i&15 == 15 {
				w.fuel-- // a hostile enum has 65,535 values and an array of it a million elements
			}
			if e := t.Enumerator(i); e.Value == lo {
				w.fuel -= len(e.Name) / 16
				n.Text, n.JSON = e.Name, quoteJSON([]byte(e.Name))
				return
			}
		}
		n.Text = number()
		n.JSON = n.Text
	case KindPtr:
		n.Text = "0x" + strconv.FormatUint(lo, 16)
		n.JSON = strconv.FormatUint(lo, 10)
	case KindFloat:
		w.float(n, lo)
	}
}

func hex128(hi, lo uint64) string {
	if hi == 0 {
		return strconv.FormatUint(lo, 16)
	}
	l := strconv.FormatUint(lo, 16)
	for len(l) < 16 {
		l = "0" + l
	}
	return strconv.FormatUint(hi, 16) + l
}

func (w *walker) float(n *Node, lo uint64) {
	var f float64
	digits := 15
	switch n.Bits {
	case 32:
		f, digits = float64(math.Float32frombits(uint32(lo))), 7
	case 64:
		f = math.Float64frombits(lo)
	default:
		return
	}
	n.Text = string(appendFloat(nil, f, digits))
	n.JSON = n.Text
	if math.IsNaN(f) || math.IsInf(f, 0) {
		n.JSON = `"` + n.Text + `"`
	}
}

// AppendValue renders bytes by type as one line of JSON, in bpftool's form
// (bpftool map dump): enums by name, char arrays that hold a string as one,
// pointers as numbers. Unlike bpftool a bitfield is a decimal number, members of
// anonymous structs are not wrapped, and floats are known. Integers of 64 bits
// are JSON numbers: read them with a parser that keeps all digits.
func (s *Spec) AppendValue(dst []byte, id ID, data []byte) []byte {
	var open []byte // closing brackets of the values around the next node
	first := true
	s.Walk(id, data, func(n Node) bool {
		for len(open) > n.Depth {
			dst = append(dst, open[len(open)-1])
			open, first = open[:len(open)-1], false
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if len(open) > 0 && open[len(open)-1] == '}' {
			dst = append(append(dst, quoteJSON([]byte(n.Name))...), ':')
		}
		switch n.Form {
		case FormStruct:
			dst, open, first = append(dst, '{'), append(open, '}'), true
		case FormArray:
			dst, open, first = append(dst, '['), append(open, ']'), true
		default:
			dst = append(dst, n.JSON...)
		}
		return true
	})
	for i := len(open) - 1; i >= 0; i-- {
		dst = append(dst, open[i])
	}
	return dst
}
