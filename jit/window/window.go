// Package window is what checked code knows of memory: for each register that
// addresses are based on, the range that the last access by way of it fell in.
// Code compares with it in place; what misses is looked up here, by the rules
// of the interpreter.
//
// Read next: access.go of amd64, arm64 or wasm for the comparison.
package window

import (
	"math/bits"

	"skep/vm/arena"
)

// Window is a range: lowest address, and how many start addresses are good for
// 1, 2, 4 and 8 bytes. The layout is that of the code's context.
type Window struct {
	Lo uint64
	N  [4]uint64
}

// Count is how many windows there are: by the register that an address is
// based on, 11 for reading, then 11 for writing. Size is the bytes of one.
const (
	Count = 22
	Size  = 40
)

func (w *Window) set(v arena.Window) {
	w.Lo = uint64(v.Base)
	for i := range w.N {
		w.N[i] = 0
		if size := uint32(1) << i; v.Len >= size {
			w.N[i] = uint64(v.Len-size) + 1
		}
	}
}

// Table is the windows of one run.
type Table struct {
	windows *[Count]Window // in the code's context
	known   [Count]arena.Kind
	set     uint32 // windows that are known, a bit each
	moving  bool   // one is of memory that comes and goes
	inPlace bool   // code sets those of r0 itself
	ctx     int    // numbers of the regions of context and packet
	packet  int

	// What the windows of context and packet were made from.
	ctxWindow, packetWindow arena.Window
}

// New makes the table of windows for memory a; w is where code looks. inPlace
// says that the code does lookups and sets the windows of r0 to what it found.
func New(a *arena.Arena, w *[Count]Window, inPlace bool) Table {
	t := Table{windows: w, inPlace: inPlace}
	for i, g := range a.Regions() {
		switch g.Kind {
		case arena.Ctx:
			t.ctx = i
		case arena.Packet:
			t.packet = i
		}
	}
	return t
}

func windowOf(a *arena.Arena, region int, k arena.Kind) (w arena.Window) {
	if g := &a.Regions()[region]; g.Kind == k {
		w = g.Window(g.Base)
	}
	if w.Perm == 0 {
		w.Len = 0
	}
	return w
}

// Stale reports windows that are not those of a run that begins, until Start.
func (t *Table) Stale() bool { return t.set != 0 || t.inPlace }

// Start makes the windows those of a run that begins.
func (t *Table) Start(a *arena.Arena) {
	if t.Stale() {
		t.start(a)
	}
}

func (t *Table) start(a *arena.Arena) {
	t.windows[0], t.windows[Count/2] = Window{}, Window{} // those of r0
	t.set &^= 1 | 1<<(Count/2)
	if t.set != 0 {
		t.refill(a)
	}
}

// Helper forgets the windows that a helper may have moved: none, as a rule.
func (t *Table) Helper(a *arena.Arena) {
	if t.set != 0 && (t.moving || t.packetWindow.Len != 0 && windowOf(a, t.packet, arena.Packet) != t.packetWindow) {
		t.refill(a)
	}
}

// refill forgets the windows but those of context and packet, which it finds
// again where they have moved.
func (t *Table) refill(a *arena.Arena) {
	ctx, packet := windowOf(a, t.ctx, arena.Ctx), windowOf(a, t.packet, arena.Packet)
	same := ctx == t.ctxWindow && packet == t.packetWindow
	t.ctxWindow, t.packetWindow, t.moving = ctx, packet, false
	for set := t.set; set != 0; set &= set - 1 {
		n := bits.TrailingZeros32(set)
		w := &t.windows[n]
		from := packet
		if t.known[n] == arena.Ctx {
			from = ctx
		}
		switch {
		case t.known[n] != arena.Ctx && t.known[n] != arena.Packet || from.Perm&permOf(n) == 0:
			*w = Window{}
			t.set &^= 1 << n
		case !same:
			w.set(from)
		}
	}
}

// permOf is what accesses that look at window n need.
func permOf(n int) arena.Perm {
	if n < Count/2 {
		return arena.Read
	}
	return arena.Write
}

// Value makes the value that was looked up the windows of r0, which has its
// address.
func (t *Table) Value(a *arena.Arena, r0 uint64) {
	t.Reach(a, r0, 1, 0)
	t.Reach(a, r0, 1, Count/2)
}

// Reach looks up the memory of an access of size bytes at addr that missed
// window n. It reports false when there is none, or none that may be kept.
func (t *Table) Reach(a *arena.Arena, addr uint64, size uint32, n int) bool {
	if addr>>32 != 0 || n >= Count {
		return false
	}
	perm := permOf(n)
	region := a.Find(uint32(addr))
	if region == nil || region.Perm&perm == 0 && region.Windower == nil {
		return false
	}
	if region.Kind == arena.Stack && region.Index > 0 {
		// The window would outlive the frame. The host knows which are in use.
		return false
	}
	w := region.Window(uint32(addr))
	if w.Perm&perm == 0 || !w.Contains(uint32(addr), size) {
		return false
	}
	t.windows[n].set(w)
	t.known[n] = region.Kind
	t.set |= 1 << n
	switch {
	case region.Kind == arena.Ctx:
		t.ctxWindow = w
	case region.Kind == arena.Packet:
		t.packetWindow = w
	case region.Windower != nil && region.Kind != arena.Stack:
		t.moving = true
	}
	return true
}
