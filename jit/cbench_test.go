package jit_test

import (
	"testing"

	"skep/jit"
	"skep/jit/native"
	"skep/vm/isa"
)

func BenchmarkComp(b *testing.B) {
	var insns []isa.Insn
	for len(insns) < 990 {
		for _, w := range workloads {
			body := assembled(b, &w)
			if len(insns)+len(body) <= 1000 {
				insns = append(insns, body...)
			}
		}
	}
	b.Log(len(insns))
	target, _ := native.Target()
	for range 2 {
	for _, f := range []bool{true} {
		ns := minimum(1000, 1, func() {
				if _, err := jit.Compile(&jit.Program{Insns: insns}, target, jit.Facts{Accepted: f}, jit.Options{}); err != nil {
					b.Fatal(err)
				}
		})
		b.Logf("accepted %v: %.0f ns for %d", f, ns, len(insns))
	}
	c, _ := jit.Compile(&jit.Program{Insns: insns}, target, jit.Facts{Accepted: true}, jit.Options{})
	ns := minimum(1000, 1, func() {
			p, err := native.Load(c)
			if err != nil {
				b.Fatal(err)
			}
			p.Close()
	})
	b.Logf("load: %.0f ns", ns)
	}
}
