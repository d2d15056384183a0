//go:build linux && (amd64 || arm64)

package native

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"skep/jit"
	"skep/jit/contract"
	"skep/jit/window"
	"skep/vm/arena"
	"skep/vm/isa"
)

// context is what a register of the code points to: the layout of package
// contract, held by a test.
type context struct {
	jit.State
	goSP    uint64
	goBP    uint64
	stack   uint64
	resume  uint64
	fuel    int64
	exit    int32
	reason  uint32
	base    uint64
	floor   uint64
	addr    uint64
	code    uint64
	top     uint64
	loops   [8]uint64
	bottom  uint64
	link    uint64 // on amd64, 1 when the base of gs must be the arena
	null    uint64
	windows [window.Count]window.Window
	cpu     uint32
	_       uint32
}

// stackSize is the stack that native code gets: return addresses and saved
// registers of eight frames and of callbacks.
const stackSize = 64 << 10

const (
	lookupElem  = 1 // bpf_map_lookup_elem
	frameStride = contract.FrameStride
	maxFrames   = isa.MaxCallFrames
)

// Runner runs programs for one machine. It is not safe for concurrent use.
type Runner struct {
	ctx     *context // in mem, behind the stack
	first   uint64   // the stack pointer that programs start with
	mem     []byte
	host    Host
	arena   *arena.Arena
	caller  jit.Caller // the host, if it is one
	span    *Span
	progs   []*Program
	prog    int
	windows window.Table
	end     Status // Running while the program runs
	err     error
	perCPU  bool // code looks at the context's cpu
}

// NewRunner makes a runner for the programs of a machine, by their numbers.
func NewRunner(s *Span, h Host, progs []*Program) (*Runner, error) {
	guard := os.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, guard+stackSize+contract.CtxSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, os.NewSyscallError("native: mmap of a stack", err)
	}
	// A page below the stack that nothing may touch.
	if err := syscall.Mprotect(mem[:guard], syscall.PROT_NONE); err != nil {
		syscall.Munmap(mem)
		return nil, os.NewSyscallError("native: mprotect of a stack", err)
	}
	if a := h.Arena(); uintptr(unsafe.Pointer(unsafe.SliceData(a.Buf))) != s.base() {
		syscall.Munmap(mem)
		return nil, errors.New("native: the machine's arena is not in the span: make it with Config.Span")
	}
	caller, _ := h.(jit.Caller)
	r := &Runner{mem: mem, host: h, arena: h.Arena(), caller: caller, span: s, progs: progs, ctx: (*context)(unsafe.Pointer(&mem[guard+stackSize])), end: Exited}
	r.first = uint64(uintptr(unsafe.Pointer(r.ctx))) - 64
	r.ctx.base, r.ctx.bottom = uint64(s.base()), r.first
	inPlace := false
	for _, p := range progs {
		if p.code.Segment {
			r.ctx.link = 1
		}
		r.perCPU = r.perCPU || p.code.CPU
		inPlace = inPlace || p.code.InPlace
	}
	r.windows = window.New(r.arena, &r.ctx.windows, inPlace)
	return r, nil
}

// Close frees the stack.
func (r *Runner) Close() error {
	if r.mem == nil {
		return nil
	}
	err := syscall.Munmap(r.mem)
	r.mem, r.ctx = nil, nil
	return err
}

// Start puts the runner at the start of a program with the registers that the
// machine has there.
func (r *Runner) Start(prog int, regs *[isa.NumRegs]uint64) {
	c, p := r.ctx, r.progs[prog]
	if p.few {
		c.Regs[isa.R1], c.Regs[isa.R10] = regs[isa.R1], regs[isa.R10]
	} else {
		c.Regs = *regs
	}
	if top := regs[isa.R10]; c.top != top {
		c.top, c.floor = top, top-(maxFrames-1)*frameStride
	}
	c.stack, c.resume = r.first, p.start
	c.loops[0], c.null = 0, 0
	r.prog, r.end = prog, Running
	if r.perCPU || r.windows.Stale() {
		r.prepare() // comes last, so that nothing is to be kept while it is called
	}
}

func (r *Runner) prepare() {
	if r.perCPU {
		r.ctx.cpu = r.host.OnCPU()
	}
	r.windows.Start(r.arena)
}

// Repeat does n runs of the program of a state, each from its registers, until
// n have ended, one faults, or about fuel instructions are done. It returns how
// many have ended and how the last one stands: while that is running, Run goes
// on with it.
func (r *Runner) Repeat(at *State, n int, fuel int64) (done int, _ Status) {
	for done < n && (fuel > 0 || done == 0) {
		r.Start(at.Prog, &at.Regs)
		if status := r.Run(fuel); status != Exited {
			return done, status
		}
		fuel = r.ctx.fuel
		done++
	}
	return done, r.end
}

// Reg is register i.
func (r *Runner) Reg(i int) uint64 { return r.ctx.Regs[i] }

