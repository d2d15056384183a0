package runner

import (
	"runtime"
	"strconv"
	"unsafe"

	"skep/jit"
	"skep/jit/portable"
	"skep/jit/wasm"
	"skep/vm"
	"skep/wasm/compiled"
	"skep/wasm/proof"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

// MaxFuel is how many instructions a run of an event may have, roughly: they
// are counted where loops and functions begin.
const MaxFuel = 1_000_000_000

// run is the events of a session at full speed.
type run struct {
	page   Page
	span   span
	out    *session.Outside
	ctx    *portable.Context // its address is in the code
	host   compiled.Host
	runner *portable.Runner
	bytes  int

	repeat uint32
	begin  vm.Point // of the current event
	going  bool     // a run of it is suspended
	fuel   int64    // that this run took so far
	times  uint32   // it has ended
	runs   uint64   // all events together
	nanos  uint64
	over   bool
	fault  *protocol.Fault // why it ended before the program did
	facts  *protocol.Facts
	proved bool // they were about the program
}

// start begins the events of a session, compiled.
func (e *Engine) start(id uint32, q *protocol.FullStart) *protocol.FullStarted {
	e.drop(id)
	r := &run{page: e.Page, span: e.take(e.Memory(id)), repeat: max(q.Repeat, 1), facts: q.Facts}
	p := r.build(e, id)
	if p == nil {
		if err := r.compile(); err != nil {
			p = []protocol.Problem{{Where: protocol.WhereEngine, Message: err.Error(), Offset: -1}}
		}
	}
	if p != nil {
		r.close()
		e.idle = append(e.idle, r.span)
		if r.out != nil {
			e.Forget(id) // its machine is gone
		}
		return &protocol.FullStarted{Problems: p}
	}
	if e.runs == nil {
		e.runs = make(map[uint32]*run)
	}
	e.runs[id] = r
	return &protocol.FullStarted{Bytes: uint32(r.bytes), Proved: r.proved}
}

// build makes the machine and goes to the arrival of the first event. The same
// program makes the same machine: code of an earlier one fits.
func (r *run) build(e *Engine, id uint32) []protocol.Problem {
	r.dirty()
	r.span.clear()
	out, p := e.Outside(id, r.span.arena())
	if p != nil {
		r.span.used = len(r.span.buf)
		return p
	}
	r.out, r.host.Machine = out, out.Machine()
	r.arrived()
	return nil
}

// compile makes code of the machine's programs.
func (r *run) compile() error {
	m := r.host.Machine
	r.ctx = new(portable.Context)
	t := jit.Target{Arch: jit.WASM, WASM: wasm.Target{
		Base: address(unsafe.Pointer(unsafe.SliceData(r.span.buf))), Context: address(unsafe.Pointer(r.ctx)), Mask: uint32(len(r.span.buf) - 1),
	}}
	codes := make([]*wasm.Code, r.out.Programs())
	for i := range codes {
		var facts jit.Facts
		if i == r.out.Chosen() {
			facts = proof.Of(r.facts, m.Program(i).Insns, m.Maps().CPUs)
			r.proved = facts.Accepted
		}
		c, err := jit.Compile(compiled.Program(m, i), t, facts, jit.Options{})
		if err != nil {
			return err
		}
		codes[i] = c.Portable
		r.bytes += len(c.Text)
	}
	var err error
	r.runner, err = portable.NewRunner(r.page, r.ctx, &r.host, codes)
	return err
}

// address is a place in linear memory.
func address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

// arrived notes where the current event begins.
func (r *run) arrived() {
	m := r.out.Machine()
	r.begin = vm.Point{Regs: compiled.Regs(m), Prog: m.Prog(), Slot: m.PC()}
	r.going, r.fuel, r.times = false, 0, 0
}

func (r *run) close() {
	if r.runner != nil {
		r.runner.Close()
	}
	r.dirty()
}

// dirty notes what the run's machine may have written.
func (r *run) dirty() {
	if r.out != nil {
		r.span.used = max(r.span.used, len(r.out.Machine().Arena().Buf))
	}
}

// Fuel of one request at most, and what a run takes of it beside its own.
const (
	maxSlice = 1 << 26
	perRun   = 20
)

// goOn does a slice.
func (r *run) goOn(q *protocol.FullRun) *protocol.FullMoved {
	from := r.page.Now()
	if !r.over {
		r.slice(int64(min(max(q.Fuel, 1), maxSlice)))
	}
	r.nanos += r.page.Now() - from
	if q.Stop && !r.over {
		r.over = true
		r.here()
	}
	runtime.Gosched() // the garbage collector's turn: nothing preempts under wasm
	out := &protocol.FullMoved{
		Runs: r.runs, Event: uint32(r.out.Event()), Events: uint32(r.out.Events()), Nanos: r.nanos, Lost: uint32(r.out.Machine().Lost()),
	}
	if r.over {
		out.View = r.out.View(r.fault)
	}
	return out
}

func (r *run) slice(fuel int64) {
	for fuel > 0 && !r.over {
		done, status := 0, jit.Running
		if r.going {
			if status = r.runner.Run(fuel); status == jit.Exited {
				done = 1
			}
		} else {
			n := int(min(int64(r.repeat-r.times), fuel/perRun+1))
			if r.out.Reads() {
				n = 1 // user space reads in between
			}
			at := jit.State(r.begin)
			r.fuel = 0
			done, status = r.runner.Repeat(&at, n, fuel)
		}
		r.going = status == jit.Running
		used := r.runner.Used()
		fuel -= used + int64(done)*perRun
		if r.fuel += used; done > 0 {
			r.fuel = 0
			r.ended(done)
		}
		switch {
		case status == jit.Faulted:
			r.over = true
			if err := r.runner.Err(); err != nil {
				r.stop("trap", err.Error(), "")
				return
			}
			_, _ = r.out.Next() // there is none behind a fault
		case r.going && r.fuel >= MaxFuel:
			r.here()
			r.stop("budget", "the program ran "+count(MaxFuel)+" instructions without an end; stopped", "A loop that does not end is the usual cause: step over its condition and watch the counter.")
		}
	}
}

// ended notes that runs of the event have, and goes on to the next event behind
// the last of them.
func (r *run) ended(n int) {
	r.runs += uint64(n)
	r.times += uint32(n)
	if r.times < r.repeat {
		r.out.Again()
		return
	}
	r.out.Ended(r.point())
	more, err := r.out.Next()
	if err != nil {
		r.stop("fault", err.Error(), "")
	}
	if !more {
		r.over = true
		return
	}
	r.arrived()
}

// point is where control is, or was at the end.
func (r *run) point() vm.Point {
	var p vm.Point
	p.Prog, p.Slot, p.Depth = r.runner.At()
	for i := range p.Regs {
		p.Regs[i] = r.runner.Reg(i)
	}
	return p
}

// here has the machine stand where a run that did not end is: it does one more
// instruction of it.
func (r *run) here() {
	if !r.going {
		return
	}
	p := r.point()
	r.out.Machine().Do(&p)
}

// stop ends everything for a reason that is not the program's.
func (r *run) stop(code, msg, hint string) {
	_, slot, _ := r.runner.At()
	r.over = true
	r.fault = &protocol.Fault{Code: code, PC: uint32(slot), Message: msg, Hint: hint}
}

// count is a number as people read it.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
