package jit_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"skep/jit"
	"skep/jit/ir"
	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// keyed is a hash with keys of n bytes that begin with 0, 3, 6, ...
func keyed(n, entries uint32, flags uint32) maps.Spec {
	s := maps.Spec{Name: "hash", Type: maps.Hash, KeySize: n, ValueSize: 24, MaxEntries: entries, Flags: flags}
	for i := range min(entries, 60) {
		key := make([]byte, n)
		for at := range key {
			key[at] = byte(3*i) ^ byte(at)*29
		}
		value := make([]byte, 24)
		binary.LittleEndian.PutUint64(value, uint64(i)*0x10001)
		s.Init = append(s.Init, maps.KV{Key: key, Value: value})
	}
	return s
}

// perCPU makes a map one with values of their own for n CPUs.
func perCPU(s maps.Spec, n int) maps.Spec {
	s.Type = maps.PerCPUHash
	for i := range s.Init {
		one := s.Init[i].Value
		all := slices.Repeat(one, n)
		for cpu := range n {
			all[cpu*len(one)+3] = byte(cpu)
		}
		s.Init[i].Value = all
	}
	return s
}

// lookups is a program that looks 0 to 199 up and adds up what it finds; the
// key is built where r8 points to.
func lookups(n int, where string) string {
	var b strings.Builder
	b.WriteString("r9 = r1\nr6 = 0\nr7 = 0\n" + where + "\ntop:\n")
	for at := range n {
		fmt.Fprintf(&b, "r1 = r6\nr1 ^= %d\n*(u8 *)(r8 +%d) = r1\n", byte(at)*29, at)
	}
	b.WriteString(`
	r2 = r8
	r1 = map[fd:0] ll
	call 1
	if r0 == 0 goto none
	r1 = *(u64 *)(r0 +0)
	r7 += r1
	r7 *= 3
	r1 += 1
	*(u64 *)(r0 +16) = r1
	goto next
none:
	r7 += 0x1000
next:
	r6 += 1
	if r6 != 200 goto top
	r0 = r7
	exit`)
	return b.String()
}

// Lookups in hashes, with keys of all sizes: found and not found, of one chunk
// and of several, with chains.
func TestHashLookups(t *testing.T) {
	for n := range 43 {
		n++
		for _, entries := range []uint32{1, 3, 60, 9000} {
			if entries != 60 && n%8 != 4 {
				continue
			}
			for _, where := range []string{
				"r8 = r10\nr8 += -48",
				"r8 = *(u32 *)(r1 +76)",
			} {
				in := vm.Input{Packet: make([]byte, 64)}
				p := &vm.Program{Type: hook.SchedCls, Insns: assemble(t, lookups(n, where))}
				for _, cpus := range []int{1, 3} {
					hash := keyed(uint32(n), entries, 0)
					if cpus > 1 {
						hash, in.CPU = perCPU(hash, cpus), 1
					}
					for _, s := range everything() {
						if diff, o := differ(t, vm.Config{Maps: []maps.Spec{hash}, World: &helper.World{CPUs: uint32(cpus)}}, in, &s, p); diff != "" || o.Status != jit.Exited {
							t.Errorf("key of %d bytes, %d entries, %d CPUs, %q: %s %s", n, entries, cpus, where, diff, o.Fault)
						}
					}
				}
			}
		}
	}
}

