package jit_test

import (
	"errors"
	"fmt"
	"testing"

	"skep/jit"
	"skep/verifier"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/compiled"
)

// Accesses around both ends of each kind of memory, by way of a register that
// has been used for it before: the last byte is in, the next one is not.
func TestEdges(t *testing.T) {
	cfg := vm.Config{Maps: []maps.Spec{{Name: "m", Type: maps.Array, KeySize: 4, ValueSize: 40, MaxEntries: 3}}}
	const lookup = `
		*(u32 *)(r10 -4) = 1
		r2 = r10
		r2 += -4
		r1 = map[fd:0] ll
		call 1
		if r0 != 0 goto +1
		exit
		r6 = r0`
	exits, faults := 0, 0
	for _, c := range []struct {
		name, pointer string
		size          int
	}{
		{"ctx", "r6 = r1", 192},
		{"packet", "r6 = *(u32 *)(r1 +76)", 64},
		{"value", lookup, 40},
		{"value by r0", lookup + "\nr6 = r0", 40},
		{"stack", "r6 = r10\nr6 += -512", 512},
	} {
		for _, size := range []int{1, 2, 4, 8} {
			for _, off := range []int{-9, -8, -1, 0, 1, c.size - 8, c.size - size - 1, c.size - size, c.size - size + 1, c.size - 1, c.size, c.size + 7, c.size + 8} {
				for _, first := range []bool{false, true} {
					for _, form := range []string{"r0 = *(u%[1]d *)(r6 %+[2]d)", "*(u%[1]d *)(r6 %+[2]d) = 7", "*(u%[1]d *)(r6 %+[2]d) = r7"} {
						text := c.pointer + "\nr7 = 5\n"
						if first {
							text += fmt.Sprintf(form, 8, 8) + "\n"
						}
						text += fmt.Sprintf(form, 8*size, off) + "\nexit"
						if c.name == "value by r0" {
							text = c.pointer + "\nr7 = 5\nr5 = *(u8 *)(r0 +0)\n" + fmt.Sprintf(form, 8*size, off) + "\nr0 = 0\nexit"
						}
						p := &vm.Program{Type: hook.SchedCls, Insns: assemble(t, text)}
						for i := range safe[:1] {
							diff, o := differ(t, cfg, vm.Input{Packet: make([]byte, 64)}, &safe[i], p)
							if diff != "" {
								t.Errorf("%s, %d bytes at %d: %s", c.name, size, off, diff)
							}
							if o.Status == jit.Exited {
								exits++
							} else {
								faults++
							}
						}
					}
				}
			}
		}
	}
	if exits < 300 || faults < 300 {
		t.Errorf("%d exits, %d faults", exits, faults)
	}
}

// What the verifier accepts may have reserved fields that are not zero, and
// writes of r10, where its walk never comes to: that is compiled too.
func TestDeadCode(t *testing.T) {
	insns := assemble(t, `
		r0 = 7
		if r0 == 7 goto +4
		r0 += 1
		r10 = 3
		goto +0
		r0 = 5
		exit`)
	insns[2].Off, insns[4].Imm = 5, 9
	p := &vm.Program{Type: hook.SchedCls, Insns: insns, Verified: true}
	res, err := verifier.Verify(&verifier.Program{Type: p.Type, Insns: insns}, verifier.Config{Facts: true})
	if err != nil || res.Verdict != verifier.Accepted {
		t.Fatalf("%v, %v", res, err)
	}
	for _, set := range proved {
		set.facts = compiled.Facts(res.Facts)
		if diff, o := differ(t, vm.Config{}, vm.Input{Packet: make([]byte, 64)}, &set, p); diff != "" || o.R0 != 7 {
			t.Errorf("r0 is %d; %s", o.R0, diff)
		}
		for _, wrong := range []int{2, 3, 4} { // without the proof it is refused
			var e *jit.Error
			one := []isa.Insn{insns[wrong], exit}
			if _, err := jit.Compile(&jit.Program{Insns: one}, set.target(t), jit.Facts{}, jit.Options{}); !errors.As(err, &e) || e.Slot != 0 {
				t.Errorf("%s: instruction %d: error %v", set.name, wrong, err)
			}
		}
	}
}
