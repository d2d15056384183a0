package jit_test

import (
	"testing"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// FuzzEngines compiles any bytes that the machine loads, runs them with checks,
// and compares with the interpreter.
func FuzzEngines(f *testing.F) {
	for i := range workloads {
		f.Add(isa.EncodeAll(assembled(f, &workloads[i])), byte(i))
	}
	f.Add([]byte{0x95, 0, 0, 0, 0, 0, 0, 0}, byte(0))
	cfg := vm.Config{Maps: []maps.Spec{{Name: "m", Type: maps.Array, KeySize: 4, ValueSize: 40, MaxEntries: 3}}}
	f.Fuzz(func(t *testing.T, code []byte, n byte) {
		insns, err := isa.DecodeAll(code)
		if err != nil || len(insns) == 0 || len(insns) > 4096 {
			return
		}
		p := &vm.Program{Type: hook.SchedCls, Insns: insns}
		if diff, _ := differ(t, cfg, vm.Input{Packet: make([]byte, 64)}, &safe[int(n)%len(safe)], p); diff != "" {
			t.Error(diff)
		}
	})
}
