package course

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"skep/labs"
	"skep/labs/trial"
	"skep/server/compile"
	"skep/server/grading"
	"skep/server/sandbox"
	"skep/wasm/protocol"
)

// Config is what a Service is made of.
type Config struct {
	Labs []*labs.Lab
	// Module is the grader's module (wasm/grade).
	Module   []byte
	Compiler *compile.Compiler // nil: C cannot be graded
	Manager  *sandbox.Manager  // nil: no real kernels
	Log      *slog.Logger
}

// Service grades submissions.
type Service struct {
	cfg Config
	// simulator compiles the module once, which takes seconds.
	simulator func() (*grading.Simulator, error)
}

// seed is every student's: what is seeded is the same for all until there are
// accounts.
const seed = 1

// New makes a Service; it does not wait for the module.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg, simulator: sync.OnceValues(func() (*grading.Simulator, error) {
		if len(cfg.Module) == 0 {
			return nil, errors.New("the grader is not built, run `make web`")
		}
		return grading.NewSimulator(context.Background(), cfg.Module)
	})}
}

// Prepare compiles the module, so that the first submission does not wait.
func (s *Service) Prepare() error {
	_, err := s.simulator()
	return err
}

// Register adds the routes.
func (s *Service) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/labs/{lab}/{exercise}/grade", s.serve(s.grade))
	mux.HandleFunc("POST /api/labs/{lab}/{exercise}/kernel", s.serve(s.kernel))
}

// submission is what a student sends.
type submission struct {
	Lang   string `json:"lang"` // c, asm
	Source string `json:"source"`

	lab      *labs.Lab
	exercise *labs.Exercise
	visitor  string
	object   []byte // of C
}

func (sub *submission) trial() trial.Submission {
	if sub.Lang == "c" {
		return trial.Submission{Object: sub.object}
	}
	return trial.Submission{Text: sub.Source}
}

// refusal is an answer without a grade.
type refusal struct {
	status  int
	code    string // for programs, does not change
	message string
	retry   time.Duration
}

func (r *refusal) Error() string { return r.message }

// serve reads a submission, compiles C, and answers with what grade makes of it.
func (s *Service) serve(grade func(context.Context, *submission) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sub, err := s.read(w, r)
		var answer any
		if err == nil {
			answer, err = s.compile(r.Context(), sub)
		}
		if err == nil && answer == nil {
			answer, err = grade(r.Context(), sub)
		}
		var no *refusal
		switch {
		case err == nil:
			writeJSON(w, http.StatusOK, answer)
			return
		case r.Context().Err() != nil: // the client went away
			return
		case !errors.As(err, &no):
			s.cfg.Log.Error("grade", "path", r.URL.Path, "error", err)
			no = &refusal{http.StatusInternalServerError, "internal", "the submission could not be graded; the server's log says why", 0}
		}
		if no.retry > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.retry.Seconds()))))
		}
		writeJSON(w, no.status, map[string]any{"error": map[string]string{"code": no.code, "message": no.message}})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (s *Service) read(w http.ResponseWriter, r *http.Request) (*submission, error) {
	sub := &submission{visitor: visitor(r)}
	for _, l := range s.cfg.Labs {
		if l.ID != r.PathValue("lab") {
			continue
		}
		sub.lab = l
		for _, ex := range l.Exercises {
			if ex.ID == r.PathValue("exercise") {
				sub.exercise = ex
			}
		}
	}
	if sub.exercise == nil {
		return nil, &refusal{http.StatusNotFound, "not-found", "there is no such exercise here", 0}
	}
	// JSON may need six bytes for one of the source.
	body := http.MaxBytesReader(w, r.Body, 6*compile.MaxSource)
	var large *http.MaxBytesError
	switch err := json.NewDecoder(body).Decode(sub); {
	case errors.As(err, &large) || len(sub.Source) > compile.MaxSource:
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too-large", compile.ErrTooLarge.Error(), 0}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "bad-json", "the request is not the JSON that is expected: " + err.Error(), 0}
	case sub.Lang != "c" && sub.Lang != "asm":
		return nil, &refusal{http.StatusBadRequest, "bad-lang", `lang is "c" or "asm"`, 0}
	}
	return sub, nil
}

// compile makes an object of C; what does not compile is a report of its own.
func (s *Service) compile(ctx context.Context, sub *submission) (any, error) {
	if sub.Lang != "c" {
		return nil, nil
	}
	if s.cfg.Compiler == nil {
		return nil, &refusal{http.StatusNotImplemented, "no-compiler", compile.ErrUnavailable.Error() + "; assembly is graded", 0}
	}
	res, err := s.cfg.Compiler.Compile(ctx, compile.Request{Source: sub.Source})
	switch {
	case errors.Is(err, compile.ErrBusy):
		return nil, &refusal{http.StatusServiceUnavailable, "busy", err.Error(), 5 * time.Second}
	case err != nil:
		return nil, err
	case res.OK:
		sub.object = res.Object
		return nil, nil
	}
	rep := &Report{World: simulator, Outcome: "unreadable", Millis: res.Millis}
	for _, d := range res.Diagnostics {
		rep.Problems = append(rep.Problems, Problem{Line: d.Line, Col: d.Col, Message: d.Message})
	}
	return rep, nil
}