// What is known of a register that holds a looked up value: the same faults,
// or none, as in the interpreter.
func TestLookupResults(t *testing.T) {
	head := func(m, key int) string {
		k := uint64(key)
		if m < 3 { // a key of keyed
			k *= 0x0101010101010101
			for at := range 8 {
				k ^= uint64(byte(at*29)) << (8 * at)
			}
		}
		return fmt.Sprintf("r9 = r1\nr1 = %d ll\nr8 = %d\n*(u64 *)(r10 -8) = r1\nr2 = r10\nr2 += -8\nr1 = map[fd:%d] ll\ncall 1\n", k, key, m)
	}
	cfg := vm.Config{Maps: []maps.Spec{
		keyed(8, 60, 0), keyed(8, 60, maps.FlagRdonlyProg), keyed(8, 60, maps.FlagWronlyProg),
		{Name: "array", Type: maps.Array, KeySize: 4, ValueSize: 20, MaxEntries: 5},
		{Name: "percpu", Type: maps.PerCPUArray, KeySize: 4, ValueSize: 16, MaxEntries: 5},
		{Name: "lru", Type: maps.LRUHash, KeySize: 8, ValueSize: 16, MaxEntries: 5},
		{Name: "percpu_hash", Type: maps.PerCPUHash, KeySize: 8, ValueSize: 12, MaxEntries: 5},
	}}
	const ok, bad = "", "fault"
	for _, c := range []struct{ name, want, text string }{
		{"null of an array", bad, head(3, 5) + "r0 = *(u8 *)(r0 +0)\nexit"},
		{"null of a hash", bad, head(0, 1) + "r0 = *(u8 *)(r0 +8)\nexit"},
		{"null, then a helper", ok, head(0, 1) + "r6 = r0\ncall 5\nr0 = r6\nexit"},
		{"null, behind another null", bad, head(0, 1) + head(3, 9) + "r0 = *(u8 *)(r0 +8)\nexit"},
		{"null in a function", bad, "call f\nr0 = *(u8 *)(r0 +0)\nexit\nf:\n" + head(3, 7) + "exit"},
		{"tested the wrong way", bad, head(3, 5) + "if r0 != 0 goto +1\nr0 = *(u8 *)(r0 +0)\nexit"},
		{"last byte", ok, head(3, 4) + "if r0 == 0 goto +1\nr0 = *(u8 *)(r0 +19)\nexit"},
		{"behind it", bad, head(3, 4) + "if r0 == 0 goto +1\nr0 = *(u8 *)(r0 +20)\nexit"},
		{"across the end", bad, head(3, 4) + "if r0 == 0 goto +1\nr0 = *(u64 *)(r0 +16)\nexit"},
		{"before it", bad, head(3, 4) + "if r0 == 0 goto +1\nr0 = *(u8 *)(r0 -1)\nexit"},
		{"a copy from before the test", ok, head(3, 4) + "r6 = r0\nr6 += 4\nif r0 == 0 goto +1\nr0 = *(u64 *)(r6 +8)\nexit"},
		{"an index", ok, head(3, 4) + "if r0 == 0 goto out\nr8 &= 7\nr0 += r8\nr0 = *(u8 *)(r0 +3)\nout:\nexit"},
		{"an index too large", bad, head(3, 4) + "if r0 == 0 goto out\nr8 += 16\nr0 += r8\nr0 = *(u8 *)(r0 +3)\nout:\nexit"},
		{"on the stack", ok, head(3, 1) + "*(u64 *)(r10 -16) = r0\nif r0 == 0 goto out\nr3 = *(u64 *)(r10 -16)\n*(u64 *)(r3 +8) = 7\nr0 = *(u64 *)(r3 +8)\nout:\nexit"},
		{"one of two", ok, head(3, 1) + "r6 = r0\n" + head(0, 3) + "r0 = r6\nif r8 > 1 goto +1\nr0 = 0\nif r0 == 0 goto out\n*(u32 *)(r0 +16) = 7\nr0 = *(u32 *)(r0 +16)\nout:\nexit"},
		{"given to a function", ok, head(3, 1) + "if r0 == 0 goto out\nr1 = r0\ncall f\nout:\nexit\nf:\nr0 = *(u64 *)(r1 +8)\nexit"},
		{"kept in a loop", ok, head(3, 1) + "if r0 == 0 goto out\nr6 = r0\nr7 = 5\ntop:\n*(u32 *)(r6 +4) = r7\nr6 += 4\nr7 += -2\nif r7 s> 0 goto top\nr0 = *(u32 *)(r6 +0)\nout:\nexit"},
		{"moved out in a loop", bad, head(3, 1) + "if r0 == 0 goto out\nr6 = r0\nr7 = 5\ntop:\n*(u32 *)(r6 +4) = r7\nr6 += 8\nr7 += -1\nif r7 s> 0 goto top\nout:\nexit"},
		{"read only, read", ok, head(1, 3) + "if r0 == 0 goto +1\nr0 = *(u64 *)(r0 +0)\nexit"},
		{"read only, written", bad, head(1, 0) + "if r0 == 0 goto +1\n*(u64 *)(r0 +0) = r8\nexit"},
		{"write only, read", bad, head(2, 0) + "if r0 == 0 goto +1\nr0 = *(u64 *)(r0 +0)\nexit"},
		{"write only, changed", ok, head(2, 0) + "if r0 == 0 goto +1\nlock *(u64 *)(r0 +0) += r8\nexit"},
		{"per-CPU array", ok, head(4, 2) + "if r0 == 0 goto +2\n*(u64 *)(r0 +8) = r8\nr0 = *(u64 *)(r0 +8)\nexit"},
		{"per-CPU hash", ok, head(6, 2) + "if r0 == 0 goto +2\n*(u32 *)(r0 +8) = r8\nr0 = *(u32 *)(r0 +8)\nexit"},
		{"behind the value of a per-CPU hash", bad, head(6, 2) + "if r0 == 0 goto +1\nr0 = *(u64 *)(r0 +8)\nexit"},
		{"a map that is not done in place", ok, head(5, 2) + "if r0 == 0 goto +1\nr0 = *(u64 *)(r0 +8)\nexit"},
		{"a key that is half outside", bad, "r2 = r10\nr2 += -4\nr1 = map[fd:0] ll\ncall 1\nexit"},
		{"a key that is nowhere", bad, "r2 = 0\nr1 = map[fd:3] ll\ncall 1\nexit"},
		{"a key in the frame below", bad, "r2 = r10\nr2 += -600\nr1 = map[fd:3] ll\ncall 1\nexit"},
		{"a key in the caller's frame", ok, "*(u64 *)(r10 -8) = 2\nr1 = r10\nr1 += -8\ncall f\nexit\nf:\nr2 = r1\nr1 = map[fd:3] ll\ncall 1\nif r0 == 0 goto +1\nr0 = *(u64 *)(r0 +8)\nexit"},
		{"arguments wanted behind the call", ok, "*(u64 *)(r10 -8) = 3\nr3 = 77\nr4 = 78\nr5 = 79\nr2 = r10\nr2 += -8\nr1 = map[fd:0] ll\ncall 1\nr0 = r3\nr0 += r4\nr0 += r5\nr2 = *(u64 *)(r2 +0)\nr0 += r2\nexit"},
		{"a key written behind its constant", ok, "*(u32 *)(r10 -8) = 1\nr1 = r10\nr1 += -8\nr3 = 2\n*(u8 *)(r1 +0) = r3\nr2 = r10\nr2 += -8\nr1 = map[fd:3] ll\ncall 1\nexit"},
		{"a constant key on one of two ways", ok, "r6 = *(u32 *)(r1 +0)\n*(u32 *)(r10 -8) = 1\nif r6 != 64 goto +1\n*(u32 *)(r10 -8) = 2\nr2 = r10\nr2 += -8\nr1 = map[fd:3] ll\ncall 1\nexit"},
	} {
		p := &vm.Program{Type: hook.SchedCls, Insns: assemble(t, c.text)}
		setups := everything()
		if c.want != ok {
			setups = safe
		}
		for _, cpus := range []uint32{1, 4} {
			cfg.World = &helper.World{CPUs: cpus}
			cfg.Maps[6].Init = []maps.KV{{Key: []byte{2, 0, 0, 0, 0, 0, 0, 0}, Value: make([]byte, 16*cpus)}}
			for _, s := range setups {
				if strings.HasPrefix(c.name, "arguments") && s.facts.Accepted {
					continue // no verifier lets one read them
				}
				diff, o := differ(t, cfg, vm.Input{Packet: make([]byte, 64), CPU: 3 % cpus}, &s, p)
				if diff != "" || (o.Status == jit.Faulted) != (c.want != ok) {
					t.Errorf("%s, %d CPUs: %s, status %d %s", c.name, cpus, diff, o.Status, o.Fault)
				}
			}
		}
	}
}

