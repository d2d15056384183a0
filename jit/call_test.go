package jit_test

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"skep/jit"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

func assemble(t testing.TB, text string) []isa.Insn {
	t.Helper()
	res := asm.Assemble(text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%v\n%s", res.Errors[0], text)
	}
	return res.Insns
}

// Control that leaves a function and comes back by other ways than a return:
// the same in every setup as in the interpreter, and what is said here.
func TestCalls(t *testing.T) {
	progs := maps.Spec{Name: "progs", Type: maps.ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4, Init: []maps.KV{
		{Key: []byte{0, 0, 0, 0}, Value: []byte{0, 0, 0, 0}},
		{Key: []byte{1, 0, 0, 0}, Value: []byte{1, 0, 0, 0}},
	}}
	array := maps.Spec{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	hash := maps.Spec{Name: "hash", Type: maps.Hash, KeySize: 8, ValueSize: 24, MaxEntries: 8}
	cfg := vm.Config{Maps: []maps.Spec{progs, array, hash}}
	for _, c := range []struct {
		name  string
		want  uint64
		fault string
		text  []string
	}{
		{"a stack for each function", 112, "", []string{`
			*(u64 *)(r10 -8) = 1
			r6 = 11
			r1 = r10
			r1 += -8
			call f
			r0 = *(u64 *)(r10 -8)
			r0 += r6
			exit
		f:
			*(u64 *)(r10 -8) = 2
			r6 = 99
			r2 = *(u64 *)(r1 +0)
			r2 += 100
			*(u64 *)(r1 +0) = r2
			exit`}},
		{"a tail call to itself until the limit", 34, "", []string{`
			r2 = *(u64 *)(r1 +0)
			r2 += 1
			*(u64 *)(r1 +0) = r2
			r6 = r1
			r2 = map[fd:0] ll
			r3 = 0
			call 12
			r1 = r6
			r0 = *(u64 *)(r1 +0)
			exit`}},
		{"a tail call in a function returns to its caller", 42, "", []string{`
			r6 = 2
			call f
			r0 += r6
			exit
		f:
			r6 = 50
			r2 = map[fd:0] ll
			r3 = 1
			call 12
			r0 = 0
			exit`, `
			r6 = 7
			r7 = 8
			r0 = 40
			exit`}},
		{"a tail call to an empty place", 7, "", []string{`
			r2 = map[fd:0] ll
			r3 = 3
			call 12
			r0 = 7
			exit`}},
		{"bpf_loop", 10*1000 + 45 + 5, "", []string{`
			*(u64 *)(r10 -8) = 0
			r6 = 5
			r1 = 10
			r2 = cb ll
			r3 = r10
			r3 += -8
			r4 = 0
			call 181
			r0 *= 1000
			r1 = *(u64 *)(r10 -8)
			r0 += r1
			r0 += r6
			exit
		cb:
			r3 = *(u64 *)(r2 +0)
			r3 += r1
			*(u64 *)(r2 +0) = r3
			r6 = 77
			r0 = 0
			exit`}},
		{"a callback that calls and loops back", 3*100 + 33, "", []string{`
			*(u64 *)(r10 -8) = 0
			r1 = 3
			r2 = cb ll
			r3 = r10
			r3 += -8
			r4 = 0
			call 181
			r0 *= 100
			r1 = *(u64 *)(r10 -8)
			r0 += r1
			exit
		cb:
			r6 = r2
			r1 = 10
			call f
			r3 = *(u64 *)(r6 +0)
			r3 += r0
			*(u64 *)(r6 +0) = r3
			r0 = 0
			exit
		f:
			*(u64 *)(r10 -8) = r1
			r0 = *(u64 *)(r10 -8)
			r0 += 1
			exit`}},
		{"loops inside of loops", 3 * 4, "", []string{`
			*(u64 *)(r10 -8) = 0
			r1 = 3
			r2 = outer ll
			r3 = r10
			r3 += -8
			r4 = 0
			call 181
			r0 = *(u64 *)(r10 -8)
			exit
		outer:
			r3 = r2
			r1 = 4
			r2 = inner ll
			r4 = 0
			call 181
			r0 = 0
			exit
		inner:
			r3 = *(u64 *)(r2 +0)
			r3 += 1
			*(u64 *)(r2 +0) = r3
			r0 = 0
			exit`}},
		{"a callback of a program without exit", 40, "", []string{`
			r6 = r1
			r1 = 3
			r2 = cb ll
			r3 = 0
			r4 = 0
			call 181
			r1 = r6
			r2 = map[fd:0] ll
			r3 = 1
			call 12
		top:
			goto top
		cb:
			r2 = map[fd:0] ll
			r3 = 1
			call 12
			goto top`, `
			r0 = 40
			exit`}},
		{"eight functions", 8, "", []string{`
			r1 = 7
			call f
			exit
		f:
			if r1 == 1 goto last
			r1 += -1
			call f
			r0 += 1
			exit
		last:
			r0 = 2
			exit`}},
		{"nine functions", 0, "call depth", []string{`
			r1 = 8
			call f
			exit
		f:
			if r1 == 1 goto last
			r1 += -1
			call f
			r0 += 1
			exit
		last:
			r0 = 2
			exit`}},
		{"NULL, by the helper that returned it", 0, "bpf_map_lookup_elem at instruction 5 returned NULL", []string{`
			*(u32 *)(r10 -4) = 4
			r2 = r10
			r2 += -4
			r1 = map[fd:1] ll
			call 1
			r0 = *(u64 *)(r0 +0)
			exit`}},
		{"past a value", 0, "value size 8", []string{`
			*(u32 *)(r10 -4) = 3
			r2 = r10
			r2 += -4
			r1 = map[fd:1] ll
			call 1
			r0 = *(u64 *)(r0 +1)
			exit`}},
		{"below a frame", 0, "below the stack", []string{"r0 = *(u64 *)(r10 -513)\nexit"}},
		{"wild", 0, "no memory", []string{"r1 = 0x123456789abc ll\nr0 = *(u8 *)(r1 +0)\nexit"}},
		{"far above the arena", 0, "no memory", []string{"w1 = -16\nr0 = *(u8 *)(r1 +0)\nexit"}},
		{"no exit", 0, "past its last", []string{"r0 = 1"}},
		{"hash", 5, "", []string{`
			*(u64 *)(r10 -8) = 3
			*(u64 *)(r10 -32) = 5
			*(u64 *)(r10 -24) = 6
			*(u64 *)(r10 -16) = 7
			r1 = map[fd:2] ll
			r2 = r10
			r2 += -8
			r3 = r10
			r3 += -32
			r4 = 0
			call 2
			r2 = r10
			r2 += -8
			r1 = map[fd:2] ll
			call 1
			r0 = *(u64 *)(r0 +0)
			exit`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ps []*vm.Program
			for _, text := range c.text {
				ps = append(ps, &vm.Program{Type: hook.SchedCls, Insns: assemble(t, text)})
			}
			setups := safe
			if c.fault == "" {
				setups = everything()
			}
			for i := range setups {
				diff, o := differ(t, cfg, vm.Input{Ctx: make([]byte, 16)}, &setups[i], ps...)
				if diff != "" {
					t.Error(diff)
				}
				if o.R0 != c.want || !strings.Contains(o.Fault, c.fault) || (o.Fault == "") != (c.fault == "") {
					t.Errorf("r0 %d fault %q, want %d %q", o.R0, o.Fault, c.want, c.fault)
				}
			}
		})
	}
}

// run is a machine with one program.
func single(t testing.TB, s *setup, text string) *running {
	t.Helper()
	m := newMachine(t, vm.Config{}, s)
	if _, err := m.Load(&vm.Program{Type: hook.SchedCls, Insns: assemble(t, text)}); err != nil {
		t.Fatal(err)
	}
	r, err := compile(t, m, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	if err := r.start(vm.Input{Ctx: make([]byte, 16)}); err != nil {
		t.Fatal(err)
	}
	return r
}

// A program that never ends gives the process back when its fuel is used up,
// wherever it loops, and goes on from there.
func TestFuel(t *testing.T) {
	for name, text := range map[string]string{
		"goto":        "top:\ngoto top",
		"conditional": "r1 = 0\ntop:\nr1 += 1\nif r1 != 0 goto top\nexit",
		"32 bits":     "r1 = 0\ntop:\nr1 += 1\nif w1 s> -1 goto top\nif w1 s< 0 goto top\nexit",
		"calls":       "top:\ncall f\ngoto top\nf:\nexit",
		"helpers":     "top:\ncall 7\ngoto top",
		"bpf_loop":    "top:\nr1 = 8388608\nr2 = cb ll\nr3 = 0\nr4 = 0\ncall 181\ngoto top\ncb:\nr0 = 0\nexit",
	} {
		r := single(t, &safe[0], text)
		for range 50 {
			if s := r.Run(1000); s != jit.Running {
				t.Fatalf("%s: status %d", name, s)
			}
		}
		r.close()
	}
	r := single(t, &safe[0], "r0 = 0\ntop:\nr0 += 1\nif r0 != 1000 goto top\nexit")
	slices := 0
	for r.Run(0) == jit.Running {
		slices++
	}
	if r.Reg(0) != 1000 || slices < 500 {
		t.Errorf("r0 is %d after %d slices without fuel, want 1000", r.Reg(0), slices)
	}
}

// may_goto falls through eight million times in each call of a function.
func TestMayGoto(t *testing.T) {
	for text, want := range map[string]uint64{
		"r0 = 0\ntop:\nr0 += 1\nmay_goto out\ngoto top\nout:\nexit":                                                8<<20 + 1,
		"r0 = 0\ntop:\nr0 += 1\nmay_goto top\nexit":                                                                1,
		"r0 = 0\ncall f\ncall f\nexit\nf:\nr0 += 1\nmay_goto out\ngoto f\nout:\nexit":                              2 * (8<<20 + 1),
		"r0 = 0\ntop:\ncall f\nmay_goto out\nif r0 < 60 goto top\nout:\nexit\nf:\nr0 += 1\nmay_goto in\nin:\nexit": 60,
	} {
		r := single(t, &safe[0], text)
		for r.Run(1<<20) == jit.Running {
		}
		if r.Reg(0) != want {
			t.Errorf("r0 is %d, want %d:\n%s", r.Reg(0), want, text)
		}
		r.close()
	}
}

// needNative skips a test of machine code where there is none.
func needNative(t *testing.T) {
	if _, err := engines[machine](); err != nil {
		t.Skip(err)
	}
}

// Entering and leaving costs no memory, and code is never writable.
func TestEnter(t *testing.T) {
	needNative(t)
	r := single(t, &safe[0], "r2 = *(u64 *)(r1 +0)\ncall f\nr0 = 7\nexit\nf:\nexit")
	regs := [11]uint64{1: r.Reg(1), 10: r.Reg(10)}
	if n := testing.AllocsPerRun(100, func() {
		r.Start(0, &regs)
		if r.Run(100) != jit.Exited || r.Reg(0) != 7 {
			t.Fatal("it did not run")
		}
	}); n != 0 {
		t.Errorf("a run allocates %v times", n)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(maps), "\n") {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], "rwx") {
			t.Errorf("memory is writable and executable: %s", line)
		}
	}
}

