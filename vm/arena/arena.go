// Package arena is the memory of a machine: one contiguous span that holds
// everything a program can reach, with the table of its regions and the
// journal that undoes writes.
//
// A program's pointer is an offset into the span. Offsets below [Base] are
// never mapped, so NULL and small numbers fault. Memory that only the machine
// touches (map indexes, random state) lies in the same span, in regions
// without permissions: a copy of the bytes is therefore a copy of the whole
// state, and undoing writes undoes everything.
//
//	a := arena.New(arena.DefaultLimit)
//	r, _ := a.Alloc(arena.Region{Kind: arena.Ctx, Len: 24, Perm: arena.Read, Name: "ctx"}, 8)
//	a.Put32(r.Base, 42)
//
// Read next: journal.go for undo, then package vm for who uses it.
package arena

import (
	"encoding/binary"
	"errors"
	"sort"
)

// Base is the lowest mapped offset.
const Base = 64 << 10

// DefaultLimit is how large an arena may grow unless its owner says otherwise.
const DefaultLimit = 64 << 20

// ErrFull is returned when an allocation would pass the arena's limit.
var ErrFull = errors.New("arena is full: the maps and buffers of this machine need more memory than its limit")

// Arena is the span. The zero value is not usable: see [New].
//
// Every write that must be undoable goes through the Put methods (or Write,
// Zero, Move); they record the old bytes while a journal is attached. Buf may
// move when the arena grows: whoever holds a pointer into it fetches it again
// after anything that can allocate (a helper call).
type Arena struct {
	// Buf is the span from offset 0; its length is the current break. The
	// first Base bytes exist so that an offset is an index. Read it freely;
	// write it directly only when nothing is being recorded.
	Buf []byte

	// Journal, when set, receives the old bytes of every write.
	Journal *Journal

	limit   uint32
	regions []Region // sorted by Base, without overlap
}

// New makes an empty arena that may grow to limit bytes (0 is DefaultLimit).
func New(limit uint32) *Arena {
	if limit == 0 {
		limit = DefaultLimit
	}
	return &Arena{Buf: make([]byte, Base, Base+192<<10), limit: limit}
}

// NewIn makes an arena inside span, which must be zero. Its length is the
// limit and it never moves: how a JIT gets a base that stays valid.
func NewIn(span []byte) (*Arena, error) {
	if len(span) < Base || uint64(len(span)) > 1<<32-1 {
		return nil, errors.New("arena: the span must be between 64 KiB and 4 GiB long")
	}
	return &Arena{Buf: span[:Base:len(span)], limit: uint32(len(span))}, nil
}

// Brk is the first offset behind everything that is allocated.
func (a *Arena) Brk() uint32 { return uint32(len(a.Buf)) }

// Limit is the largest break.
func (a *Arena) Limit() uint32 { return a.limit }

// Alloc appends a region of r.Len bytes, zeroed, and returns it with its Base
// set. align is a power of two, at least 8. The memory between two regions is
// not mapped: at least 64 bytes, so that running off the end of one region
// does not land in the next.
func (a *Arena) Alloc(r Region, align uint32) (*Region, error) {
	const gap = 64
	base := (uint64(len(a.Buf)) + gap + uint64(align) - 1) &^ (uint64(align) - 1)
	end := base + uint64(r.Len)
	if end > uint64(a.limit) {
		return nil, ErrFull
	}
	if a.Journal != nil {
		a.Journal.Cell(BrkCell, uint64(len(a.Buf)))
	}
	a.grow(uint32(end))
	r.Base = uint32(base)
	a.regions = append(a.regions, r)
	return &a.regions[len(a.regions)-1], nil
}

// grow sets the break. Bytes above the old break are zero: Shrink cleared
// them if they ever were anything else.
func (a *Arena) grow(brk uint32) {
	if int(brk) <= cap(a.Buf) {
		a.Buf = a.Buf[:brk]
		return
	}
	n := 2 * cap(a.Buf)
	if n < int(brk) {
		n = int(brk)
	}
	if n > int(a.limit) {
		n = int(a.limit)
	}
	buf := make([]byte, brk, n)
	copy(buf, a.Buf)
	a.Buf = buf
}

