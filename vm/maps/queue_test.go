package maps_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"skep/vm/maps"
)

func TestQueueStackModel(t *testing.T) {
	for _, typ := range []maps.Type{maps.Queue, maps.Stack} {
		r := rand.New(rand.NewPCG(1, uint64(typ)))
		m := create(t, set(t, 1), maps.Spec{Type: typ, ValueSize: 8, MaxEntries: 5})
		var ref [][]byte
		next := func() int {
			if typ == maps.Queue {
				return 0
			}
			return len(ref) - 1
		}
		for i := range 3000 {
			switch r.IntN(4) {
			case 0, 1:
				v, flags := u64(r.Uint64()), []uint64{0, 2, 1, 3}[r.IntN(4)]
				want := maps.Errno(0)
				switch {
				case flags&1 != 0 || flags > 2:
					want = maps.EINVAL
				case len(ref) == 5 && flags == 0:
					want = maps.E2BIG
				default:
					if len(ref) == 5 {
						ref = ref[1:]
					}
					ref = append(ref, v)
				}
				if e := m.Push(v, flags); e != want.Ret() {
					t.Fatalf("%v %d: push with flags %d: %d, want %v", typ, i, flags, e, want)
				}
			case 2, 3:
				v := u64(99)
				pop := r.IntN(2) == 0
				op := m.Peek
				if pop {
					op = m.Pop
				}
				e := op(v)
				if len(ref) == 0 {
					if e != maps.ENOENT.Ret() || !bytes.Equal(v, make([]byte, 8)) {
						t.Fatalf("%v %d: of an empty map: %d %x", typ, i, e, v)
					}
					continue
				}
				if e != 0 || !bytes.Equal(v, ref[next()]) {
					t.Fatalf("%v %d: %d %x, want %x", typ, i, e, v, ref[next()])
				}
				if pop {
					n := next()
					ref = append(ref[:n:n], ref[n+1:]...)
				}
			}
			if got := m.(maps.Values).Values(); len(got) != len(ref) || m.Len() != len(ref) {
				t.Fatalf("%v %d: %d values, want %d", typ, i, len(got), len(ref))
			}
		}
	}
}

func TestBloom(t *testing.T) {
	m := create(t, set(t, 1), maps.Spec{Type: maps.BloomFilter, ValueSize: 8, MaxEntries: 1000, Extra: 3})
	for i := range uint64(1000) {
		m.Push(u64(i), 0)
	}
	wrong := 0
	for i := range uint64(11000) {
		switch in := m.Peek(u64(i)) == 0; {
		case i < 1000 && !in:
			t.Fatalf("%d is not in", i)
		case i >= 1000 && in:
			wrong++
		}
	}
	if wrong > 3000 {
		t.Errorf("%d of 10000 wrongly in", wrong)
	}
	if m.Push(u64(1), maps.Exist) != maps.EINVAL.Ret() {
		t.Error("push with a flag")
	}
}

func TestRingbuf(t *testing.T) {
	s := set(t, 1)
	m := create(t, s, maps.Spec{Type: maps.Ringbuf, MaxEntries: 4096})
	ring := m.(interface {
		maps.Ring
		Reserve(uint64) uint64
		Submit(rec, flags uint64)
		Discard(rec, flags uint64)
		Record(uint64) uint64
	})
	if ring.Reserve(4096) != 0 || ring.Reserve(4089) != 0 {
		t.Error("a record larger than the ring")
	}
	a := ring.Reserve(10)
	b := ring.Reserve(20)
	if b != a+24 || ring.Record(a) != 10 || ring.Record(b) != 20 || ring.Record(b+1) != 0 {
		t.Fatalf("records at %#x and %#x", a, b)
	}
	if hdr := s.Arena.U32(uint32(a) - 8); hdr != 10|maps.RingBusy {
		t.Errorf("header %#x", hdr)
	}
	s.Arena.Write(uint32(b), []byte("hello"))
	ring.Submit(b, 0)
	if _, ok := ring.Consume(); ok {
		t.Error("a record was read past a busy one")
	}
	ring.Discard(a, 0)
	if v, ok := ring.Consume(); !ok || string(v[:5]) != "hello" || len(v) != 20 {
		t.Errorf("read %q %v", v, ok)
	}
	if ring.Query(maps.RingAvailData) != 0 || ring.Query(maps.RingProdPos) != 24+32 || ring.Query(maps.RingSize) != 4096 {
		t.Error("positions")
	}
	// Records of all sizes, many times around: what comes out is what went in.
	r := rand.New(rand.NewPCG(5, 5))
	var ref [][]byte
	for i := range 5000 {
		if r.IntN(2) == 0 {
			v := make([]byte, r.IntN(900))
			for k := range v {
				v[k] = byte(r.Uint32())
			}
			if rec := ring.Reserve(uint64(len(v))); rec != 0 {
				s.Arena.Write(uint32(rec), v)
				if r.IntN(5) == 0 {
					ring.Discard(rec, 0)
				} else {
					ring.Submit(rec, 0)
					ref = append(ref, v)
				}
			}
		} else if v, ok := ring.Consume(); ok != (len(ref) > 0) || ok && !bytes.Equal(v, ref[0]) {
			t.Fatalf("%d: read %x %v, want one of %d", i, v, ok, len(ref))
		} else if ok {
			ref = ref[1:]
		}
	}
}

func TestStackTrace(t *testing.T) {
	m := create(t, set(t, 1), maps.Spec{Type: maps.StackTrace, KeySize: 4, ValueSize: 24, MaxEntries: 5}).(interface {
		maps.Map
		Stack(uint32) ([]uint64, bool)
		SetStack(uint32, []uint64)
	})
	m.SetStack(6, []uint64{1, 2, 3, 4})
	m.SetStack(0, []uint64{9})
	if s, ok := m.Stack(6); !ok || len(s) != 3 || s[2] != 3 {
		t.Errorf("stack %v %v", s, ok)
	}
	if v, e := m.Get(u32(0)); e != 0 || !bytes.Equal(v, append(u64(9), make([]byte, 16)...)) {
		t.Errorf("get %x %v", v, e)
	}
	if len(nextKeys(t, m)) != 2 || m.Remove(u32(6)) != 0 || m.Remove(u32(6)) != maps.ENOENT || m.Remove(u32(8)) != maps.E2BIG {
		t.Error("keys or remove")
	}
}

func TestStorage(t *testing.T) {
	s := set(t, 1)
	m := create(t, s, valid(maps.TaskStorage)).(maps.Owned)
	if m.Of(5, false, nil, 0) != 0 {
		t.Error("a value before it was made")
	}
	at := m.Of(5, true, u64(42), 0)
	if at == 0 || s.Arena.U64(uint32(at)) != 42 || m.Of(5, true, u64(1), 0) != at || m.Of(6, true, nil, 0) == at {
		t.Error("values")
	}
	if m.Drop(5) != 0 || m.Drop(5) != maps.ENOENT.Ret() || m.Of(5, false, nil, 0) != 0 {
		t.Error("drop")
	}
}
