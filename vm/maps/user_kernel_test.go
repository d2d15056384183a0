package maps_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/proto"
	"skep/server/sandbox/sandboxtest"
	"skep/vm/arena"
	"skep/vm/isa"
	"skep/vm/maps"
)

const userOps = 64

// named says that user space names something by a file descriptor that the
// simulated machine has numbers for: what an element holds, or whose it is.
func named(t maps.Type) (value, key bool) {
	switch t {
	case maps.ProgArray, maps.PerfEventArray, maps.CgroupArray, maps.ArrayOfMaps, maps.HashOfMaps, maps.Devmap, maps.DevmapHash, maps.CPUMap,
		maps.XSKMap, maps.Sockmap, maps.SockHash, maps.ReuseportSockArray:
		return true, false
	}
	return false, storageType(t)
}

// userSpecs are maps that user space can fill by itself: a plain one of each
// type, small enough to be full soon, and some with flags.
func userSpecs() (specs []maps.Spec) {
	for n := 1; n < maps.NumTypes; n++ {
		t := maps.Type(n)
		if _, key := named(t); !key && t != maps.StructOps && t != maps.Arena { // a type of the kernel's, no elements
			s := plainSpec(t)
			if s.MaxEntries == 1 {
				s.MaxEntries = 5
			}
			if t == maps.LRUHash || t == maps.LRUPerCPUHash {
				s.MaxEntries = 64 // nothing is evicted
			}
			specs = append(specs, s)
		}
	}
	return append(specs, []maps.Spec{
		{Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: maps.FlagNoPrealloc},
		{Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: maps.FlagRdonlyProg},
		{Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 5, Frozen: true},
		{Type: maps.Array, KeySize: 4, ValueSize: 5, MaxEntries: 3},
		{Type: maps.PerCPUArray, KeySize: 4, ValueSize: 12, MaxEntries: 3},
		{Type: maps.PerCPUHash, KeySize: 3, ValueSize: 4, MaxEntries: 4},
	}...)
}

// userOp is an operation of user space on one map.
type userOp struct {
	remove     bool
	key, value []byte
	flags      uint64
}

func (o *userOp) String() string {
	if o.remove {
		return fmt.Sprintf("delete %x", o.key)
	}
	return fmt.Sprintf("update %x to %x flags %d", o.key, o.value[:min(len(o.value), 16)], o.flags)
}

func randomUserOp(r *rand.Rand, s *maps.Spec, cpus int) userOp {
	value, _ := named(s.Type)
	o := userOp{remove: value || r.IntN(4) == 0, flags: []uint64{0, 0, 0, 1, 2, 3, 4, 8}[r.IntN(8)]}
	o.key = make([]byte, s.KeySize)
	if s.KeySize > 0 {
		o.key[0] = byte(r.IntN(7))
	}
	if s.Type == maps.LPMTrie {
		o.key[0] = []byte{0, 8, 16, 32, 33}[r.IntN(5)]
		o.key[4] = byte(r.IntN(3))
	}
	size := int(s.ValueSize)
	if s.Type.Row().PerCPU {
		size = (size + 7) / 8 * 8 * cpus
	}
	o.value = make([]byte, size)
	for i := range o.value {
		o.value[i] = byte(r.IntN(256))
	}
	if s.Type.Row().PerCPU { // what lies between the values of CPUs is not kept
		for i := range o.value {
			if i%((int(s.ValueSize)+7)/8*8) >= int(s.ValueSize) {
				o.value[i] = 0
			}
		}
	}
	return o
}

// Operations of user space by bpf(2) have the kernel's errno on maps of every
// type, and leave the same elements.
func TestUserAgainstKernel(t *testing.T) {
	machine := sandboxtest.Require(t, "6.12").VM(t)
	specs := userSpecs()
	rec := sandbox.Record{ProgType: "socket_filter", License: "GPL",
		Insns: isa.EncodeAll([]isa.Insn{{Op: isa.ClassALU64 | isa.OpMov}, {Op: isa.ClassJMP | isa.JmpExit}})}
	for i := range specs {
		specs[i].Name = fmt.Sprint("m", i)
		m := recordMap(&specs[i])
		m.Name, m.Frozen = specs[i].Name, specs[i].Frozen
		rec.Maps = append(rec.Maps, m)
	}
	p, err := rec.Resolve(machine.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Keep = "p"
	if v, err := machine.Load(t.Context(), p); err != nil || !v.OK {
		t.Fatalf("%v %+v", err, v)
	}
	cpus := 0
	for i := range specs {
		if s := &specs[i]; s.Type == maps.PerCPUArray {
			state, err := machine.Maps(t.Context(), s.Name)
			if err != nil || len(state[0].Entries) == 0 {
				t.Fatal(state, err)
			}
			cpus = len(state[0].Entries[0].Value) / (int(s.ValueSize+7) / 8 * 8)
		}
	}
	set := maps.NewSet(arena.New(0), uint32(cpus))
	r := rand.New(rand.NewPCG(*kernelSeed, 7))
	ops, refused := 0, 0
	for i := range specs {
		s := &specs[i]
		ours, err := set.New(*s)
		if err != nil {
			t.Fatal(err)
		}
		for range userOps {
			o := randomUserOp(r, s, cpus)
			var want maps.Errno
			if err := machine.Update(t.Context(), proto.UpdateParams{Map: s.Name, Key: o.key, Value: o.value, Flags: o.flags, Delete: o.remove}); err != nil {
				var call *sandbox.CallError
				if !errors.As(err, &call) || call.Errno == 0 {
					t.Fatalf("%s: %s: %v", s.Type, &o, err)
				}
				want = maps.Errno(call.Errno)
				refused++
			}
			ops++
			var got maps.Errno
			if o.remove {
				got = ours.Remove(o.key)
			} else {
				got = ours.Set(o.key, o.value, o.flags)
			}
			if got != want {
				t.Errorf("%s: %s: %v (%d), the kernel's is %v (%d)", specText(s), &o, got, got, want, want)
				break
			}
		}
		state, err := machine.Maps(t.Context(), s.Name)
		if err != nil || len(state) != 1 {
			t.Fatal(err)
		}
		kernel := map[string]string{}
		for _, e := range state[0].Entries {
			kernel[string(e.Key)] = string(e.Value)
		}
		for key, e := ours.NextKey(nil); e == 0 && s.KeySize > 0; key, e = ours.NextKey(key) {
			if value, e := ours.Get(key); e == 0 {
				if kernel[string(key)] != string(value) {
					t.Errorf("%s: key %x is left with %x, in the kernel with %x", specText(s), key, value, kernel[string(key)])
				}
				delete(kernel, string(key))
			}
		}
		if len(kernel) > 0 {
			t.Errorf("%s: the kernel has %d more keys", specText(s), len(kernel))
		}
	}
	t.Logf("%d operations on %d maps, %d refused", ops, len(specs), refused)
}
