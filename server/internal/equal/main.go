// Command equal runs random programs in every engine and compares with the
// interpreter: return value, packet, maps and the rest of the memory, fault.
//
//	go run ./server/internal/equal -dir /tmp/equal -n 1000000
//
// What our verifier refuses runs with checks only; what it accepts also without,
// as far as the verifier's facts go. A journal in the folder says what was done,
// so that the next run goes on there. Each difference is made as small as it
// gets and written to the folder.
//
// Read next: program.go, mode.go, engine.go, minimise.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"skep/jit"
)

// engines that there are. Those of one chunk and one kind of programs run over
// the same ones at the same time.
var engines = []struct {
	name  string
	chunk int  // programs a turn
	pure  bool // its programs must be pure
	open  func(dir string) (runner, error)
}{
	{"native", 1000, false, func(string) (runner, error) { return openNative() }},
	{"wazero", 1000, false, func(string) (runner, error) { return openWazero() }},
	{"arm64", 1000, false, openARM64},
	{"node", 1000, false, openNode},
	{"chromium", 1000, false, openChromium},
	{"kernel", 500, true, openKernel},
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "equal", "folder for the journal, differences and what has to be built")
	flag.IntVar(&o.n, "n", 1_000_000, "accepted programs an engine, with those of earlier runs")
	flag.Int64Var(&o.first, "first", 0, "number of the program that an engine begins with that the journal does not know")
	names := flag.String("engines", "all", "engines, with commas: native, wazero, arm64 (in QEMU), node, chromium, kernel (in the sandbox)")
	worker := flag.Bool("worker", false, "be an engine for another process")
	flag.Parse()
	debug.SetGCPercent(400) // a machine is a large piece of garbage
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *worker {
		err = work(os.Stdin, os.Stdout)
	} else if o.engines, err = chosen(*names); err == nil {
		err = o.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "equal:", err)
		os.Exit(1)
	}
}

type options struct {
	dir     string
	n       int
	first   int64
	engines []int // numbers
}

func chosen(names string) ([]int, error) {
	var out []int
	for i := range engines {
		if names == "all" || slices.Contains(strings.Split(names, ","), engines[i].name) {
			out = append(out, i)
		}
	}
	for name := range strings.SplitSeq(names, ",") {
		if name != "all" && !slices.ContainsFunc(out, func(i int) bool { return engines[i].name == name }) {
			return nil, fmt.Errorf("there is no engine %q", name)
		}
	}
	return out, nil
}

var errDiffer = errors.New("engines differ: see the folder")

// run gives the engines turns until each has its programs or there is a signal.
func (o *options) run(ctx context.Context) error {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	j, err := openJournal(filepath.Join(o.dir, "journal.jsonl"))
	if err != nil {
		return err
	}
	open := make([]runner, len(engines))
	defer func() {
		for _, r := range open {
			if r != nil {
				r.close()
			}
		}
	}()
	differ := 0
	for ctx.Err() == nil {
		group, from := o.next(j)
		if len(group) == 0 {
			break
		}
		for _, i := range group {
			if open[i] == nil {
				if open[i], err = engines[i].open(o.dir); err != nil {
					return fmt.Errorf("%s: %w", engines[i].name, err)
				}
			}
		}
		began := time.Now()
		cases, c, err := makeCases(from, engines[group[0]].chunk, engines[group[0]].pure)
		if err != nil {
			return err
		}
		made := time.Since(began)
		chunks := make([]chunk, len(group))
		var g errgroup.Group
		for k, i := range group {
			chunks[k] = c
			chunks[k].Engine = engines[i].name
			g.Go(func() error { return o.turn(open[i], cases, &chunks[k], made) })
		}
		err = g.Wait()
		for k := range chunks {
			if chunks[k].done {
				err = errors.Join(err, j.append(chunks[k]))
				differ += chunks[k].Differ
			}
		}
		if err != nil {
			return err
		}
	}
	fmt.Print(j.table())
	if differ > 0 {
		return errDiffer
	}
	return nil
}

// next are the engines that lack programs and are the furthest behind, which run
// over the same ones, and the number of the first of these.
func (o *options) next(j *journal) (group []int, from int64) {
	for _, i := range o.engines {
		e := &engines[i]
		if j.done(e.name).Accepted >= o.n {
			continue
		}
		at := j.next(e.name, o.first)
		if len(group) > 0 {
			if lead := &engines[group[0]]; at > from || at == from && (e.pure != lead.pure || e.chunk != lead.chunk) {
				continue
			}
		}
		if len(group) > 0 && at < from {
			group = group[:0]
		}
		group, from = append(group, i), at
	}
	return group, from
}

// makeCases generates n programs, has them verified and runs them in the
// interpreter; the chunk says what became of those that are no case.
func makeCases(from int64, n int, pure bool) (cases []Case, c chunk, err error) {
	made, errs := make([]Case, n), make([]error, n)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			made[i], errs[i] = makeCase(from+int64(i), pure)
			return nil
		})
	}
	g.Wait()
	c = chunk{From: from, N: n}
	for i := range n {
		switch {
		case errors.Is(errs[i], errLong):
			c.Long++
		case errors.Is(errs[i], errBroken):
			c.Broken++
		case errs[i] != nil:
			return nil, c, fmt.Errorf("program %d: %w", from+int64(i), errs[i])
		default:
			c.count(&made[i])
			cases = append(cases, made[i])
		}
	}
	return cases, c, nil
}

func makeCase(n int64, pure bool) (Case, error) {
	p, err := generate(n, pure)
	if err != nil {
		return Case{}, err
	}
	want, err := interpret(p)
	if err != nil {
		return Case{}, err
	}
	if p.Accepted && want.Status == jit.Faulted {
		return Case{}, fmt.Errorf("the verifier accepts it and it faults: %s", want.Fault)
	}
	return Case{p, want}, nil
}

// turn runs cases in an engine.
func (o *options) turn(r runner, cases []Case, c *chunk, made time.Duration) error {
	began := time.Now()
	differences, err := r.run(cases)
	if err != nil {
		return fmt.Errorf("%s, from program %d: %w", c.Engine, c.From, err)
	}
	c.Differ, c.Seconds, c.done = len(differences), int((made+time.Since(began)).Seconds()+0.5), true
	for _, d := range differences {
		if err := o.write(r, c.Engine, cases[d.Case], &d); err != nil {
			return err
		}
	}
	return nil
}

func (c *chunk) count(of *Case) {
	switch {
	case of.Want.Status == jit.Running:
		c.Endless++
		return
	case of.Program.Accepted:
		c.Accepted++
	default:
		c.Refused++
	}
	if of.Want.Status == jit.Faulted {
		c.Faults++
	}
}

// openARM64 builds this command for arm64 and starts it in QEMU.
func openARM64(dir string) (runner, error) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		return nil, errors.New("no qemu-aarch64-static: install Debian's qemu-user-static (make setup does)")
	}
	bin := filepath.Join(dir, "equal-arm64")
	build := exec.Command("go", "build", "-o", bin, "skep/server/internal/equal")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build for arm64: %w\n%s", err, out)
	}
	return openProcess(qemu, bin, "-worker")
}
