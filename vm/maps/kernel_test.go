package maps_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

var (
	kernelN    = flag.Int("kernel-n", 3, "sequences a type for TestAgainstKernel")
	kernelSeed = flag.Uint64("kernel-seed", 1, "of the sequences")
)

// kernelTypes are the maps whose operations a program can all do, small enough
// to be full and to evict often.
var kernelTypes = []maps.Spec{
	{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 5},
	{Name: "hash_noprealloc", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: maps.FlagNoPrealloc},
	{Name: "percpu_hash", Type: maps.PerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 5},
	{Name: "array", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 5},
	{Name: "percpu_array", Type: maps.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 5},
	{Name: "lru_hash", Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 6},
	{Name: "lru_percpu_hash", Type: maps.LRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 6},
	{Name: "lru_no_common", Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 6, Flags: maps.FlagNoCommonLRU},
	{Name: "lpm_trie", Type: maps.LPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 6, Flags: maps.FlagNoPrealloc},
	{Name: "queue", Type: maps.Queue, ValueSize: 8, MaxEntries: 4},
	{Name: "stack", Type: maps.Stack, ValueSize: 8, MaxEntries: 4},
	{Name: "bloom_filter", Type: maps.BloomFilter, ValueSize: 8, MaxEntries: 64},
}

const (
	kernelOps = 48
	results   = 2 * kernelOps // words
)

// operations makes a program of random operations on map 0 that puts what
// each of them gives into the value of map 1. story has a line a word.
func operations(r *rand.Rand, spec *maps.Spec) (code []isa.Insn, story []string) {
	in := func(op int, dst, src uint8, off int16, imm int32) {
		code = append(code, isa.Insn{Op: uint8(op), Dst: dst, Src: src, Off: off, Imm: imm})
	}
	mov := func(dst uint8, imm int32) { in(isa.ClassALU64|isa.OpMov, dst, 0, 0, imm) }
	wide := func(dst uint8, src uint8, v uint64) {
		w := isa.Wide(dst, src, v)
		code = append(code, w[0], w[1])
	}
	frame := func(dst uint8, off int32) {
		in(isa.ClassALU64|isa.OpMov|isa.SrcX, dst, isa.R10, 0, 0)
		in(isa.ClassALU64|isa.OpAdd, dst, 0, 0, off)
	}
	store := func(off int16, v int32) { in(isa.ClassST|isa.ModeMem|isa.SizeW, isa.R10, 0, off, v) }
	call := func(id int32) { in(isa.ClassJMP|isa.JmpCall, 0, 0, 0, id) }
	word := 0
	save := func(what string) { // r0 to the next word
		in(isa.ClassSTX|isa.ModeMem|isa.SizeDW, isa.R7, isa.R0, int16(8*word), 0)
		story = append(story, what)
		word++
	}
	wide(isa.R7, isa.PseudoMapValue, 1)
	store(-16, 0)
	store(-12, 0)
	for n := range kernelOps {
		key, value := int32(r.IntN(9)), int32(1000+n)
		keyText := fmt.Sprint(key)
		store(-8, key)
		store(-4, 0)
		if spec.Type == maps.LPMTrie {
			plen := []int32{0, 1, 2, 3, 8, 16, 31, 32, 33}[r.IntN(9)]
			data := []int32{0, 0x0a, -0x7ffffff6, 0x000a000a, 0xc0, -1}[r.IntN(6)]
			store(-8, plen)
			store(-4, data)
			keyText = fmt.Sprintf("%08x/%d", uint32(data), plen)
		}
		store(-16, value)
		wide(isa.R1, isa.PseudoMapFD, 0)
		flags := []int32{0, 0, 0, 1, 2, 3, 4, 8}[r.IntN(8)]
		if spec.KeySize == 0 {
			small := int32(r.IntN(40)) // of which a bloom filter knows some
			if spec.Type == maps.BloomFilter {
				store(-16, small)
			}
			frame(isa.R2, -16)
			switch op := r.IntN(4); {
			case op <= 1 || spec.Type == maps.BloomFilter && op == 2:
				mov(isa.R3, flags)
				call(87)
				save(fmt.Sprintf("push %d flags %d", value, flags))
			case op == 2:
				call(88)
				save("pop")
				in(isa.ClassLDX|isa.ModeMem|isa.SizeDW, isa.R0, isa.R10, -16, 0)
				save("value popped")
			case spec.Type == maps.BloomFilter:
				call(89)
				save(fmt.Sprintf("peek %d", small))
			default:
				call(89)
				save("peek")
				in(isa.ClassLDX|isa.ModeMem|isa.SizeDW, isa.R0, isa.R10, -16, 0)
				save("value peeked")
			}
			store(-12, 0)
			continue
		}
		frame(isa.R2, -8)
		switch r.IntN(5) {
		case 0, 1, 2:
			frame(isa.R3, -16)
			mov(isa.R4, flags)
			call(2)
			save(fmt.Sprintf("update %s to %d flags %d", keyText, value, flags))
		case 3:
			call(1)
			in(isa.ClassJMP|isa.JmpEq, isa.R0, 0, 1, 0)
			in(isa.ClassLDX|isa.ModeMem|isa.SizeDW, isa.R0, isa.R0, 0, 0)
			save("lookup " + keyText)
		default:
			call(3)
			save("delete " + keyText)
		}
	}
	mov(isa.R0, 0)
	in(isa.ClassJMP|isa.JmpExit, 0, 0, 0, 0)
	return code, story
}

