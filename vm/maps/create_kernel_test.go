package maps_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
	"skep/vm/btf"
	"skep/vm/isa"
	"skep/vm/maps"
)

// Sizes around every border that a map_alloc_check function of Linux 6.12 has.
var (
	keySizes   = []uint32{0, 1, 3, 4, 5, 8, 9, 16, 17, 260, 261, 512, 513, 4 << 20, 1<<32 - 1}
	valueSizes = []uint32{0, 1, 3, 4, 5, 7, 8, 9, 16, 32, 40, 1016, 1024, 4064, 4096, 32 << 10, 32<<10 + 1, 65407, 65408, 4 << 20, 4<<20 + 1, 1 << 31, 1<<32 - 1}
	entries    = []uint32{0, 1, 2, 3, 4096, 4097, 8192, 8193, 1 << 27, 1<<27 + 1, 1 << 31, 1<<31 + 1, 1<<32 - 1}
	mapExtras  = []uint64{1, 15, 16, 4096, 1<<32 - 4096}
)

// storageTypes need a BTF type for key and value.
func storageType(t maps.Type) bool {
	switch t {
	case maps.SkStorage, maps.InodeStorage, maps.TaskStorage, maps.CgrpStorage:
		return true
	}
	return false
}

// plainSpec is a map of the type that the kernel makes.
func plainSpec(t maps.Type) maps.Spec {
	r := t.Row()
	s := maps.Spec{Type: t, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: r.Must}
	switch r.Key {
	case maps.SizeZero:
		s.KeySize = 0
	case maps.SizeLPM, maps.SizeCgroup:
		s.KeySize = 8
	}
	switch r.Value {
	case maps.SizeZero:
		s.ValueSize = 0
	case maps.SizeMul8:
		s.ValueSize = 8
	}
	switch r.Entries {
	case maps.SizeEntries0:
		s.MaxEntries = 0
	case maps.SizePages:
		s.MaxEntries = 4096
	}
	if storageType(t) {
		s.BTFKey, s.BTFValue = 1, 1
	}
	if t == maps.ArrayOfMaps || t == maps.HashOfMaps {
		s.Inner = &maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	}
	return s
}

// creations are variations of the plain map of each type, in one thing or in
// two flags.
func creations() (all []maps.Spec) {
	for n := 1; n < maps.NumTypes; n++ {
		t := maps.Type(n)
		plain := plainSpec(t)
		vary := func(change func(s *maps.Spec)) {
			s := plain
			change(&s)
			all = append(all, s)
		}
		vary(func(*maps.Spec) {})
		vary(func(s *maps.Spec) { s.Flags = 0 })
		for bit := range 20 {
			vary(func(s *maps.Spec) { s.Flags |= 1 << bit })
		}
		for _, pair := range []uint32{maps.FlagRdonly | maps.FlagWronly, maps.FlagRdonlyProg | maps.FlagWronlyProg,
			maps.FlagNoPrealloc | maps.FlagNoCommonLRU, maps.FlagMmapable | maps.FlagInnerMap} {
			vary(func(s *maps.Spec) { s.Flags |= pair })
		}
		for _, v := range keySizes {
			vary(func(s *maps.Spec) { s.KeySize = v })
		}
		for _, v := range valueSizes {
			vary(func(s *maps.Spec) { s.ValueSize = v })
			if t.Row().Flags&maps.FlagStackBuildID != 0 {
				vary(func(s *maps.Spec) { s.ValueSize, s.Flags = v, maps.FlagStackBuildID })
			}
		}
		for _, v := range entries {
			vary(func(s *maps.Spec) { s.MaxEntries = v })
		}
		for _, v := range mapExtras {
			vary(func(s *maps.Spec) { s.Extra = v })
		}
		if plain.Inner != nil {
			for inner := 1; inner < maps.NumTypes; inner++ {
				if in := maps.Type(inner); in != maps.StructOps { // needs a type of the kernel
					i := plainSpec(in)
					vary(func(s *maps.Spec) { s.Inner = &i })
				}
			}
			vary(func(s *maps.Spec) { s.Inner = nil })
		}
		if storageType(t) {
			vary(func(s *maps.Spec) { s.BTFKey, s.BTFValue = 0, 0 })
		}
	}
	return all
}

func specText(s *maps.Spec) string {
	text := fmt.Sprintf("%s key %d value %d entries %d flags 0x%x extra %d", s.Type, s.KeySize, s.ValueSize, s.MaxEntries, s.Flags, s.Extra)
	if s.Inner != nil {
		text += " inner {" + specText(s.Inner) + "}"
	}
	return text
}

// typed is BTF with the key type of a storage map and a value type of n bytes.
func typed(n uint32) (blob string, key, value uint32) {
	var b btf.Builder
	i, char := b.Int("int", 4, 1), b.Int("char", 1, 0)
	v := b.Struct("value", n, btf.Member{Name: "bytes", Type: b.Array(char, i, n)})
	return fmt.Sprintf("%x", b.Bytes()), uint32(i), uint32(v)
}

func recordMap(s *maps.Spec) sandbox.RecordMap {
	m := sandbox.RecordMap{Type: s.Type.String(), KeySize: s.KeySize, ValueSize: s.ValueSize, MaxEntries: s.MaxEntries,
		MapFlags: s.Flags, MapExtra: s.Extra}
	if s.BTFKey != 0 {
		m.BTF, m.KeyTypeID, m.ValueTypeID = typed(s.ValueSize)
	}
	if s.Inner != nil {
		inner := recordMap(s.Inner)
		m.Inner = &inner
	}
	return m
}

// BPF_MAP_CREATE answers each of them with the kernel's errno.
func TestCreateAgainstKernel(t *testing.T) {
	k := sandboxtest.Require(t, "6.12")
	code := isa.EncodeAll([]isa.Insn{{Op: isa.ClassALU64 | isa.OpMov}, {Op: isa.ClassJMP | isa.JmpExit}})
	all := creations()
	var in bytes.Buffer
	for i := range all {
		rec := sandbox.Record{ID: fmt.Sprint(i), ProgType: "socket_filter", License: "GPL", Insns: code,
			Maps: []sandbox.RecordMap{recordMap(&all[i])}}
		if err := json.NewEncoder(&in).Encode(&rec); err != nil {
			t.Fatal(err)
		}
	}
	verdicts := k.Batch(t, &in, sandbox.BatchOptions{})
	if len(verdicts) != len(all) {
		t.Fatalf("%d verdicts for %d maps", len(verdicts), len(all))
	}
	refused, noMemory := 0, 0
	for i, v := range verdicts {
		want := maps.Errno(v.Errno)
		if v.Errno != 0 && !strings.HasPrefix(v.Error, "map 0: ") || v.Errno == 0 && !v.OK {
			t.Errorf("%s: not an answer about the map: errno %d %s", specText(&all[i]), v.Errno, v.Error)
			continue
		}
		var got maps.Errno
		if err := all[i].Check(); err != nil {
			got = err.(*maps.CreateError).Errno
		}
		switch {
		case want == maps.ENOMEM && got == 0: // its rules are kept, its size is not the kernel's
			noMemory++
		case want != got:
			t.Errorf("%s: errno %d, the kernel's is %d (%v; %s)", specText(&all[i]), got, want, all[i].Check(), v.Error)
		case want != 0:
			refused++
		}
	}
	t.Logf("%d maps, %d refused, %d too large for the kernel's memory; %s", len(all), refused, noMemory, verdicts[0].Engine)
}
