package jit_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"skep/jit"
	"skep/vm"
	"skep/vm/conformance"
	"skep/vm/isa"
)

// All files of bpf_conformance, and those that must be refused.
func TestConformance(t *testing.T) {
	for i := range safe {
		s := &safe[i]
		t.Run(s.name, func(t *testing.T) {
			results, err := conformance.Run(os.DirFS("../vm/conformance/testdata"), "native", func(prog []isa.Insn, mem []byte) (uint64, error) {
				m := newMachine(t, vm.Config{}, s)
				defer clear(m.Arena().Buf)
				if _, err := m.Load(&vm.Program{Insns: prog}); err != nil {
					return 0, err
				}
				r, err := compile(t, m, s)
				if err != nil {
					return 0, err
				}
				defer r.close()
				if err := r.start(vm.Input{Ctx: append([]byte{}, mem...), R2: uint64(len(mem))}); err != nil {
					return 0, err
				}
				switch r.Run(1 << 20) {
				case jit.Exited:
					return r.Reg(0), nil
				case jit.Faulted:
					return 0, m.Fault()
				}
				return 0, errors.New("it did not end")
			})
			if err != nil {
				t.Fatal(err)
			}
			passed, refused := 0, 0
			for _, r := range results {
				switch {
				case !r.OK:
					t.Errorf("%s: %s", r.File, r.Err)
				case strings.HasPrefix(r.File, "negative/"):
					refused++
				default:
					passed++
				}
			}
			if passed != 313 || refused != 60 {
				t.Errorf("%d passed, %d refused, want 313 and 60", passed, refused)
			}
		})
	}
}
