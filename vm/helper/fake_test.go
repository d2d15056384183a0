package helper_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

var le, be = binary.LittleEndian, binary.BigEndian

// fake is a machine for one helper call: a flat memory whose first 64 KiB are
// not mapped, and nothing else that a helper does not ask for.
type fake struct {
	t      *testing.T
	mem    []byte
	next   uint64
	maps   map[uint64]*fakeMap
	objs   map[[2]uint32]uint64
	typ    hook.ProgType
	attach hook.AttachType
	ctx    uint64
	pkt    hook.Packet
	world  helper.World
	now    uint64
	cpu    uint32
	vars   [helper.NumVars]uint64
	events []helper.Event
	user   map[uint64][]byte
	tails  []uint32
	tailOK bool
	thrown *uint64
}

const (
	base = 0x10000
	size = 0x90000
)

var errFault = errors.New("invalid access")

func newFake(t *testing.T) *fake {
	return &fake{t: t, mem: make([]byte, size), next: base, maps: map[uint64]*fakeMap{}, objs: map[[2]uint32]uint64{}, now: 5_000_000_123, user: map[uint64][]byte{}}
}

// alloc is the address of a copy of b.
func (f *fake) alloc(b []byte) uint64 {
	a := f.next
	if a+uint64(len(b)) > base+size {
		return 0
	}
	f.next += uint64(len(b)+15) &^ 15
	copy(f.mem[a-base:], b)
	return a
}

func (f *fake) buf(n int) uint64    { return f.alloc(make([]byte, n)) }
func (f *fake) str(s string) uint64 { return f.alloc(append([]byte(s), 0)) }
func (f *fake) at(a uint64, n int) []byte {
	return f.mem[a-base:][:n]
}

// packet puts a packet of that type with headroom and tailroom and makes its
// context.
func (f *fake) packet(typ hook.ProgType, b []byte, proto uint16) uint64 {
	const room, tail = 256, 128
	f.typ = typ
	start := f.buf(room + len(b) + tail)
	data := start + room
	copy(f.at(data, len(b)), b)
	f.pkt = hook.Packet{Room: start, Meta: data, Data: data, End: data + uint64(len(b)), Limit: data + uint64(len(b)) + tail}
	f.ctx = f.alloc(hook.Context(hook.Program{Type: typ}, hook.Start{Packet: f.pkt, Proto: proto}))
	return f.ctx
}

func (f *fake) bytes() []byte { return f.at(f.pkt.Data, int(f.pkt.Len())) }

// field is a field of the context.
func (f *fake) field(name string) uint64 {
	l := f.typ.Layout(false)
	return l.Get(f.at(f.ctx, l.Size), name, 0)
}

func (f *fake) Read(a uint64, n int) ([]byte, error) {
	a &= 1<<32 - 1
	if a < base || n < 0 || a+uint64(n) > base+size {
		return nil, errFault
	}
	return f.at(a, n), nil
}

func (f *fake) Write(a uint64, b []byte) error {
	dst, err := f.Read(a, len(b))
	copy(dst, b)
	return err
}

func (f *fake) Scratch(b []byte) uint64 { return f.alloc(b) }

func (f *fake) Object(k helper.ObjectKind, i uint32, n int) uint64 {
	if i == helper.NewObject {
		i = uint32(len(f.objs))
	}
	key := [2]uint32{uint32(k), i}
	if f.objs[key] == 0 {
		f.objs[key] = f.buf(n)
	}
	return f.objs[key]
}

func (f *fake) Probe(s helper.Space, a uint64, dst []byte) bool {
	if s != helper.Kernel {
		for start, b := range f.user {
			if a >= start && a+uint64(len(dst)) <= start+uint64(len(b)) {
				copy(dst, b[a-start:])
				return true
			}
		}
		if s == helper.User {
			return false
		}
	}
	b, err := f.Read(a, len(dst))
	copy(dst, b)
	return err == nil
}

