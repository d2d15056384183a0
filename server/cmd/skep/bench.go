package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"skep/jit"
	"skep/jit/workload"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/compiled"
)

// benchSetup is an engine as it is measured.
type benchSetup struct {
	name   string
	engine string
	facts  jit.Facts
}

var benchSetups = []benchSetup{
	{"interp", "interp", jit.Facts{}},
	{"native", "native", jit.Facts{}},
	{"native-facts", "native", jit.Facts{Accepted: true, Alone: true}},
	{"wasm", "wasm", jit.Facts{}},
	{"wasm-facts", "wasm", jit.Facts{Accepted: true, Alone: true}},
}

// benchResult is a line of --json.
type benchResult struct {
	Program string  `json:"program"`
	Engine  string  `json:"engine"`
	NS      float64 `json:"ns"`         // of one run, median of the rounds
	Least   float64 `json:"ns_least"`   // of the fastest round
	Ratio   float64 `json:"ratio"`      // to the interpreter's, in the same rounds
	Compile float64 `json:"compile_ns"` // of the program, linking included
	Result  uint64  `json:"r0"`
}

func runBench(ctx context.Context, sh *shell, args []string) int {
	fs := sh.flags("bench", "[-rounds N] [-programs A,B] [--json]",
		"Measures the engines on programs of all kinds: the time of one run, medians of rounds in\nwhich the engines take turns. -facts engines run without the checks that the verifier makes\nneedless; wasm is WebAssembly in wazero.")
	rounds := fs.Int("rounds", 15, "rounds")
	only := fs.String("programs", "", "names of programs, separated by commas; all otherwise")
	asJSON := fs.Bool("json", false, "a line of JSON a program and engine")
	rest, code, ok := parse(fs, args)
	switch {
	case !ok:
		return code
	case len(rest) > 0:
		return sh.broken("bench", fmt.Errorf("%q: bench takes no files", rest[0]))
	}
	if !*asJSON {
		fmt.Fprintf(sh.out, "%-10s", "ns a run")
		for _, s := range benchSetups {
			fmt.Fprintf(sh.out, "%14s", s.name)
		}
		fmt.Fprintln(sh.out)
	}
	product := make([]float64, len(benchSetups))
	programs := 0
	for _, w := range workload.All() {
		if ctx.Err() != nil || *only != "" && !slices.Contains(strings.Split(*only, ","), w.Name) {
			continue
		}
		results, err := benchProgram(&w, max(*rounds, 1))
		if err != nil {
			return sh.broken("bench", fmt.Errorf("%s: %w", w.Name, err))
		}
		programs++
		if !*asJSON {
			fmt.Fprintf(sh.out, "%-10s", w.Name)
		}
		for i, r := range results {
			product[i] += math.Log(r.Ratio)
			if *asJSON {
				sh.out.Write(marshal(r))
			} else {
				fmt.Fprintf(sh.out, "%14.1f", r.NS)
			}
		}
		if !*asJSON {
			fmt.Fprintln(sh.out)
		}
	}
	if programs == 0 {
		return sh.broken("bench", fmt.Errorf("there is no program %q", *only))
	}
	if !*asJSON {
		fmt.Fprintf(sh.out, "%-10s", "to interp")
		for i := range benchSetups {
			fmt.Fprintf(sh.out, "%14.4f", math.Exp(product[i]/float64(programs)))
		}
		fmt.Fprintln(sh.out, "   (geometric mean)")
	}
	return exitOK
}

// benchMaps are the maps of package workload.
func benchMaps() []maps.Spec {
	hash := maps.Spec{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 256}
	for i := range uint32(200) {
		hash.Init = append(hash.Init, maps.KV{Key: binary.LittleEndian.AppendUint32(nil, i), Value: make([]byte, 8)})
	}
	return []maps.Spec{
		{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64}, hash,
		{Name: "backends", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 16},
	}
}

// benchPacket is an IPv4 TCP packet to port 80, as far as n bytes reach.
func benchPacket(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
	}
	if n >= 54 {
		p[12], p[13], p[14], p[23], p[36], p[37] = 8, 0, 0x45, 6, 0, 80
	}
	return p
}

// benchProgram measures a program in all engines, each run from the state that
// the one before has left.
func benchProgram(w *workload.Workload, rounds int) ([]benchResult, error) {
	res := asm.Assemble(w.Text, asm.Options{})
	if len(res.Errors) > 0 {
		return nil, fmt.Errorf("line %d: %w", res.Errors[0].Line, res.Errors[0])
	}
	results := make([]benchResult, len(benchSetups))
	times := make([][]float64, len(benchSetups))
	for range rounds {
		for i, s := range benchSetups {
			ns, err := benchRound(w, res.Insns, &s, &results[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			times[i] = append(times[i], ns)
		}
	}
	for i := range results {
		r := &results[i]
		slices.Sort(times[i])
		r.Program, r.Engine = w.Name, benchSetups[i].name
		r.NS, r.Least = times[i][len(times[i])/2], times[i][0]
		r.Ratio = r.NS / results[0].NS
		if r.Result != results[0].Result && w.Name != "helper" {
			return nil, fmt.Errorf("%s returns %#x, the interpreter %#x", r.Engine, r.Result, results[0].Result)
		}
	}
	return results, nil
}

// benchTime is about how long a round of one engine takes.
const benchTime = 3 * time.Millisecond

// benchRound is one round: ns of one run on average. r gets the result of the
// first run and the time of compiling.
func benchRound(w *workload.Workload, insns []isa.Insn, s *benchSetup, r *benchResult) (float64, error) {
	e, err := openEngine(s.engine)
	if err != nil {
		return 0, err
	}
	cfg := vm.Config{Maps: benchMaps(), NoHistory: true, Seed: 1}
	if e != nil {
		cfg.Span = e.Span
	}
	m, err := vm.New(cfg)
	if err != nil {
		return 0, err
	}
	if _, err := m.Load(&vm.Program{Type: hook.SchedCls, License: "GPL", Insns: insns}); err != nil {
		return 0, err
	}
	if err := m.Reset(vm.Input{Packet: benchPacket(w.Packet)}); err != nil {
		return 0, err
	}
	start := vm.Point{Regs: compiled.Regs(m)}
	run := func() (uint64, error) {
		at := start
		stop := m.Do(&at)
		if stop == vm.StopStep {
			stop = m.Run(batchBudget)
		}
		if stop == vm.StopFault {
			return 0, m.Fault()
		}
		return m.Reg(isa.R0), nil
	}
	if e != nil {
		from := time.Now()
		c, err := compileRun(e, m, s.facts, jit.Options{})
		if err != nil {
			return 0, err
		}
		defer c.close()
		r.Compile = float64(time.Since(from).Nanoseconds())
		regs := start.Regs
		run = func() (uint64, error) {
			c.runner.Start(0, regs)
			if c.runner.Run(int64(batchBudget)) == jit.Faulted {
				if err := c.runner.Err(); err != nil {
					return 0, err
				}
				return 0, m.Fault()
			}
			return c.runner.Reg(isa.R0), nil
		}
	}
	if r.Result, err = run(); err != nil {
		return 0, err
	}
	// The fastest batch of the round is the one that nothing else interrupted.
	best, batch := math.Inf(1), 1
	for begin := time.Now(); time.Since(begin) < benchTime; {
		from := time.Now()
		for range batch {
			if _, err := run(); err != nil {
				return 0, err
			}
		}
		took := time.Since(from)
		best = min(best, float64(took.Nanoseconds())/float64(batch))
		if took < benchTime/100 {
			batch *= 2
		}
	}
	return best, nil
}
