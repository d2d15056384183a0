//go:build !linux || (!amd64 && !arm64)

package native

import "skep/jit"

// Span is memory for an arena.
type Span struct{}

// NewSpan fails here.
func NewSpan(limit int) (*Span, error) { return nil, ErrUnavailable }

// Bytes is the memory.
func (s *Span) Bytes() []byte { return nil }

// Close gives the memory back.
func (s *Span) Close() error { return nil }

// Target is what this machine runs.
func Target() (jit.Target, error) { return jit.Target{}, ErrUnavailable }

// Program is loaded code.
type Program struct{}

// Load fails here.
func Load(c *jit.Code) (*Program, error) { return nil, ErrUnavailable }

// Close frees the code.
func (p *Program) Close() error { return nil }

// Runner runs programs.
type Runner struct{}

// NewRunner fails here.
func NewRunner(s *Span, h Host, progs []*Program) (*Runner, error) { return nil, ErrUnavailable }

// Start puts the runner at the start of a program.
func (r *Runner) Start(prog int, regs *[11]uint64) {}

// Run goes on.
func (r *Runner) Run(fuel int64) Status { return Faulted }

// Repeat does runs.
func (r *Runner) Repeat(at *jit.State, n int, fuel int64) (int, jit.Status) { return 0, Faulted }

// Reg is a register.
func (r *Runner) Reg(i int) uint64 { return 0 }

// Err is what was wrong with the code.
func (r *Runner) Err() error { return ErrUnavailable }

// Close frees the stack.
func (r *Runner) Close() error { return nil }
