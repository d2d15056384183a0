// Package race looks for orders of the instructions of several CPUs that come
// to what no serial order comes to: a lost update, a torn invariant, a
// deadlock.
//
//	m.Reset(in)                         // the run on CPU 0
//	m.Start(vm.Input{CPU: 1})           // and one on CPU 1
//	e := race.New(m, race.Options{})
//	for !e.Run(100_000) {
//	}
//	if r := e.Result(); r.Found {
//		// r.Turns is the order with the fewest switches
//	}
//
// The order of two instructions matters only when both reach memory that the
// CPUs share. So the CPU changes only before such an instruction, and where a
// CPU ends or waits for a lock (partial-order reduction); a state that was met
// before with as many switches left is not walked on from. Orders are tried by
// their number of switches away from a CPU that could go on, none first:
// nearly all races need one or two, and the first one found is the easiest to
// read. Musuvathi and Qadeer, "Iterative Context Bounding for Systematic
// Testing of Multithreaded Programs" (PLDI 2007), is where that comes from.
package race

import (
	"runtime"

	"skep/vm"
)

// Options bound an exploration.
type Options struct {
	// Switches is how many switches away from a CPU that could go on there may
	// be; 0 is DefaultSwitches.
	Switches int
	// Steps is how many instructions one order may take; 0 is DefaultSteps.
	// An order that takes more is left, and the result is not complete.
	Steps int
	// Check looks at a machine whose runs have all ended and says what is
	// wrong, "" for nothing. Nil compares what the maps hold with what the
	// serial orders leave.
	Check func(m *vm.Machine) string
	// All goes on after the first find, for Outcomes.
	All bool
}

const (
	DefaultSwitches = 3
	DefaultSteps    = 100_000

	maxStates = 1 << 20 // met states that are kept
)

// Turn is a CPU's turn: it makes Steps instructions.
type Turn struct {
	CPU   uint32
	Steps uint64
}

// Result is what an exploration has come to.
type Result struct {
	Found bool
	Why   string // one sentence: what is wrong at the end of the order
	Turns []Turn // the order, to the end of every run or to the fault
	// Complete: every order within the bounds was looked at.
	Complete bool
	Switches int // switches of the orders looked at last
	Runs     int // orders followed to their end
	States   int // different states met
}

// Explorer walks through orders. The machine is its own until Run says that
// it is done; then it is at its start again.
type Explorer struct {
	m     *vm.Machine
	opt   Options
	cpus  []uint32
	start uint64

	bound  int // switches that the present round allows
	stack  []choice
	met    map[uint64]int8 // the most switches that were left in a state
	trail  []uint64        // hashes of memory by step, see hash.go
	serial []uint64        // outcomes of the serial orders
	seen   map[uint64]bool // outcomes
	cut    bool            // an order was too long, or too many states
	done   bool
	res    Result
}

// choice is a state at which the CPU may change.
type choice struct {
	step uint64
	cpu  uint32   // whose turn it was, noCPU at the start
	left int      // switches left
	next []uint32 // CPUs that have not been tried yet
}

const noCPU = 1<<32 - 1

// New prepares an exploration of a machine at step 0 with at least two runs in
// flight.
func New(m *vm.Machine, opt Options) *Explorer {
	if opt.Switches == 0 {
		opt.Switches = DefaultSwitches
	}
	if opt.Steps == 0 {
		opt.Steps = DefaultSteps
	}
	e := &Explorer{m: m, opt: opt, start: m.Steps(), seen: make(map[uint64]bool)}
	for _, c := range m.CPUs() {
		e.cpus = append(e.cpus, c.CPU)
	}
	e.begin()
	return e
}

// begin starts a round.
func (e *Explorer) begin() {
	e.m.Seek(e.start)
	e.met = make(map[uint64]int8)
	e.trail = append(e.trail[:0], 0)
	e.stack = append(e.stack[:0], choice{step: e.start, cpu: noCPU, left: e.bound, next: e.cpus})
}

// Result is what has been found so far.
func (e *Explorer) Result() Result { return e.res }

// Outcomes is how many different contents of the maps the orders end with.
func (e *Explorer) Outcomes() int { return len(e.seen) }

// Run explores for about budget instructions and says whether it is done.
func (e *Explorer) Run(budget int) bool {
	for n := 0; budget > 0 && !e.done; n++ {
		if n%64 == 63 {
			runtime.Gosched() // nothing preempts under wasm
		}
		if len(e.stack) == 0 {
			e.round()
			continue
		}
		top := &e.stack[len(e.stack)-1]
		if len(top.next) == 0 {
			e.stack = e.stack[:len(e.stack)-1]
			continue
		}
		cpu := top.next[0]
		top.next = top.next[1:]
		e.back(top.step)
		budget -= e.walk(*top, cpu)
	}
	return e.done
}

