package reference

import (
	"fmt"
	"strings"

	"skep/vm/isa"
	"skep/web"
)

// families are the sections of the page, by form and class of an instruction.
var families = []struct {
	id, title string
	has       func(*isa.Row) bool
}{
	{"alu64", "64-bit arithmetic", func(r *isa.Row) bool { return class(r) == isa.ClassALU64 }},
	{"alu32", "32-bit arithmetic and byte order", func(r *isa.Row) bool { return class(r) == isa.ClassALU }},
	{"load-store", "Loads, stores and constants", func(r *isa.Row) bool {
		switch r.Form {
		case isa.FormLoad, isa.FormStore, isa.FormStoreImm, isa.FormWide, isa.FormAbs, isa.FormInd:
			return true
		}
		return false
	}},
	{"atomic", "Atomic operations", func(r *isa.Row) bool {
		return r.Form == isa.FormAtomic || r.Form == isa.FormAtomicFetch || r.Form == isa.FormAtomicCmpxchg
	}},
	{"jump", "Jumps, calls and exit", func(r *isa.Row) bool { return class(r) == isa.ClassJMP || class(r) == isa.ClassJMP32 }},
}

func class(r *isa.Row) uint8 { return r.Op & 7 }

func instructions() []web.InsnGroup {
	all := make([]web.InsnGroup, len(families))
	for i, f := range families {
		all[i] = web.InsnGroup{ID: f.id, Title: f.title}
	}
	seen := map[string]int{}
	for i := range isa.Table {
		r := &isa.Table[i]
		for j, f := range families {
			if !f.has(r) {
				continue
			}
			d := insn(r)
			if seen[d.ID]++; seen[d.ID] > 1 { // forms of one opcode differ in src, off or imm
				d.ID += fmt.Sprintf("-%d", seen[d.ID])
			}
			all[j].Rows = append(all[j].Rows, d)
			break
		}
	}
	return all
}

func insn(r *isa.Row) web.InsnDoc {
	fixed := []string{fmt.Sprintf("0x%02x", r.Op)}
	for _, f := range []struct {
		name  string
		v     int
		isUse bool
	}{{"src", int(r.Src), r.Use.Src()}, {"off", int(r.Off), r.Use.Off()}, {"imm", int(r.Imm), r.Use.Imm()}} {
		if !f.isUse && f.v != 0 {
			fixed = append(fixed, fmt.Sprintf("%s=%d", f.name, f.v))
		}
	}
	return web.InsnDoc{
		ID: fmt.Sprintf("%s-%02x", r.Name, r.Op), Name: r.Name, Text: operands(r), Encoding: strings.Join(fixed, " "),
		Since: r.Since, Group: r.Group.String(), Doc: r.Doc,
	}
}

// operands puts registers and words into the letters of Row.Text.
func operands(r *isa.Row) string { return letters.Replace(r.Text) }

var letters = strings.NewReplacer("rD", "r1", "rS", "r2", "wD", "w1", "wS", "w2", "I", "imm", "O", "+off")
