package jit_test

import (
	"testing"

	"skep/jit"
	"skep/verifier"
	"skep/verifier/progen"
	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/maps"
	"skep/wasm/compiled"
)

// convert makes a generated program into one for the machine, which has so many
// CPUs, and one for the verifier. Where there are several every other program
// has a per-CPU hash for its hash.
func convert(t testing.TB, p *progen.Program, cpus uint32, n int64) (vm.Config, vm.Input, *vm.Program, *verifier.Program) {
	typ, ok := hook.ByName(p.Type)
	if !ok {
		t.Fatalf("program type %q", p.Type)
	}
	cfg := vm.Config{World: &helper.World{CPUs: cpus}}
	v := &verifier.Program{Type: typ, GPL: true, Insns: p.Insns}
	for _, m := range p.Maps {
		mt, ok := maps.ByName(m.Type)
		if !ok {
			t.Fatalf("map type %q", m.Type)
		}
		if mt == maps.Hash && cpus > 1 && n&1 != 0 {
			mt = maps.PerCPUHash
		}
		cfg.Maps = append(cfg.Maps, maps.Spec{Name: m.Name, Type: mt, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
		v.Maps = append(v.Maps, verifier.MapInfo{Name: m.Name, Type: mt, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
	}
	return cfg, vm.Input{Packet: p.Data, CPU: uint32(n>>1) % cpus}, &vm.Program{Type: typ, License: "GPL", Insns: p.Insns}, v
}

// Random programs that the verifier accepts give the interpreter's result
// without the checks that its facts make needless; those that it refuses give the interpreter's
// result or its fault with checks. On machines of 1, 2 and 4 CPUs.
func TestRandomPrograms(t *testing.T) {
	n := scale(t, 500)
	first := seed(t)
	accepted, refused, faults := 0, 0, 0
	for i := range n {
		s := first + int64(i)
		bad := 0.0
		if i%5 == 0 {
			bad = 0.2
		}
		cpus := [...]uint32{1, 2, 4}[s%3]
		cfg, in, p, v := convert(t, progen.New(progen.Config{Seed: s, Bad: bad}), cpus, s/3)
		res, err := verifier.Verify(v, verifier.Config{Facts: true, CPUs: int(cpus)})
		if err != nil {
			t.Fatalf("seed %d: %v", s, err)
		}
		setups := []*setup{&safe[i%len(safe)]}
		if res.Verdict == verifier.Accepted {
			accepted++
			for k := range proved {
				with := proved[k]
				with.facts = compiled.Facts(res.Facts)
				setups = append(setups, &with)
			}
		} else {
			refused++
		}
		for _, set := range setups {
			diff, o := differ(t, cfg, in, set, p)
			if diff != "" {
				t.Errorf("seed %d (bad %v, %v): %s", s, bad, res.Verdict, diff)
			}
			if o.Status == jit.Faulted {
				faults++
				if res.Verdict == verifier.Accepted {
					t.Errorf("seed %d: the verifier accepted it and it faults: %s", s, o.Fault)
				}
			}
		}
		if t.Failed() && i > 5000 {
			break
		}
	}
	t.Logf("%d accepted, %d refused, %d faults", accepted, refused, faults)
	if accepted < n/4 || refused == 0 || faults == 0 {
		t.Errorf("%d accepted, %d refused, %d faults: too few of a kind to mean something", accepted, refused, faults)
	}
}
