package jit_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/arm64"
	"skep/jit/native"
	"skep/jit/wasm"
	"skep/jit/workload"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/compiled"
)

var workloads = workload.All()

func assembled(t testing.TB, w *workload.Workload) []isa.Insn {
	t.Helper()
	res := asm.Assemble(w.Text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%s: line %d: %v", w.Name, res.Errors[0].Line, res.Errors[0])
	}
	return res.Insns
}

var workloadMaps = []maps.Spec{
	{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64},
	{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 256, Init: hashed(200)},
	{Name: "backends", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 16},
}

// hashed is that many entries.
func hashed(n uint32) (kv []maps.KV) {
	for i := range n {
		kv = append(kv, maps.KV{Key: binary.LittleEndian.AppendUint32(nil, i), Value: make([]byte, 8)})
	}
	return kv
}

// The workloads give the same result in every setup.
func TestWorkloads(t *testing.T) {
	for i := range workloads {
		w := &workloads[i]
		p := &vm.Program{Type: hook.SchedCls, Insns: assembled(t, w)}
		packet := make([]byte, w.Packet)
		for i := range packet {
			packet[i] = byte(i * 7)
		}
		for _, s := range everything() {
			diff, o := differ(t, vm.Config{Maps: workloadMaps}, vm.Input{Packet: packet}, &s, p)
			if diff != "" || o.Status != jit.Exited {
				t.Errorf("%s: %s (%+v)", w.Name, diff, o.Fault)
			}
		}
	}
}

// minimum is the least time that one of many runs takes, in ns.
func minimum(rounds, per int, f func()) float64 {
	best := 0.0
	for i := range rounds {
		start := time.Now()
		for range per {
			f()
		}
		if ns := float64(time.Since(start).Nanoseconds()) / float64(per); i == 0 || ns < best {
			best = ns
		}
	}
	return best
}

// BenchmarkWorkloads says how long a run takes natively, with checks and with
// the verifier's facts, and how much longer in the interpreter. Runs begin at
// the same state without a reset between them.
func BenchmarkWorkloads(b *testing.B) {
	for i := range workloads {
		w := &workloads[i]
		b.Run(w.Name, func(b *testing.B) {
			p := &vm.Program{Type: hook.SchedCls, Insns: assembled(b, w)}
			in := vm.Input{Packet: make([]byte, w.Packet)}
			run := func(s *setup) float64 {
				m := newMachine(b, vm.Config{Maps: workloadMaps}, s)
				if _, err := m.Load(p); err != nil {
					b.Fatal(err)
				}
				r, err := compile(b, m, s)
				if err != nil {
					b.Fatal(err)
				}
				defer r.close()
				if err := r.start(in); err != nil {
					b.Fatal(err)
				}
				var regs [11]uint64
				for i := range regs {
					regs[i] = m.Reg(i)
				}
				return minimum(60, 200, func() {
					r.Start(0, &regs)
					if r.Run(1<<30) != jit.Exited {
						b.Fatal("it did not end")
					}
				})
			}
			m, err := vm.New(vm.Config{Maps: workloadMaps, NoHistory: true})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := m.Load(p); err != nil {
				b.Fatal(err)
			}
			if err := m.Reset(in); err != nil {
				b.Fatal(err)
			}
			interp := func() float64 {
				var start vm.Point // Reset would clear the packet each time
				for i := range start.Regs {
					start.Regs[i] = m.Reg(i)
				}
				return minimum(20, 20, func() {
					at := start
					if m.Do(&at) == vm.StopStep && m.Run(1<<30) != vm.StopExit {
						b.Fatal("it did not end")
					}
				})
			}
			var plain, checked, facts float64
			for b.Loop() {
				plain, checked, facts = interp(), run(&safe[0]), run(&proved[0])
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(checked, "ns-safe")
			b.ReportMetric(facts, "ns-facts")
			b.ReportMetric(plain/checked, "x-interp-safe")
			b.ReportMetric(plain/facts, "x-interp-facts")
		})
	}
}

// BenchmarkCompile is the time for a program of a thousand instructions.
func BenchmarkCompile(b *testing.B) {
	var insns []isa.Insn
	body := assembled(b, &workloads[1])
	for len(insns) < 1000 {
		insns = append(insns, body[:len(body)-1]...)
	}
	insns = append(insns, exit)
	for _, target := range []jit.Target{
		{Arch: jit.AMD64, AMD64: amd64.Features{BMI2: true, GS: true}},
		{Arch: jit.ARM64, ARM64: arm64.Features{LSE: true}},
		{Arch: jit.WASM, WASM: wasm.Target{Base: 1 << 16, Context: 1 << 15}},
	} {
		b.Run(target.Arch.String(), func(b *testing.B) {
			best := math.Inf(1)
			for b.Loop() {
				best = min(best, minimum(50, 10, func() {
					if _, err := jit.Compile(&jit.Program{Insns: insns}, target, jit.Facts{}, jit.Options{}); err != nil {
						b.Fatal(err)
					}
				}))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(best/float64(len(insns)), "ns/insn")
		})
	}
}

// BenchmarkEntry is the time of one run of a program that only returns, from Go
// and back: by package native alone and by way of an engine.
func BenchmarkEntry(b *testing.B) {
	p := &vm.Program{Type: hook.SchedCls, Insns: []isa.Insn{{Op: 0xb7, Imm: 1}, exit}}
	s := &safe[0]
	span, err := native.NewSpan(8 << 20)
	if err != nil {
		b.Fatal(err)
	}
	alone, err := vm.New(vm.Config{Span: span.Bytes(), NoHistory: true})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := alone.Load(p); err != nil {
		b.Fatal(err)
	}
	code, err := jit.Compile(compiled.Program(alone, 0), s.target(b), s.facts, s.options)
	if err != nil {
		b.Fatal(err)
	}
	prog, err := native.Load(code)
	if err != nil {
		b.Fatal(err)
	}
	defer prog.Close()
	direct, err := native.NewRunner(span, compiled.Host{Machine: alone}, []*native.Program{prog})
	if err != nil {
		b.Fatal(err)
	}
	defer direct.Close()
	m := newMachine(b, vm.Config{}, s)
	if _, err := m.Load(p); err != nil {
		b.Fatal(err)
	}
	r, err := compile(b, m, s)
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	if err := r.start(vm.Input{}); err != nil {
		b.Fatal(err)
	}
	regs := compiled.Regs(m)
	const runs = 1000
	e := r.Runner
	engine, native := math.Inf(1), math.Inf(1)
	for b.Loop() {
		native = min(native, minimum(50, 1, func() {
			for range runs {
				direct.Start(0, &regs)
				if direct.Run(1<<30) != jit.Exited {
					b.Fatal("it did not end")
				}
			}
		})/runs)
		engine = min(engine, minimum(50, 1, func() {
			for range runs {
				e.Start(0, &regs)
				if e.Run(1<<30) != jit.Exited {
					b.Fatal("it did not end")
				}
			}
		})/runs)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(native, "ns-native")
	b.ReportMetric(engine, "ns-engine")
}
