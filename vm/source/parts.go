package source

import (
	"strconv"

	"skep/vm/asm"
	"skep/vm/btf"
)

// MapType is the BTF of a map's key and value; zero for none.
type MapType struct{ Key, Value btf.ID }

// MapTypes makes the BTF that maps with a spin lock, timer or work queue in
// their values are created with: what a compiler would have written for a
// struct of that shape. The slice goes with res.Maps; types is nil when no map
// has such parts.
func MapTypes(res *asm.Result) (types *btf.Spec, ids []MapType) {
	ids = make([]MapType, len(res.Maps))
	var d declarer
	some := false
	for i := range res.Maps {
		if m := &res.Maps[i]; len(m.Parts) > 0 {
			ids[i] = MapType{d.bytes(m.Key), d.value(m)}
			some = true
		}
	}
	if !some {
		return nil, ids
	}
	types, err := btf.Parse(d.b.Bytes())
	if err != nil { // only for a value of more members than BTF counts
		return nil, make([]MapType, len(res.Maps))
	}
	return types, ids
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
	return d.b.Struct(m.Name, m.Value, members...)
}
