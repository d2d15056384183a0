package maps

// HashLayout is where a hash keeps its elements, for code that looks them up
// itself: the bucket of a key is Buckets + 4*(HashKey(key)&Mask) and holds the
// first slot of its chain, 0 for none. Slot ref lies in chunk (ref-1)>>Shift,
// whose address is the word at Chunks, in steps of Stride.
type HashLayout struct {
	Buckets, Mask uint32
	Chunks        uint32 // address of the addresses of the chunks
	Shift         uint32 // log2 of slots in a chunk
	Single        bool   // there is only one
	Stride        uint32
	CPUStride     uint32 // distance of the values of two CPUs in a slot, 0 when there is one for all

	// Offsets in a slot: of the next slot's number, the hash, the key, the
	// value.
	Next, Hash, Key, Value uint32
}

// LayoutOfHash is the layout of a map of type hash or per-CPU hash; false for
// others, whose lookup does more. It is no method so that nobody pays for it who
// does not call it.
func LayoutOfHash(m Map) (HashLayout, bool) {
	h, ok := m.(*hash)
	if !ok || h.spec.Type != Hash && h.spec.Type != PerCPUHash {
		return HashLayout{}, false
	}
	l := HashLayout{
		Buckets: h.buckets, Mask: h.mask, Chunks: h.words + 8, Shift: h.shift, Single: (h.max-1)>>h.shift == 0,
		Stride: h.stride, Next: slotNext, Hash: slotHash, Key: h.hdr, Value: h.valOff,
	}
	if h.reps > 1 {
		l.CPUStride = roundUp8(h.spec.ValueSize)
	}
	return l, true
}
