package trial

import (
	"skep/labs/grade"
	"skep/vm"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/world"
)

// maxLocate bounds the second run that looks for steps, in instructions: a
// student waits for it at every key.
const maxLocate = 20_000

// search is a failed rule whose step is looked for.
type search struct {
	f     *grade.Finding
	sees  grade.Sight
	event int    // that it must be in, -1: the last one that changed it
	until int    // the last event that counts
	seen  string // what it was about, as it was before the step
}

// locate finds the exact steps at which failed rules went wrong: the same run
// once more, an instruction at a time. For a map that is the step that gave it
// its last value, for a return value the one that put it into r0, for a line
// the call that wrote it.
func (t *trial) locate(rep *grade.Report, j *grade.Judge, events []world.Event) {
	list := searches(rep, len(t.res.Events)-1)
	if len(list) == 0 || t.steps() > maxLocate {
		return
	}
	r, err := t.machine()
	if err != nil {
		return
	}
	maps := r.maps()
	for i := range list {
		list[i].seen = list[i].look(j, maps)
	}
	for n, e := range world.Expand(events, t.ex.Seed) {
		if n >= len(t.res.Events) {
			return
		}
		r.w.Begin(e)
		for {
			f, in, ok := r.w.Next()
			if !ok {
				break
			}
			if r.w.Start(f, in) != nil {
				return
			}
			t.follow(list, j, r, n)
			r.w.Return(f)
			r.steps += f.Steps + 1
			r.drain()
		}
	}
}

// searches are the failed rules of a report for which a step can be found.
func searches(rep *grade.Report, last int) []search {
	var out []search
	for i := range rep.Findings {
		f := &rep.Findings[i]
		s := search{f: f, sees: f.Rule.Sees(), event: -1, until: last}
		switch {
		case f.State != grade.Failed || s.sees == 0 || last < 0:
			continue
		case f.Rule.After > 0:
			s.until = f.Rule.After - 1
		case f.Rule.Kind == grade.Never || f.Rule.Kind == grade.Always:
			s.until = f.Event
		case s.sees&grade.SeesMaps == 0:
			if s.event = f.Event; s.event < 0 {
				continue // nothing ran, or all lines together
			}
		}
		out = append(out, s)
	}
	return out
}

func (s *search) look(j *grade.Judge, maps []grade.Map) string {
	if s.sees&grade.SeesMaps == 0 {
		return ""
	}
	return j.Look(s.f.Rule, maps)
}

// follow runs one program of event n to its end.
func (t *trial) follow(list []search, j *grade.Judge, r *rig, n int) {
	for k := uint64(1); !r.m.Done() && k <= maxLocate; k++ {
		in := next(r.m)
		r.m.Step()
		memory, answer := writes(in)
		var maps []grade.Map
		if memory {
			maps = r.maps()
		}
		for i := range list {
			s := &list[i]
			switch {
			case n > s.until || s.event >= 0 && s.event != n:
			case answer && s.event == n && s.sees&grade.SeesReturn != 0:
				s.found(n, r.steps+k)
			case memory && s.sees&grade.SeesMaps != 0:
				if now := s.look(j, maps); now != s.seen {
					s.seen = now
					s.found(n, r.steps+k)
				}
			}
		}
	}
	for _, e := range r.m.Events() {
		for i := range list {
			if s := &list[i]; e.Kind == helper.EventPrint && s.event == n && s.sees&grade.SeesPrint != 0 {
				s.found(n, r.steps+e.Step+1)
			}
		}
	}
}

func (s *search) found(event int, step uint64) { s.f.Event, s.f.Step = event, int64(step) }

// next is the instruction that is about to run.
func next(m *vm.Machine) isa.Insn {
	p := m.Program(m.Prog())
	if pc := m.PC(); p != nil && pc < len(p.Insns) {
		return p.Insns[pc]
	}
	return isa.Insn{}
}

// writes says whether an instruction may change memory that a map has, and
// whether it writes r0.
func writes(in isa.Insn) (memory, r0 bool) {
	switch in.Class() {
	case isa.ClassST, isa.ClassSTX:
		return in.Dst != 10, false // r10 is the stack
	case isa.ClassJMP:
		call := in.Op&0xf0 == isa.JmpCall
		return call, call
	case isa.ClassJMP32:
		return false, false
	}
	return false, in.Dst == 0
}

// steps is how many instructions the trial made.
func (t *trial) steps() uint64 {
	n := uint64(0)
	for i := range t.res.Events {
		for _, f := range t.res.Events[i].Fired {
			n += f.Steps
		}
	}
	return n
}
