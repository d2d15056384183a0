package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"skep/jit/workload"
	"skep/server/internal/kernelbench"
)

// benchEngine is an engine as it is measured: ours with facts, or a peer.
type benchEngine struct {
	name   string
	engine string
	facts  bool              // what the verifier proved is not checked
	peer   *kernelbench.Peer // nil for ours
}

var ownEngines = []benchEngine{
	{name: "interp", engine: "interp"},
	{name: "native", engine: "native"},
	{name: "native-facts", engine: "native", facts: true},
	{name: "wasm", engine: "wasm"},
	{name: "wasm-facts", engine: "wasm", facts: true},
}

// Names of the peers.
const (
	peerLinux    = "linux"
	peerChromium = "chromium"
)

// benchKinds says which programs count for the means: all but the empty one and
// two of our own, and of those, which call no helper.
func benchKinds(name string) (counts, calls bool) {
	switch name {
	case "empty", "loop", "helper", compileName, entryName:
		return false, false
	case "maparr", "maphash", "firewall", "balancer":
		return true, true
	}
	return true, false
}

func runBench(ctx context.Context, sh *shell, args []string) int {
	fs := sh.flags("bench", "[-linux] [-chromium] [-rounds N] [-programs A,B] [-o FILE] [--json]",
		"Measures the engines on programs of all kinds: the time of one run, medians of rounds in\nwhich the engines take turns. -facts engines run without the checks that the verifier makes\nneedless; wasm is WebAssembly in wazero; linux is the JIT of this machine's kernel, which\ngets these programs and no others.")
	rounds := fs.Int("rounds", 15, "rounds")
	only := fs.String("programs", "", "names of programs, separated by commas; all otherwise")
	linux := fs.Bool("linux", false, "load the programs into this machine's kernel too (root)")
	chromium := fs.Bool("chromium", false, "and run them as WebAssembly in Chromium (needs the source tree)")
	asJSON := fs.Bool("json", false, "a line of JSON a program and engine")
	out := fs.String("o", "", "write these lines to a `file` as well")
	serve := fs.Bool("peer", false, "be the engine linux: answer rounds of standard input (what -linux starts)")
	rest, code, ok := parse(fs, args)
	switch {
	case !ok:
		return code
	case len(rest) > 0:
		return sh.broken("bench", fmt.Errorf("%q: bench takes no files", rest[0]))
	case *serve:
		return sh.servePeer()
	}
	b := &bench{ctx: ctx, rounds: max(*rounds, 1), engines: slices.Clone(ownEngines), log: sh.err}
	defer b.close()
	if *linux {
		b.join(peerLinux)
	}
	if *chromium {
		b.join(peerChromium)
	}
	var lines []benchLine
	err := b.measure(*only, func(results []benchLine) {
		lines = append(lines, results...)
		if *asJSON {
			for _, l := range results {
				sh.out.Write(marshal(l))
			}
		}
	})
	if err != nil {
		return sh.broken("bench", err)
	}
	if len(lines) == 0 {
		return sh.broken("bench", fmt.Errorf("there is no program %q", *only))
	}
	if !*asJSON {
		printBench(sh.out, b.names(), lines)
		fmt.Fprintln(sh.out, thisMachine(b.rounds))
	}
	if *out != "" {
		if err := writeLines(*out, thisMachine(b.rounds), lines); err != nil {
			return sh.broken("bench", err)
		}
	}
	return exitOK
}

// bench is one run of the verb.
type bench struct {
	ctx     context.Context
	rounds  int
	engines []benchEngine
	peers   []*kernelbench.Peer
	log     io.Writer
}

// measure yields the lines of each program, of all or of those that only names.
func (b *bench) measure(only string, yield func([]benchLine)) error {
	type part struct {
		name string
		run  func() ([]benchLine, error)
	}
	var parts []part
	for _, w := range workload.All() {
		parts = append(parts, part{w.Name, func() ([]benchLine, error) { return b.program(&w) }})
	}
	for _, x := range benchExtras {
		parts = append(parts, part{x.name, func() ([]benchLine, error) { return b.extra(&x) }})
	}
	names := strings.Split(only, ",")
	for _, p := range parts {
		if b.ctx.Err() != nil || only != "" && !slices.Contains(names, p.name) {
			continue
		}
		lines, err := p.run()
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		yield(lines)
	}
	return nil
}

