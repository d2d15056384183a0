// Package kernel is the kernel's types where no kernel is: the structs that
// programs of the course read, laid out as Linux 6.12 on amd64 has them, as BTF.
// The page relocates programs against it, the verifier follows pointers in it,
// and vm/world fills memory by it.
//
//	progs, unknown, err := kernel.Prepare(obj, kernel.Types())
//
// It holds a part of the kernel's types: what is not there is not modelled.
package kernel

import (
	"strconv"
	"strings"
	"sync"

	"skep/vm/btf"
)

// A line of functionText is a function: its name, what it returns (v is void),
// and its arguments, name:type; *?x is a pointer to a struct of which only the
// name is known. A line of layoutText is a struct: its name (with ~ a typedef of a struct
// without name), its size and its members, name@offset:type. Types are u4 and
// i4 (integers of so many bytes), c16 (bytes), *c and * (pointers to text and
// to what is not known), *file (a pointer to a struct), =path (a struct) and
// any of them with [n].

// LINUX_BTF is the BTF of the reference kernel (sandbox install puts it into
// the cache). ztypes.go holds offsets and sizes that were read from it.
//
//go:generate go run ../world/internal/gen -btf ${LINUX_BTF} -o ztypes.go

var types = sync.OnceValue(func() *btf.Spec { return buildLayout(false, nil) })

var withFunctions = sync.OnceValue(func() *btf.Spec { return buildLayout(false, functions) })

// Types is the BTF of the kernel that a simulated machine has when nothing
// else is said: the structs that programs of the course read, with the
// offsets of Linux 6.12 on amd64.
func Types() *btf.Spec { return types() }

// WithFunctions is Types and the functions that programs are attached to by
// their types: what the verifier wants.
func WithFunctions() *btf.Spec { return withFunctions() }

// MadeUp is the BTF of a kernel that there never was: the same structs with
// their members in reverse order and gaps between them. A program that works
// on both relies on CO-RE alone.
func MadeUp() *btf.Spec { return buildLayout(true, nil) }

type layout struct {
	typedef bool
	size    uint32
	members []layoutMember
	id      btf.ID
}

type layoutMember struct {
	name, typ string
	off       uint32
}

// layouts builds BTF from the table. Types are made where they are first
// needed; pointers go to a forward id, so every struct gets its id first.
type layouts struct {
	b       btf.Builder
	structs map[string]*layout
	simple  map[string]btf.ID
	madeUp  bool
}

// buildLayout makes the BTF of layoutText. more, when there is one, asks for the
// types that it needs and gives what makes the rest in the end: a function, so
// that the page's engine does not link what only the verifier wants.
func buildLayout(madeUp bool, more func(need func(typ string)) func(*layouts)) *btf.Spec {
	l := layouts{structs: map[string]*layout{}, simple: map[string]btf.ID{}, madeUp: madeUp}
	var names []string
	for line := range strings.Lines(layoutText) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], "~")
		s := &layout{typedef: name != words[0], size: decimal(words[1])}
		for _, w := range words[2:] {
			member, rest, _ := strings.Cut(w, "@")
			off, typ, _ := strings.Cut(rest, ":")
			s.members = append(s.members, layoutMember{member, typ, decimal(off)})
		}
		names = append(names, name)
		l.structs[name] = s
	}
	if madeUp {
		for _, n := range names {
			l.rearrange(n)
		}
	}
	// Structs come first, so that their ids are known: 1 to len(names), with a
	// typedef's struct right behind it.
	id := btf.ID(1)
	for _, n := range names {
		l.structs[n].id = id
		if id++; l.structs[n].typedef {
			id++
		}
	}
	// What members need beside structs follows; two walks make the ids known
	// before they are used.
	first := id
	var order []string
	for _, n := range names {
		for _, m := range l.structs[n].members {
			l.need(m.typ, &order, &id)
		}
	}
	var rest func(*layouts)
	if more != nil {
		rest = more(func(typ string) { l.need(typ, &order, &id) })
	}
	for _, n := range names {
		l.define(n)
	}
	if l.b.Next() != first {
		return nil // unreachable: ids were counted
	}
	for _, typ := range order {
		l.make(typ)
	}
	if rest != nil {
		rest(&l)
	}
	spec, err := btf.Parse(l.b.Bytes())
	if err != nil {
		return nil // unreachable: a test builds both
	}
	return spec
}

