package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"

	"skep/server/compile"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

// eventFlags are the flags of run that are about events.
type eventFlags struct {
	file  string
	lines []string
	hook  string
}

func (f *eventFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&f.file, "events", "", "run over the events in this `FILE`, one a line: exec uid=1000 comm=bash path=/bin/true x3")
	fs.Func("event", "run over this `LINE` of events; repeatable", func(s string) error {
		f.lines = append(f.lines, s)
		return nil
	})
	fs.StringVar(&f.hook, "hook", "", "program type, or `SECTION` with its target, of assembly: lsm/file_open")
}

func (f *eventFlags) given() bool { return f.file != "" || len(f.lines) > 0 }

// eventLine is an event and what it ran, for --json.
type eventLine struct {
	Event   string       `json:"event"`
	Line    uint32       `json:"line"`
	Result  string       `json:"result"`
	Errno   uint32       `json:"errno,omitempty"`
	Firings []firingLine `json:"firings"`
}

type firingLine struct {
	Program string   `json:"program"`
	Site    string   `json:"site"`
	Task    string   `json:"task"`
	PID     uint32   `json:"pid"`
	CPU     uint32   `json:"cpu"`
	Clock   uint64   `json:"clock"`
	Ret     *uint64  `json:"ret,omitempty"`
	Name    string   `json:"name,omitempty"`
	Meaning string   `json:"meaning,omitempty"`
	Steps   uint32   `json:"steps"`
	Output  []string `json:"output,omitempty"`
	Fault   *fault   `json:"fault,omitempty"`
}

// runEvents runs the programs of a session over events and prints, for each
// event, what ran and what came of it, then the maps.
func (sh *shell) runEvents(s *session.Session, l *protocol.Listing, f *eventFlags, opts protocol.RunOptions, inits []protocol.MapInit, asJSON bool) int {
	text := strings.Join(f.lines, "\n")
	if f.file != "" {
		b, err := sh.read(f.file)
		if err != nil {
			return sh.broken("run", err)
		}
		text = string(b) + "\n" + text
	}
	started := s.Start(protocol.WireInput{Kind: protocol.InputKindEvents, Text: text}, opts, inits)
	if started.View == nil {
		return sh.broken("run", problemError(started.Problems))
	}
	// One firing after the other: each in its last state, before the next begins.
	var runs []event
	var v *protocol.View
	for {
		next := move(s, protocol.MovementNextEvent, 0)
		v = next
		more := next.Event == uint32(len(runs))+1
		if more {
			v = move(s, protocol.MovementBack, 1)
		}
		runs = append(runs, describe(v))
		if !more {
			break
		}
		move(s, protocol.MovementNextEvent, 0)
	}
	list := s.Firings()
	lines := make([]eventLine, len(list.Events))
	for i, e := range list.Events {
		lines[i] = eventLine{Event: e.Text, Line: e.Line, Result: e.Result, Errno: e.Errno, Firings: []firingLine{}}
	}
	failed := false
	for i, r := range runs {
		fi := list.Firings[i]
		failed = failed || r.Fault != nil
		e := &lines[fi.Source]
		e.Firings = append(e.Firings, firingLine{
			Program: l.Programs[fi.Program].Name, Site: fi.Site, Task: fi.Task, PID: fi.Pid, CPU: fi.CPU, Clock: fi.Clock,
			Ret: r.Ret, Name: r.Name, Meaning: r.Meaning, Steps: r.Steps, Output: r.Output, Fault: r.Fault,
		})
		if r.Fault != nil {
			e.Result = "not known: a program faulted"
			lines = lines[:fi.Source+1]
		}
	}
	for i := range lines {
		sh.printEventLine(&lines[i], asJSON)
	}
	sh.printMaps(l, v, asJSON)
	if failed {
		return exitRejected
	}
	return exitOK
}

func (sh *shell) printEventLine(e *eventLine, asJSON bool) {
	if asJSON {
		sh.out.Write(marshal(e))
		return
	}
	fmt.Fprintf(sh.out, "%s => %s\n", e.Event, e.Result)
	for _, f := range e.Firings {
		fmt.Fprintf(sh.out, "  %-24s %s, task %s (%d), cpu %d, %d ns\n", f.Program, f.Site, f.Task, f.PID, f.CPU, f.Clock)
		for _, o := range f.Output {
			fmt.Fprintf(sh.out, "    printed  %s\n", o)
		}
		if f.Fault != nil {
			fmt.Fprintf(sh.out, "    fault    at instruction %d after %d steps: %s\n", f.Fault.PC, f.Steps, f.Fault.Message)
			if f.Fault.Hint != "" {
				fmt.Fprintf(sh.out, "             %s\n", f.Fault.Hint)
			}
			continue
		}
		fmt.Fprintf(sh.out, "    returned %s after %d steps", f.Name, f.Steps)
		if f.Meaning != "" {
			fmt.Fprintf(sh.out, ": %s", f.Meaning)
		}
		fmt.Fprintln(sh.out)
	}
}

// compileC compiles C for BPF, as the server does.
func compileC(ctx context.Context, source string) ([]byte, error) {
	c, err := newCompiler(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	r, err := c.Compile(ctx, compile.Request{Source: source})
	if err != nil {
		return nil, err
	}
	if r.OK {
		return r.Object, nil
	}
	var b strings.Builder
	for _, d := range r.Diagnostics {
		fmt.Fprintf(&b, "\n%d:%d: %s", d.Line, d.Col, d.Message)
	}
	return nil, errors.New("it does not compile:" + b.String())
}
