package course

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"skep/server/account"
	"skep/server/grading"
	"skep/wasm/protocol"
)

// grade tries a submission where it counts, and keeps how it came out for who
// is signed in.
func (s *Service) grade(ctx context.Context, sub *submission) (any, error) {
	rep, err := s.simulate(ctx, sub)
	if err == nil {
		rep.Kept = s.keep(ctx, sub, rep, "handed in: ")
	}
	return rep, err
}

func (s *Service) simulate(ctx context.Context, sub *submission) (*Report, error) {
	sim, err := s.simulator()
	if err != nil {
		return nil, &refusal{http.StatusServiceUnavailable, "no-grader", err.Error(), 0}
	}
	from := time.Now()
	q := &protocol.Grade{
		Source: protocol.WireSource{Kind: protocol.SourceKindAsm, Text: sub.Source},
		Setup:  sub.exercise.Setup, Trace: sub.exercise.Trace, Grade: sub.exercise.GradeText, Seed: sub.seed,
	}
	if sub.Lang == "c" {
		q.Source = protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: sub.object}
	}
	switch privilege(sub.lab) {
	case "cap_bpf":
		q.Privilege = protocol.PrivilegeCapBpf
	case "unprivileged":
		q.Privilege = protocol.PrivilegeUnprivileged
	}
	g, err := sim.Grade(ctx, sub.owner, q, func(position int, wait time.Duration) {
		if sub.waiting != nil {
			sub.waiting(waiting{"", position, seconds(wait)})
		}
	})
	switch {
	case err == nil:
		rep := fromModule(g)
		rep.Millis = time.Since(from).Milliseconds()
		return rep, nil
	case errors.Is(err, grading.ErrBusy):
		return nil, &refusal{http.StatusServiceUnavailable, "busy", err.Error(), 5 * time.Second}
	case errors.Is(err, grading.ErrTime):
		return nil, &refusal{http.StatusUnprocessableEntity, "too-long", err.Error(), 0}
	case errors.Is(err, grading.ErrSize):
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too-large", err.Error(), 0}
	case errors.Is(err, grading.ErrCrash):
		s.cfg.Log.Error("grader", "lab", sub.lab.ID, "exercise", sub.exercise.ID, "error", err)
		return nil, &refusal{http.StatusUnprocessableEntity, "crashed", grading.ErrCrash.Error(), 0}
	}
	return nil, err
}

// keep stores a graded submission of who is signed in, and says whether it is
// kept. A grade that cannot be kept is told all the same.
func (s *Service) keep(ctx context.Context, sub *submission, rep *Report, how string) bool {
	if sub.student == nil || len(sub.Source) > account.MaxText {
		return false
	}
	a := account.Attempt{
		ID: sub.Attempt, Lab: sub.lab.ID, Exercise: sub.exercise.ID, Lang: sub.Lang, Text: sub.Source, Came: how + rep.came(), At: sub.At, Device: sub.Device,
	}
	if a.ID == "" {
		a.ID = fmt.Sprintf("text-%x", sha256.Sum256([]byte(a.Lab+"/"+a.Exercise+"/"+a.Lang+"\n"+a.Text)))[:29]
	}
	if a.At <= 0 {
		a.At = time.Now().UnixMilli()
	}
	d := account.Done{Lab: a.Lab, Item: a.Exercise, Points: float64(rep.Points), Total: float64(rep.Total), Passed: rep.Passed}
	w := account.Work{Attempts: []account.Attempt{a}, Done: []account.Done{d}}
	err := w.Check()
	if err == nil {
		err = s.cfg.Students.Handed(context.WithoutCancel(ctx), sub.student, a, d)
	}
	if err != nil {
		s.cfg.Log.Error("grade", "lab", a.Lab, "exercise", a.Exercise, "account", sub.student.ID, "not kept", err)
	}
	return err == nil
}
