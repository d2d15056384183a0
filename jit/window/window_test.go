package window

import (
	"testing"

	"skep/vm/arena"
)

// borders is a packet whose window moves.
type borders struct{ w arena.Window }

func (b *borders) Window(*arena.Region, uint32) arena.Window { return b.w }

// What is kept of the windows: those of context and packet as long as they are
// where they were, others within a run, those of memory that comes and goes
// until the next helper.
func TestTable(t *testing.T) {
	const rw = arena.Read | arena.Write
	a := arena.New(1 << 20)
	packet, ring := &borders{}, &borders{}
	alloc := func(r arena.Region) uint64 {
		r.Len = 64
		p, err := a.Alloc(r, 64)
		if err != nil {
			t.Fatal(err)
		}
		return uint64(p.Base)
	}
	ctx := alloc(arena.Region{Kind: arena.Ctx, Perm: rw})
	pkt := alloc(arena.Region{Kind: arena.Packet, Windower: packet})
	value := alloc(arena.Region{Kind: arena.Value, Perm: arena.Read})
	record := alloc(arena.Region{Kind: arena.Ringbuf, Windower: ring})
	packet.w = arena.Window{Base: uint32(pkt) + 8, Len: 32, Perm: rw}
	ring.w = arena.Window{Base: uint32(record), Len: 16, Perm: rw}

	var w [Count]Window
	table := New(a, &w, true)
	reach := func(want bool, addr uint64, size uint32, n int) {
		t.Helper()
		if table.Reach(a, addr, size, n) != want {
			t.Errorf("reach of %d bytes at %#x by window %d: not %v", size, addr, n, want)
		}
	}
	const write = Count / 2
	reach(true, ctx, 8, 1)
	reach(true, pkt+8, 8, 6)
	reach(true, pkt+36, 4, 6+write)
	reach(true, value, 8, 7)
	reach(false, value, 8, 7+write)
	reach(false, pkt+37, 4, 6)
	reach(false, 0, 1, 2)
	reach(false, ctx|1<<32, 1, 1)
	if w[6] != (Window{pkt + 8, [4]uint64{32, 31, 29, 25}}) || w[1].N[0] != 64 || w[7+write].N[0] != 0 {
		t.Errorf("windows: %+v", w)
	}

	table.Helper(a)
	if w[6].N[0] != 32 || w[7].N[0] != 64 {
		t.Error("a helper that moved nothing changed windows")
	}
	packet.w.Len = 16
	table.Helper(a)
	if w[6].N[0] != 16 || w[6+write].N[0] != 16 || w[1].N[0] != 64 {
		t.Error("the packet's windows are not those of the packet that a helper has cut")
	}
	packet.w.Perm = arena.Read
	table.Helper(a)
	if w[6].N[0] != 16 || w[6+write].N[0] != 0 {
		t.Error("a packet that may not be written any more has a window for it")
	}
	reach(true, record, 8, 8)
	table.Helper(a)
	if w[8].N[0] != 0 {
		t.Error("the window of a record outlived a helper")
	}
	reach(true, value, 8, 7)
	w[0].N[0] = 8 // by a lookup in place
	table.Start(a)
	if w[7].N[0] != 0 || w[0].N[0] != 0 || w[6].N[0] != 16 || w[1].N[0] != 64 {
		t.Errorf("a run begins with %+v", w)
	}
	table.Value(a, value+8)
	if w[0].N[0] != 64 || w[write].N[0] != 0 {
		t.Error("what was looked up is no window of r0")
	}
}
