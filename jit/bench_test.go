package jit_test

import (
	"testing"
	"time"

	"skep/jit"
	"skep/jit/native"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// workload is a program that both engines run over a packet.
type workload struct {
	name   string
	packet int
	text   string
}

// workloads are in the words of clang's output: rotates as shifts and or,
// indexed addresses as mov and add.
var workloads = []workload{
	{"empty", 64, "r0 = 1\nexit"},
	{"alu64", 64, `
	r1 = 1000
	r2 = 0x123456789abcdef ll
	r3 = 0x9e3779b97f4a7c15 ll
	r0 = 0
top:
	r0 += r2
	r4 = r0
	r4 >>= 51
	r0 <<= 13
	r0 |= r4
	r2 ^= r0
	r2 *= 31
	r4 = r2
	r4 >>= 47
	r2 <<= 17
	r2 |= r4
	r3 += r2
	r4 = r3
	r4 >>= 7
	r3 ^= r4
	r0 += r3
	r1 += -1
	if r1 != 0 goto top
	exit`},
	{"alu32", 64, `
	w1 = 1000
	w2 = 305419896
	w3 = 1013904223
	w0 = 0
top:
	w0 += w2
	w4 = w0
	w4 >>= 19
	w0 <<= 13
	w0 |= w4
	w2 ^= w0
	w2 *= 31
	w4 = w2
	w4 >>= 15
	w2 <<= 17
	w2 |= w4
	w3 += w2
	w4 = w3
	w4 >>= 7
	w3 ^= w4
	w0 += w3
	w1 += -1
	if w1 != 0 goto top
	exit`},
	{"loop", 64, `
	r1 = 0
	r2 = 0
	r3 = 0
top:
	r2 += r1
	r3 ^= r2
	r4 = r3
	r4 >>= 7
	r3 ^= r4
	*(u64 *)(r10 -8) = r3
	r5 = *(u64 *)(r10 -8)
	r2 += r5
	r1 += 1
	if r1 < 1000 goto top
	r0 = r2
	exit`},
	{"memcopy", 2048, `
	r6 = *(u32 *)(r1 +76)
	r7 = *(u32 *)(r1 +80)
	r2 = r6
	r2 += 2048
	r0 = 0
	if r2 > r7 goto out
	r3 = 0
top:
	r4 = r6
	r4 += r3
	r5 = *(u64 *)(r4 +0)
	*(u64 *)(r4 +1024) = r5
	r3 += 8
	if r3 != 1024 goto top
	r0 = 1
out:
	exit`},
	{"csum", 1500, `
	r6 = *(u32 *)(r1 +76)
	r7 = *(u32 *)(r1 +80)
	r2 = r6
	r2 += 1500
	r0 = 0
	if r2 > r7 goto out
	r3 = 0
top:
	r4 = r6
	r4 += r3
	r5 = *(u16 *)(r4 +0)
	r0 += r5
	r3 += 2
	if r3 != 1500 goto top
	r2 = r0
	r2 >>= 16
	r0 &= 65535
	r0 += r2
out:
	exit`},
	{"parse", 64, `
	r6 = *(u32 *)(r1 +76)
	r7 = *(u32 *)(r1 +80)
	r0 = 0
	r2 = r6
	r2 += 54
	if r2 > r7 goto out
	r3 = *(u16 *)(r6 +12)
	r3 = be16 r3
	if r3 == 0x86dd goto out
	r4 = *(u8 *)(r6 +14)
	r4 &= 15
	r4 <<= 2
	if r4 < 20 goto ip
	r0 = 2
ip:
	r5 = *(u8 *)(r6 +23)
	r0 += r5
	r2 = *(u32 *)(r6 +26)
	r0 += r2
	r2 = *(u32 *)(r6 +30)
	r0 ^= r2
	r2 = *(u16 *)(r6 +34)
	r2 = be16 r2
	r0 += r2
	r2 = *(u16 *)(r6 +36)
	r2 = be16 r2
	r0 ^= r2
out:
	exit`},
	{"calls", 64, `
	r6 = 200
	r7 = 0
top:
	r1 = r6
	r2 = r7
	call one
	r7 = r0
	r6 += -1
	if r6 != 0 goto top
	r0 = r7
	exit
one:
	r6 = r1
	r1 += r2
	call two
	r0 += r6
	exit
two:
	r0 = r1
	r0 *= 3
	exit`},
	{"maparr", 64, `
	r6 = 0
	r7 = 0
top:
	r1 = r6
	r1 &= 63
	*(u32 *)(r10 -4) = r1
	r2 = r10
	r2 += -4
	r1 = map[fd:0] ll
	call 1
	if r0 == 0 goto next
	r1 = *(u64 *)(r0 +0)
	r1 += 1
	*(u64 *)(r0 +0) = r1
	r7 += r1
next:
	r6 += 1
	if r6 != 100 goto top
	r0 = r7
	exit`},
	{"prandom", 64, `
	r6 = 100
	r7 = 0
top:
	call 7
	r7 += r0
	r6 += -1
	if r6 != 0 goto top
	r0 = r7
	exit`},
}

func (w *workload) insns(t testing.TB) []isa.Insn {
	t.Helper()
	res := asm.Assemble(w.text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%s: line %d: %v", w.name, res.Errors[0].Line, res.Errors[0])
	}
	return res.Insns
}

var workloadMaps = []maps.Spec{{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64}}

// The workloads give the same result in every setup.
func TestWorkloads(t *testing.T) {
	for i := range workloads {
		w := &workloads[i]
		p := &vm.Program{Type: hook.SchedCls, Insns: w.insns(t)}
		packet := make([]byte, w.packet)
		for i := range packet {
			packet[i] = byte(i * 7)
		}
		for _, s := range everything() {
			diff, o := differ(t, vm.Config{Maps: workloadMaps}, vm.Input{Packet: packet}, &s, p)
			if diff != "" || o.Status != jit.Exited {
				t.Errorf("%s: %s (%+v)", w.name, diff, o.Fault)
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
		b.Run(w.name, func(b *testing.B) {
			p := &vm.Program{Type: hook.SchedCls, Insns: w.insns(b)}
			in := vm.Input{Packet: make([]byte, w.packet)}
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
					r.Start(0, regs)
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
	body := workloads[1].insns(b)
	for len(insns) < 1000 {
		insns = append(insns, body[:len(body)-1]...)
	}
	insns = append(insns, exit)
	target, err := native.Target()
	if err != nil {
		b.Fatal(err)
	}
	best := 0.0
	for b.Loop() {
		best = minimum(50, 10, func() {
			if _, err := jit.Compile(&jit.Program{Insns: insns}, target, jit.Facts{}, jit.Options{}); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(best/float64(len(insns)), "ns/insn")
}
