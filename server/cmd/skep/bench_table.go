package main

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// printBench is the table of engines and programs, and below it their geometric
// means.
func printBench(out io.Writer, engines []string, lines []benchLine) {
	at := func(program, engine string) *benchLine {
		i := slices.IndexFunc(lines, func(l benchLine) bool { return l.Program == program && l.Engine == engine })
		if i < 0 {
			return nil
		}
		return &lines[i]
	}
	var programs []string
	for _, l := range lines {
		if !slices.Contains(programs, l.Program) {
			programs = append(programs, l.Program)
		}
	}
	heads := func(first string) {
		fmt.Fprintf(out, "%-17s", first)
		for _, e := range engines {
			fmt.Fprintf(out, "%15s", e)
		}
		fmt.Fprintln(out)
	}
	row := func(first, format string, cell func(engine string) float64) {
		fmt.Fprintf(out, "%-17s", first)
		for _, e := range engines {
			if v := cell(e); math.IsNaN(v) {
				fmt.Fprintf(out, "%15s", "-")
			} else {
				fmt.Fprintf(out, format, v)
			}
		}
		fmt.Fprintln(out)
	}
	value := func(l *benchLine, f func(*benchLine) float64) float64 {
		if l == nil {
			return math.NaN()
		}
		if v := f(l); v != 0 {
			return v
		}
		return math.NaN()
	}
	heads("ns a run")
	for _, p := range programs {
		row(p, "%15.1f", func(e string) float64 {
			return value(at(p, e), func(l *benchLine) float64 { return l.NS })
		})
	}
	mean := func(e string, f func(*benchLine) float64, in func(counts, calls bool) bool) float64 {
		sum, n := 0.0, 0
		for _, p := range programs {
			if in(benchKinds(p)) {
				if v := value(at(p, e), f); !math.IsNaN(v) {
					sum, n = sum+math.Log(v), n+1
				}
			}
		}
		return math.Exp(sum / float64(n)) // not a number for none
	}
	toInterp := func(l *benchLine) float64 { return l.ToInterp }
	toLinux := func(l *benchLine) float64 { return l.ToLinux }
	judged := func(counts, _ bool) bool { return counts }
	alone := func(counts, calls bool) bool { return counts && !calls }
	if slices.Contains(engines, peerLinux) {
		fmt.Fprintln(out)
		heads("to linux")
		for _, p := range programs {
			if p != compileName && p != entryName {
				row(p, "%15.2f", func(e string) float64 { return value(at(p, e), toLinux) })
			}
		}
	}
	fmt.Fprintln(out)
	heads("geometric means")
	row("to interp", "%15.4f", func(e string) float64 { return mean(e, toInterp, judged) })
	if !slices.Contains(engines, peerLinux) {
		return
	}
	row("to linux", "%15.2f", func(e string) float64 { return mean(e, toLinux, judged) })
	row("  no helpers", "%15.2f", func(e string) float64 { return mean(e, toLinux, alone) })
	// BPF_PROG_TEST_RUN's own loop is in the kernel's figures, and our entry from
	// Go in ours; of a long program both may be taken off.
	floor := at("empty", peerLinux)
	if floor == nil {
		return
	}
	row("  less empty runs", "%15.2f", func(e string) float64 {
		empty := at("empty", e)
		return mean(e, func(l *benchLine) float64 {
			k := at(l.Program, peerLinux)
			if empty == nil || k == nil || k.NS < longRun*floor.NS {
				return 0
			}
			return (l.NS - empty.NS) / (k.NS - floor.NS)
		}, judged)
	})
	fmt.Fprintf(out, "An empty run is what a program that only returns takes, in BPF_PROG_TEST_RUN %.0f ns;\nit is taken off programs that take linux at least %d times as long.\n", floor.NS, longRun)
}

// longRun is how many empty runs a program takes from which one can be taken
// off.
const longRun = 3
