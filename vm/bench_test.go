package vm_test

import (
	"testing"
	"time"

	"skep/vm"
)

// loop is the ten instructions of browser.md section 2, a million times.
const loop = `
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
	if r1 < 1000000 goto top
	r0 = r2
	exit`

// plain is the same in Go.
func plain(n uint64) uint64 {
	var r1, r2, r3 uint64
	var mem [64]uint64
	for ; r1 < n; r1++ {
		r2 += r1
		r3 ^= r2
		r3 ^= r3 >> 7
		mem[r1&63] = r3
		r2 += mem[r1&63]
	}
	return r2
}

var sink uint64

func BenchmarkRun(b *testing.B) {
	m := machine(b, vm.Config{NoHistory: true}, vm.Input{Ctx: make([]byte, 8)}, assemble(b, loop)...)
	var insns uint64
	for b.Loop() {
		m.Reset(vm.Input{Ctx: make([]byte, 8)})
		for m.Run(1_000_000) == vm.StopBudget {
		}
		insns += m.Steps()
	}
	ns := float64(b.Elapsed().Nanoseconds()) / float64(insns)
	b.StopTimer()
	start := time.Now()
	for range 20 {
		sink += plain(1_000_000)
	}
	ref := float64(time.Since(start).Nanoseconds()) / 20e6 / 10
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ns, "ns/insn")
	b.ReportMetric(ns/ref, "x-go-loop")
	if m.Reg(0) != plain(1_000_000) {
		b.Fatal("wrong result")
	}
}

// maparr is 100 lookups in an array and increments, a thousand times.
const maparr = `
	r7 = 0
top:
	r8 = r7
	r8 %= 100
	*(u32 *)(r10 -4) = r8
	r2 = r10
	r2 += -4
	r1 = MAP1
	call 1
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 +0)
	r1 += 1
	*(u64 *)(r0 +0) = r1
out:
	r7 += 1
	if r7 < 100000 goto top
	r0 = 0
	exit`

func BenchmarkLookup(b *testing.B) {
	m := machine(b, vm.Config{NoHistory: true, Maps: testMaps}, vm.Input{Ctx: make([]byte, 8)}, withMaps(b, maparr)...)
	for b.Loop() {
		m.Reset(vm.Input{Ctx: make([]byte, 8)})
		for m.Run(1_000_000) == vm.StopBudget {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/lookup")
}

func BenchmarkStep(b *testing.B) {
	m := machine(b, vm.Config{}, vm.Input{Ctx: make([]byte, 8)}, assemble(b, loop)...)
	for b.Loop() {
		if m.Step() != vm.StopStep {
			m.Reset(vm.Input{Ctx: make([]byte, 8)})
		}
	}
}