// join adds a peer, or says why it cannot be measured.
func (b *bench) join(name string) {
	var err error
	command := []string{"go", "run", "skep/server/internal/chromiumbench"}
	if name == peerLinux {
		var self string
		if err = kernelbench.Permitted(); err == nil {
			self, err = os.Executable()
		}
		command = []string{self, "bench", "-peer"}
	}
	var p *kernelbench.Peer
	if err == nil {
		p, err = kernelbench.Start(b.ctx, exec.Command(command[0], command[1:]...), b.log)
	}
	if err != nil {
		fmt.Fprintf(b.log, "skep bench: without %s: %v\n", name, err)
		return
	}
	b.peers = append(b.peers, p)
	b.engines = append(b.engines, benchEngine{name: name, peer: p})
	if name == peerChromium {
		b.engines = append(b.engines, benchEngine{name: name + "-facts", facts: true, peer: p})
	}
}

// servePeer is the process that join starts for the kernel.
func (sh *shell) servePeer() int {
	e, err := kernelbench.NewLinux(sh.err)
	if err == nil {
		err = kernelbench.Serve(sh.in, sh.out, e)
	}
	if err != nil {
		fmt.Fprintf(sh.err, "skep bench: linux: %v\n", err)
		return exitRejected
	}
	return exitOK
}

func (b *bench) close() {
	for _, p := range b.peers {
		p.Close()
	}
}

func (b *bench) names() []string {
	var names []string
	for _, e := range b.engines {
		names = append(names, e.name)
	}
	return names
}

// benchLine is a line of --json.
type benchLine struct {
	Program  string  `json:"program"`
	Engine   string  `json:"engine"`
	NS       float64 `json:"ns"`                   // of one run, median of the rounds
	Least    float64 `json:"ns_least"`             // of the fastest round
	ToInterp float64 `json:"to_interp,omitempty"`  // median of the ratios in each round
	ToLinux  float64 `json:"to_linux,omitempty"`   // likewise
	Compile  float64 `json:"compile_ns,omitempty"` // of the program, linking included
	Result   uint64  `json:"r0"`
}

// program measures a program in all engines, which take turns. A peer that
// cannot run it is left out of its line.
func (b *bench) program(w *workload.Workload) ([]benchLine, error) {
	p, err := newBenchProgram(w)
	if err != nil {
		return nil, err
	}
	lines := make([]benchLine, len(b.engines))
	times := make([][]float64, len(b.engines))
	failed := make([]bool, len(b.engines))
	var interp *kernelbench.Outcome
	for range b.rounds {
		for i := range b.engines {
			e, line := &b.engines[i], &lines[i]
			var r *kernelbench.Round
			switch {
			case e.peer == nil:
				r, err = ownRound(w, p, e, line)
			case failed[i] || e.peer.Gone():
				failed[i] = true
				continue
			default:
				r, err = e.peer.Round(kernelbench.Request{Program: w.Name, Facts: e.facts, NS: benchTime.Nanoseconds()})
			}
			if err != nil && e.peer == nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			} else if err != nil {
				fmt.Fprintf(b.log, "skep bench: %s without %s: %v\n", w.Name, e.name, err)
				failed[i] = true
				continue
			}
			times[i] = append(times[i], r.NS)
			if r.Outcome == nil {
				continue
			}
			line.Result = r.Outcome.R0
			if interp == nil {
				interp = r.Outcome
			}
			if text := r.Outcome.Differ(interp); text != "" && w.Name != "helper" { // which adds random numbers
				return nil, fmt.Errorf("%s: %s", e.name, text)
			}
		}
	}
	linux := slices.IndexFunc(b.engines, func(e benchEngine) bool { return e.name == peerLinux })
	measured := lines[:0]
	for i, line := range lines {
		if failed[i] {
			continue
		}
		line.Program, line.Engine = w.Name, b.engines[i].name
		line.NS, line.Least = median(times[i]), slices.Min(times[i])
		line.ToInterp = ratio(times[i], times[0])
		if linux >= 0 && !failed[linux] {
			line.ToLinux = ratio(times[i], times[linux])
		}
		measured = append(measured, line)
	}
	return measured, nil
}

// ratio is the median of the ratios in each round: what disturbs a round
// disturbs both.
func ratio(of, to []float64) float64 {
	var ratios []float64
	for i := range of {
		ratios = append(ratios, of[i]/to[i])
	}
	return median(ratios)
}

func median(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] }

func writeLines(path string, m benchMachine, lines []benchLine) error {
	text := marshal(m)
	for _, l := range lines {
		text = append(text, marshal(l)...)
	}
	return os.WriteFile(path, text, 0o644)
}
