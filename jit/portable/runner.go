package portable

import (
	"skep/jit"
	"skep/jit/wasm"
	"skep/jit/window"
	"skep/vm/isa"
)

const (
	lookupElem  = 1 // bpf_map_lookup_elem
	frameStride = 1024
	maxFrames   = isa.MaxCallFrames
)

// maxEntries bounds the modules that are made for one program while it runs;
// behind it the interpreter goes on until an op that has an entry.
const maxEntries = 64

// Runner runs programs for one machine. It is not safe for concurrent use.
type Runner struct {
	ctx     *Context
	host    Host
	caller  jit.Caller // the host, if it is one
	linker  Linker
	progs   []program
	windows window.Table
	least   int32 // fuel that gets ahead in any program
	perCPU  bool  // code looks at the context's cpu

	// Where control is while no code runs. While it does prog is the program
	// whose code that is.
	prog, depth int
	op          int32
	below       [maxFrames]caller // functions below the current one
	left        int               // depth of the function that left the code
	suspended   bool              // for want of fuel

	state State
	end   Status // Running while the program runs
	err   error
	used  int64 // fuel of the last Run
}

// caller is what the runner knows of a frame that has another above it.
type caller struct {
	machine bool // the machine entered the one above and returns from it
	prog    int
}

// program is a program with its modules.
type program struct {
	code    *wasm.Code
	entries []entry
	made    int // modules made while it ran
}

// entry is a way into a program.
type entry struct {
	op   int32
	in   Instance
	n    int
	last bool // the last one of its instance
}

// NewRunner links the programs of a machine, by their numbers. ctx must be at
// the Context of their Target, zero.
func NewRunner(l Linker, ctx *Context, h Host, progs []*wasm.Code) (*Runner, error) {
	caller, _ := h.(jit.Caller)
	r := &Runner{ctx: ctx, host: h, caller: caller, linker: l, progs: make([]program, len(progs)), end: Exited}
	for i, c := range progs {
		r.progs[i].code = c
		r.least = max(r.least, c.Fuel)
		r.perCPU = r.perCPU || c.CPU
		if err := r.progs[i].add(&c.Module, r); err != nil {
			r.Close()
			return nil, err
		}
	}
	r.windows = window.New(h.Arena(), &ctx.windows, true)
	return r, nil
}

func (p *program) add(m *wasm.Module, r *Runner) error {
	in, err := r.linker.Link(m, r)
	if err != nil {
		return err
	}
	for n, op := range m.Entries {
		p.entries = append(p.entries, entry{op, in, n, n == len(m.Entries)-1})
	}
	return nil
}

// Close frees the modules.
func (r *Runner) Close() {
	for i := range r.progs {
		for _, e := range r.progs[i].entries {
			if e.last {
				e.in.Close()
			}
		}
		r.progs[i].entries = nil
	}
}

// Start puts the runner at the start of a program with the registers that the
// machine has there.
func (r *Runner) Start(prog int, regs *[isa.NumRegs]uint64) {
	c := r.ctx
	//lint:ignore S1001 word by word: a load of what the caller stored in larger pieces waits for the store
	for i := range regs {
		c.regs[i] = regs[i]
	}
	c.top = regs[isa.R10]
	c.floor = c.top - (maxFrames-1)*frameStride
	c.loops, c.null = 0, 0
	if r.perCPU {
		c.cpu = r.host.OnCPU()
	}
	r.windows.Start(r.host.Arena())
	r.prog, r.op, r.depth = prog, 0, 0
	r.end, r.err = Running, nil
}

// Reg is register i.
func (r *Runner) Reg(i int) uint64 { return r.ctx.regs[i] }

// At is where control is while the run is suspended, and which program ended it
// when it has.
func (r *Runner) At() (prog, slot, depth int) {
	if slots := r.progs[r.prog].code.Slot; int(r.op) < len(slots) {
		slot = int(slots[r.op])
	}
	return r.prog, slot, r.depth
}

// Used is how much fuel the last Run took: what it is counted by may be none of
// a short run, and more than was given.
func (r *Runner) Used() int64 { return r.used }

// Err says what was wrong with the code of a run that faulted, nil when the
// host has the fault.
func (r *Runner) Err() error { return r.err }

// Run goes on until the program ends, faults, or about fuel instructions are
// done: they are counted where loops and functions begin.
func (r *Runner) Run(fuel int64) Status {
	given := max(fuel, 1)
	for fuel = given; r.end == Running && fuel > 0; {
		slice := int32(min(max(fuel, int64(r.least)), 1<<30))
		r.ctx.fuel, r.suspended = slice, false
		if r.run(0) {
			r.end = Exited
		}
		fuel -= int64(slice) - int64(r.ctx.fuel)
	}
	r.used = given - fuel
	return r.end
}

// run goes on until the function at depth floor has returned. It reports false
// when the run ended otherwise or is suspended.
func (r *Runner) run(floor int) bool {
	for r.end == Running && !r.suspended {
		if r.ctx.fuel <= 0 {
			r.suspended = true
			break
		}
		returned := false
		if e := r.entry(); e != nil {
			returned = r.call(e)
		} else if p := &r.progs[r.prog]; p.code.IsExit(r.op) {
			returned = true
		} else {
			r.step(r.prog, r.op, r.depth)
		}
		if returned && r.depth == floor {
			return true
		}
		if returned {
			r.pop()
		}
	}
	return false
}