// round ends a round: the next one allows a switch more.
func (e *Explorer) round() {
	e.res.Switches = e.bound
	if e.res.Found && !e.opt.All || e.bound == e.opt.Switches {
		e.res.Complete = !e.cut && e.bound == e.opt.Switches
		e.finish()
		return
	}
	e.bound++
	e.begin()
}

func (e *Explorer) finish() {
	e.done = true
	e.m.Seek(e.start)
	e.stack, e.met = nil, nil
}

// back takes the machine to an earlier step of the present order.
func (e *Explorer) back(step uint64) {
	for e.m.Steps() > step && e.m.Back() == vm.StopStep {
	}
	e.trail = e.trail[:step-e.start+1]
}

// walk gives cpu a turn from a choice on: its next instruction, and on to the
// next choice or the end. It returns how many instructions that took.
func (e *Explorer) walk(from choice, cpu uint32) int {
	left := from.left
	if from.cpu != noCPU && cpu != from.cpu && canGo(e.m.CPU(from.cpu)) {
		left--
	}
	made := 0
	for {
		if e.m.Steps()-e.start >= uint64(e.opt.Steps) {
			e.cut = true
			return made + 1
		}
		stop := e.step(cpu)
		made++
		if stop == vm.StopFault {
			e.fault(cpu)
			return made
		}
		if e.m.Done() {
			e.end()
			return made
		}
		if c := e.m.CPU(cpu); !canGo(c) || Shared(e.m, c) {
			break
		}
	}
	e.choose(cpu, left)
	return made
}

// choose makes the present state a choice, unless it was met before.
func (e *Explorer) choose(cpu uint32, left int) {
	here := choice{step: e.m.Steps(), cpu: cpu, left: left}
	forced := true
	for _, c := range e.m.CPUs() {
		switch {
		case !canGo(c):
		case c.CPU == cpu:
			here.next, forced = append([]uint32{cpu}, here.next...), false
		default:
			here.next = append(here.next, c.CPU)
		}
	}
	if len(here.next) == 0 {
		// All wait for each other: a step makes the fault.
		for _, c := range e.m.CPUs() {
			if !c.Ended {
				here.next = append(here.next, c.CPU)
				break
			}
		}
	} else if !forced && left == 0 {
		here.next = here.next[:1]
	}
	h := e.hash(cpu)
	if was, ok := e.met[h]; ok && int(was) >= left {
		return
	}
	if len(e.met) < maxStates {
		e.met[h] = int8(left)
	} else {
		e.cut = true
	}
	e.res.States = max(e.res.States, len(e.met))
	e.stack = append(e.stack, here)
}

func canGo(c vm.CPU) bool { return !c.Ended && !c.Waits }

// end looks at the machine after every run has ended.
func (e *Explorer) end() {
	e.res.Runs++
	out := Outcome(e.m)
	e.seen[out] = true
	why := ""
	switch {
	case e.opt.Check != nil:
		why = e.opt.Check(e.m)
	case e.bound == 0:
		e.serial = append(e.serial, out)
	default:
		why = "the maps hold what no order leaves in which one CPU runs after the other"
		for _, s := range e.serial {
			if s == out {
				why = ""
			}
		}
	}
	e.found(why)
}

// fault is an order that a program does not survive.
func (e *Explorer) fault(cpu uint32) {
	e.res.Runs++
	why := "a program faults"
	if c := e.m.CPU(cpu); c.Fault != nil {
		why = "CPU " + utoa(uint64(cpu)) + ": " + c.Fault.Error()
	}
	e.found(why)
}

// found keeps the order when it is wrong and shorter than the one before.
func (e *Explorer) found(why string) {
	if why == "" {
		return
	}
	turns := e.turns()
	if e.res.Found && (len(turns) > len(e.res.Turns) || len(turns) == len(e.res.Turns) && steps(turns) >= steps(e.res.Turns)) {
		return
	}
	e.res.Found, e.res.Why, e.res.Turns = true, why, turns
}

func steps(turns []Turn) (n uint64) {
	for _, t := range turns {
		n += t.Steps
	}
	return n
}

// turns is the order up to the present step.
func (e *Explorer) turns() []Turn {
	var out []Turn
	all := e.m.Turns()
	for i, t := range all {
		end := e.m.Steps()
		if i+1 < len(all) {
			end = min(end, all[i+1].Step)
		}
		if end > t.Step {
			out = append(out, Turn{t.CPU, end - t.Step})
		}
	}
	return out
}
