package maps_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
	"skep/vm/asm"
	"skep/vm/isa"
	"skep/vm/maps"
)

// lruProgram inserts keys 0 to n-1 and after each looks up the key that is a
// third of it, so that old keys are used again: what an LRU map keeps.
func lruProgram(t *testing.T, n int) []isa.Insn {
	t.Helper()
	res := asm.Assemble(fmt.Sprintf(`
	.map m lru_hash key=4 value=8 entries=1
	r6 = 0
	*(u64 *)(r10 - 16) = 1
again:
	*(u32 *)(r10 - 4) = r6
	r2 = r10
	r2 += -4
	r3 = r10
	r3 += -16
	r4 = 0
	r1 = map[m]
	call 2
	r1 = r6
	r1 /= 3
	*(u32 *)(r10 - 4) = r1
	r2 = r10
	r2 += -4
	r1 = map[m]
	call 1
	r6 += 1
	if r6 < %d goto again
	r0 = 0
	exit
`, n), asm.Options{Dialect: asm.Kernel})
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors)
	}
	return res.Insns
}

// An LRU map that has been filled over and over holds the keys that the
// kernel's holds.
func TestLRUAgainstKernel(t *testing.T) {
	k := sandboxtest.Require(t, "6.12")
	specs := []maps.Spec{
		{Type: maps.LRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 64},
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 100},
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1000},
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 3000},
		{Type: maps.LRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 500},
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1000, Flags: maps.FlagNoCommonLRU},
	}
	var in bytes.Buffer
	n := func(s *maps.Spec) int { return int(s.MaxEntries) * 5 / 2 }
	for i := range specs {
		rec := sandbox.Record{ID: fmt.Sprint(i), ProgType: "sched_cls", License: "GPL", Insns: isa.EncodeAll(lruProgram(t, n(&specs[i]))),
			Maps: []sandbox.RecordMap{recordMap(&specs[i])}}
		if err := json.NewEncoder(&in).Encode(&rec); err != nil {
			t.Fatal(err)
		}
	}
	verdicts := k.Batch(t, &in, sandbox.BatchOptions{Run: true})
	cpus := uint32(len(verdicts[0].Maps[0].Entries[0].Value) / 8)
	for i, v := range verdicts {
		spec := &specs[i]
		if !v.Ran {
			t.Fatalf("%s: %s\n%s", specText(spec), v.Error, v.Log)
		}
		theirs := map[uint32]bool{}
		for _, e := range v.Maps[0].Entries {
			theirs[binary.LittleEndian.Uint32(e.Key)] = true
		}
		m := create(t, set(t, cpus), *spec)
		for k := range uint32(n(spec)) {
			m.Update(u32(k), u64(1), 0, 0)
			m.Lookup(u32(k/3), 0)
		}
		var ours []uint32 // that the kernel has not
		count := 0
		for key, e := m.NextKey(nil); e == 0; key, e = m.NextKey(key) {
			count++
			if k := binary.LittleEndian.Uint32(key); !theirs[k] {
				ours = append(ours, k)
			}
		}
		if len(ours) > 0 || count != len(theirs) {
			t.Errorf("%s: %d keys, in the kernel %d; ours alone has %v", specText(spec), count, len(theirs), ours[:min(len(ours), 10)])
		}
		t.Logf("%s: after %d inserts %d keys", specText(spec), n(spec), count)
	}
}
