// Package grader answers the messages of the grader's module: a submission is
// tried on an exercise by labs/trial, a prediction judged. The page asks it
// while a student types, the server asks the same module when it counts.
package grader

import (
	"skep/labs/grade"
	"skep/labs/trial"
	"skep/wasm/protocol"
	"skep/wasm/reactor"
	"skep/wasm/verdict"
)

// Handle answers one request frame and appends the reply frame to dst. It
// never panics for any bytes: what goes wrong inside is answered as Failed.
func Handle(dst, frame []byte) []byte {
	return reactor.Answer(dst, frame, "the grader", answer)
}

func answer(id uint16, frame []byte) (protocol.Encoder, error) {
	switch id {
	case protocol.IDGradeHello:
		return reactor.Reply(frame, new(protocol.GradeHello), welcome)
	case protocol.IDPredict:
		return reactor.Reply(frame, new(protocol.Predict), predict)
	}
	return reactor.Reply(frame, new(protocol.Grade), Grade)
}

func welcome(*protocol.GradeHello) *protocol.GradeWelcome {
	return &protocol.GradeWelcome{Kernel: trial.KernelName}
}

func submission(s *protocol.WireSource) trial.Submission {
	if s.Kind == protocol.SourceKindObject {
		return trial.Submission{Object: s.Bytes}
	}
	return trial.Submission{Text: s.Text}
}

// Grade tries a submission.
func Grade(q *protocol.Grade) *protocol.Graded {
	spec, errs := grade.Parse(q.Grade)
	if len(errs) > 0 {
		e := &errs[0]
		return &protocol.Graded{PC: -1, Problems: []protocol.Problem{{
			Where: protocol.WhereOption, Message: "grade block: " + e.Error(), Hint: "the lab is wrong here, not you", Offset: -1}}}
	}
	res := trial.Run(submission(&q.Source), trial.Exercise{
		Setup: q.Setup, Trace: q.Trace, Grade: spec, Seed: q.Seed, Privilege: verdict.PrivilegeOf(q.Privilege),
	})
	v := &res.Verdict
	out := &protocol.Graded{
		Problems: problems(res.Problems), PC: int32(v.PC), Message: v.Message, Class: v.Class, Feature: v.Undecided, Place: v.Line, Log: string(res.Log),
		Points: uint32(res.Points), Total: uint32(res.Total), Passed: res.Passed(),
	}
	switch {
	case len(res.Problems) > 0:
		out.Outcome = protocol.OutcomeUnreadable
		return out
	case v.Accepted:
		out.Outcome = protocol.OutcomeAccepted
	case v.Undecided != "":
		out.Outcome = protocol.OutcomeNotModelled
	default:
		out.Outcome = protocol.OutcomeRejected
	}
	out.Findings = findings(nil, res.Report, false)
	for _, rep := range res.Hidden {
		out.Findings = findings(out.Findings, rep, true)
	}
	for i := range res.Events[:min(len(res.Events), maxEvents)] {
		out.Events = append(out.Events, event(&res.Events[i]))
	}
	return out
}

func problems(list []trial.Problem) []protocol.Problem {
	var out []protocol.Problem
	for _, p := range list {
		out = append(out, protocol.Problem{
			Where: protocol.WhereSource, Line: uint32(p.Line), Col: uint32(p.Col), Message: p.Msg, Hint: p.Hint, Offset: -1})
	}
	return out
}

// findings appends a report's. Of a hidden case only its weight and state are
// told: the rest is what makes it one.
func findings(dst []protocol.Finding, rep *grade.Report, hidden bool) []protocol.Finding {
	for i := range rep.Findings {
		f := &rep.Findings[i]
		w := protocol.Finding{Line: uint32(f.Rule.Line), Weight: uint32(f.Rule.Weight), Badge: f.Rule.Badge, Event: -1, Step: -1}
		switch f.State {
		case grade.Passed:
			w.State = protocol.RuleStatePassed
		case grade.Skipped:
			w.State = protocol.RuleStateSkipped
		}
		if !hidden {
			w.Rule, w.Why, w.Expected, w.Got, w.Event, w.Step = f.Rule.Text, f.Rule.Why, f.Expected, f.Got, int32(f.Event), int32(min(f.Step, 1<<31-1))
			w.Scene, w.Place = protocol.Scene(f.Scene), f.Place
			if o := f.Order; o != nil {
				w.Events = []uint32{uint32(o.Events[0]), uint32(o.Events[1])}
				for _, t := range o.Turns {
					w.Turns = append(w.Turns, protocol.CPUTurn{CPU: t.CPU, Steps: uint32(t.Steps)})
				}
			}
		}
		dst = append(dst, w)
	}
	return dst
}

// maxEvents is how many events a reply tells of.
const maxEvents = 500

func event(e *grade.Event) protocol.GradedEvent {
	out := protocol.GradedEvent{Text: e.Text, Result: uint64(e.Result), Printk: e.Printk}
	for _, f := range e.Fired {
		out.Firings = append(out.Firings, protocol.GradedFiring{
			Program: f.Program, CPU: uint32(f.CPU), Ret: uint64(f.Ret), Steps: uint32(min(f.Steps, 1<<32-1)), Fault: f.Fault})
	}
	return out
}

func predict(q *protocol.Predict) *protocol.Predicted {
	p, probs := trial.Predict(submission(&q.Source), trial.Question{At: q.At, After: q.After, Reg: q.Reg}, q.Answer, verdict.PrivilegeOf(q.Privilege))
	if p == nil {
		return &protocol.Predicted{Problems: problems(probs)}
	}
	return &protocol.Predicted{Score: uint8(p.Score), Known: p.Known, Reason: p.Reason}
}
