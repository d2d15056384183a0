package object

import (
	"strconv"

	"skep/vm/btf"
)

// loadBTF parses .BTF and .BTF.ext, and completes a copy of .BTF as a kernel
// wants it: clang leaves the places of variables to the symbol table.
func (l *loader) loadBTF() error {
	s := l.f.section(".BTF")
	if s == nil {
		return nil
	}
	spec, err := btf.Parse(append([]byte(nil), s.data...))
	if err != nil {
		return &Error{Section: s.name, Err: err}
	}
	if hasKfuncs(spec) {
		blob := spec.Extend(func(b *btf.Builder) {
			number := intType(spec)
			if number == 0 {
				number = b.Int("int", 4, btf.IntSigned)
			}
			l.dummy = b.Var("dummy_ksym", number, btf.LinkGlobal)
		})
		if spec, err = btf.Parse(blob); err != nil {
			return &Error{Section: s.name, Err: err}
		}
	}
	l.obj.BTF = spec
	if x := l.f.section(".BTF.ext"); x != nil {
		if l.obj.BTFExt, err = btf.ParseExt(x.data, spec); err != nil {
			return &Error{Section: x.name, Err: err}
		}
	}
	for id := btf.ID(1); int(id) < spec.Len(); id++ {
		t := spec.Type(id)
		if t.Kind() != btf.KindDatasec {
			continue
		}
		if sec := l.f.section(t.Name()); sec != nil {
			if err := l.fixDatasec(t, sec); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasKfuncs(spec *btf.Spec) bool {
	id, ok := spec.Lookup(".ksyms", btf.KindDatasec)
	if !ok {
		return false
	}
	for i := range spec.Type(id).Vlen() {
		if spec.Kind(spec.Type(id).SecVar(i).Type) == btf.KindFunc {
			return true
		}
	}
	return false
}

// intType finds an int of 4 bytes.
func intType(spec *btf.Spec) btf.ID {
	for id := btf.ID(1); int(id) < spec.Len(); id++ {
		if t := spec.Type(id); t.Kind() == btf.KindInt && t.Size() == 4 {
			return id
		}
	}
	return 0
}

// fixDatasec gives the variables of a section their places, and orders them by
// place.
func (l *loader) fixDatasec(t btf.Type, sec *section) error {
	spec := l.obj.BTF
	vars := secVars(t)
	for i, v := range vars {
		vt := spec.Type(v.Type)
		if vt.Kind() != btf.KindVar || vt.Linkage() == btf.LinkStatic {
			continue // a static variable has its place already
		}
		fail := func(off uint64, msg string) error {
			return &Error{Section: sec.name, Off: off, Msg: "variable " + quote(vt.Name()) + " of BTF type " +
				strconv.Itoa(int(v.Type)) + " " + msg}
		}
		sym, ok := l.variable(vt.Name(), sec.index)
		if !ok {
			return fail(0, "has no symbol")
		}
		if sym.value > sec.size {
			return fail(sym.value, "lies behind the section of "+u64(sec.size)+" bytes")
		}
		vars[i].Offset = uint32(sym.value)
		if sym.hidden {
			spec.SetLinkage(v.Type, btf.LinkStatic)
		}
	}
	sortBy(vars, func(a, b *btf.SecVar) bool { return a.Offset < b.Offset })
	spec.SetDatasec(t.ID(), uint32(sec.size), vars)
	return nil
}

func secVars(t btf.Type) []btf.SecVar {
	vars := make([]btf.SecVar, t.Vlen())
	for i := range vars {
		vars[i] = t.SecVar(i)
	}
	return vars
}

// variable finds the symbol of a global variable of a section.
func (l *loader) variable(name string, sec int) (symbol, bool) {
	if l.vars == nil {
		l.vars = make(map[string]int)
		for i, s := range l.f.symbols {
			if s.bind != stbLocal && s.section != shnUndef && s.typ != sttFunc {
				l.vars[s.name] = i
			}
		}
	}
	i, ok := l.vars[name]
	if !ok || l.f.symbols[i].section != sec {
		return symbol{}, false
	}
	return l.f.symbols[i], true
}

// fixKsyms turns the externs of .ksyms into variables of 4 bytes, which is all
// that the kernel takes in a section (bpf_object__collect_externs).
func (l *loader) fixKsyms(id btf.ID) {
	spec := l.obj.BTF
	vars := secVars(spec.Type(id))
	number := intType(spec)
	for i, v := range vars {
		vars[i] = btf.SecVar{Type: v.Type, Offset: uint32(i) * 4, Size: 4}
		if spec.Kind(v.Type) == btf.KindFunc {
			vars[i].Type = l.dummy
			spec.NameParams(spec.Type(v.Type).Target(), l.dummy)
		} else if number != 0 {
			spec.SetVarType(v.Type, number)
		}
		spec.SetLinkage(v.Type, btf.LinkGlobal)
	}
	spec.SetDatasec(id, uint32(len(vars))*4, vars)
}
