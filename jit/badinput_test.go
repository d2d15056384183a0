//go:build linux && (amd64 || arm64)

package jit_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"skep/jit"
	"skep/jit/native"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
)

// largest is a program of a million instructions: additions, jumps over one
// instruction, stores.
func largest() []isa.Insn {
	code := make([]isa.Insn, 0, isa.MaxInsns)
	for i := 0; len(code) < isa.MaxInsns-4; i++ {
		switch i % 8 {
		case 3:
			code = append(code, isa.Insn{Op: isa.ClassJMP | isa.JmpGt, Dst: uint8(i % 10), Imm: int32(i), Off: 1})
		case 6:
			code = append(code, isa.Insn{Op: isa.ClassSTX | isa.ModeMem | isa.SizeDW, Dst: isa.R10, Src: uint8(i % 9), Off: int16(-8 - i%64*8)})
		default:
			code = append(code, isa.Insn{Op: isa.ClassALU64 | isa.OpAdd | isa.SrcX, Dst: uint8(i % 10), Src: uint8(i % 7)})
		}
	}
	for len(code) < isa.MaxInsns {
		code = append(code, isa.Insn{Op: isa.ClassJMP | isa.JmpExit})
	}
	return code
}

// The longest program is compiled for every processor, and natively does what
// it does in the interpreter. WebAssembly has a limit of blocks, which is said.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	insns := largest()
	for _, target := range targets {
		c, err := jit.Compile(&jit.Program{Insns: insns}, target, jit.Facts{}, jit.Options{})
		var e *jit.Error
		switch {
		case err == nil:
			t.Logf("%s: %d bytes", target.Arch, len(c.Text))
		case target.Arch != jit.WASM || !errors.As(err, &e) || !strings.Contains(e.Msg, "blocks"):
			t.Errorf("%s: %v", target.Arch, err)
		}
	}
	in := vm.Input{Packet: make([]byte, 64)}
	p := &vm.Program{Type: hook.SchedCls, Insns: insns}
	a, err := vm.New(vm.Config{NoHistory: true})
	if err != nil {
		t.Fatal(err)
	}
	b := newMachine(t, vm.Config{}, &safe[0])
	for _, m := range []*vm.Machine{a, b} {
		if _, err := m.Load(p); err != nil {
			t.Fatal(err)
		}
	}
	r, err := compile(t, b, &safe[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	const budget = 2 * isa.MaxInsns
	if want, got := interpret(t, a, in, budget), r.run(t, in, budget); want != got || want.Status != jit.Exited {
		t.Errorf("interpreter %d r0 %#x %q, native %d r0 %#x %q", want.Status, want.R0, want.Fault, got.Status, got.R0, got.Fault)
	}
}

// A program that jumps into the middle of an instruction, out of the program or
// to where a fusion might be is refused, or runs as in the interpreter.
func TestJumpIntoTheMiddle(t *testing.T) {
	wide := isa.Wide(1, 0, 7)
	rotate := []isa.Insn{
		{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: 2, Src: 1}, {Op: isa.ClassALU64 | isa.OpRsh, Dst: 2, Imm: 51},
		{Op: isa.ClassALU64 | isa.OpLsh, Dst: 1, Imm: 13}, {Op: isa.ClassALU64 | isa.OpOr | isa.SrcX, Dst: 1, Src: 2},
		{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Src: 1}, {Op: isa.ClassJMP | isa.JmpExit},
	}
	for off := int16(-3); off < 10; off++ {
		for _, op := range []uint8{isa.JmpA, isa.JmpEq} {
			code := append([]isa.Insn{{Op: isa.ClassJMP | op, Off: off}, wide[0], wide[1]}, rotate...)
			into := off < 0 || off == 1 || int(off) >= len(code)-1
			for _, target := range targets {
				_, err := jit.Compile(&jit.Program{Insns: code}, target, jit.Facts{}, jit.Options{})
				var e *jit.Error
				switch {
				case into && off != -1 && (!errors.As(err, &e) || e.Slot != 0):
					t.Errorf("%s, jump by %d: %v", target.Arch, off, err)
				case !into && err != nil:
					t.Errorf("%s, jump by %d: %v", target.Arch, off, err)
				}
			}
			p := &vm.Program{Type: hook.SchedCls, Insns: code}
			for i := range safe {
				if diff, _ := differ(t, vm.Config{}, vm.Input{Packet: make([]byte, 64)}, &safe[i], p); diff != "" {
					t.Errorf("jump by %d: %s", off, diff)
				}
			}
		}
	}
}

// Without memory for code there is an error and no more.
func TestNoMemoryForCode(t *testing.T) {
	if limit := os.Getenv("SKEP_TEST_NO_MEMORY"); limit != "" {
		noMemoryForCode(t)
		return
	}
	if testing.Short() {
		t.Skip("it starts itself again, which QEMU does not do for TestARM64")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestNoMemoryForCode$", "-test.v")
	cmd.Env = append(os.Environ(), "SKEP_TEST_NO_MEMORY=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "native: mmap of code: cannot allocate memory") {
		t.Errorf("%v\n%s", err, out)
	}
}

// noMemoryForCode takes the address space away from this process.
func noMemoryForCode(t *testing.T) {
	target, err := native.Target()
	if err != nil {
		t.Fatal(err)
	}
	code, err := jit.Compile(&jit.Program{Insns: largest()[isa.MaxInsns-400_000:]}, target, jit.Facts{}, jit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	debug.SetGCPercent(-1)
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseUint(strings.Fields(string(status))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	limit := pages*uint64(os.Getpagesize()) + 256<<10
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	_, err = native.Load(code)
	t.Log(err) // the other process looks at it
}
