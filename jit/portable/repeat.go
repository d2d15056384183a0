package portable

import (
	"skep/jit/wasm"
	"skep/vm/isa"
)

// Repeater is an [Instance] that calls an entry again and again by itself: what
// is around a call takes longer than a short program.
type Repeater interface {
	// Repeat calls an entry until it returns something else than wasm.Done, at
	// most n times, each time with these registers in the context and no
	// passes of may_goto. It returns how many of the n did not return Done.
	// The export wasm.RepeatName does that for entry 0 of a program's module.
	Repeat(entry, n int, c *Context, regs *[isa.NumRegs]uint64) (int, error)
}

// Repeat starts the run that is at a point again and again, in the memory as
// the run before left it, until n have ended, one faults, or about fuel
// instructions are done. It returns how many have ended and how the last one
// stands: while that is running, Run goes on with it.
func (r *Runner) Repeat(at *State, n int, fuel int64) (int, Status) {
	r.Start(at.Prog, &at.Regs)
	r.op = r.progs[at.Prog].code.At(at.Slot)
	e := r.entry()
	in, ok := Repeater(nil), false
	if e != nil && n > 1 {
		in, ok = e.in.(Repeater)
	}
	if !ok {
		if r.Run(fuel) != Exited {
			return 0, r.end
		}
		return 1, Exited
	}
	slice := int32(min(max(fuel, int64(r.least)), 1<<30))
	r.ctx.fuel, r.suspended = slice, false
	prog, depth := r.prog, r.depth
	r.ctx.begin = at.Regs
	rest, err := in.Repeat(e.n, n, r.ctx, &at.Regs)
	if rest == 0 || r.back(prog, depth, wasm.Left, err) || r.run(0) {
		r.end = Exited
	}
	r.used = int64(slice) - int64(r.ctx.fuel)
	done := n - rest
	if rest > 0 && r.end == Exited {
		done++
	}
	return done, r.end
}
