package sandbox

import (
	"encoding/json"
	"slices"
	"testing"

	"skep/server/sandbox/proto"
)

// Whatever a guest says of code, what comes of it stays inside the code and the program.
func FuzzDump(f *testing.F) {
	seed := func(j proto.JITResult, slots int) {
		b, err := json.Marshal(j)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, slots)
	}
	seed(proto.JITResult{Xlated: make([]byte, 16), Jited: make([]byte, 20), FuncLens: []uint32{8, 12}, Ksyms: []uint64{0x1000, 0x2000},
		Lines: []proto.JITLine{{Insn: 0, Line: 1, Addr: 0x1000}, {Insn: 1, Line: 2, Addr: 0x2003}}}, 2)
	seed(proto.JITResult{Xlated: make([]byte, 8), Jited: make([]byte, 4), FuncLens: []uint32{1 << 31}}, 1)
	seed(proto.JITResult{Xlated: make([]byte, 8), Jited: make([]byte, 4), FuncLens: []uint32{4}, Ksyms: []uint64{1<<64 - 2},
		Lines: []proto.JITLine{{Insn: 1 << 31, Line: 1 << 31, Addr: 1<<64 - 1}}}, 1)
	f.Fuzz(func(t *testing.T, b []byte, slots int) {
		var j proto.JITResult
		if json.Unmarshal(b, &j) != nil || slots < 0 {
			return
		}
		d, err := dumpOf(&j, slots)
		if err != nil {
			return
		}
		inside := func(slot int) bool { return slot >= 0 && slot < slots }
		for _, fn := range d.Functions {
			if fn.Start != -1 && !inside(fn.Start) {
				t.Errorf("a function begins at slot %d of %d", fn.Start, slots)
			}
			for _, l := range fn.Lines {
				if l[0] < 0 || l[0] >= len(fn.Code) || !inside(l[1]) {
					t.Errorf("line %v of %d bytes and %d slots", l, len(fn.Code), slots)
				}
			}
			if !slices.IsSortedFunc(fn.Lines, func(a, b [2]int) int { return a[0] - b[0] }) {
				t.Errorf("lines %v", fn.Lines)
			}
		}
		if d.Slots != nil && (len(d.Slots) != len(d.Xlated)/8 || slices.ContainsFunc(d.Slots, func(s int) bool { return !inside(s) })) {
			t.Errorf("%d bytes of instructions are of slots %v of %d", len(d.Xlated), d.Slots, slots)
		}
	})
}
