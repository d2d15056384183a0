package asm

import (
	"slices"
	"strconv"

	"skep/vm/isa"
)

// directives and what they do; the grammar is in the package's documentation.
// Those without a function are what compilers write and say nothing about the
// program.
var directives = [...]struct {
	name string
	do   func(a *assembler, t token) bool
}{
	{".prog", func(a *assembler, t token) bool { return a.setOnce(&a.res.ProgType, t, "a program type, such as xdp") }},
	{".license", func(a *assembler, t token) bool { return a.setOnce(&a.res.License, t, "a licence, such as GPL") }},
	{".map", (*assembler).mapDirective},
	{".section", (*assembler).sectionDirective},
	{".func", (*assembler).funcDirective},
	{".global", (*assembler).globalDirective},
	{".globl", (*assembler).globalDirective},
	{".insn", (*assembler).insnDirective},
	{".text", nil},
	{".type", nil},
	{".size", nil},
	{".p2align", nil},
	{".file", nil},
	{".ident", nil},
	{".addrsig", nil},
	{".addrsig_sym", nil},
	{".cfi_startproc", nil},
	{".cfi_endproc", nil},
	{".loc", nil},
}

func (a *assembler) directive() bool {
	t := a.next()
	for i := range directives {
		if d := &directives[i]; d.name == t.text {
			if d.do == nil {
				return true
			}
			return d.do(a, t)
		}
	}
	return a.fail(t, "unknown directive "+quote(t.text), a.didYouMean(t.text, func(yield func(string) bool) {
		for i := range directives {
			if !yield(directives[i].name) {
				return
			}
		}
	}))
}

// name reads a word or a string.
func (a *assembler) name(what string) (token, bool) {
	t := a.next()
	if t.kind != tokWord && t.kind != tokString || t.text == "" {
		return t, a.fail(t, "expected "+what, "")
	}
	return t, true
}

func (a *assembler) setOnce(s *string, d token, what string) bool {
	t, ok := a.name(what)
	if !ok || !a.done() {
		return false
	}
	if *s != "" && *s != t.text {
		return a.fail(t, d.text+" was already "+quote(*s), "")
	}
	*s = t.text
	return true
}

func (a *assembler) sectionDirective(token) bool {
	t, ok := a.name("a section name")
	if !ok {
		return false
	}
	// libbpf's sections have slashes: xdp.frags/devmap, lsm/file_open.
	if t.kind != tokString {
		for end := t.pos + len(t.text); a.peek().pos == end && a.peek().text != "," && a.peek().kind != tokEnd; end = t.pos + len(t.text) {
			t.text += a.next().text
		}
	}
	// What follows the name ("ax",@progbits) is for linkers.
	a.sections = append(a.sections, sectionStart{len(a.res.Insns), t.text})
	return true
}

func (a *assembler) funcDirective(token) bool {
	t, ok := a.name("the function's name")
	if !ok || !a.label(t) {
		return false
	}
	a.funcs = append(a.funcs, len(a.res.Insns))
	if a.peek().text == ":" {
		a.next()
	}
	return a.done()
}

func (a *assembler) globalDirective(token) bool {
	t, ok := a.name("the function's name")
	if !ok || !a.done() {
		return false
	}
	if len(a.globals) == MaxLabels {
		return a.fail(t, "the file has more than "+itoa(MaxLabels)+" global functions", "")
	}
	a.globals[t.text] = true
	return true
}

// insnDirective reads one slot as eight bytes in hex.
func (a *assembler) insnDirective(token) bool {
	var b [isa.Size]byte
	for i := range b {
		t := a.next()
		v, err := strconv.ParseUint(t.text, 16, 8)
		if err != nil || len(t.text) > 2 {
			return a.fail(t, "expected byte "+itoa(i+1)+" of 8, in hex", "as in `.insn b7 00 00 00 01 00 00 00`")
		}
		b[i] = byte(v)
	}
	if !a.done() {
		return false
	}
	return a.emit(isa.Decode(b[:]))
}