// Lookups in per-CPU arrays with values of all sizes, on each of several CPUs:
// the index known or not, found or not.
func TestPerCPUArrays(t *testing.T) {
	for _, size := range []uint32{1, 8, 12, 16, 24, 100, 4096} {
		for _, cpus := range []uint32{1, 2, 5} {
			cfg := vm.Config{World: &helper.World{CPUs: cpus}, Maps: []maps.Spec{
				{Name: "first", Type: maps.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 3},
				{Name: "array", Type: maps.PerCPUArray, KeySize: 4, ValueSize: size, MaxEntries: 9},
			}}
			for _, key := range []string{"*(u32 *)(r10 -4) = 2", "*(u32 *)(r10 -4) = 9", "call 7\nr0 &= 15\n*(u32 *)(r10 -4) = r0"} {
				p := &vm.Program{Type: hook.SchedCls, Insns: assemble(t, "r6 = 20\ntop:\n"+key+`
					r2 = r10
					r2 += -4
					r1 = map[fd:1] ll
					call 1
					if r0 == 0 goto next
					r1 = *(u8 *)(r0 +0)
					r1 += r6
					*(u8 *)(r0 +0) = r1
				next:
					r6 += -1
					if r6 != 0 goto top
					exit`)}
				for cpu := range cpus {
					for _, s := range everything() {
						if diff, o := differ(t, cfg, vm.Input{Packet: make([]byte, 64), CPU: cpu}, &s, p); diff != "" || o.Status != jit.Exited {
							t.Errorf("values of %d bytes, CPU %d of %d, %q: %s %s", size, cpu, cpus, key, diff, o.Fault)
						}
					}
				}
			}
		}
	}
}

