//go:build !linux

package compile

import (
	"context"
	"fmt"
)

const sourceName = "prog.bpf.c"

type output struct {
	stdout []byte
	stderr string
	exit   int
	reason string
}

func findClang() (string, error) {
	return "", fmt.Errorf("%w: the compiler's jail needs Linux", ErrUnavailable)
}

func probe(Config) (string, error) { return findClang() }

func (c *Compiler) run(context.Context, Request) (*output, error) {
	return nil, ErrUnavailable
}
