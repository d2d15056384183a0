package race_test

import (
	"fmt"
	"testing"

	"skep/vm/isa"
	"skep/vm/race"
)

// The same change written as a load and a store, for the atomic instructions
// whose name says what they do.
var asTwo = map[int32]string{
	isa.OpAdd: "+=", isa.OpOr: "|=", isa.OpAnd: "&=", isa.OpXor: "^=",
}

// Two CPUs that change the same word by an atomic instruction, each by
// another value, come to what one after the other would: no order shows a
// half-done one. The same change as a load and a store does not, but for
// operations that do not mind.
func TestAtomics(t *testing.T) {
	n := 0
	for i := range isa.Table {
		row := &isa.Table[i]
		if row.Op&0xe7 != isa.ClassSTX|isa.ModeAtomic || row.Form == isa.FormLoad || row.Form == isa.FormStore {
			continue
		}
		n++
		size := "u64"
		if row.Op&isa.SizeDW != isa.SizeDW {
			size = "u32"
		}
		t.Run(fmt.Sprint(row.Name, "/", size), func(t *testing.T) {
			var progs [][]isa.Insn
			for _, v := range []int32{0x0f5, 0x133} {
				code := assemble(t, fmt.Sprintf("r1 = VAL0\nr2 = %d\nr0 = 0\nlock *(u64 *)(r1 +8) += r2\nr0 = r2\nexit", v))
				at := len(code) - 3
				code[at].Op, code[at].Imm = row.Op, row.Imm
				progs = append(progs, code)
			}
			if r, _ := explore(machine(t, progs...), race.Options{}); r.Found || !r.Complete || r.Runs < 2 {
				t.Errorf("%+v", r)
			}
		})
		if op, ok := asTwo[row.Imm]; ok && row.Imm != isa.OpAnd { // of a word that is 0, any and is 0
			var progs [][]isa.Insn
			for _, v := range []int32{0x0f5, 0x133} {
				progs = append(progs, assemble(t, fmt.Sprintf("r1 = VAL0\nr2 = *(%s *)(r1 +8)\nr2 %s %d\n*(%s *)(r1 +8) = r2\nr0 = 0\nexit", size, op, v, size)))
			}
			if r, _ := explore(machine(t, progs...), race.Options{}); !r.Found {
				t.Errorf("%s %s as a load and a store loses nothing: %+v", row.Name, size, r)
			}
		}
	}
	if n != 20 {
		t.Errorf("%d atomic instructions, want 20", n)
	}
}
