package course

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"skep/labs"
	"skep/labs/trial"
	"skep/server/account"
	"skep/server/auth"
	"skep/server/compile"
	"skep/server/grading"
	"skep/server/sandbox"
)

// Config is what a Service is made of.
type Config struct {
	Labs []*labs.Lab
	// Lab finds a lab by its identifier, nil for none; nil looks in Labs.
	Lab func(id string) *labs.Lab
	// Module is the grader's module (wasm/grade).
	Module   []byte
	Compiler *compile.Compiler // nil: C cannot be graded
	Manager  *sandbox.Manager  // nil: no real kernels
	// OnKernel tries a submission on a kernel; nil does it in a VM of Manager's.
	OnKernel func(context.Context, *KernelJob) (*trial.Result, error)
	Students *auth.Service     // nil: nobody is signed in
	Findings *sandbox.Findings // nil: where simulator and kernel disagree is logged only
	Version  string            // of skep, for findings
	Log      *slog.Logger
}

// Service grades submissions. Read next: simulate.go, kernel.go.
type Service struct {
	cfg Config
	// simulator compiles the module once, which takes seconds.
	simulator func() (*grading.Simulator, error)
	// own bounds the trials in this process, which lie beside a kernel's.
	own chan struct{}
}

// New makes a Service; it does not wait for the module.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Lab == nil {
		cfg.Lab = func(id string) *labs.Lab {
			if i := slices.IndexFunc(cfg.Labs, func(l *labs.Lab) bool { return l.ID == id }); i >= 0 {
				return cfg.Labs[i]
			}
			return nil
		}
	}
	if cfg.OnKernel == nil && cfg.Manager != nil {
		cfg.OnKernel = onManager(cfg.Manager)
	}
	return &Service{cfg: cfg, own: make(chan struct{}, max(1, runtime.NumCPU())), simulator: sync.OnceValues(func() (*grading.Simulator, error) {
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
	// Seed is the browser's, decimal; that of who is signed in is the account's.
	Seed string `json:"seed"`
	// Attempt and At are the attempt that the device keeps it as, of who is signed in.
	Attempt string `json:"attempt"`
	At      int64  `json:"at"` // ms since 1970
	Device  string `json:"device"`

	lab      *labs.Lab
	exercise *labs.Exercise
	student  *account.Account // nil: not signed in
	owner    string           // whose turn it is
	seed     uint64
	object   []byte        // of C
	waiting  func(waiting) // tells the page how long its queue is; nil: nobody asked
}

func (sub *submission) trial() trial.Submission {
	if sub.Lang == "c" {
		return trial.Submission{Object: sub.object}
	}
	return trial.Submission{Text: sub.Source}
}

// defaultSeed is of who sends none: a script.
const defaultSeed = 1

// whose finds out who sends a submission and what is drawn for them.
func (s *Service) whose(sub *submission, r *http.Request) error {
	sub.seed, sub.owner = defaultSeed, address(r)
	if sub.Seed != "" {
		n, err := strconv.ParseUint(sub.Seed, 10, 64)
		if err != nil {
			return &refusal{http.StatusBadRequest, "bad-seed", "seed is a number below 2^64, in decimal digits", 0}
		}
		sub.seed = n
	}
	if sub.student = s.cfg.Students.Student(r); sub.student != nil {
		sub.seed, sub.owner = sub.student.Seed(), sub.student.ID
	}
	return nil
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
		out := &reply{w: w, stream: strings.Contains(r.Header.Get("Accept"), streamType)}
		var answer any
		if err == nil {
			sub.waiting = out.waiting
			answer, err = s.compile(r.Context(), sub)
		}
		if err == nil && answer == nil {
			answer, err = grade(r.Context(), sub)
		}
		var no *refusal
		switch {
		case err == nil:
			out.end(http.StatusOK, answer)
			return
		case r.Context().Err() != nil: // the client went away
			return
		case !errors.As(err, &no):
			s.cfg.Log.Error("grade", "path", r.URL.Path, "error", err)
			no = &refusal{http.StatusInternalServerError, "internal", "the submission could not be graded; the server's log says why", 0}
		}
		out.refuse(no)
	}
}

func (s *Service) read(w http.ResponseWriter, r *http.Request) (*submission, error) {
	sub := &submission{}
	if sub.lab = s.cfg.Lab(r.PathValue("lab")); sub.lab != nil {
		for _, ex := range sub.lab.Exercises {
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
	if err := s.whose(sub, r); err != nil {
		return nil, err
	}
	sub.exercise = sub.exercise.For(sub.seed)
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

// address is who asks, as far as queues tell people apart who are not signed in.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