// A random sequence of operations gives the same results on our maps and on
// the kernel's, and leaves the same elements.
func TestAgainstKernel(t *testing.T) {
	k := sandboxtest.Require(t, "6.12")
	type sequence struct {
		spec  *maps.Spec
		code  []isa.Insn
		story []string
	}
	var all []sequence
	var in bytes.Buffer
	for i := range kernelTypes {
		for n := range *kernelN {
			spec := &kernelTypes[i]
			code, story := operations(rand.New(rand.NewPCG(*kernelSeed, uint64(i*1_000_000+n))), spec)
			all = append(all, sequence{spec, code, story})
			rec := sandbox.Record{
				ID: fmt.Sprint(spec.Name, " ", n), ProgType: "sched_cls", License: "GPL", Insns: isa.EncodeAll(code),
				Maps: []sandbox.RecordMap{
					{Type: spec.Type.String(), KeySize: spec.KeySize, ValueSize: spec.ValueSize, MaxEntries: spec.MaxEntries, MapFlags: spec.Flags},
					{Name: "results", Type: "array", KeySize: 4, ValueSize: 8 * results, MaxEntries: 1},
				},
			}
			if err := json.NewEncoder(&in).Encode(&rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	verdicts := k.Batch(t, &in, sandbox.BatchOptions{Run: true})
	if len(verdicts) != len(all) {
		t.Fatalf("%d verdicts for %d programs", len(verdicts), len(all))
	}
	differ := map[string]int{}
	for i, v := range verdicts {
		s := all[i]
		if !v.Ran || len(v.Maps) != 2 || len(v.Maps[1].Entries) != 1 {
			t.Fatalf("%s did not run: errno %d %s\n%s", v.ID, v.Errno, v.Error, v.Log)
		}
		cpus := uint32(1)
		if e := v.Maps[0].Entries; s.spec.Type.Row().PerCPU && len(e) > 0 {
			cpus = uint32(len(e[0].Value) / 8)
		}
		got, left := ours(t, s.spec, s.code, cpus)
		want := v.Maps[1].Entries[0].Value
		for w, what := range s.story {
			g, x := int64(binary.LittleEndian.Uint64(got[8*w:])), int64(binary.LittleEndian.Uint64(want[8*w:]))
			if g != x && int32(g) == int32(x) && strings.HasPrefix(what, "push") {
				continue // the kernel returns long, of which programs see the lower half
			}
			if g != x {
				differ[s.spec.Name]++
				if differ[s.spec.Name] <= 3 {
					t.Errorf("%s: operation %d, %s: %d, the kernel's is %d\nbefore: %s", v.ID, w, what, g, x, strings.Join(s.story[max(0, w-12):w], "; "))
				}
				break
			}
		}
		kernel := map[string]string{}
		for _, e := range v.Maps[0].Entries {
			kernel[string(e.Key)] = fmt.Sprintf("%x", []byte(e.Value))
		}
		for key, value := range left {
			if cpus > 1 { // it ran on a CPU of its choice
				value = kernel[key]
			}
			if kernel[key] != value && differ[s.spec.Name] == 0 {
				t.Errorf("%s: key %x is left with %s, in the kernel with %q", v.ID, key, value, kernel[key])
			}
			delete(kernel, key)
		}
		if len(kernel) > 0 && differ[s.spec.Name] == 0 {
			t.Errorf("%s: the kernel has %d more keys", v.ID, len(kernel))
		}
	}
	t.Logf("%d sequences of %d operations, differing %v; %s", len(all), kernelOps, differ, verdicts[0].Engine)
}

// ours runs the program on our maps: the results, and what is left.
func ours(t *testing.T, spec *maps.Spec, code []isa.Insn, cpus uint32) ([]byte, map[string]string) {
	t.Helper()
	m, err := vm.New(vm.Config{World: &helper.World{CPUs: cpus}, Maps: []maps.Spec{*spec,
		{Name: "results", Type: maps.Array, KeySize: 4, ValueSize: 8 * results, MaxEntries: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(&vm.Program{Type: hook.SchedCls, Insns: code}); err != nil {
		t.Fatal(err)
	}
	if err := m.Reset(vm.Input{Packet: make([]byte, 64)}); err != nil {
		t.Fatal(err)
	}
	if s := m.Run(1 << 20); s != vm.StopExit {
		t.Fatalf("%s: %v %v", spec.Name, s, m.Fault())
	}
	got, _ := m.Maps().At(1).Get(make([]byte, 4))
	left := map[string]string{}
	mp := m.Maps().At(0)
	for key, e := mp.NextKey(nil); e == 0; key, e = mp.NextKey(key) {
		value, _ := mp.Get(key)
		left[string(key)] = fmt.Sprintf("%x", value)
	}
	return got, left
}
