package session

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/world"
	"skep/wasm/protocol"
)

// script is a run over events that are no packets. What the session calls an
// event is one firing of a program; how many there are turns out as they
// return.
type script struct {
	events  []world.Event
	results []protocol.EventResult
	world   *world.World
	hw      *helper.World
	cfg     world.Config
	fires   []firing // those that have begun at least once
}

// firing is a run of a program, and what is needed to begin it again.
type firing struct {
	source  int // index into events
	program int // in the source
	fired   world.Firing
	input   vm.Input
	around  helper.World
	mark    world.Mark
}

// readEvents reads an event list.
func readEvents(text string, seed uint64) ([]world.Event, []protocol.Problem) {
	events, errs := world.Parse(text)
	if len(errs) > 0 {
		return nil, packetProblems(text, errs)
	}
	if len(events) == 0 {
		return nil, problems(protocol.WhereInput, "there is no event in the input", "one event a line, for example: exec uid=1000 comm=bash path=/bin/true")
	}
	return world.Expand(events, seed), nil
}

// checkCPUs finds an event on a CPU that there is not.
func checkCPUs(events []world.Event, cpus uint32) []protocol.Problem {
	for i := range events {
		if e := &events[i]; e.CPU >= cpus {
			p := problem(protocol.WhereInput, "there is no CPU "+strconv.Itoa(int(e.CPU))+": the run has "+strconv.Itoa(int(cpus)), "CPUs are numbered from 0; the options say how many there are")
			p.Line, p.Col = uint32(e.Line), 1
			return []protocol.Problem{p}
		}
	}
	return nil
}

// newScript is a run over events, before it has a machine.
func newScript(events []world.Event, o protocol.RunOptions) *script {
	sc := &script{events: events, cfg: world.Config{Seed: o.Seed, Clock: o.Clock, CPUs: o.CPUs, Iface: o.IfIndex, Queue: o.RxQueue}}
	if sc.cfg.Iface == 1 {
		sc.cfg.Iface = 0
	}
	for i := range events {
		sc.results = append(sc.results, protocol.EventResult{Line: uint32(events[i].Line), Text: events[i].String()})
	}
	return sc
}

// section is where program i of the source is attached: the option's for the
// chosen one, else what the source says, else the first of its type.
func (s *Session) section(i int) string {
	p := &s.src.programs[i]
	if i == s.prog && s.opts.Hook != "" {
		if _, target, ok := hook.ParseSection(s.opts.Hook); ok && (target != "" || p.section == "") {
			return s.opts.Hook
		}
	}
	if p.section != "" {
		return p.section
	}
	t := hook.XDP
	if i == s.prog {
		t = s.typ
	}
	return sectionOf(t)
}

// attachAll loads all programs that events can run, and attaches them.
func (s *Session) attachAll(m *vm.Machine) []protocol.Problem {
	sc := s.script
	sc.world = world.New(m, sc.hw, sc.cfg)
	for i := range s.src.programs {
		name := s.section(i)
		if s.isTail(i) {
			continue
		}
		err := sc.world.Attach(world.Program{Number: s.numbers[i], Name: s.src.programs[i].name, Section: name})
		if err != nil && i == s.prog {
			return problems(protocol.WhereOption, err.Error(), "choose another program or hook")
		}
	}
	return nil
}

func (s *Session) isTail(i int) bool {
	for _, t := range s.src.tails {
		if t == i {
			return true
		}
	}
	return false
}

// first goes to the first firing.
func (s *Session) first() []protocol.Problem {
	sc := s.script
	sc.world.Begin(sc.events[0])
	if !s.advanceWorld(0) {
		return problems(protocol.WhereInput, "none of the events runs a program of this source",
			"the program is attached to "+strconv.Quote(s.section(s.prog))+": an event that passes there is needed")
	}
	return nil
}

// advanceWorld finds the next firing, from event i of the script on, writes
// the kernel memory that it sees, and keeps it.
func (s *Session) advanceWorld(i int) bool {
	sc := s.script
	for {
		if f, in, ok := sc.world.Next(); ok {
			number := sc.world.Machine(f)
			fi := firing{source: i, fired: *f, input: in, around: *sc.hw, mark: sc.world.Mark()}
			for p, n := range s.numbers {
				if n == number {
					fi.program = p
				}
			}
			sc.fires = append(sc.fires, fi)
			return true
		}
		sc.ended(i)
		if i++; i >= len(sc.events) {
			return false
		}
		sc.world.Begin(sc.events[i])
	}
}

