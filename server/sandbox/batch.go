package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// BatchOptions are the knobs of the oracle.
type BatchOptions struct {
	Store    BTFStore
	LogLevel int           // instead of the records' own when >= 0
	LogMax   int           // bytes of log a verdict; a longer one loses its middle. 0 is 1 MiB
	Run      bool          // test-run accepted programs of types that allow it, over 64 zero bytes when the record has no data
	Repeat   uint32        // of test runs
	Timeout  time.Duration // a program; 0 is two minutes
}

// batchWindow is how many programs are on their way at once: enough to hide the channel's latency.
const batchWindow = 32

// Boots makes VMs: a Manager, or a function for tests.
type Boots interface {
	// Oracle returns a VM without job limits for trusted batches. The caller closes it.
	Oracle(ctx context.Context, version string) (*VM, error)
}

// Batch answers the records of in with verdict records on out, in the same order, on one VM of that kernel. A program that
// ends the VM gets the end as its error, and the rest goes on in a new VM.
func Batch(ctx context.Context, boots Boots, version string, in io.Reader, out io.Writer, opt BatchOptions) error {
	if opt.Timeout == 0 {
		opt.Timeout = 2 * time.Minute
	}
	r, err := Plain(in)
	if err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	b := &batch{ctx: ctx, boots: boots, version: version, opt: opt, out: bufio.NewWriterSize(out, 1<<16)}
	defer b.close()
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var rec Record
			if err := json.Unmarshal(line, &rec); err != nil {
				return fmt.Errorf("batch: line %d: %w", n, err)
			}
			if err := b.add(&rec); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("batch: %w", err)
		}
	}
	for len(b.queue) > 0 {
		if err := b.pop(); err != nil {
			return err
		}
	}
	return b.out.Flush()
}

// batch is a window of programs between reader and VM.
type batch struct {
	ctx     context.Context
	boots   Boots
	version string
	opt     BatchOptions
	out     *bufio.Writer
	vm      *VM
	queue   []pending
}

// pending is a program on its way; ch is nil when it never left, and v is its answer.
type pending struct {
	p  *Program
	ch <-chan loadReply
	v  *Verdict
}

func (b *batch) close() {
	if b.vm != nil {
		b.vm.Close()
	}
}

func (b *batch) start() error {
	if b.vm != nil {
		return nil
	}
	vm, err := b.boots.Oracle(b.ctx, b.version)
	if err != nil {
		return err
	}
	b.vm = vm
	return nil
}

func (b *batch) add(rec *Record) error {
	if err := b.start(); err != nil {
		return err
	}
	if b.opt.LogLevel >= 0 {
		rec.LogLevel = uint32(b.opt.LogLevel)
	}
	p, err := rec.Resolve(b.vm.Kernel, b.opt.Store)
	if err != nil {
		b.queue = append(b.queue, pending{v: &Verdict{ID: rec.ID, Error: err.Error(), Engine: "kernel " + b.vm.Kernel.Release}})
	} else {
		p.LogMax = b.opt.LogMax
		if p.Run == nil && b.opt.Run {
			p.Run = DefaultRun(p)
		}
		if p.Run != nil && b.opt.Repeat > 0 {
			p.Run.Repeat = b.opt.Repeat
		}
		ch, err := b.vm.start(p)
		if err != nil {
			ch = nil // pop restarts from here
		}
		b.queue = append(b.queue, pending{p: p, ch: ch})
	}
	for len(b.queue) >= batchWindow {
		if err := b.pop(); err != nil {
			return err
		}
	}
	return nil
}

// pop waits for the oldest answer and writes it.
func (b *batch) pop() error {
	q := b.queue[0]
	v := q.v
	if v == nil {
		r, err := b.wait(q)
		if err != nil {
			return err
		}
		v = r
	}
	b.queue = b.queue[1:]
	j, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	b.out.Write(j)
	if err := b.out.WriteByte('\n'); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	if len(b.queue) == 0 {
		return b.out.Flush()
	}
	return nil
}

// wait returns the answer of the queue's head. When the VM ended, the head is the culprit: the agent works in order.
func (b *batch) wait(q pending) (*Verdict, error) {
	failed := func(err error) (*Verdict, error) {
		engine := "kernel " + b.vm.Kernel.Release
		b.vm.Close()
		b.vm = nil
		if err := b.resend(); err != nil {
			return nil, err
		}
		return &Verdict{ID: q.p.ID, Error: err.Error(), Engine: engine}, nil
	}
	if q.ch == nil {
		if e := b.vm.End(); e != nil {
			return failed(e)
		}
		return failed(errors.New("could not be sent to the virtual machine"))
	}
	t := time.NewTimer(b.opt.Timeout)
	defer t.Stop()
	select {
	case r := <-q.ch:
		if r.err != nil {
			return failed(r.err)
		}
		return r.v, nil
	case <-t.C:
		return failed(fmt.Errorf("no verdict within %v", b.opt.Timeout))
	case <-b.ctx.Done():
		return nil, b.ctx.Err()
	}
}

// resend starts a new VM and sends it everything behind the queue's head again.
func (b *batch) resend() error {
	if len(b.queue) == 1 {
		return nil
	}
	if err := b.start(); err != nil {
		return err
	}
	for i := range b.queue[1:] {
		q := &b.queue[1+i]
		if q.v != nil {
			continue
		}
		q.ch, _ = b.vm.start(q.p)
	}
	return nil
}
