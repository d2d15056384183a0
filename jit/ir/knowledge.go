package ir

import (
	"math/bits"
	"slices"

	"skep/vm/isa"
)

// value is what is known of a register.
type value struct {
	kind valueKind
	id   int32 // of an element: the op that looked it up
	off  int64 // the number, or how far behind r10 or the start of the value
}

type valueKind uint8

const (
	anything valueKind = iota
	number
	inFrame // r10 + off
	element // of the map that op id looks up
	orNull  // the same, or NULL
)

func (v value) isElement() bool { return v.kind >= element }

// cell is a number that is in the frame.
type cell struct {
	off  int64
	size int64 // 0: none
	num  uint64
}

// knowledge is what is known where control is.
type knowledge struct {
	regs  [isa.NumRegs]value
	cells [4]cell
}

func (k *knowledge) forgetAll() {
	*k = knowledge{}
	k.regs[isa.R10] = value{kind: inFrame}
}

func (k *knowledge) forget(regs uint16) {
	for regs &^= Bit(isa.R10); regs != 0; regs &= regs - 1 {
		k.regs[bits.TrailingZeros16(regs)] = value{}
	}
}

// touched forgets the cells that a write of n bytes at off changes.
func (k *knowledge) touched(off, n int64) {
	for i := range k.cells {
		if c := &k.cells[i]; c.off < off+n && off < c.off+c.size {
			*c = cell{}
		}
	}
}

// learn notes what a write has put into the frame.
func (k *knowledge) learn(off, n int64, num uint64) {
	i := slices.IndexFunc(k.cells[:], func(c cell) bool { return c.size == 0 })
	if i < 0 {
		i = int(off/8) & 3
	}
	k.cells[i] = cell{off, n, num & (1<<(8*n) - 1)}
}

// cellAt is the number that n bytes at off hold.
func (k *knowledge) cellAt(off, n int64) (uint64, bool) {
	for _, c := range k.cells {
		if c.size == n && c.off == off {
			return c.num, true
		}
	}
	return 0, false
}
