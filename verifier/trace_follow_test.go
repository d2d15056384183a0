package verifier_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"testing"

	"skep/verifier"
	"skep/verifier/progen"
	"skep/verifier/trace"
	"skep/vm"
	"skep/vm/hook"
)

var (
	followN    = flag.Int("follow-n", 300, "TestFollow: how many programs")
	followSeed = flag.Int64("follow-seed", 50_000, "TestFollow: seed of the first")
)

// TestFollow: random programs are run over random packets, maps and numbers;
// each step of the run is one of the trace, and each value that has to be in
// its range is.
func TestFollow(t *testing.T) {
	accepted, steps, values := 0, 0, 0
	for i := range *followN {
		seed := *followSeed + int64(i)
		s := newSound(t, progen.New(progen.Config{Seed: seed, Rich: i%2 == 1}))
		if !short(s) {
			continue
		}
		res, tr, _ := record(t, s.prog, s.cfg)
		if res.Verdict != verifier.Accepted {
			continue
		}
		accepted++
		for run := range 3 {
			var concrete []trace.Concrete
			s.observe(t, seed<<8+int64(run), func(m *vm.Machine) error {
				c := trace.Concrete{Insn: m.PC()}
				for r := range c.Regs {
					v := m.Reg(r)
					c.Regs[r] = trace.Value{Bits: v, Pointer: v>>32 == 0 && m.Arena().Find(uint32(v)) != nil}
				}
				concrete = append(concrete, c)
				return nil
			})
			followed := tr.Follow(concrete)
			// The same run once more, now that its place is known.
			at := 0
			err := s.observe(t, seed<<8+int64(run), func(m *vm.Machine) error {
				n, err := s.compare(m, tr, followed[at])
				at++
				values += n
				return err
			})
			steps += at
			if err != nil && err != errAmbiguous {
				t.Errorf("seed %d run %d: step %d of the run, at %d: %v", seed, run, at-1, concrete[at-1].Insn, err)
			}
		}
	}
	t.Logf("%d programs accepted, %d steps followed, %d values compared", accepted, steps, values)
	if accepted < *followN/4 || values < steps {
		t.Error("too few of them to mean something")
	}
}

// few is a context that is cancelled after some thousands of instructions.
type few struct {
	context.Context
	left int
}

func (f *few) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

// short reports whether the walk of the program is: some go on for a million
// instructions.
func short(s *sound) bool {
	cfg := s.cfg
	cfg.Context = &few{context.Background(), 5}
	_, err := verifier.Verify(s.prog, cfg)
	return err == nil
}

// errAmbiguous ends a run in which a number looks like an address: which of
// two ways to one instruction it went is then not known.
var errAmbiguous = errors.New("number or address")

// compare finds the values of the machine in the state before a step.
func (s *sound) compare(m *vm.Machine, tr *trace.Trace, f trace.Followed) (n int, err error) {
	if f.Step < 0 {
		return 0, errors.New("lost")
	}
	if tr.Insn(f.Step) != m.PC() {
		return 0, fmt.Errorf("step %d is at %d", f.Step, tr.Insn(f.Step))
	}
	st, frames := tr.Before(f.Step), m.Frames()
	frame := st.Frames[len(st.Frames)-1]
	for r := range frame.Regs {
		a := frame.Regs[r].Verifier()
		if f.Comparable>>r&1 == 0 || a.Type == verifier.NotInit {
			continue
		}
		if v := m.Reg(r); a.Type == verifier.ScalarValue && v>>32 == 0 && m.Arena().Find(uint32(v)) != nil {
			return n, errAmbiguous
		}
		n++
		if err := s.holds(m, frames[len(frames)-len(st.Frames):], &a, m.Reg(r)); err != nil {
			return n, fmt.Errorf("abstract step %d: r%d is %#x: %w", f.Step, r, m.Reg(r), err)
		}
	}
	return n, nil
}

// observe runs the program over a random input and shows each state, until
// there is an error.
func (s *sound) observe(t *testing.T, seed int64, see func(*vm.Machine) error) error {
	rnd := rand.New(rand.NewSource(seed))
	m, err := vm.New(vm.Config{Maps: s.specs, Seed: rnd.Uint64(), NoHistory: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.specs {
		fill(rnd, m.Maps().At(i))
	}
	if _, err := m.Load(s.vmProg); err != nil {
		return nil // the machine is stricter in code that is never reached
	}
	packet := make([]byte, 14+rnd.Intn(120))
	rnd.Read(packet)
	if err := m.Reset(vm.Input{Packet: packet, Seed: rnd.Uint64(), Start: hook.Start{Ifindex: 1}}); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if err := see(m); err != nil {
			return err
		}
		m.Step()
		if m.Done() || m.Fault() != nil {
			break
		}
	}
	return nil
}