// Err says what was wrong with the code of a run that faulted, nil when the
// host has the fault.
func (r *Runner) Err() error {
	if r.end != Faulted {
		return nil
	}
	return r.err
}

func (r *Runner) push(addr uint64) {
	r.ctx.stack -= 8
	*(*uint64)(r.at(r.ctx.stack)) = addr
}

// at is a pointer into the runner's own memory.
func (r *Runner) at(addr uint64) unsafe.Pointer {
	first := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(r.mem))))
	return unsafe.Pointer(&r.mem[addr-first])
}

// goOn sets where the current program is resumed. It reports false when the
// op has no code.
func (r *Runner) goOn(op int32) bool {
	p := r.progs[r.prog]
	off := p.code.Offset[op]
	if off < 0 {
		return false
	}
	r.ctx.resume = p.base() + uint64(off)
	return true
}

// Run goes on until the program ends, faults, or about fuel instructions are
// done: they are counted where loops close and functions are called.
func (r *Runner) Run(fuel int64) Status {
	if r.end != Running {
		return r.end
	}
	c := r.ctx
	c.fuel = max(fuel, 0)
	enter(c)
	for contract.Exit(r.ctx.reason&0xff) != contract.ExitDone {
		if r.left(); r.end != Running || r.ctx.fuel < 0 {
			return r.end
		}
		enter(r.ctx)
	}
	r.end = Exited
	return Exited
}

// left does what native code was left for. The fuel is below zero behind it
// where the run is to go on later.
func (r *Runner) left() {
	c := r.ctx
	if r.progs[r.prog].base() != c.code {
		r.returned()
	}
	switch contract.Exit(c.reason & 0xff) {
	case contract.ExitFuel:
	case contract.ExitMiss:
		if !r.reach() {
			r.do(c.exit, r.depth())
		}
	case contract.ExitReturn:
		r.do(r.anExit(), r.depth()-1)
	default:
		r.do(c.exit, r.depth())
	}
}

// returned finds the program that was left, after a return to one that had
// made a tail call from a function.
func (r *Runner) returned() {
	for i, p := range r.progs {
		if p.base() == r.ctx.code {
			r.prog = i
			return
		}
	}
}

// reach looks up the window of the access that missed.
func (r *Runner) reach() bool {
	c := r.ctx
	return r.windows.Reach(r.arena, c.addr, c.reason>>8&0xff, int(c.reason>>16&0xff)) && r.goOn(c.exit)
}

// depth is how many frames lie above the first.
func (r *Runner) depth() int { return int(r.ctx.top-r.ctx.Regs[isa.R10]) / frameStride }

// do has the host run op, and what follows it as long as that has no code of
// its own. behind is the depth that it leads to, unless a helper calls back.
func (r *Runner) do(op int32, behind int) {
	c, code := r.ctx, r.progs[r.prog].code
	if code.Accepted {
		defer r.survive()
	}
	slot, depth := int(code.Slot[op]), r.depth()
	if r.caller != nil {
		if c.null != 0 {
			r.caller.Null(int(c.null - 1))
			c.null = 0
		}
		if id := code.Helper[op]; id > 0 && r.caller.Call(int(id), slot, depth, &c.Regs) {
			if id == lookupElem && !code.Accepted {
				r.windows.Value(r.arena, c.Regs[isa.R0])
			}
			c.fuel--
			r.goOn(op + 1)
			return
		}
	}
	s := &c.State
	s.Prog, s.Depth, s.Slot = r.prog, depth, slot
	for {
		c.fuel--
		status := r.host.Do(s)
		if status != Running {
			r.end, r.err = status, nil
			return
		}
		entered := s.Depth > behind
		if entered { // a callback: where it returns to is this package
			p := r.progs[r.prog]
			r.returnTo(p.base() + uint64(p.code.Return))
		}
		if entered || s.Prog != r.prog {
			c.loops[s.Depth] = 0
		}
		r.prog = s.Prog
		r.windows.Helper(r.arena)
		if r.goOn(r.opAt(s.Slot)) {
			return
		}
	}
}

// survive ends a run whose code had wrong facts and wrote where only the
// machine does: then the machine may find nonsense in its own memory.
func (r *Runner) survive() {
	if v := recover(); v != nil {
		r.end, r.err = Faulted, errBroken
	}
}

var errBroken = errors.New("native: code that was taken for proved has broken the machine's own memory")

// anExit finds an exit instruction for the host to return from a callback by,
// of the current program or, when that has none (it ended by a tail call), of
// another: some program has just done one.
func (r *Runner) anExit() int32 {
	for i, p := range r.progs {
		if op := r.progs[r.prog].code.Exit; op >= 0 {
			return op
		}
		if p.code.Exit >= 0 {
			r.prog = i
		}
	}
	return r.progs[r.prog].code.Exit
}

// opAt is the op of a slot of the current program.
func (r *Runner) opAt(slot int) int32 {
	c := r.progs[r.prog].code
	if slot >= len(c.Dense) {
		return int32(len(c.Offset) - 1)
	}
	return c.Dense[slot]
}