// arriveFiring makes the machine ready for firing k, all but the reset. The
// machine must be where firing k-1 ended.
func (s *Session) arriveFiring(k int) bool {
	sc := s.script
	if k > 0 {
		prev := &sc.fires[k-1]
		sc.world.Restore(prev.mark)
		sc.world.Return(&prev.fired)
		s.machine.Arena().Journal = nil
		known := len(sc.fires)
		sc.fires = sc.fires[:k]
		ok := s.advanceWorld(sc.fires[k-1].source)
		sc.fires = sc.fires[:max(known, len(sc.fires))]
		if !ok {
			return false
		}
	}
	s.enterFiring(k)
	return true
}

// enterFiring tells the session and the helpers which firing is current.
func (s *Session) enterFiring(k int) {
	f := &s.script.fires[k]
	*s.script.hw = f.around
	p := s.machine.Program(s.numbers[f.program])
	s.typ, s.attach = p.Type, p.Attach
}

// begin puts the machine at the start of event k.
func (s *Session) begin(k int) error {
	if s.script == nil {
		return s.machine.Reset(s.input(k))
	}
	f := &s.script.fires[k]
	return s.script.world.Start(&f.fired, f.input)
}

// finishFiring lets the result of the current firing, which has ended, take
// effect, and says whether another follows. The machine's memory stays.
func (s *Session) finishFiring() bool {
	sc := s.script
	f := &sc.fires[s.at]
	sc.world.Restore(f.mark)
	sc.world.Return(&f.fired)
	more := false
	sc.world.Dry(func() {
		for i := f.source; !more; {
			if _, _, more = sc.world.Next(); more {
				return
			}
			sc.ended(i)
			if i++; i >= len(sc.events) {
				return
			}
			sc.world.Begin(sc.events[i])
		}
	})
	sc.world.Restore(f.mark)
	return more
}

// ended notes the result of event i, which the world has just ended.
func (sc *script) ended(i int) {
	res := sc.world.Result()
	r := &sc.results[i]
	r.Ended, r.Errno, r.Result = true, uint32(res.Errno), res.Text
}

// Firings is which programs ran so far over which events.
func (s *Session) Firings() *protocol.FiringList {
	out := &protocol.FiringList{}
	if s.script == nil {
		return out
	}
	for k := range s.script.fires {
		f := &s.script.fires[k]
		out.Firings = append(out.Firings, protocol.Firing{
			Event: uint32(k), Line: uint32(s.script.events[f.source].Line), Source: uint32(f.source), Program: uint32(f.program),
			Site: f.fired.Site, Task: f.fired.Task, Pid: f.fired.PID, CPU: f.fired.CPU, Clock: f.fired.Clock, Effect: f.fired.Effect,
		})
	}
	out.Events = s.script.results
	return out
}

// arguments decodes a context that is arguments in place of a struct.
func (s *Session) arguments(ctx []byte) []protocol.CtxField {
	if s.script == nil {
		return nil
	}
	var out []protocol.CtxField
	for _, f := range s.script.world.Context(&s.script.fires[s.at].fired) {
		c := protocol.CtxField{Name: f.Name, Offset: uint32(f.Off), Size: uint32(f.Size)}
		if f.Off+f.Size > len(ctx) {
			break
		}
		b := ctx[f.Off : f.Off+f.Size]
		if f.Size > 8 {
			text, _, _ := bytes.Cut(b, []byte{0})
			c.Text = strconv.Quote(string(text))
		} else {
			var word [8]byte
			copy(word[:], b)
			c.Value = binary.LittleEndian.Uint64(word[:])
			c.Text = s.regText(s.guess(c.Value), c.Value)
		}
		out = append(out, c)
	}
	return out
}

// arrival puts the arrival of firing k into words.
func (sc *script) arrival(k int) string {
	f := &sc.fires[k]
	return "Event " + strconv.Itoa(f.source+1) + " of " + strconv.Itoa(len(sc.events)) + ", " + strconv.Quote(sc.results[f.source].Text) +
		": at " + f.fired.Site + " in task " + f.fired.Task + " (" + strconv.Itoa(int(f.fired.PID)) + ") the kernel runs " + f.fired.Name + "."
}
