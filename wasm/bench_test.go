package main

import (
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"

	"skep/vm/asm"
	"skep/vm/isa"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

// loop is the ten instructions that browser.md measures with.
const loop = `
	r1 = 0
	r2 = 1
	r3 = 0x9e3779b9
again:
	r2 += r3
	r2 ^= r1
	r4 = r2
	r4 >>= 7
	r2 ^= r4
	*(u64 *)(r10 - 8) = r2
	r5 = *(u64 *)(r10 - 8)
	r0 += r5
	r1 += 1
	if r1 < 100000000 goto again
	exit
`

// BenchmarkV8 measures the interpreter in V8 (node) and natively in the same
// run. Budget: 12 ns an instruction in V8.
func BenchmarkV8(b *testing.B) {
	res := asm.Assemble(loop, asm.Options{})
	if len(res.Errors) > 0 {
		b.Fatal(res.Errors)
	}
	prog := isa.EncodeAll(res.Insns)
	native := 1e9
	for range 6 {
		from := time.Now()
		a := session.Exec(&protocol.Exec{Insns: prog, Memory: make([]byte, 64), Budget: 30_000_000, Raw: true})
		native = min(native, float64(time.Since(from).Nanoseconds())/float64(a.Steps))
	}
	text := node(b, []string{"SKEP_PROGRAM=" + hex.EncodeToString(prog)}, "speed.test")
	f := strings.Fields(text)
	if len(f) != 2 {
		b.Fatalf("node printed %q", text)
	}
	v8, err1 := strconv.ParseFloat(f[0], 64)
	step, err2 := strconv.ParseFloat(f[1], 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("node printed %q", text)
	}
	b.ReportMetric(v8, "ns/insn-V8")
	b.ReportMetric(native, "ns/insn-native")
	b.ReportMetric(v8/native, "V8/native")
	b.ReportMetric(step, "µs-CPU/step+view-V8")
	b.ReportMetric(0, "ns/op")
}
