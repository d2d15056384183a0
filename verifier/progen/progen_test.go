package progen

import (
	"reflect"
	"testing"

	"skep/vm/isa"
)

func TestDeterministic(t *testing.T) {
	for seed := range int64(200) {
		a, b := New(Config{Seed: seed, Bad: 0.1}), New(Config{Seed: seed, Bad: 0.1})
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d: two programs", seed)
		}
	}
}

// Without wrong snippets every slot is an instruction and every jump lands.
func TestWellFormed(t *testing.T) {
	used := map[isa.Kind]bool{}
	for seed := range int64(2000) {
		p := New(Config{Seed: seed})
		starts := map[int]bool{}
		for pc := 0; pc < len(p.Insns); pc++ {
			row, err := isa.Check(p.Insns, pc)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			used[row.Kind] = true
			starts[pc] = true
			if row.Form == isa.FormWide {
				pc++
			}
		}
		for pc, i := range p.Insns {
			if !starts[pc] {
				continue
			}
			switch isa.Lookup(i).Form {
			case isa.FormJa, isa.FormJmpImm, isa.FormJmpReg:
				if to := pc + 1 + int(i.Off); !starts[to] {
					t.Fatalf("seed %d: jump at %d to %d", seed, pc, to)
				}
			}
		}
	}
	if len(used) < 130 {
		t.Errorf("only %d of %d instruction forms are used", len(used), len(isa.Table))
	}
}
