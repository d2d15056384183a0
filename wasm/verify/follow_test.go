package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"skep/verifier"
	"skep/verifier/progen"
	"skep/verifier/trace"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/maps"
)

// expectedRun is a run of a random program and where the Go reader finds it.
type expectedRun struct {
	Insns    []int
	Regs     [][]string // numbers, or "pointer"
	Steps    []int
	Compared []uint32
}

// writeRuns writes traces of random programs, each with a run, and returns how
// many.
func writeRuns(t *testing.T, dir string) (n int) {
	t.Helper()
	for seed := int64(1); n < 25 && seed < 200; seed++ {
		g := progen.New(progen.Config{Seed: seed, Snippets: 8})
		typ, ok := hook.ByName(g.Type)
		if !ok {
			t.Fatal(g.Type)
		}
		p := &verifier.Program{Type: typ, GPL: true, Insns: g.Insns}
		var specs []maps.Spec
		for _, m := range g.Maps {
			mt, _ := maps.ByName(m.Type)
			specs = append(specs, maps.Spec{Name: m.Name, Type: mt, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
			p.Maps = append(p.Maps, verifier.MapInfo{Name: m.Name, Type: mt, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
		}
		rec := trace.NewRecorder(p, 0)
		cfg := verifier.Config{Tracer: rec}
		res, err := verifier.Verify(p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if res.Verdict != verifier.Accepted || res.InsnProcessed > 5000 {
			continue
		}
		raw := rec.Bytes(trace.Describe("random", p, &cfg, nil), res, func(_, _ uint32) string { return "" })
		tr, err := trace.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		run := runOf(t, &vm.Program{Type: typ, License: "GPL", Insns: g.Insns}, specs, g.Data)
		if run == nil {
			continue
		}
		e := expectedRun{}
		for i, f := range tr.Follow(run) {
			e.Insns = append(e.Insns, run[i].Insn)
			regs := make([]string, len(run[i].Regs))
			for r, v := range run[i].Regs {
				if regs[r] = strconv.FormatUint(v.Bits, 10); v.Pointer {
					regs[r] = "pointer"
				}
			}
			e.Regs = append(e.Regs, regs)
			e.Steps = append(e.Steps, f.Step)
			e.Compared = append(e.Compared, f.Comparable)
		}
		base := filepath.Join(dir, "random"+strconv.FormatInt(seed, 10))
		text, err := json.Marshal(e)
		if err == nil {
			err = os.WriteFile(base+".runjson", text, 0o600)
		}
		if err == nil {
			err = os.WriteFile(base+".run", raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// runOf runs a program over a packet; nil when the machine does not take it.
func runOf(t *testing.T, p *vm.Program, specs []maps.Spec, packet []byte) (out []trace.Concrete) {
	t.Helper()
	m, err := vm.New(vm.Config{Maps: specs, Seed: 1, NoHistory: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(p); err != nil {
		return nil
	}
	if err := m.Reset(vm.Input{Packet: packet}); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		c := trace.Concrete{Insn: m.PC()}
		for r := range c.Regs {
			v := m.Reg(r)
			c.Regs[r] = trace.Value{Bits: v, Pointer: v>>32 == 0 && m.Arena().Find(uint32(v)) != nil}
		}
		out = append(out, c)
		m.Step()
		if m.Done() || m.Fault() != nil {
			break
		}
	}
	return out
}