func (f *fake) Poke(a uint64, b []byte) bool {
	for start, m := range f.user {
		if a >= start && a+uint64(len(b)) <= start+uint64(len(m)) {
			copy(m[a-start:], b)
			return true
		}
	}
	return false
}

func (f *fake) Map(p uint64) helper.Map {
	if m := f.maps[p]; m != nil {
		return m
	}
	return nil
}

func (f *fake) Ring(rec uint64) helper.Ring {
	for _, m := range f.maps {
		if m.open[rec] != 0 {
			return m
		}
	}
	return nil
}

func (f *fake) TailCall(ctx uint64, m helper.Map, i uint32) bool {
	f.tails = append(f.tails, i)
	return f.tailOK
}

func (f *fake) Context() (hook.ProgType, hook.AttachType, uint64) { return f.typ, f.attach, f.ctx }
func (f *fake) Packet() (hook.Packet, bool)                       { return f.pkt, f.pkt.Limit != 0 }
func (f *fake) SetPacket(p hook.Packet)                           { f.pkt = p }
func (f *fake) World() *helper.World                              { return &f.world }
func (f *fake) Now() uint64                                       { return f.now }
func (f *fake) Random() uint32                                    { return 4 }
func (f *fake) CPU() uint32                                       { return f.cpu }
func (f *fake) Var(v helper.Var) uint64                           { return f.vars[v] }
func (f *fake) SetVar(v helper.Var, x uint64)                     { f.vars[v] = x }
func (f *fake) Throw(cookie uint64)                               { f.thrown = &cookie }
func (f *fake) Emit(e helper.Event)                               { f.events = append(f.events, e) }

// fakeMap is every map: a list of elements in order of insertion.
type fakeMap struct {
	f                  *fake
	typ, key, val, max uint32
	used               uint32 // pages
	owned              map[uint64]uint64
	keys               []string
	vals               []uint64
	refs               map[uint32]uint32
	queue              [][]byte
	open               map[uint64]uint64 // records
	done               []string
	dropped            int
	stacks             map[uint32][]uint64
	full               bool
}

// newMap is the register value of a new map.
func (f *fake) newMap(typ, key, val, max uint32) (uint64, *fakeMap) {
	m := &fakeMap{f: f, typ: typ, key: key, val: val, max: max, open: map[uint64]uint64{}, stacks: map[uint32][]uint64{}}
	p := f.buf(64)
	f.maps[p] = m
	return p, m
}

func (m *fakeMap) Name() string       { return "m" }
func (m *fakeMap) Type() uint32       { return m.typ }
func (m *fakeMap) KeySize() uint32    { return m.key }
func (m *fakeMap) ValueSize() uint32  { return m.val }
func (m *fakeMap) MaxEntries() uint32 { return m.max }

func (m *fakeMap) Lookup(key []byte, cpu uint32) uint64 {
	if i := slices.Index(m.keys, string(key)); i >= 0 {
		return m.vals[i] + uint64(cpu)*uint64(m.val)
	}
	return 0
}

func (m *fakeMap) Update(key, value []byte, flags uint64, cpu uint32) int64 {
	if flags == 1 && m.Lookup(key, 0) != 0 {
		return -17
	}
	if a := m.Lookup(key, cpu); a != 0 {
		m.f.Write(a, value)
		return 0
	}
	if len(m.keys) == int(m.max) {
		return -7
	}
	m.keys = append(m.keys, string(key))
	m.vals = append(m.vals, m.f.alloc(append(slices.Clone(value), make([]byte, 3*len(value))...)))
	return 0
}

func (m *fakeMap) Delete(key []byte) int64 {
	i := slices.Index(m.keys, string(key))
	if i < 0 {
		return -2
	}
	m.keys, m.vals = slices.Delete(m.keys, i, i+1), slices.Delete(m.vals, i, i+1)
	return 0
}

func (m *fakeMap) Push(v []byte, flags uint64) int64 {
	if len(m.queue) == int(m.max) {
		return -7
	}
	m.queue = append(m.queue, slices.Clone(v))
	return 0
}

