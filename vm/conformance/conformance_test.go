package conformance

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"skep/vm"
	"skep/vm/isa"
)

func TestInterpreter(t *testing.T) { suite(t, "interp", Interpreter) }

// The stepped interpreter goes through the recording path, one instruction at
// a time, and through every state backwards and forwards again.
func TestStepper(t *testing.T) {
	suite(t, "step", func(prog []isa.Insn, mem []byte) (uint64, error) {
		m, err := vm.New(vm.Config{})
		if err != nil {
			return 0, err
		}
		if _, err := m.Load(&vm.Program{Insns: prog}); err != nil {
			return 0, err
		}
		if err := m.Reset(vm.Input{Ctx: append([]byte{}, mem...), R2: uint64(len(mem))}); err != nil {
			return 0, err
		}
		step := func() vm.Stop {
			s := vm.StopStep
			for n := 0; s == vm.StopStep && n < budget; n++ {
				s = m.Step()
			}
			return s
		}
		step()
		first := m.Reg(0)
		for m.Back() == vm.StopStep {
		}
		if m.Steps() != 0 {
			t.Errorf("going back ended at step %d", m.Steps())
		}
		if s := step(); s == vm.StopFault {
			return 0, m.Fault()
		}
		if m.Reg(0) != first {
			t.Errorf("r0 is %#x the second time, %#x the first", m.Reg(0), first)
		}
		return m.Reg(0), nil
	})
}

// The files in the negative folder that hold bytes must be refused by the
// loader, not by chance of what they compute.
func TestNegativeLoad(t *testing.T) {
	root := os.DirFS("testdata")
	files, err := fs.Glob(root, "negative/unused-*.data")
	if err != nil || len(files) != 45 {
		t.Fatalf("%d files, want 45 (%v)", len(files), err)
	}
	for _, path := range files {
		text, _ := fs.ReadFile(root, path)
		f, err := Parse(string(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		_, err = Interpreter(f.Insns, f.Mem)
		if le := (*vm.LoadError)(nil); !errors.As(err, &le) {
			t.Errorf("%s: %v, want a load error", path, err)
		}
	}
}

func suite(t *testing.T, name string, run Engine) {
	results, err := Run(os.DirFS("testdata"), name, run)
	if err != nil {
		t.Fatal(err)
	}
	passed, refused := 0, 0
	for _, r := range results {
		switch {
		case !r.OK:
			t.Errorf("%s: %s", r.File, r.Err)
		case negative(r.File):
			refused++
		default:
			passed++
		}
	}
	if passed != 313 || refused != 60 {
		t.Errorf("%d files passed and %d were refused, want 313 and 60", passed, refused)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-- asm\nmov %r0, 1\nexit\n-- result\n0x1\n")
	f.Add("-- raw\nb7 00 00 00 01 00 00 00\n95 00 00 00 00 00 00 00\n-- error\n")
	f.Fuzz(func(t *testing.T, text string) {
		if file, err := Parse(text); err == nil {
			Interpreter(file.Insns, file.Mem)
		}
	})
}
