package maps

import (
	"math/bits"

	"skep/vm/arena"
)

// slots is the memory of a map's elements: numbered slots of equal size, taken
// and given back. A slot is referred to by its number plus one, so that zero
// is none.
//
// Small maps have all their slots from the start. Large ones grow by chunks of
// about 64 KiB when slots are first taken: a program may declare a million
// entries and use ten, and a browser tab should not pay for it. The address of
// a slot never changes.
//
//	slot: header (hdr bytes, the map's own) | key, padded to 8 | value(s)
type slots struct {
	b      *base
	max    uint32 // how many slots there may be
	shift  uint32 // log2 of slots in a chunk
	stride uint32
	hdr    uint32
	valOff uint32
	reps   uint32
	words  uint32 // state: [free list head, slots ever taken, chunk addresses...]
}

const (
	slotNext  = 0 // header word: next slot of the free list (or whatever the map links)
	chunkSize = 64 << 10
	wholeSize = 256 << 10 // pools up to this size are one chunk
)

func newSlots(b *base, max, hdr, key, value, reps uint32) (slots, Errno) {
	s := slots{b: b, max: max, hdr: hdr, valOff: hdr + roundUp8(key), reps: reps}
	s.stride = s.valOff + reps*roundUp8(value)
	per := uint32(1)
	if uint64(max)*uint64(s.stride) <= wholeSize {
		per = max
	} else if s.stride < chunkSize {
		per = chunkSize / s.stride
	}
	s.shift = uint32(bits.Len32(per - 1))
	if per != max && s.shift > 0 && per&(per-1) != 0 {
		s.shift--
	}
	words := 8 + 4*(uint64(max>>s.shift)+1)
	if words > uint64(b.a.Limit()) {
		return s, ENOMEM
	}
	var e Errno
	s.words, e = b.state(uint32(words))
	return s, e
}

// addr is the address of a slot that has been taken before.
func (s *slots) addr(ref uint32) uint32 {
	i := ref - 1
	return s.b.a.U32(s.words+8+4*(i>>s.shift)) + (i&(1<<s.shift-1))*s.stride
}

// take returns a free slot, 0 when there is none or no memory for one. Its
// bytes are those it had when it was given back.
func (s *slots) take() uint32 {
	a := s.b.a
	if ref := a.U32(s.words); ref != 0 {
		a.Put32(s.words, a.U32(s.addr(ref)+slotNext))
		return ref
	}
	used := a.U32(s.words + 4)
	if used == s.max || used&(1<<s.shift-1) == 0 && !s.grow(used>>s.shift) {
		return 0
	}
	a.Put32(s.words+4, used+1)
	return used + 1
}

func (s *slots) grow(chunk uint32) bool {
	n := min(uint32(1)<<s.shift, s.max-chunk<<s.shift)
	if uint64(n)*uint64(s.stride) > uint64(s.b.a.Limit()) {
		return false
	}
	r, err := s.b.a.Alloc(arena.Region{
		Kind: arena.Value, Perm: s.b.perm(), Map: int32(s.b.index), Index: int32(chunk), Name: s.b.spec.Name,
		Len: n * s.stride, Stride: s.stride, Off: s.valOff, Size: s.b.spec.ValueSize, Reps: s.reps,
	}, 64)
	if err != nil {
		return false
	}
	s.b.a.Put32(s.words+8+4*chunk, r.Base)
	return true
}

// give puts a slot on the free list.
func (s *slots) give(ref uint32) {
	a := s.b.a
	a.Put32(s.addr(ref)+slotNext, a.U32(s.words))
	a.Put32(s.words, ref)
}

// find is the slot that holds addr, 0 when none was taken there.
func (s *slots) find(addr uint32) uint32 {
	r := s.b.a.Find(addr)
	if r == nil || r.Kind != arena.Value || int(r.Map) != s.b.index {
		return 0
	}
	return uint32(r.Index)<<s.shift + r.ElemIndex(addr) + 1
}

func (s *slots) key(ref uint32) []byte { return s.b.a.Bytes(s.addr(ref)+s.hdr, s.b.spec.KeySize) }

// value is the address of the slot's value for a CPU.
func (s *slots) value(ref, cpu uint32) uint32 {
	v := s.addr(ref) + s.valOff
	if s.reps > 1 {
		v += cpu * roundUp8(s.b.spec.ValueSize)
	}
	return v
}