// mapKeys are the settings of a .map directive; after those of the map come
// the parts of its values, in the order of mapParts.
var mapKeys = [...]string{"key", "value", "entries", "flags", "inner", "lock", "timer", "wq"}

// mapParts are the structs that a value may hold. They are aligned to their
// size, at most 8.
var mapParts = [...]Part{{Name: "bpf_spin_lock", Len: 4}, {Name: "bpf_timer", Len: 16}, {Name: "bpf_wq", Len: 16}}

func (a *assembler) mapDirective(token) bool {
	name, ok := a.name("the map's name")
	if !ok {
		return false
	}
	if first, dup := a.maps[name.text]; dup {
		return a.fail(name, "map "+quote(name.text)+" is declared twice", "the first is in line "+itoa(a.res.Maps[first].Pos.Line))
	}
	if len(a.res.Maps) == MaxMaps {
		return a.fail(name, "the file has more than "+itoa(MaxMaps)+" maps", "")
	}
	typ, ok := a.name("the map's type, such as hash or array")
	if !ok {
		return false
	}
	m := Map{Name: name.text, Type: typ.text, Pos: a.pos(name)}
	for a.peek().kind != tokEnd {
		key := a.next()
		n := slices.Index(mapKeys[:], key.text)
		if n < 0 {
			hint := a.didYouMean(key.text, func(yield func(string) bool) {
				for _, k := range mapKeys {
					if !yield(k) {
						return
					}
				}
			})
			if hint == "" {
				hint = "a map has key, value, entries, flags and inner, and lock, timer and wq in its values"
			}
			return a.fail(key, "unknown setting "+quote(key.text)+" of a map", hint)
		}
		if !a.expect("=") {
			return false
		}
		if key.text == "inner" {
			t, ok := a.name("the name of the inner map")
			if !ok {
				return false
			}
			m.Inner = t.text
			continue
		}
		t := a.next()
		v, err := parseUint(t.text)
		if t.kind != tokNumber || err || v > 1<<32-1 {
			return a.fail(t, "expected a number of at most 4294967295 for "+key.text, "")
		}
		switch n {
		case 0:
			m.Key = uint32(v)
		case 1:
			m.Value = uint32(v)
		case 2:
			m.Entries = uint32(v)
		case 3:
			m.Flags = uint32(v)
		default:
			part := mapParts[n-(len(mapKeys)-len(mapParts))]
			part.Off = uint32(v)
			m.addPart(part)
		}
	}
	if !a.checkParts(&m, name) {
		return false
	}
	a.maps[m.Name] = len(a.res.Maps)
	a.res.Maps = append(a.res.Maps, m)
	return true
}

// addPart keeps the parts in order: there are few.
func (m *Map) addPart(p Part) {
	m.Parts = append(m.Parts, p)
	for i := len(m.Parts) - 1; i > 0 && m.Parts[i-1].Off > p.Off; i-- {
		m.Parts[i-1], m.Parts[i] = p, m.Parts[i-1]
	}
}

// checkParts says when the parts of a map's values do not fit.
func (a *assembler) checkParts(m *Map, name token) bool {
	end := uint64(0)
	for _, p := range m.Parts {
		at := p.Name + " at " + itoa(int(p.Off))
		switch {
		case p.Off%min(p.Len, 8) != 0:
			return a.fail(name, at+" is not aligned", "it must be at a multiple of "+itoa(int(min(p.Len, 8))))
		case uint64(p.Off) < end:
			return a.fail(name, at+" overlaps the struct before it", "")
		}
		if end = uint64(p.Off) + uint64(p.Len); end > uint64(m.Value) {
			return a.fail(name, at+" does not fit a value of "+itoa(int(m.Value))+" bytes", "it takes "+itoa(int(p.Len)))
		}
	}
	return true
}

// parseUint reads a decimal number or, with 0x, a hexadecimal one.
func parseUint(s string) (v uint64, bad bool) {
	var err error
	if isHex(s) {
		v, err = strconv.ParseUint(s[2:], 16, 64)
	} else {
		v, err = strconv.ParseUint(s, 10, 64)
	}
	return v, err != nil
}
