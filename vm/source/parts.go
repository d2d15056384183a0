package source

import (
	"strconv"

	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/isa"
)

// Types is BTF that is made for assembly where the kernel asks for some: for
// maps with a spin lock, timer or work queue in their values, and for the
// functions of a program that hands one of them to a helper as a callback.
type Types struct {
	Spec  *btf.Spec      // nil when there is no need
	Maps  []MapType      // by the file's maps
	Funcs []btf.FuncInfo // of the program's functions by slot; none without callbacks
}

// MapType is the type of a map's key and value; zero for none.
type MapType struct{ Key, Value btf.ID }

// MakeTypes makes what a compiler would have written for values of that shape
// and for static functions whose arguments are not said.
func MakeTypes(res *asm.Result) Types {
	t := Types{Maps: make([]MapType, len(res.Maps))}
	var d declarer
	for i := range res.Maps {
		if m := &res.Maps[i]; len(m.Parts) > 0 {
			t.Maps[i] = MapType{d.bytes(m.Key), d.value(m)}
		}
	}
	if starts, callbacks := functions(res.Insns); callbacks {
		proto := d.b.FuncProto(d.b.Int("int", 4, btf.IntSigned))
		for at, is := range starts {
			if is {
				t.Funcs = append(t.Funcs, btf.FuncInfo{Insn: uint32(at), Type: d.b.Func(functionName(res, at), proto, btf.LinkStatic)})
			}
		}
	}
	if d.b.Next() > 1 {
		t.Spec, _ = btf.Parse(d.b.Bytes())
	}
	if t.Spec == nil {
		return Types{Maps: make([]MapType, len(res.Maps))}
	}
	return t
}

// functions says of each slot whether a function begins there, and whether one
// of them is loaded as a callback.
func functions(insns []isa.Insn) (starts []bool, callbacks bool) {
	starts = make([]bool, len(insns))
	if len(insns) > 0 {
		starts[0] = true
	}
	for i, in := range insns {
		call := in.Op == isa.ClassJMP|isa.JmpCall && in.Src == isa.PseudoCall
		load := in.IsWide() && in.Src == isa.PseudoFunc
		if at := i + 1 + int(in.Imm); (call || load) && at >= 0 && at < len(starts) {
			starts[at] = true
		}
		callbacks = callbacks || load
	}
	return starts, callbacks
}

// functionName is that of the function at a slot, as BTF takes it.
func functionName(res *asm.Result, at int) string {
	for i := range res.Funcs {
		if f := &res.Funcs[i]; f.Start == at && f.Name != "" {
			return identifier(f.Name)
		}
	}
	return "prog"
}

// identifier is a label or a map's name as BTF takes it.
func identifier(name string) string {
	b := []byte(name)
	for i, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' && i > 0) {
			b[i] = '_'
		}
	}
	return string(b)
}

// declarer makes each type once.
type declarer struct {
	b    btf.Builder
	ints [4]btf.ID // of 1, 2, 4 and 8 bytes
	part [3]struct {
		name string
		id   btf.ID
	}
}

// bytes is an integer of n bytes, or an array of chars.
func (d *declarer) bytes(n uint32) btf.ID {
	names := [...]string{"unsigned char", "unsigned short", "unsigned int", "unsigned long long"}
	for i := range d.ints {
		if n == 1<<i {
			if d.ints[i] == 0 {
				d.ints[i] = d.b.Int(names[i], n, 0)
			}
			return d.ints[i]
		}
	}
	return d.b.Array(d.bytes(1), d.bytes(4), n)
}

// kernel is the kernel's struct of that name.
func (d *declarer) kernel(p asm.Part) btf.ID {
	for i := range d.part {
		switch t := &d.part[i]; t.name {
		case p.Name:
			return t.id
		case "":
			word := min(p.Len, 8)
			inner := d.bytes(word)
			if p.Len > word {
				inner = d.b.Array(inner, d.bytes(4), p.Len/word)
			}
			t.name, t.id = p.Name, d.b.Struct(p.Name, p.Len, btf.Member{Name: "opaque", Type: inner})
			return t.id
		}
	}
	return 0
}

// value is a struct with the parts of a map's value where they are. What lies
// between them is integers as large as their place allows, named by it, so
// that a value reads well; a long rest is an array.
func (d *declarer) value(m *asm.Map) btf.ID {
	const mostInts = 16
	var members []btf.Member
	fill := func(from, to uint32) {
		for n := 0; from < to; n++ {
			size := uint32(8)
			for from%size != 0 || to-from < size {
				size /= 2
			}
			if n == mostInts {
				size = to - from
			}
			members = append(members, btf.Member{Name: "at" + strconv.FormatUint(uint64(from), 10), Type: d.bytes(size), Offset: 8 * from})
			from += size
		}
	}
	end := uint32(0)
	for _, p := range m.Parts {
		fill(end, p.Off)
		members = append(members, btf.Member{Name: p.Name[len("bpf_"):], Type: d.kernel(p), Offset: 8 * p.Off})
		end = p.Off + p.Len
	}
	fill(end, m.Value)
	return d.b.Struct(identifier(m.Name), m.Value, members...)
}