// call runs code until the function that it was entered in returns. When the
// code is left before that, control is elsewhere and it reports false.
func (r *Runner) call(e *entry) bool {
	prog, depth := r.prog, r.depth
	res, err := e.in.Call(e.n)
	return r.back(prog, depth, res, err)
}

// back is behind a call of an entry at a depth.
func (r *Runner) back(prog, depth int, res uint32, err error) bool {
	switch {
	case err != nil:
		r.end, r.err = Faulted, err
		return false
	case res == wasm.Done:
		r.prog, r.depth = prog, depth
		return true
	}
	c := r.ctx
	if wasm.Reason(c.reason) == wasm.ReasonFuel {
		c.reason, c.fuel = uint32(wasm.ReasonHost), 0
		r.prog, r.op, r.depth = prog, c.exit, r.at()
		r.left, r.suspended = r.depth, true
	}
	for d := depth; d < r.left && d < maxFrames; d++ {
		r.below[d] = caller{prog: prog}
	}
	return false
}

// at is the depth of the frame that r10 is of.
func (r *Runner) at() int {
	return int(min((r.ctx.top-r.ctx.regs[isa.R10])/frameStride, maxFrames-1))
}

// entry finds the way into the code where control is, and makes it if there is
// none. Nil leaves the op to the interpreter.
func (r *Runner) entry() *entry {
	p := &r.progs[r.prog]
	for i := range p.entries {
		if p.entries[i].op == r.op {
			return &p.entries[i]
		}
	}
	if p.made == maxEntries {
		return nil
	}
	m, err := p.code.Entry(r.op)
	p.made++ // or tried
	if err == nil {
		err = p.add(m, r)
	}
	if err != nil { // inside of a group, or too large
		return nil
	}
	return &p.entries[len(p.entries)-1]
}

// Host is the import "host": it does an op of the code that runs, and the
// callbacks that this leads to.
func (r *Runner) Host(op int32) uint32 {
	prog, depth := r.prog, r.at()
	code := r.progs[prog].code
	if id := code.Helper(op); id > 0 && r.caller != nil {
		r.noteNull()
		if r.caller.Call(id, int(code.Slot[op]), depth, &r.ctx.regs) {
			if id == lookupElem && !code.Accepted() {
				r.windows.Value(r.host.Arena(), r.ctx.regs[isa.R0])
			}
			r.ctx.fuel--
			return wasm.Next
		}
	}
	next := code.Behind(op)
	for r.step(prog, op, depth); r.end == Running; {
		switch {
		case r.depth > depth:
			if !r.run(depth + 1) {
				r.left = depth
				return wasm.Leave
			}
			r.pop()
			continue
		case r.prog == prog && r.op == next:
			return wasm.Next
		case r.prog == prog && r.op > op && r.op < next: // a group
			r.step(prog, r.op, depth)
			continue
		}
		break
	}
	r.left = depth
	return wasm.Leave
}

// Reach is the import "reach": it finds the window of an access, or else does
// the op.
func (r *Runner) Reach(op int32, info int32) uint32 {
	size, n := wasm.Miss(info)
	if r.windows.Reach(r.host.Arena(), r.ctx.addr, size, n) {
		return wasm.Near
	}
	return r.Host(op)
}

// step has the machine do one op.
func (r *Runner) step(prog int, op int32, depth int) {
	c, s := r.ctx, &r.state
	r.noteNull()
	s.Regs, s.Prog, s.Slot, s.Depth = c.regs, prog, int(r.progs[prog].code.Slot[op]), depth
	status := r.host.Do(s)
	c.fuel--
	c.regs = s.Regs
	if status != Running {
		r.end = status
		return
	}
	switch {
	case s.Depth > depth:
		r.below[depth] = caller{machine: true}
		c.frames[depth].loops, c.loops = c.loops, 0
	case s.Depth < depth:
		c.loops = c.frames[s.Depth].loops
	case s.Prog != prog:
		c.loops = 0
	}
	r.prog, r.op, r.depth = s.Prog, r.progs[s.Prog].code.At(s.Slot), s.Depth
	r.windows.Helper(r.host.Arena())
}

// noteNull passes on which lookup in place returned NULL last.
func (r *Runner) noteNull() {
	if n := r.ctx.null; n != 0 && r.caller != nil {
		r.caller.Null(int(n - 1))
		r.ctx.null = 0
	}
}

// pop goes on where the current function was called from. What the machine has
// entered, it also returns from.
func (r *Runner) pop() {
	c := r.ctx
	if b := r.below[r.depth-1]; !b.machine {
		r.depth--
		f := &c.frames[r.depth]
		copy(c.regs[isa.R6:isa.R10], f.saved[:])
		c.regs[isa.R10] = c.top - uint64(r.depth)*frameStride
		c.loops = f.loops
		r.prog, r.op = b.prog, f.op
		return
	}
	c.loops = 0
	prog, op := r.anExit()
	r.step(prog, op, r.depth)
}

// anExit finds an exit instruction for the machine to return by, of the
// current program or, when that has none (it ended by a tail call), of
// another: some program has just done one.
func (r *Runner) anExit() (prog int, op int32) {
	if op := r.progs[r.prog].code.Exit; op >= 0 {
		return r.prog, op
	}
	for i := range r.progs {
		if op := r.progs[i].code.Exit; op >= 0 {
			return i, op
		}
	}
	return r.prog, 0
}