func (m *fakeMap) Pop(v []byte) int64 {
	ret := m.Peek(v)
	if ret == 0 {
		m.queue = m.queue[1:]
	}
	return ret
}

func (m *fakeMap) Peek(v []byte) int64 {
	if len(m.queue) == 0 {
		clear(v)
		return -2
	}
	copy(v, m.queue[0])
	return 0
}

func (m *fakeMap) Each(pos uint64, cpu uint32) ([]byte, uint64, uint64, bool) {
	if pos >= uint64(len(m.keys)) {
		return nil, 0, 0, false
	}
	return []byte(m.keys[pos]), m.vals[pos], pos + 1, true
}

func (m *fakeMap) Ref(i uint32) (uint32, bool) {
	r, ok := m.refs[i]
	return r, ok
}

func (m *fakeMap) Reserve(n uint64) uint64 {
	if m.full {
		return 0
	}
	if n > 4096 {
		return 0
	}
	a := m.f.buf(int(n))
	m.open[a] = n
	return a
}

func (m *fakeMap) Submit(rec, flags uint64) {
	m.done = append(m.done, string(m.f.at(rec, int(m.open[rec]))))
	delete(m.open, rec)
}

func (m *fakeMap) Discard(rec, flags uint64) {
	m.dropped++
	delete(m.open, rec)
}

func (m *fakeMap) Record(rec uint64) uint64 { return m.open[rec] }
func (m *fakeMap) Query(flag uint64) uint64 { return 100 + flag }
func (m *fakeMap) Stack(i uint32) ([]uint64, bool) {
	s, ok := m.stacks[i]
	return s, ok
}
func (m *fakeMap) Pages() (uint32, uint32) { return 0x20000, 4 * 4096 }
func (m *fakeMap) Of(owner uint64, create bool, init []byte, cpu uint32) uint64 {
	if m.owned == nil {
		m.owned = map[uint64]uint64{}
	}
	if m.typ == uint32(21) { // percpu_cgroup_storage
		owner += uint64(cpu) << 40
	}
	if m.owned[owner] == 0 && create {
		b := make([]byte, m.val)
		copy(b, init)
		m.owned[owner] = m.f.alloc(b)
	}
	return m.owned[owner]
}
func (m *fakeMap) Drop(owner uint64) int64 {
	if m.owned[owner] == 0 {
		return -2
	}
	delete(m.owned, owner)
	return 0
}
func (m *fakeMap) Used() uint32     { return m.used }
func (m *fakeMap) SetUsed(n uint32) { m.used = n }
func (m *fakeMap) Sample() (uint64, uint32, bool) {
	if len(m.queue) == 0 {
		return 0, 0, false
	}
	return m.f.alloc(m.queue[0]), uint32(len(m.queue[0])), true
}
func (m *fakeMap) Release() { m.queue = m.queue[1:] }

func (m *fakeMap) SetStack(i uint32, ips []uint64) { m.stacks[i] = slices.Clone(ips) }

// call does one call by name, with callbacks answered by cb, and gives R0.
func (f *fake) call(name string, args ...uint64) int64 {
	f.t.Helper()
	r, err := f.try(name, nil, args...)
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return r
}

func (f *fake) try(name string, cb func(args [5]uint64) uint64, args ...uint64) (int64, error) {
	f.t.Helper()
	c := helper.Call{ID: helper.KfuncID("bpf_" + name)}
	if p := helper.ByName(name); p != nil {
		c.ID = p.ID
		called[p.ID] = true
	} else if c.ID == 0 {
		f.t.Fatalf("no helper %s", name)
	}
	calledNames[helper.Name(c.ID)] = true
	copy(c.Args[:], args)
	for {
		if err := helper.Run(f, &c); err != nil {
			return 0, err
		}
		if c.Callback == 0 {
			return int64(c.R0), nil
		}
		c.Returned = cb(c.CallbackArgs)
		c.Round++
	}
}
