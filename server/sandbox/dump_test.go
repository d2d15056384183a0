package sandbox_test

import (
	"errors"
	"slices"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
	"skep/vm/asm"
	"skep/vm/isa"
)

const counter = `
	r1 = 0
	*(u32 *)(r10 -4) = r1
	r2 = r10
	r2 += -4
	r1 = map[fd:0] ll
	call 1
	if r0 == 0 goto out
	r1 = 0x100000002 ll
	*(u64 *)(r0 +0) = r1
	r1 = 5
	call double
out:
	r0 = 2
	exit
double:
	r0 = r1
	r0 += r1
	exit`

func xdp(t *testing.T, text string, vm *sandbox.VM) (*sandbox.Program, []isa.Insn) {
	t.Helper()
	res := asm.Assemble(text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors[0])
	}
	r := &sandbox.Record{ID: "p", ProgType: "xdp", License: "GPL", Insns: isa.EncodeAll(res.Insns),
		Maps: []sandbox.RecordMap{{Name: "hits", Type: "array", KeySize: 4, ValueSize: 8, MaxEntries: 1}}}
	p, err := r.Resolve(vm.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, res.Insns
}

// What the kernel made of a program is known instruction by instruction, of both functions, also where the verifier put
// several in the place of one.
func TestDump(t *testing.T) {
	for _, version := range []string{"6.12", "6.1"} {
		t.Run(version, func(t *testing.T) {
			vm := sandboxtest.Require(t, version).VM(t)
			p, insns := xdp(t, counter, vm)
			d, v, err := vm.Dump(t.Context(), p)
			if err != nil || !v.OK {
				t.Fatalf("%v, %+v", err, v)
			}
			if len(d.Functions) != 2 || d.Functions[0].Start != 0 || d.Functions[1].Start != len(insns)-3 {
				t.Fatalf("functions %+v", d.Functions)
			}
			seen := map[int]bool{}
			for _, f := range d.Functions {
				if !slices.IsSortedFunc(f.Lines, func(a, b [2]int) int { return a[0] - b[0] }) {
					t.Errorf("lines %v", f.Lines)
				}
				for _, l := range f.Lines {
					seen[l[1]] = true
				}
			}
			for i := 0; i < len(insns); i++ {
				if !seen[i] {
					t.Errorf("instruction %d has no machine code", i)
				}
				if insns[i].IsWide() {
					i++
				}
			}
			if len(d.Slots) != len(d.Xlated)/8 || len(d.Slots) <= len(insns) || !slices.IsSorted(d.Slots) {
				t.Errorf("%d bytes of instructions came from %v", len(d.Xlated), d.Slots)
			}
			if n := len(slices.DeleteFunc(slices.Clone(d.Slots), func(s int) bool { return s != 6 })); n < 3 {
				t.Errorf("the lookup of an array became %d instructions: %v", n, d.Slots)
			}
		})
	}
}

// A program that is refused has a verdict with its own log, one that is not compiled an error.
func TestDumpNothing(t *testing.T) {
	vm := sandboxtest.Require(t, "6.12").VM(t)
	p, _ := xdp(t, "r0 = *(u64 *)(r1 +200)\nexit", vm)
	d, v, err := vm.Dump(t.Context(), p)
	if err != nil || d != nil || v.OK || v.Errno != 13 || v.Log == "" {
		t.Errorf("refused: %v, %v, %+v", err, d, v)
	}
	if err := vm.Sysctl(t.Context(), "net/core/bpf_jit_enable", "0"); err != nil {
		t.Fatal(err)
	}
	p, _ = xdp(t, "r0 = 2\nexit", vm)
	if d, _, err = vm.Dump(t.Context(), p); !errors.Is(err, sandbox.ErrNotCompiled) {
		t.Errorf("not compiled: %v, %+v", err, d)
	}
}
