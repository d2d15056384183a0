package arena_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"skep/vm/arena"
)

func TestAlloc(t *testing.T) {
	a := arena.New(arena.Base + 4096)
	x, err := a.Alloc(arena.Region{Kind: arena.Ctx, Len: 24, Perm: arena.Read, Name: "ctx"}, 8)
	if err != nil {
		t.Fatal(err)
	}
	first := x.Base
	y, err := a.Alloc(arena.Region{Kind: arena.Value, Len: 100, Stride: 20, Off: 4, Size: 12, Perm: arena.Read}, 64)
	if err != nil {
		t.Fatal(err)
	}
	if first <= arena.Base || y.Base < first+24+64 || y.Base%64 != 0 {
		t.Errorf("regions at %#x and %#x", first, y.Base)
	}
	for _, c := range []struct {
		addr uint32
		find uint32 // base of the region that holds it
		near uint32
	}{
		{first, first, first}, {first + 23, first, first}, {first + 24, 0, first}, {first + 30, 0, first},
		{y.Base - 1, 0, y.Base}, {y.Base + 99, y.Base, y.Base}, {y.Base + 100, 0, y.Base}, {0, 0, first}, {1 << 31, 0, y.Base},
	} {
		base := func(r *arena.Region) uint32 {
			if r == nil {
				return 0
			}
			return r.Base
		}
		if got := base(a.Find(c.addr)); got != c.find {
			t.Errorf("find %#x: %#x, want %#x", c.addr, got, c.find)
		}
		if got := base(a.Near(c.addr)); got != c.near {
			t.Errorf("near %#x: %#x, want %#x", c.addr, got, c.near)
		}
	}
	if w := y.Window(y.Base + 45); w.Base != y.Base+44 || w.Len != 12 {
		t.Errorf("window %+v", w)
	}
	if w := y.Window(y.Base + 99); w.Base != y.Base+84 {
		t.Errorf("window of the last element %+v", w)
	}
	if _, err := a.Alloc(arena.Region{Len: 5000}, 8); err != arena.ErrFull {
		t.Errorf("allocation past the limit: %v", err)
	}
	if _, err := a.Alloc(arena.Region{Len: 1<<32 - 1}, 8); err != arena.ErrFull {
		t.Errorf("huge allocation: %v", err)
	}
}

func TestContains(t *testing.T) {
	w := arena.Window{Base: 100, Len: 8}
	for _, c := range []struct {
		addr, n uint32
		want    bool
	}{{100, 8, true}, {100, 9, false}, {101, 8, false}, {107, 1, true}, {108, 1, false}, {99, 1, false}, {108, 0, true}, {0, 8, false}, {1<<32 - 1, 8, false}} {
		if got := w.Contains(c.addr, c.n); got != c.want {
			t.Errorf("%d bytes at %d: %v", c.n, c.addr, got)
		}
	}
}

func TestNewIn(t *testing.T) {
	span := make([]byte, 256<<10)
	a, err := arena.NewIn(span)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Alloc(arena.Region{Len: 100}, 8)
	if err != nil {
		t.Fatal(err)
	}
	a.Put8(r.Base, 7)
	if span[r.Base] != 7 || a.Limit() != 256<<10 {
		t.Error("the arena is not in the span")
	}
	if _, err := arena.NewIn(make([]byte, 10)); err == nil {
		t.Error("a span too short was taken")
	}
}

// A journal that drops its oldest steps still undoes the ones it says it has,
// whole.
func TestJournal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	a := arena.New(0)
	reg, err := a.Alloc(arena.Region{Len: 4096}, 8)
	if err != nil {
		t.Fatal(err)
	}
	at := reg.Base
	var j arena.Journal
	j.Reset(10)
	a.Journal = &j
	const steps = 50_000
	var states [][]byte // of the last thousand steps
	for i := range steps {
		if i >= steps-1000 {
			states = append(states, bytes.Clone(a.Bytes(at, 4096)))
		}
		j.Step(uint32(i), arena.NoCell, 0)
		switch r.IntN(5) {
		case 0:
			a.Put64(at+r.Uint32N(4000), r.Uint64())
		case 1:
			a.Zero(at+r.Uint32N(2000), r.Uint32N(2000)) // up to 250 entries
		case 2:
			a.Write(at+r.Uint32N(4000), []byte("abcdefghijklm")[:r.IntN(14)])
		case 3:
			a.Move(at+r.Uint32N(2000), at+r.Uint32N(2000), r.Uint32N(2000))
		}
	}
	a.Journal = nil
	if j.Next() != 10+steps || j.First() <= 10 || j.First() > 10+steps-1000 || j.Size() > 40<<20 {
		t.Fatalf("steps %d to %d in %d bytes", j.First(), j.Next(), j.Size())
	}
	n := 0
	j.Walk(func(step uint64, e arena.Entry) bool {
		if e.Op == arena.OpStep {
			if want := 10 + steps - 1 - uint64(n); step != want || uint64(e.Addr) != step-10 {
				t.Fatalf("walk: entry %d is of step %d, want %d", n, step, want)
			}
			n++
		}
		return true
	})
	if uint64(n) != j.Next()-j.First() {
		t.Errorf("walk saw %d steps, the journal has %d", n, j.Next()-j.First())
	}
	for i := range 1000 {
		for {
			e, ok := j.Pop()
			if !ok {
				t.Fatal("the journal is empty")
			}
			if e.Op == arena.OpStep {
				break
			}
			a.Undo(e)
		}
		if !bytes.Equal(a.Bytes(at, 4096), states[len(states)-1-i]) {
			t.Fatalf("state %d steps back differs", i+1)
		}
	}
	for {
		if _, ok := j.Pop(); !ok {
			break
		}
	}
	if j.Next() != j.First() {
		t.Errorf("an empty journal has steps %d to %d", j.First(), j.Next())
	}
}
