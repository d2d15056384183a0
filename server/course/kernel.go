package course

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"skep/labs/trial"
	"skep/server/grading"
	"skep/server/sandbox"
)

// KernelJob is a submission that is to be tried on a kernel.
type KernelJob struct {
	Kernel string // its version
	Owner  string // whose turn it is
	Sub    trial.Submission
	Ex     trial.Exercise
	// Waiting hears now and then how many jobs are served before, while it waits.
	Waiting func(position int, wait time.Duration)
}

// kernelAnswer is both graders' reports.
type kernelAnswer struct {
	Simulator *Report       `json:"simulator"`
	Kernels   []kernelGrade `json:"kernels"`
	Allowed   string        `json:"allowed,omitempty"` // why the lab lets them differ
	// Missing says which kernels gave no grade, and why.
	Missing []string `json:"missing,omitempty"`
	// Counts is what it counts for: the better of the two where the mistake is ours.
	Counts *Report `json:"counts"`
}

type kernelGrade struct {
	Report   *Report `json:"report"`
	Disagree string  `json:"disagree,omitempty"` // where the simulator says otherwise
	// Kind is why: "mistake" of ours, "version" of another kernel than the
	// simulator's, "allowed" by the lab.
	Kind    string `json:"kind,omitempty"`
	Finding string `json:"finding,omitempty"` // of a mistake: what it is kept as
}

// kernel tries a submission on each kernel that its lab names and this server
// has, and in the simulator of this process, whose rules are laid beside.
func (s *Service) kernel(ctx context.Context, sub *submission) (any, error) {
	if s.cfg.OnKernel == nil {
		return nil, &refusal{http.StatusNotImplemented, "no-kernels", "this server has no virtual machines: the grade of the simulator is all there is", 0}
	}
	counted, err := s.simulate(ctx, sub)
	if err != nil {
		return nil, err
	}
	out := &kernelAnswer{Simulator: counted, Allowed: sub.exercise.Disagree, Counts: counted}
	ex := grading.Exercise(sub.lab, sub.exercise, sub.seed)
	sim, err := s.beside(ctx, sub, ex)
	if err != nil {
		return nil, err
	}
	var failed *refusal
	for _, version := range kernels(sub.lab) {
		k, err := s.onKernel(ctx, sub, ex, version)
		if errors.Is(err, sandbox.ErrNotInstalled) {
			continue
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if failed = s.kernelRefusal(sub, version, err); failed.code != "machine" {
				return nil, failed
			}
			out.Missing = append(out.Missing, failed.message)
			continue // another kernel's grade is worth having
		}
		grade := kernelGrade{Report: fromTrial(version, k.Result)}
		grade.Report.Millis = k.took.Milliseconds()
		if grade.Disagree = grading.Disagreement(sim, k.Result); grade.Disagree != "" {
			s.disagree(sub, sim, k.Result, &grade)
			if grade.Kind == kindMistake && grade.Report.Passed {
				out.Counts = grade.Report
			}
		}
		out.Kernels = append(out.Kernels, grade)
	}
	switch {
	case len(out.Kernels) > 0:
	case failed != nil:
		return nil, failed
	default:
		return nil, &refusal{http.StatusNotImplemented, "no-kernels", "this server has none of the kernels of this lab", 0}
	}
	counted.Kept = s.keep(ctx, sub, out.Counts, "on a real kernel: ")
	return out, nil
}

