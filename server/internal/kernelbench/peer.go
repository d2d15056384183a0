// Package kernelbench measures other engines beside ours, each in a process of its own: the kernel's JIT on the machine
// that it runs on, and WebAssembly in Chromium. An engine that is killed costs its column, not the table.
//
//	p, err := kernelbench.Start(ctx, exec.Command(self, "bench", "-peer", "linux"), os.Stderr)
//	r, err := p.Round("siphash")
//
// Why the host's kernel, when nothing else of skep loads a program into it: the sandbox's kernels are emulated, and what
// they take says nothing. So the only programs are those of package jit/workload, which are a part of skep; a peer is
// asked by name, never sent code, and linux.go lets our verifier look at each first.
package kernelbench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// Request asks a peer for one round.
type Request struct {
	Program string `json:"program"`         // of package workload
	Facts   bool   `json:"facts,omitempty"` // without the checks that the verifier makes needless
	NS      int64  `json:"ns"`              // how long to measure
}

// Round is a peer's answer.
type Round struct {
	NS      float64  `json:"ns"`                // of one run, of the fastest batch
	Outcome *Outcome `json:"outcome,omitempty"` // of a first run, where the engine made one for this round
	Error   string   `json:"error,omitempty"`
}

// Engine is what a peer's process measures. An error of Round is the program's, and the next one may be asked for.
type Engine interface {
	Round(Request) (*Round, error)
}

// Serve answers requests, a line of JSON each, until in ends.
func Serve(in io.Reader, out io.Writer, e Engine) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q Request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("request: %w", err)
		}
		r, err := e.Round(q)
		if err != nil {
			r = &Round{Error: err.Error()}
		}
		if err := answers.Encode(r); err != nil {
			return err
		}
	}
}

// Peer is an engine in another process. Its methods are for one goroutine.
type Peer struct {
	in    io.WriteCloser
	out   *bufio.Reader
	wait  func() error
	ended error // of the process, once it is gone
}

// Start starts the process, whose standard error goes to log. It ends with ctx, and with Close.
func Start(ctx context.Context, cmd *exec.Cmd, log io.Writer) (*Peer, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("peer: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("peer: %w", err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("peer: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	wait := sync.OnceValue(func() error {
		defer stop()
		return cmd.Wait()
	})
	return &Peer{in: in, out: bufio.NewReader(out), wait: wait}, nil
}

// Round asks for one round of a program. When Gone says so afterwards, there is nobody left to ask.
func (p *Peer) Round(q Request) (*Round, error) {
	if p.ended != nil {
		return nil, p.ended
	}
	line, err := json.Marshal(q)
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	var answer []byte
	if err == nil {
		answer, err = p.out.ReadBytes('\n')
	}
	r := new(Round)
	if err == nil {
		err = json.Unmarshal(answer, r)
	}
	if err != nil {
		p.in.Close()
		p.ended = fmt.Errorf("the process ended: %w", cmp.Or(p.wait(), err))
		return nil, p.ended
	}
	if r.Error != "" {
		return nil, errors.New(r.Error)
	}
	return r, nil
}

// Gone says that the process is no more.
func (p *Peer) Gone() bool { return p.ended != nil }

// Close ends the process.
func (p *Peer) Close() error {
	p.in.Close()
	return p.wait()
}