// grade tries a submission where it counts.
func (s *Service) grade(ctx context.Context, sub *submission) (any, error) {
	return s.simulate(ctx, sub)
}

func (s *Service) simulate(ctx context.Context, sub *submission) (*Report, error) {
	sim, err := s.simulator()
	if err != nil {
		return nil, &refusal{http.StatusServiceUnavailable, "no-grader", err.Error(), 0}
	}
	from := time.Now()
	q := &protocol.Grade{
		Source: protocol.WireSource{Kind: protocol.SourceKindAsm, Text: sub.Source},
		Setup:  sub.exercise.Setup, Trace: sub.exercise.Trace, Grade: sub.exercise.GradeText, Seed: seed,
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
	g, err := sim.Grade(ctx, q)
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

// kernelAnswer is both graders' reports.
type kernelAnswer struct {
	Simulator *Report       `json:"simulator"`
	Kernels   []kernelGrade `json:"kernels"`
	Allowed   string        `json:"allowed,omitempty"` // why the lab lets them differ
}

type kernelGrade struct {
	Report   *Report `json:"report"`
	Disagree string  `json:"disagree,omitempty"`
}

// kernel tries a submission on each kernel that its lab names and this server
// has, and in the simulator of this process, whose rules are laid beside.
func (s *Service) kernel(ctx context.Context, sub *submission) (any, error) {
	if s.cfg.Manager == nil {
		return nil, &refusal{http.StatusNotImplemented, "no-kernels", "this server has no virtual machines: the grade of the simulator is all there is", 0}
	}
	counted, err := s.simulate(ctx, sub)
	if err != nil {
		return nil, err
	}
	ex := grading.Exercise(sub.lab, sub.exercise, seed)
	sim := trial.Run(sub.trial(), ex) // the module has just shown that it ends
	out := &kernelAnswer{Simulator: counted, Allowed: sub.exercise.Disagree}
	for _, version := range kernels(sub.lab) {
		from := time.Now()
		res, err := grading.OnKernel(ctx, machines{s.cfg.Manager, sub.visitor}, version, sub.trial(), ex)
		var busy *sandbox.BusyError
		switch {
		case errors.As(err, &busy):
			return nil, &refusal{http.StatusServiceUnavailable, "busy", strings.TrimPrefix(err.Error(), "sandbox: "), max(busy.Estimate, time.Second)}
		case errors.Is(err, sandbox.ErrLevel):
			return nil, &refusal{http.StatusNotImplemented, "no-kernels", "this server cannot confine virtual machines well enough to run what visitors write", 0}
		case errors.Is(err, sandbox.ErrNotInstalled):
			continue
		case err != nil && ctx.Err() == nil:
			s.cfg.Log.Warn("kernel grade", "lab", sub.lab.ID, "exercise", sub.exercise.ID, "kernel", version, "error", err)
			return nil, &refusal{http.StatusBadGateway, "machine", fmt.Sprintf("the virtual machine with Linux %s ended twice while it tried this; that is no grade", version), 0}
		case err != nil:
			return nil, err
		}
		k := kernelGrade{Report: fromTrial(version, res)}
		k.Report.Millis = time.Since(from).Milliseconds()
		if k.Disagree = grading.Disagreement(sim, res); k.Disagree != "" && out.Allowed == "" {
			s.cfg.Log.Error("simulator and kernel disagree", "lab", sub.lab.ID, "exercise", sub.exercise.ID, "kernel", version, "where", k.Disagree,
				"lang", sub.Lang, "source", sub.Source)
		}
		out.Kernels = append(out.Kernels, k)
	}
	if len(out.Kernels) == 0 {
		return nil, &refusal{http.StatusNotImplemented, "no-kernels", "this server has none of the kernels of this lab", 0}
	}
	return out, nil
}

// machines gives VMs with a student's limits.
type machines struct {
	m       *sandbox.Manager
	visitor string
}

func (m machines) Oracle(ctx context.Context, version string) (*sandbox.VM, error) {
	return m.m.Acquire(ctx, sandbox.Job{Kernel: version, Owner: "lab " + m.visitor, Limits: kernelLimits})
}

// kernelLimits are those of a trial: it sleeps a little behind each event.
var kernelLimits = sandbox.Limits{Wall: 20 * time.Second, CPU: sandbox.JobLimits.CPU, Output: sandbox.JobLimits.Output}

// visitor is who asks, as far as the queue tells people apart: by address.
func visitor(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
