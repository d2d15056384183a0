//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

const (
	streamMax    = 10_000 // records of a stream when the request names no bound
	perfBuffer   = 64 << 10
	streamRecord = 64 << 10 // a longer record is cut
)

// stream starts a goroutine that turns records into Event frames until it is stopped or has sent its maximum.
func (a *agent) stream(p proto.StreamParams) (any, error) {
	name := p.Kind
	if p.Map != "" {
		name = p.Map
	}
	if a.streams[name] != nil {
		return nil, fmt.Errorf("stream %q: there already", name)
	}
	if p.Max <= 0 {
		p.Max = streamMax
	}
	next, stop, err := a.source(p)
	if err != nil {
		return nil, fmt.Errorf("stream %q: %w", name, err)
	}
	a.streams[name] = stop
	go func() {
		for range p.Max {
			e, err := next()
			if err != nil {
				return
			}
			e.Kind, e.Source, e.NS = p.Kind, name, monotonic()
			if len(e.Data) > streamRecord {
				e.Data = e.Data[:streamRecord]
			}
			if a.w.Send(proto.Event, e) != nil {
				return
			}
		}
		a.w.Send(proto.Event, proto.EventMsg{Kind: "end", Source: name, NS: monotonic()})
	}()
	return nil, nil
}

// source opens what a stream reads.
func (a *agent) source(p proto.StreamParams) (next func() (proto.EventMsg, error), stop func(), err error) {
	switch p.Kind {
	case "ringbuf":
		m, err := a.ebpfMap(p.Map)
		if err != nil {
			return nil, nil, err
		}
		r, err := ringbuf.NewReader(m)
		if err != nil {
			m.Close()
			return nil, nil, err
		}
		return func() (proto.EventMsg, error) {
			rec, err := r.Read()
			return proto.EventMsg{Data: rec.RawSample}, err
		}, func() { r.Close(); m.Close() }, nil
	case "perf":
		m, err := a.ebpfMap(p.Map)
		if err != nil {
			return nil, nil, err
		}
		r, err := perf.NewReader(m, perfBuffer)
		if err != nil {
			m.Close()
			return nil, nil, err
		}
		return func() (proto.EventMsg, error) {
			rec, err := r.Read()
			return proto.EventMsg{Data: rec.RawSample, CPU: rec.CPU, Lost: rec.LostSamples}, err
		}, func() { r.Close(); m.Close() }, nil
	case "trace_pipe":
		f, err := os.OpenFile("/sys/kernel/tracing/trace_pipe", os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, nil, err
		}
		r := bufio.NewReader(f)
		return func() (proto.EventMsg, error) {
			for {
				line, err := r.ReadString('\n')
				if strings.TrimSpace(line) != "" { // bpf_trace_printk ends a line even when the format did
					return proto.EventMsg{Text: line}, nil
				}
				if err != nil && !isAgain(err) {
					return proto.EventMsg{}, err
				}
				time.Sleep(5 * time.Millisecond)
			}
		}, func() { f.Close() }, nil
	}
	return nil, nil, fmt.Errorf("kind %q: want ringbuf, perf or trace_pipe", p.Kind)
}

func isAgain(err error) bool { return errnoOf(err) == int(unix.EAGAIN) }

func (a *agent) stopStream(p proto.NameParams) (any, error) {
	stop := a.streams[p.Name]
	if stop == nil {
		return nil, fmt.Errorf("stream %q: not there", p.Name)
	}
	delete(a.streams, p.Name)
	stop()
	return nil, nil
}

func monotonic() int64 {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}
