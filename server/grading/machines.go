package grading

import (
	"context"
	"errors"

	"skep/labs/trial"
	"skep/server/sandbox"
)

// Machines gives fresh VMs.
type Machines interface {
	Oracle(ctx context.Context, version string) (*sandbox.VM, error)
}

// OnKernel tries a submission on a kernel in a fresh VM; a VM that dies is
// tried once more. An error is no grade: a *sandbox.End says how the second
// one ended.
func OnKernel(ctx context.Context, m Machines, version string, sub trial.Submission, ex trial.Exercise) (*trial.Result, error) {
	for again := true; ; again = false {
		r, err := once(ctx, m, version, sub, ex)
		if err == nil || !again || ctx.Err() != nil || refused(err) {
			return r, err
		}
	}
}

// refused says whether there was no VM, and will be none for a second try.
func refused(err error) bool {
	var busy *sandbox.BusyError
	return errors.As(err, &busy) || errors.Is(err, sandbox.ErrLevel) || errors.Is(err, sandbox.ErrNotInstalled)
}

func once(ctx context.Context, m Machines, version string, sub trial.Submission, ex trial.Exercise) (*trial.Result, error) {
	vm, err := m.Oracle(ctx, version)
	if err != nil {
		return nil, err
	}
	defer vm.Close()
	return Kernel(ctx, vm, sub, ex)
}