// Shrink moves the break back to brk, which must have been a break before,
// and forgets the regions above it: the undo of Alloc.
func (a *Arena) Shrink(brk uint32) {
	if brk >= a.Brk() || brk < Base {
		return
	}
	clear(a.Buf[brk:])
	a.Buf = a.Buf[:brk]
	for n := len(a.regions); n > 0 && a.regions[n-1].Base >= brk; n-- {
		a.regions = a.regions[:n-1]
	}
}

// Restore sets break and regions to those of a checkpoint, whose bytes the
// caller writes afterwards. regions is copied.
func (a *Arena) Restore(brk uint32, regions []Region) {
	if brk < a.Brk() {
		clear(a.Buf[brk:])
		a.Buf = a.Buf[:brk]
	} else {
		a.grow(brk)
	}
	a.regions = append(a.regions[:0], regions...)
}

// Regions lists the regions by address. The slice is the arena's own.
func (a *Arena) Regions() []Region { return a.regions }

// Find returns the region that holds addr, or nil.
func (a *Arena) Find(addr uint32) *Region {
	i := sort.Search(len(a.regions), func(i int) bool { return a.regions[i].Base > addr }) - 1
	if i < 0 || addr-a.regions[i].Base >= a.regions[i].Len {
		return nil
	}
	return &a.regions[i]
}

// Near returns the region that holds addr or, failing that, the one whose
// edge is nearest: what a wrong pointer was probably meant for. Nil in an
// empty arena.
func (a *Arena) Near(addr uint32) *Region {
	i := sort.Search(len(a.regions), func(i int) bool { return a.regions[i].Base > addr })
	switch {
	case len(a.regions) == 0:
		return nil
	case i == 0:
		return &a.regions[0]
	case i == len(a.regions):
		return &a.regions[i-1]
	}
	before, after := &a.regions[i-1], &a.regions[i]
	if addr < before.Base+before.Len || addr-(before.Base+before.Len) < after.Base-addr {
		return before
	}
	return after
}

// Valid reports whether [addr, addr+n) lies below the break and above Base.
func (a *Arena) Valid(addr, n uint32) bool {
	return addr >= Base && uint64(addr)+uint64(n) <= uint64(len(a.Buf))
}

// Bytes is a view of n bytes. It panics outside the arena: callers hold an
// address that the arena gave them.
func (a *Arena) Bytes(addr, n uint32) []byte { return a.Buf[addr : addr+n : addr+n] }

// U8, U32 and U64 read little endian.
func (a *Arena) U8(addr uint32) uint8   { return a.Buf[addr] }
func (a *Arena) U32(addr uint32) uint32 { return binary.LittleEndian.Uint32(a.Buf[addr:]) }
func (a *Arena) U64(addr uint32) uint64 { return binary.LittleEndian.Uint64(a.Buf[addr:]) }

// Put8 writes a byte, recorded.
func (a *Arena) Put8(addr uint32, v uint8) {
	if a.Journal != nil {
		a.Journal.mem(a.Buf, addr, 1)
	}
	a.Buf[addr] = v
}

// Put32 writes four bytes, recorded.
func (a *Arena) Put32(addr uint32, v uint32) {
	if a.Journal != nil {
		a.Journal.mem(a.Buf, addr, 4)
	}
	binary.LittleEndian.PutUint32(a.Buf[addr:], v)
}

// Put64 writes eight bytes, recorded.
func (a *Arena) Put64(addr uint32, v uint64) {
	if a.Journal != nil {
		a.Journal.mem(a.Buf, addr, 8)
	}
	binary.LittleEndian.PutUint64(a.Buf[addr:], v)
}

// Write copies b to addr, recorded.
func (a *Arena) Write(addr uint32, b []byte) {
	if len(b) == 0 {
		return
	}
	a.Touch(addr, uint32(len(b)))
	copy(a.Buf[addr:addr+uint32(len(b))], b)
}

// Zero clears n bytes, recorded.
func (a *Arena) Zero(addr, n uint32) {
	if n == 0 {
		return
	}
	a.Touch(addr, n)
	clear(a.Buf[addr : addr+n])
}

// Move copies n bytes from src to dst, which may overlap, recorded.
func (a *Arena) Move(dst, src, n uint32) {
	if n == 0 {
		return
	}
	a.Touch(dst, n)
	copy(a.Buf[dst:dst+n], a.Buf[src:src+n])
}

// Touch records n bytes that are about to be written directly.
func (a *Arena) Touch(addr, n uint32) {
	if a.Journal != nil && n > 0 {
		a.Journal.mem(a.Buf, addr, n)
	}
}
