//go:build !linux

package kernelbench

import (
	"errors"
	"io"
)

var errOther = errors.New("this machine does not run Linux")

// Permitted says why the kernel's JIT cannot be measured here.
func Permitted() error { return errOther }

// Linux is the kernel of a machine that runs Linux.
type Linux struct{}

// NewLinux fails.
func NewLinux(io.Writer) (*Linux, error) { return nil, errOther }

// Round fails.
func (*Linux) Round(Request) (*Round, error) { return nil, errOther }