// A constant index makes a lookup an address, and the test for NULL goes.
func TestConstantIndex(t *testing.T) {
	a := ir.Array{Map: ir.Map{Ptr: 7, Size: 8, Perm: 3, Name: "a"}, Elems: 0x20000, Stride: 16, Entries: 4}
	insns := assemble(t, `
		*(u32 *)(r10 -4) = 2
		r2 = r10
		r2 += -4
		r1 = 7 ll
		call 1
		if r0 == 0 goto +2
		r1 = 1
		*(u64 *)(r0 +0) = r1
		r0 = 0
		exit`)
	u, err := ir.Build(&ir.Program{Insns: insns, Arrays: []ir.Array{a}}, ir.Facts{}, ir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []ir.Kind
	for i := range u.Ops {
		kinds = append(kinds, u.Ops[i].Kind)
	}
	if u.Ops[4].Kind != ir.Kind(isa.KindLdImm64) || u.Ops[4].Imm != 0x20020 || u.Ops[5].Kind != ir.KindNop || u.Ops[7].Flags&ir.Proved == 0 {
		t.Errorf("kinds %v, call %+v, store %+v; notes %v", kinds, u.Ops[4], u.Ops[7], u.Notes)
	}
}

// Code with wrong facts that writes into a map's own words ends its run and
// nothing else: a chain without an end, a bucket that leads nowhere.
func TestBrokenHash(t *testing.T) {
	const found = "*(u64 *)(r10 -8) = 0\nr2 = r10\nr2 += -8\nr1 = map[fd:0] ll\ncall 1\nif r0 == 0 goto out\n"
	const again = "*(u64 *)(r10 -8) = 1\nr2 = r10\nr2 += -8\nr1 = map[fd:0] ll\ncall 1\nout:\nr0 = 0\nexit"
	for _, broken := range []string{
		"*(u32 *)(r0 -16) = 1\n", // the next of the first slot is itself
		"*(u32 *)(r0 -16) = -2\n",
		"*(u32 *)(r0 -16) = 0x12345\n",
		"r1 = 0x10000\ntop:\n*(u64 *)(r1 +0) = -1\nr1 += 8\nif r1 < 0x50000 goto top\n",
	} {
		for _, delete := range []string{"", "*(u64 *)(r10 -8) = 1\nr2 = r10\nr2 += -8\nr1 = map[fd:0] ll\ncall 3\n"} {
			p := &vm.Program{Type: hook.SchedCls, Insns: assemble(t, found+broken+delete+again)}
			for _, s := range proved {
				m := newMachine(t, vm.Config{Maps: []maps.Spec{{
					Name: "hash", Type: maps.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 1,
					Init: []maps.KV{{Key: make([]byte, 8), Value: make([]byte, 8)}},
				}}}, &s)
				if _, err := m.Load(p); err != nil {
					t.Fatal(err)
				}
				r, err := compile(t, m, &s)
				if err != nil {
					t.Fatal(err)
				}
				if err := r.start(vm.Input{}); err != nil {
					t.Fatal(err)
				}
				if st := r.Run(1 << 20); st == jit.Faulted && m.Fault() == nil && r.Err() == nil {
					t.Errorf("%s: a fault of nobody:\n%s", s.name, broken)
				}
				r.close()
				clear(s.engine(t).Span[:0x60000]) // it has written behind the arena too
			}
		}
	}
}