// beside is the trial in this process whose rules are laid beside a kernel's;
// the module has just shown that it ends.
func (s *Service) beside(ctx context.Context, sub *submission, ex trial.Exercise) (*trial.Result, error) {
	select {
	case s.own <- struct{}{}:
		defer func() { <-s.own }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return trial.Run(sub.trial(), ex), nil
}

type kernelTry struct {
	*trial.Result
	took time.Duration
}

func (s *Service) onKernel(ctx context.Context, sub *submission, ex trial.Exercise, version string) (*kernelTry, error) {
	from := time.Now()
	res, err := s.cfg.OnKernel(ctx, &KernelJob{Kernel: version, Owner: "lab " + sub.owner, Sub: sub.trial(), Ex: ex, Waiting: func(position int, wait time.Duration) {
		from = time.Now() // what is waited in the queue is not the grade's time
		if sub.waiting != nil {
			sub.waiting(waiting{version, position, seconds(wait)})
		}
	}})
	return &kernelTry{res, time.Since(from)}, err
}

// kernelRefusal says why there is no grade of a kernel.
func (s *Service) kernelRefusal(sub *submission, version string, err error) *refusal {
	var busy *sandbox.BusyError
	var end *sandbox.End
	switch {
	case errors.As(err, &busy):
		return &refusal{http.StatusServiceUnavailable, "busy", strings.TrimPrefix(busy.Error(), "sandbox: "), max(busy.Estimate, time.Second)}
	case errors.Is(err, sandbox.ErrLevel):
		return &refusal{http.StatusNotImplemented, "no-kernels", "this server cannot confine virtual machines well enough to run what visitors write", 0}
	}
	s.cfg.Log.Warn("kernel grade", "lab", sub.lab.ID, "exercise", sub.exercise.ID, "kernel", version, "error", err)
	why := "its virtual machine does not answer"
	if errors.As(err, &end) && end.Reason != sandbox.ReasonQEMU && end.Reason != sandbox.ReasonFrame {
		why = end.Error()
	}
	return &refusal{http.StatusBadGateway, "machine", fmt.Sprintf("Linux %s could not grade it: %s. It was tried twice. That is no grade and counts for nothing", version, why), 0}
}

// Kinds of disagreement.
const (
	kindMistake = "mistake"
	kindVersion = "version"
	kindAllowed = "allowed"
)

// disagree says why simulator and kernel differ, and keeps a mistake of ours
// as a finding: what was handed in and both reports, not by whom.
func (s *Service) disagree(sub *submission, sim, real *trial.Result, to *kernelGrade) {
	switch {
	case sub.exercise.Disagree != "":
		to.Kind = kindAllowed
		return
	case to.Report.World != trial.KernelName:
		to.Kind = kindVersion
		return
	}
	to.Kind = kindMistake
	at := sub.lab.ID + "/" + sub.exercise.ID
	indent := func(v any) []byte {
		b, _ := json.MarshalIndent(v, "", " ") // reports always marshal
		return append(b, '\n')
	}
	f := sandbox.Finding{
		Kind: "lab", Kernel: real.Verdict.Kernel, Version: s.cfg.Version, Privilege: privilege(sub.lab),
		Program: indent(map[string]string{"lab": sub.lab.ID, "exercise": sub.exercise.ID, "lang": sub.Lang, "source": sub.Source}),
		Files: map[string][]byte{
			"lab.json":       indent(map[string]string{"lab": sub.lab.ID, "exercise": sub.exercise.ID, "seed": strconv.FormatUint(sub.seed, 10), "differs": to.Disagree}),
			"simulator.json": indent(fromTrial(simulator, sim)), "kernel.json": indent(to.Report), "simulator.log": sim.Log, "kernel.log": real.Log,
		},
	}
	if sub.Lang == "c" {
		f.Files["program.bpf.c"], f.Files["program.o"] = []byte(sub.Source), sub.object
	} else {
		f.Files["program.s"] = []byte(sub.Source)
	}
	id, err := s.cfg.Findings.Keep(f)
	if err == nil {
		to.Finding = id
	}
	s.cfg.Log.Error("simulator and kernel disagree", "at", at, "kernel", f.Kernel, "where", to.Disagree, "finding", id, "not kept", err)
}

// kernelLimits are those of a trial: it sleeps a little behind each event.
var kernelLimits = sandbox.Limits{Wall: 20 * time.Second, CPU: sandbox.JobLimits.CPU, Output: sandbox.JobLimits.Output}

// onManager tries submissions in VMs with a student's limits.
func onManager(m *sandbox.Manager) func(context.Context, *KernelJob) (*trial.Result, error) {
	return func(ctx context.Context, j *KernelJob) (*trial.Result, error) {
		return grading.OnKernel(ctx, queued{m, j}, j.Kernel, j.Sub, j.Ex)
	}
}

// queued gives VMs in the order of the queue, and tells those who wait their place.
type queued struct {
	m   *sandbox.Manager
	job *KernelJob
}

// tellEvery is how often a place in the queue is told.
const tellEvery = time.Second

func (q queued) Oracle(ctx context.Context, version string) (*sandbox.VM, error) {
	t, err := q.m.Enqueue(sandbox.Job{Kernel: version, Owner: q.job.Owner, Limits: kernelLimits})
	if err != nil {
		return nil, err
	}
	type got struct {
		vm  *sandbox.VM
		err error
	}
	ready := make(chan got, 1)
	go func() {
		vm, err := t.Wait(ctx)
		ready <- got{vm, err}
	}()
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case g := <-ready:
			return g.vm, g.err
		case <-tick.C:
			if position, wait := t.Position(); position > 0 {
				q.job.Waiting(position, wait)
			}
		}
	}
}
