package jit_test

import (
	"testing"

	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/arm64"
	"skep/jit/wasm"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// targets are of every architecture, with all that its processors may have.
var targets = []jit.Target{
	{Arch: jit.AMD64, AMD64: amd64.Features{BMI2: true, GS: true}},
	{Arch: jit.ARM64, ARM64: arm64.Features{LSE: true}},
	{Arch: jit.WASM, WASM: wasm.Target{Base: 1 << 20, Context: 1 << 19, Mask: 1<<24 - 1}},
}

// FuzzEngines compiles any bytes for every architecture; those that the machine
// loads run with checks, and do what they do in the interpreter.
func FuzzEngines(f *testing.F) {
	for i := range workloads {
		f.Add(isa.EncodeAll(assembled(f, &workloads[i])), byte(i))
	}
	f.Add([]byte{0x95, 0, 0, 0, 0, 0, 0, 0}, byte(0))
	cfg := vm.Config{Maps: []maps.Spec{
		{Name: "m", Type: maps.Array, KeySize: 4, ValueSize: 40, MaxEntries: 3},
		{Name: "h", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 3},
	}}
	f.Fuzz(func(t *testing.T, code []byte, n byte) {
		insns, err := isa.DecodeAll(code)
		if err != nil || len(insns) == 0 || len(insns) > 4096 {
			return
		}
		// Facts are believed, but wrong ones must not end the compiler.
		facts := wrongFacts(insns, int(n))
		for _, target := range targets {
			for _, facts := range [...]jit.Facts{{}, facts} {
				c, err := jit.Compile(&jit.Program{Insns: insns}, target, facts, jit.Options{Blind: uint64(n & 1)})
				if err == nil && len(c.Text) == 0 {
					t.Errorf("%s: no code and no error", target.Arch)
				}
			}
		}
		p := &vm.Program{Type: hook.SchedCls, Insns: insns}
		if diff, _ := differ(t, cfg, vm.Input{Packet: make([]byte, 64)}, &safe[int(n)%len(safe)], p); diff != "" {
			t.Error(diff)
		}
	})
}

// wrongFacts claims every fact of some instructions, whatever they are.
func wrongFacts(insns []isa.Insn, n int) jit.Facts {
	f := jit.Facts{Accepted: true, Alone: n&2 != 0}
	for slot := n % 3; slot < len(insns)+2; slot += 1 + n%7 {
		f.Checked = append(f.Checked, slot)
		f.NonZero = append(f.NonZero, slot)
		f.Narrow = append(f.Narrow, slot)
		f.Keys = append(f.Keys, jit.Key{Slot: slot, Key: uint32(n) << 24})
		switch (slot + n) % 5 {
		case 0:
			f.Always = append(f.Always, slot)
		case 1:
			f.Never = append(f.Never, slot)
		case 2:
			f.Dead = append(f.Dead, slot)
		}
	}
	return f
}
