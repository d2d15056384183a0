// Package window is what checked code knows of memory: for each register that
// addresses are based on, the range that the last access by way of it fell in.
// Code compares with it in place; what misses is looked up here, by the rules
// of the interpreter.
//
// Read next: access.go of amd64, arm64 or wasm for the comparison.
package window

import "skep/vm/arena"

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
	dirty   bool
	ctx     int // numbers of the regions of context and packet
	packet  int
}

// New makes the table of windows for memory a; w is where code looks.
func New(a *arena.Arena, w *[Count]Window) Table {
	t := Table{windows: w}
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

// Refill forgets the windows, as a helper may have moved what they were of,
// and finds those of context and packet again.
func (t *Table) Refill(a *arena.Arena) {
	if !t.dirty {
		return
	}
	clear(t.windows[:])
	t.dirty = false
	var ctx, packet Window
	regions := a.Regions()
	if g := &regions[t.ctx]; g.Kind == arena.Ctx {
		ctx.set(g.Window(g.Base))
	}
	if g := &regions[t.packet]; g.Kind == arena.Packet {
		if w := g.Window(g.Base); w.Perm != 0 {
			packet.set(w)
		}
	}
	for n, k := range t.known {
		switch k {
		case arena.Ctx:
			t.windows[n], t.dirty = ctx, true
		case arena.Packet:
			t.windows[n], t.dirty = packet, true
		}
	}
}

// Value makes a value that was looked up, which may be read and written, the
// windows of register r.
func (t *Table) Value(r int, value uint64, size uint32) {
	v := arena.Window{Base: uint32(value), Len: size}
	for _, n := range [...]int{r, r + Count/2} {
		t.windows[n].set(v)
		t.known[n] = arena.Value
	}
	t.dirty = true
}

// Reach looks up the memory of an access of size bytes at addr that missed
// window n. It reports false when there is none, or none that may be kept.
func (t *Table) Reach(a *arena.Arena, addr uint64, size uint32, n int) bool {
	perm := arena.Read
	if n >= Count/2 {
		perm = arena.Write
	}
	if addr>>32 != 0 || n >= Count {
		return false
	}
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
	t.dirty = true
	return true
}
