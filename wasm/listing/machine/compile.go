package machine

import (
	"bytes"
	"errors"
	"slices"

	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/arm64"
	"skep/jit/ir"
	"skep/jit/wasm"
	"skep/verifier"
	"skep/verifier/klog"
	"skep/vm"
	"skep/vm/kernel"
	"skep/vm/maps"
	"skep/wasm/compiled"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

const kernelName = verdict.Kernel

// blindSeed is behind what constants are hidden with: the same in each
// listing, so that it can be compared. Where it matters it is random.
const blindSeed = 0x5eed

// loaded is a program with what the verifier thinks of it.
type loaded struct {
	of      protocol.Compile // of it: source, program and options
	outcome protocol.Outcome
	errors  []string
	known   *known
	prog    *jit.Program
	facts   jit.Facts
	err     error // why there is no machine for it
}

// Compile answers a request.
func (s *Server) Compile(q *protocol.Compile) *protocol.MachineCode {
	if s.last == nil || !sameProgram(&s.last.of, q) {
		l, problems := load(q)
		if l == nil {
			s.last = nil
			return &protocol.MachineCode{Outcome: protocol.OutcomeUnreadable, Problems: problems, Slot: -1}
		}
		s.last = l
	}
	l := s.last
	out := &protocol.MachineCode{Outcome: l.outcome, Errors: l.errors, Slot: -1}
	if l.err != nil {
		return refused(out, l.err)
	}
	o := jit.Options{NoFusion: !q.Fusions, NoInline: !q.Fusions}
	if q.Blind {
		o.Blind = blindSeed
	}
	var f jit.Facts
	var k *known
	if q.Facts && l.outcome == protocol.OutcomeAccepted {
		f, k, out.Facts = l.facts, l.known, true
	}
	target := targets[q.Arch]
	c, err := jit.Compile(l.prog, target.target, f, o)
	var unit *ir.Unit
	if err == nil {
		unit, err = ir.Build(l.prog, f, o)
	}
	if err != nil {
		return refused(out, err)
	}
	out.Homes = target.homes[:]
	out.Slots, out.Insns = uint32(len(l.prog.Insns)), uint32(len(unit.Ops)-1)
	out.Code = c.Text
	out.Groups, out.Cut = groups(c, unit, k)
	return out
}

// refused says why there is no code, and of which instruction that is said.
func refused(c *protocol.MachineCode, err error) *protocol.MachineCode {
	c.Refused = err.Error()
	var load *vm.LoadError
	var comp *jit.Error
	switch {
	case errors.As(err, &load) && load.Err == nil:
		c.Refused, c.Slot = load.Msg, int32(load.PC)
	case errors.As(err, &comp):
		c.Refused, c.Slot = comp.Msg, int32(comp.Slot)
	}
	return c
}

func sameProgram(a, b *protocol.Compile) bool {
	return a.Program == b.Program && a.Options == b.Options && a.Source.Kind == b.Source.Kind && a.Source.Text == b.Source.Text &&
		a.Source.Name == b.Source.Name && bytes.Equal(a.Source.Bytes, b.Source.Bytes)
}

// load loads and verifies. Without a result the problems say why.
func load(q *protocol.Compile) (*loaded, []protocol.Problem) {
	privilege := [...]verifier.Privilege{
		protocol.PrivilegeRoot: verifier.Root, protocol.PrivilegeCapBpf: verifier.CapBPF, protocol.PrivilegeUnprivileged: verifier.Unprivileged,
	}[q.Options.Privilege]
	v, problems := verdict.Load(q.Source, int(q.Program), verdict.Options{Hook: q.Options.Hook, Privilege: privilege})
	if v == nil {
		return nil, problems
	}
	l := &loaded{of: *q}
	if v.Feature != "" {
		l.outcome, l.errors = protocol.OutcomeNotModelled, []string{v.Feature}
	} else {
		l.verify(v.Program, privilege)
	}
	m, err := compiled.Machine(v.Program, vm.Config{NoHistory: true})
	if err != nil {
		l.err = err
		return l, nil
	}
	l.prog = compiled.Program(m, 0)
	return l, nil
}

func (l *loaded) verify(p *verifier.Program, privilege verifier.Privilege) {
	btf := kernel.WithFunctions()
	l.known = newKnown(p, btf)
	res, err := verifier.Verify(p, verifier.Config{
		Privilege: privilege, LogLevel: verifier.LogLevel1, LogMax: 64 << 10, KernelBTF: btf, Tracer: l.known, Facts: true,
	})
	switch {
	case err != nil: // only a cancelled context, and there is none
		l.outcome, l.errors = protocol.OutcomeNotModelled, []string{err.Error()}
	case res.Verdict == verifier.Accepted:
		l.outcome = protocol.OutcomeAccepted
		l.facts = compiled.Facts(res.Facts)
		// Whoever shares a map of programs may tail call it from a function.
		if slices.ContainsFunc(p.Maps, func(m verifier.MapInfo) bool { return m.Type == maps.ProgArray }) {
			l.facts.Alone = false
		}
	case res.Verdict == verifier.NotModelled:
		l.outcome, l.errors = protocol.OutcomeNotModelled, []string{res.Feature}
	default:
		l.outcome, l.errors = protocol.OutcomeRejected, klog.Errors(res.Log)
	}
}

// targets is what code is shown for: processors with everything, and a page's
// memory.
var targets = [...]struct {
	target jit.Target
	homes  [11]string // of r0 to r10
}{
	protocol.ArchAmd64: {
		jit.Target{Arch: jit.AMD64, AMD64: amd64.Features{BMI2: true, GS: true}},
		[...]string{"rax", "rdi", "rsi", "rdx", "rcx", "r8", "rbx", "r9", "r10", "r11", "rbp"},
	},
	protocol.ArchArm64: {
		jit.Target{Arch: jit.ARM64, ARM64: arm64.Features{LSE: true}},
		[...]string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10"},
	},
	protocol.ArchWasm: {
		jit.Target{Arch: jit.WASM, WASM: wasm.Target{Base: 1 << 16, Context: 1 << 15}},
		[...]string{"local 0", "local 1", "local 2", "local 3", "local 4", "local 5", "local 6", "local 7", "local 8", "local 9", "local 10"},
	},
}