var in6 = [...]layoutMember{{name: "u6_addr8", typ: "c16"}, {name: "u6_addr16", typ: "u2[8]"}, {name: "u6_addr32", typ: "u4[4]"}}

func decimal(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// elem splits u4[6] and c16 into the element and a length, 0 for no array.
func elem(typ string) (string, int) {
	if typ[0] == 'c' {
		return "u1", int(decimal(typ[1:]))
	}
	if e, n, ok := strings.Cut(typ, "["); ok {
		return e, int(decimal(strings.TrimSuffix(n, "]")))
	}
	return typ, -1
}

// need gives typ, and what it is made of, an id.
func (l *layouts) need(typ string, order *[]string, id *btf.ID) {
	if typ[0] == '=' || l.simple[typ] != 0 {
		return
	}
	switch e, n := elem(typ); {
	case n >= 0:
		l.need("u4", order, id) // of the subscript
		l.need(e, order, id)
	case typ == "*c":
		l.need("u1", order, id)
	case strings.HasPrefix(typ, "*?"):
		l.need(typ[1:], order, id)
	case typ == "^":
		for _, m := range in6 {
			l.need(m.typ, order, id)
		}
	}
	l.simple[typ] = *id
	*id++
	*order = append(*order, typ)
}

func (l *layouts) id(typ string) btf.ID {
	if typ[0] == '=' {
		return l.structs[typ[1:]].id
	}
	return l.simple[typ]
}

func (l *layouts) define(name string) {
	s := l.structs[name]
	list := make([]btf.Member, len(s.members))
	for i, m := range s.members {
		list[i] = btf.Member{Name: m.name, Type: l.id(m.typ), Offset: m.off * 8}
	}
	if s.typedef {
		l.b.Typedef(name, s.id+1)
		name = ""
	}
	l.b.Struct(name, s.size, list...)
}

func (l *layouts) make(typ string) {
	e, n := elem(typ)
	switch {
	case n >= 0:
		l.b.Array(l.id(e), l.id("u4"), uint32(n))
	case typ == "^":
		var list []btf.Member
		for _, m := range in6 {
			list = append(list, btf.Member{Name: m.name, Type: l.id(m.typ)})
		}
		l.b.Union("", 16, list...)
	case typ[0] == '?':
		l.b.Fwd(typ[1:], false)
	case strings.HasPrefix(typ, "*?"):
		l.b.Pointer(l.id(typ[1:]))
	case typ == "*":
		l.b.Pointer(0)
	case typ == "*c":
		l.b.Pointer(l.id("u1"))
	case typ[0] == '*':
		l.b.Pointer(l.structs[typ[1:]].id)
	case typ[0] == 'i':
		l.b.Int("s"+typ[1:], decimal(typ[1:]), btf.IntSigned)
	default:
		l.b.Int(typ, decimal(typ[1:]), 0)
	}
}

// rearrange gives a struct its made-up layout, those inside it first. A struct
// at its start stays there: pointers are cast between the two, as from a
// tcp_sock to its sock.
func (l *layouts) rearrange(name string) {
	s := l.structs[name]
	if s.id != 0 || s.typedef {
		return // a kuid_t is a number in a struct: its size is all that programs know
	}
	s.id = 1 // done
	for _, m := range s.members {
		if m.typ[0] == '=' {
			l.rearrange(m.typ[1:])
		}
	}
	rest := s.members
	at := uint32(gap)
	if len(rest) > 0 && rest[0].typ[0] == '=' && rest[0].off == 0 {
		at = l.sizeOf(rest[0].typ) + gap
		rest = rest[1:]
	}
	for i := range len(rest) / 2 {
		j := len(rest) - 1 - i
		rest[i], rest[j] = rest[j], rest[i]
	}
	for i := range rest {
		rest[i].off = (at + 7) &^ 7
		at = rest[i].off + l.sizeOf(rest[i].typ) + gap
	}
	s.size = (at + 7) &^ 7
}

// gap is what lies between the members of a made-up layout, bytes.
const gap = 8

func (l *layouts) sizeOf(typ string) uint32 {
	e, n := elem(typ)
	size := uint32(8)
	switch e[0] {
	case '=':
		size = l.structs[e[1:]].size
	case '^':
		size = 16
	case 'u', 'i':
		size = decimal(e[1:])
	}
	if n >= 0 {
		size *= uint32(n)
	}
	return size
}
