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
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"skep/jit"
	"skep/vm/arena"
)

// engines in the order of their turns.
var engines = []struct {
	name  string
	chunk int // programs a turn
	hash  func(*arena.Arena) uint64
	pure  bool // its programs must be pure
	open  func(dir string) (runner, error)
}{
	{"native", 4000, sum, false, func(string) (runner, error) { return openNative() }},
	{"wazero", 2000, sum, false, func(string) (runner, error) { return openWazero() }},
	{"arm64", 500, sum, false, openARM64},
	{"node", 500, pageSum, false, openNode},
	{"chromium", 500, pageSum, false, openChromium},
	{"kernel", 500, sum, true, openKernel},
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "equal", "folder for the journal, differences and what has to be built")
	flag.IntVar(&o.n, "n", 1_000_000, "accepted programs an engine, with those of earlier runs")
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
	for again := true; again && ctx.Err() == nil; {
		again = false
		for _, i := range o.engines {
			done := j.done(engines[i].name)
			if done.Accepted >= o.n || ctx.Err() != nil {
				continue
			}
			again = true
			if open[i] == nil {
				if open[i], err = engines[i].open(o.dir); err != nil {
					return fmt.Errorf("%s: %w", engines[i].name, err)
				}
			}
			c := chunk{Engine: engines[i].name, From: int64(done.N), N: engines[i].chunk}
			if err := o.turn(open[i], engines[i].hash, engines[i].pure, &c); err != nil {
				return fmt.Errorf("%s, from program %d: %w", c.Engine, c.From, err)
			}
			if err := j.append(c); err != nil {
				return err
			}
			differ += c.Differ
		}
	}
	fmt.Print(j.table())
	if differ > 0 {
		return errDiffer
	}
	return nil
}

// turn runs the programs of a chunk in an engine.
func (o *options) turn(r runner, hash func(*arena.Arena) uint64, pure bool, c *chunk) error {
	began := time.Now()
	var cases []Case
	for n := c.From; n < c.From+int64(c.N); n++ {
		p, err := generate(n, pure)
		var want *Outcome
		if err == nil {
			want, err = interpret(p, hash)
		}
		switch {
		case errors.Is(err, errLong):
			c.Long++
			continue
		case errors.Is(err, errBroken):
			c.Broken++
			continue
		case err != nil:
			return fmt.Errorf("program %d: %w", n, err)
		}
		c.count(p, want)
		if p.Accepted && want.Status == jit.Faulted {
			return fmt.Errorf("program %d: the verifier accepts it and it faults: %s", n, want.Fault)
		}
		cases = append(cases, Case{p, want})
	}
	differences, err := r.run(cases)
	if err != nil {
		return err
	}
	c.Differ, c.Seconds = len(differences), int(time.Since(began).Seconds()+0.5)
	for _, d := range differences {
		if err := o.write(r, hash, c.Engine, cases[d.Case], &d); err != nil {
			return err
		}
	}
	return nil
}

func (c *chunk) count(p *Program, want *Outcome) {
	switch {
	case want.Status == jit.Running:
		c.Endless++
		return
	case p.Accepted:
		c.Accepted++
	default:
		c.Refused++
	}
	if want.Status == jit.Faulted {
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
