package trial

import (
	"skep/labs/grade"
)

// place says where failed rules can be looked at that are not about what the
// run left (locate): the verdict, a race, a budget, a program that was stopped.
func (t *trial) place(rep *grade.Report, j *grade.Judge) {
	for i := range rep.Findings {
		f := &rep.Findings[i]
		if f.State != grade.Failed {
			continue
		}
		v := &t.res.Verdict
		switch b, ok := j.Budget(f.Rule); {
		case f.Rule.Kind == grade.Verify && !v.Accepted && v.PC >= 0:
			f.Scene, f.Step = grade.InVerdict, int64(v.PC)
		case f.Rule.Kind == grade.Race:
			t.placeRace(f)
		case ok && b.Counts == "steps":
			t.placeSteps(f, b)
		case ok && b.Counts == "insns_processed" && b.Most < v.Counters.Processed:
			f.Scene, f.Step = grade.InWalk, int64(b.Most)
		case ok && b.Counts == "insns" && b.Most < v.Counters.Insns:
			f.Scene, f.Step = grade.InProgram, int64(b.Most)
			f.Place = lineOf(&t.src.Programs[0], int(b.Most))
		default:
			t.placeStop(f)
		}
	}
}

func (t *trial) placeRace(f *grade.Finding) {
	for _, l := range t.lost {
		if l.name == f.Rule.Lost() {
			f.Scene, f.Event, f.Step, f.Order = grade.InOrder, l.order.Events[0], int64(l.step), l.order
		}
	}
}

// placeSteps finds the instruction that is one too many for an event.
func (t *trial) placeSteps(f *grade.Finding, b grade.Budget) {
	if b.Event >= len(t.res.Events) {
		return
	}
	left := b.Most
	for _, r := range t.res.Events[b.Event].Fired {
		if r.Steps > left {
			f.Event, f.Step = b.Event, int64(r.First+left+1)
			return
		}
		left -= r.Steps
	}
}

// placeStop finds where the run was stopped, for rules that failed by that.
func (t *trial) placeStop(f *grade.Finding) {
	last := len(t.res.Events) - 1
	if last < 0 || f.Event >= 0 && f.Event < last {
		return
	}
	for _, r := range t.res.Events[last].Fired {
		if r.Fault != "" {
			f.Event, f.Step = last, int64(r.First+r.Steps)
		}
	}
}
