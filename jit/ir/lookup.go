package ir

import (
	"slices"
	"strconv"

	"skep/vm/isa"
)

// bytes is n bytes in words.
func bytes(n uint32) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.Itoa(int(n)) + " bytes"
}

// mapOf is the map that the lookup at op i is in.
func (u *Unit) mapOf(i int32) *Map {
	o := &u.Ops[i]
	if o.Kind == KindHash {
		return &u.Program.Hashes[o.Target].Map
	}
	return &u.Program.Arrays[o.Target].Map
}

// CPUStride is how far the values of two CPUs are apart in the map that o looks
// up in place, 0 when there is one value for all or o is no such lookup.
func (u *Unit) CPUStride(o *Op) uint32 {
	switch o.Kind {
	case KindArray, KindElement:
		return u.Program.Arrays[o.Target].CPUStride
	case KindHash:
		return u.Program.Hashes[o.Target].CPUStride
	}
	return 0
}

// lookup does the lookup at op i in place, if its map is known.
func (k *knower) lookup(i int) bool {
	u, now := k.u, &k.now
	o := &u.Ops[i]
	m := now.regs[isa.R1]
	if m.kind != number {
		return false
	}
	ptr := uint64(m.off)
	array := slices.IndexFunc(u.Program.Arrays, func(a Array) bool { return a.Ptr == ptr && a.Stride > 0 })
	hash := -1
	if array < 0 && (u.Facts.Accepted || o.Out&args == 0) { // it needs registers, which no accepted program reads behind a call
		hash = slices.IndexFunc(u.Program.Hashes, func(h Hash) bool { return h.Ptr == ptr && h.inPlace() })
	}
	size := int64(4)
	switch {
	case array >= 0:
		o.Kind, o.Target = KindArray, int32(array)
	case hash >= 0:
		o.Kind, o.Target = KindHash, int32(hash)
		size = int64(u.Program.Hashes[hash].KeySize)
	default:
		return false
	}
	o.Src, o.Off = isa.R2, 0
	key := now.regs[isa.R2]
	if key.kind == inFrame && key.off >= -isa.StackSize && key.off <= -size {
		o.Src, o.Off = isa.R10, int32(key.off)
	}
	found := value{kind: orNull, id: int32(i)}
	if hash >= 0 {
		h := &u.Program.Hashes[hash]
		u.note(i, NoteInline, "bpf_map_lookup_elem of hash `"+h.Name+"`: hash, bucket and comparison of keys in place"+ofCPU(h.CPUStride))
	} else if a := &u.Program.Arrays[array]; k.constant(i, key) < a.Entries {
		found.kind = element
		o.Dst, o.Kind, o.Imm = isa.R0, Kind(isa.KindLdImm64), uint64(a.Elems+k.constant(i, key)*a.Stride)
		if a.CPUStride > 0 {
			o.Kind = KindElement
		}
		u.note(i, NoteInline, "bpf_map_lookup_elem of array `"+a.Name+"`: the index is always "+strconv.Itoa(int(k.constant(i, key)))+", so that the result is an address"+ofCPU(a.CPUStride))
	} else {
		u.note(i, NoteInline, "bpf_map_lookup_elem of array `"+a.Name+"`: index, bound and address in place"+ofCPU(a.CPUStride))
	}
	now.regs[isa.R0] = found
	return true
}

// ofCPU is what a note says more of values that each CPU has its own of.
func ofCPU(stride uint32) string {
	if stride == 0 {
		return ""
	}
	return ", " + bytes(stride) + " further for each CPU before the one that runs"
}

// constant is the 4-byte key of the lookup at op i, the largest number when it
// is none that is known.
func (k *knower) constant(i int, key value) uint32 {
	f, slot := k.u.Facts.Keys, int(k.u.Ops[i].Slot)
	if k.u.Options.Blind != 0 { // then no constant is what it was
		return 1<<32 - 1
	}
	if n, ok := slices.BinarySearchFunc(f, slot, func(k Key, s int) int { return k.Slot - s }); ok {
		return f[n].Key
	}
	if num, ok := k.now.cellAt(key.off, 4); ok && key.kind == inFrame {
		return uint32(num)
	}
	return 1<<32 - 1
}

// inPlace reports a hash with keys that code compares piece by piece.
func (h *Hash) inPlace() bool { return h.KeySize > 0 && h.KeySize <= maxKey && len(h.Pieces()) > 0 }

// maxKey bounds the code of a lookup.
const maxKey = 40

// Pieces is the sizes of the loads that a key is read with, nil when there
// would be too many.
func (h *Hash) Pieces() []int {
	pieces := [...]int{8, 8, 8, 8, 8, 0}
	n := int(h.KeySize / 8)
	switch rest := int(h.KeySize % 8); rest {
	case 0:
	case 1, 2, 4:
		pieces[n] = rest
		n++
	default:
		return nil
	}
	return pieces[:n]
}

// HashKey is what the hash of a key begins with and is multiplied by: see
// maps.HashKey.
const HashKey = uint64(0x9e3779b97f4a7c15)
