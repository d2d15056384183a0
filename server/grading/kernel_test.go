package grading_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"skep/labs"
	"skep/labs/trial"
	"skep/server/grading"
	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
)

// TestKernel tries the assembly of some labs on real kernels: every program
// comes out as its lab says, and as in the simulator. "skep lab test --kernel
// 6.12,6.1 labs/content/*" does all labs, C included (make test-kernel).
func TestKernel(t *testing.T) {
	for _, version := range []string{"6.12", "6.1"} {
		c := sandboxtest.Require(t, version)
		for _, id := range []string{"f1-ten-registers", "m2-hash-per-user"} {
			lab, errs := labs.Read(os.DirFS("../../labs/content"), id)
			if len(errs) > 0 {
				t.Fatal(errs[0].Error())
			}
			for _, try := range grading.Tries(lab, 1) {
				if try.Source.Lang != "asm" || version == "6.1" && try.Kind != grading.Solution {
					continue
				}
				sub, ex := trial.Submission{Text: try.Source.Text}, grading.Exercise(lab, try.Exercise, 1)
				sim := trial.Run(sub, ex)
				got, err := grading.OnKernel(t.Context(), c.Manager, version, sub, ex)
				if err != nil {
					t.Fatalf("%s/%s: %v", id, try.String(), err)
				}
				if msg := try.Check(got, sim); msg != "" {
					t.Errorf("%s/%s on %s: %s", id, try.String(), version, msg)
				}
				if msg := grading.Disagreement(sim, got); msg != "" {
					t.Errorf("%s/%s on %s: %s", id, try.String(), version, msg)
				}
			}
		}
	}
}

// TestPrintk: lines of the trace pipe belong to the event that wrote them.
func TestPrintk(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	lab, errs := labs.Read(os.DirFS("../../labs/content"), "h1-hello-execve")
	if len(errs) > 0 {
		t.Fatal(errs[0].Error())
	}
	ex := lab.Exercises[0]
	i := slices.IndexFunc(ex.Solutions, func(s labs.Source) bool { return s.Lang == "asm" })
	got, err := grading.OnKernel(t.Context(), c.Manager, "6.12", trial.Submission{Text: ex.Solutions[i].Text}, grading.Exercise(lab, ex, 1))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Passed() {
		t.Error(grading.Why(got))
	}
}

// dying gives VMs of which the first ones are dead.
type dying struct {
	m           grading.Machines
	given, dead int
	err         error
}

func (d *dying) Oracle(ctx context.Context, version string) (*sandbox.VM, error) {
	if d.given++; d.err != nil {
		return nil, d.err
	}
	vm, err := d.m.Oracle(ctx, version)
	if err == nil && d.given <= d.dead {
		vm.Close()
	}
	return vm, err
}

// A VM that dies is tried once more, and no more; without one there is no
// second try.
func TestDeadVM(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	lab, errs := labs.Read(os.DirFS("../../labs/content"), "f1-ten-registers")
	if len(errs) > 0 {
		t.Fatal(errs[0].Error())
	}
	sub, ex := trial.Submission{Text: lab.Exercises[0].Solutions[0].Text}, grading.Exercise(lab, lab.Exercises[0], 1)
	for _, tt := range []struct {
		dead, given int
		err         error
		graded      bool
	}{
		{dead: 0, given: 1, graded: true},
		{dead: 1, given: 2, graded: true},
		{dead: 9, given: 2},
		{err: &sandbox.BusyError{}, given: 1},
		{err: sandbox.ErrLevel, given: 1},
		{err: errors.New("no memory"), given: 2},
	} {
		d := &dying{m: c.Manager, dead: tt.dead, err: tt.err}
		r, err := grading.OnKernel(t.Context(), d, "6.12", sub, ex)
		if (err == nil) != tt.graded || tt.graded && !r.Passed() || d.given != tt.given {
			t.Errorf("%+v: %d VMs, %v", tt, d.given, err)
		}
	}
}
