package object

import (
	"encoding/binary"
	"strconv"

	"skep/vm/btf"
)

// collectExterns lists the undefined symbols that .kconfig and .ksyms declare,
// and lays out the .kconfig map as libbpf does: by alignment, size, name.
func (l *loader) collectExterns() error {
	l.externs = make(map[string]int)
	spec := l.obj.BTF
	if spec == nil {
		return nil
	}
	weak, undefined := make(map[string]bool), make(map[string]bool)
	for _, s := range l.f.symbols {
		if s.section == shnUndef && s.bind != stbLocal && s.name != "" {
			undefined[s.name], weak[s.name] = true, s.bind == stbWeak
		}
	}
	var kcfg, ksyms []Extern
	kcfgSec, isKcfg := spec.Lookup(".kconfig", btf.KindDatasec)
	if isKcfg {
		t := spec.Type(kcfgSec)
		for i := range t.Vlen() {
			vt := spec.Type(t.SecVar(i).Type)
			if !undefined[vt.Name()] {
				continue
			}
			size, ok := spec.Size(vt.Target())
			if vt.Kind() != btf.KindVar || !ok || size == 0 {
				return &Error{Section: ".kconfig", Msg: "extern " + quote(vt.Name()) + " has type " + spec.TypeName(vt.Target()) +
					", expected a number, bool, enum libbpf_tristate or char array"}
			}
			kcfg = append(kcfg, Extern{Name: vt.Name(), Kind: ExternKconfig, Weak: weak[vt.Name()], Type: vt.Target(), Size: size,
				Signed: spec.Type(spec.Resolve(vt.Target())).Signed()})
		}
	}
	ksymSec, isKsym := spec.Lookup(".ksyms", btf.KindDatasec)
	if isKsym {
		t := spec.Type(ksymSec)
		for i := range t.Vlen() {
			vt := spec.Type(t.SecVar(i).Type)
			if !undefined[vt.Name()] {
				continue
			}
			e := Extern{Name: vt.Name(), Kind: ExternKsym, Weak: weak[vt.Name()], Func: vt.Kind() == btf.KindFunc, Type: vt.ID()}
			if !e.Func {
				e.Type = vt.Target()
				if spec.Resolve(e.Type) == 0 {
					e.Type = 0
				}
			}
			ksyms = append(ksyms, e)
		}
		l.fixKsyms(ksymSec)
	}
	sortBy(kcfg, func(a, b *Extern) bool {
		if x, y := align(spec, a.Type), align(spec, b.Type); x != y {
			return x > y
		}
		if a.Size != b.Size {
			return a.Size < b.Size
		}
		return a.Name < b.Name
	})
	sortBy(ksyms, func(a, b *Extern) bool { return a.Name < b.Name })
	l.obj.Externs = append(kcfg, ksyms...)
	var size uint64
	for i := range l.obj.Externs {
		e := &l.obj.Externs[i]
		l.externs[e.Name] = i
		if e.Kind == ExternKconfig {
			a := uint64(align(spec, e.Type))
			size = (size + a - 1) / a * a
			e.Off = uint32(size)
			if size += uint64(e.Size); size > maxKconfig {
				return &Error{Section: ".kconfig", Msg: "extern " + quote(e.Name) + " makes the map larger than 64 KiB"}
			}
		}
	}
	if len(kcfg) > 0 {
		l.kconfigMap(kcfgSec, l.obj.Externs[:len(kcfg)], uint32(size))
	}
	return nil
}

func (l *loader) kconfigMap(id btf.ID, kcfg []Extern, size uint32) {
	spec := l.obj.BTF
	m := MapSpec{Name: implicitName(l.name, ".kconfig"), Section: ".kconfig", Type: mapTypeArray, KeySize: 4, ValueSize: size,
		MaxEntries: 1, Flags: flagRdonlyProg | flagMmapable, ValueType: id, Contents: make([]byte, size), Frozen: true}
	vars := secVars(spec.Type(id))
	for i := range vars {
		if e, ok := l.externs[spec.Name(vars[i].Type)]; ok {
			vars[i].Offset, vars[i].Size = l.obj.Externs[e].Off, l.obj.Externs[e].Size
			spec.SetLinkage(vars[i].Type, btf.LinkGlobal)
		}
	}
	sortBy(vars, func(a, b *btf.SecVar) bool { return a.Offset < b.Offset })
	spec.SetDatasec(id, size, vars)
	for _, e := range kcfg {
		m.Vars = append(m.Vars, Var{Name: e.Name, Off: e.Off, Size: e.Size, Type: e.Type})
	}
	l.kconfig = len(l.obj.Maps)
	l.obj.Maps = append(l.obj.Maps, m)
}

// align is the alignment of a variable of a type in a .kconfig map.
func align(spec *btf.Spec, id btf.ID) uint32 {
	for range btf.MaxDepth {
		t := spec.Type(spec.Resolve(id))
		switch t.Kind() {
		case btf.KindArray:
			id = t.Array().Elem
			continue
		case btf.KindPtr:
			return 8
		}
		return max(1, min(8, t.Size()))
	}
	return 1
}

// SetKconfig sets the value of a number in the .kconfig map, such as
// LINUX_KERNEL_VERSION or CONFIG_HZ; y is 1 for a bool and 2 for an enum
// libbpf_tristate. It reports whether the object has such an extern and the
// value fits.
func (o *Object) SetKconfig(name string, value uint64) bool {
	for _, e := range o.Externs {
		if e.Name != name || e.Kind != ExternKconfig || e.Size > 8 {
			continue
		}
		if bits := e.Size * 8; bits < 64 && value>>bits != 0 && !(e.Signed && int64(value)>>(bits-1) == -1) {
			return false
		}
		for i := range o.Maps {
			if m := &o.Maps[i]; m.Section == ".kconfig" {
				var b [8]byte
				binary.LittleEndian.PutUint64(b[:], value)
				copy(m.Contents[e.Off:e.Off+e.Size], b[:])
				return true
			}
		}
	}
	return false
}

// extern resolves an undefined symbol.
func (l *loader) extern(sym symbol) (int, string) {
	if i, ok := l.externs[sym.name]; ok {
		return i, ""
	}
	if l.obj.BTF == nil {
		return 0, "undefined symbol " + quote(sym.name) + ": an extern needs BTF, compile with -g"
	}
	msg := "undefined symbol " + quote(sym.name) + ": define it, or declare it with __ksym or __kconfig"
	for t := range l.obj.BTF.Named(sym.name) {
		msg += " (it is BTF type " + strconv.Itoa(int(t.ID())) + ", a " + t.Kind().String() + ")"
		break
	}
	return 0, msg
}