// Native code runs while the collector works and signals preempt goroutines.
func TestRuntime(t *testing.T) {
	needNative(t)
	r := single(t, &safe[0], `
		r6 = 0
		r7 = 2000000
	top:
		r6 += r7
		*(u64 *)(r10 -8) = r6
		call f
		r7 += -1
		if r7 != 0 goto top
		r0 = r6
		exit
	f:
		r1 = *(u64 *)(r10 -8)
		exit`)
	stop := make(chan bool)
	go func() {
		var keep [][]byte
		for {
			select {
			case <-stop:
				return
			default:
				keep = append(keep[max(0, len(keep)-8):], make([]byte, 1<<16))
				runtime.GC()
			}
		}
	}()
	defer close(stop)
	deadline := time.Now().Add(300 * time.Millisecond)
	for n := 0; n < 3 || time.Now().Before(deadline); n++ {
		if err := r.start(vm.Input{Ctx: make([]byte, 16)}); err != nil {
			t.Fatal(err)
		}
		for r.Run(100_000) == jit.Running {
			runtime.Gosched()
		}
		if r.Reg(0) != 2000001000000 {
			t.Fatalf("r0 is %d", r.Reg(0))
		}
	}
}

// What a verifier took for proved and is not stays in the memory of the engine
// all the same.
func TestWronglyProved(t *testing.T) {
	for _, text := range []string{
		"r1 = 0x7fffffff12345678 ll\nr0 = *(u64 *)(r1 +0)\n*(u64 *)(r1 +8) = r0\nr0 = 1\nexit",
		"r1 = -1\nr0 = *(u64 *)(r1 -4)\nr2 = r1\nr2 += r1\nr0 = *(u64 *)(r2 +32767)\nr0 = 1\nexit",
		"r1 = -8\nlock *(u64 *)(r1 +0) += r1\nr0 = *(u64 *)(r1 +0)\nr0 = atomic64_fetch_or((u64 *)(r1 +4), r0)\nr0 = 1\nexit",
		"w1 = -1\n*(u64 *)(r1 +0) = 5\nr0 = 1\nexit",
		"w1 = -1\n*(u64 *)(r1 +32760) = 5\nr2 = *(u64 *)(r1 +32752)\nr1 = -9\nr2 = *(u8 *)(r1 +255)\nr0 = 1\nexit",
	} {
		for _, s := range proved {
			for _, s.plain = range []bool{false, true} {
				r := single(t, &s, text)
				st := r.Run(1000)
				// WebAssembly's memory may end before: a trap, which ends the run.
				// So does the interpreter, which does what is not aligned on arm64.
				trap := s.arch == jit.WASM && r.Err() != nil || s.arch == jit.ARM64
				if !(trap && st == jit.Faulted) && (st != jit.Exited || r.Reg(0) != 1) {
					t.Errorf("%s: status %d r0 %d:\n%s", s.name, st, r.Reg(0), text)
				}
				r.close()
			}
		}
	}
}

// The constants that code and interpreter must share.
func TestLayout(t *testing.T) {
	r := single(t, &safe[0], "r0 = r10\nexit")
	r.Run(10)
	top := r.Reg(0)
	r = single(t, &safe[0], "call f\nexit\nf:\nr0 = r10\nexit")
	r.Run(10)
	if top-r.Reg(0) != vm.FrameStride {
		t.Errorf("frames are %d apart, want %d", top-r.Reg(0), vm.FrameStride)
	}
	if _, err := jit.Compile(&jit.Program{}, jit.Target{Arch: jit.AMD64}, jit.Facts{}, jit.Options{}); err == nil {
		t.Error("an empty program was compiled")
	}
}
