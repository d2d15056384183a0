package maps

import "skep/vm/arena"

// ringbuf is BPF_MAP_TYPE_RINGBUF and BPF_MAP_TYPE_USER_RINGBUF with the
// kernel's layout: two ever-growing positions, and records with an 8-byte
// header in front, padded to 8.
//
//	header: length:30 discard:1 busy:1 (little endian u32), page offset u32
//
// The kernel maps the data pages twice, one behind the other, so that a record
// that wraps is contiguous. Here the second half is memory of its own that
// only such records use: no two live records share a place either way.
//
// A program can reach a record from its reservation to its submission.
type ringbuf struct {
	base
	data uint32 // 2 * MaxEntries bytes
	pos  uint32 // state: see below
}

// Words of a ring's state, eight bytes each.
const (
	ringConsumer = 8 * iota
	ringProducer
	ringLast    // data offset of the record reserved last plus one: where accesses mostly go
	ringPending // position of the oldest record that was not submitted when last looked at

	ringWords
)

// Header of a record.
const (
	RingHeader  = 8       // BPF_RINGBUF_HDR_SZ
	RingBusy    = 1 << 31 // BPF_RINGBUF_BUSY_BIT
	RingDiscard = 1 << 30 // BPF_RINGBUF_DISCARD_BIT
)

// What bpf_ringbuf_query can be asked.
const (
	RingAvailData = iota
	RingSize
	RingConsPos
	RingProdPos
)

func newRingbuf(b base) (*ringbuf, Errno) {
	m := &ringbuf{base: b}
	size := uint64(b.spec.MaxEntries)
	if 2*size > uint64(b.a.Limit()) {
		return nil, ENOMEM
	}
	r, err := b.a.Alloc(arena.Region{
		Kind: arena.Ringbuf, Perm: arena.Read | arena.Write, Map: int32(b.index), Name: b.spec.Name,
		Len: uint32(2 * size), Windower: m,
	}, 4096)
	if err != nil {
		return nil, ENOMEM
	}
	m.data = r.Base
	var e Errno
	m.pos, e = m.state(ringWords)
	return m, e
}

func (m *ringbuf) word(w uint32) uint64       { return m.a.U64(m.pos + w) }
func (m *ringbuf) setWord(w uint32, v uint64) { m.a.Put64(m.pos+w, v) }
func (m *ringbuf) mask() uint64               { return uint64(m.spec.MaxEntries) - 1 }

// header is the address of the header of the record at a position.
func (m *ringbuf) header(pos uint64) uint32 { return m.data + uint32(pos&m.mask()) }

func ringLen(hdr uint32) uint32     { return hdr &^ (RingBusy | RingDiscard) }
func ringStep(hdr uint32) uint64    { return uint64(roundUp8(ringLen(hdr) + RingHeader)) }
func ringDone(hdr uint32) bool      { return hdr&RingBusy == 0 }
func ringDiscarded(hdr uint32) bool { return hdr&RingDiscard != 0 }

// Reserve mirrors __bpf_ringbuf_reserve: the address of n fresh bytes, or 0.
// They are not cleared.
func (m *ringbuf) Reserve(n uint64) uint64 {
	if m.spec.Type != Ringbuf || n > 1<<30-1 {
		return 0
	}
	need := (n + RingHeader + 7) &^ 7
	if need > uint64(m.spec.MaxEntries) {
		return 0
	}
	prod, pend := m.word(ringProducer), m.word(ringPending)
	for pend < prod {
		hdr := m.a.U32(m.header(pend))
		if !ringDone(hdr) {
			break
		}
		pend += ringStep(hdr)
	}
	if next := prod + need; next-m.word(ringConsumer) > m.mask() || next-pend > m.mask() {
		return 0
	}
	if pend != m.word(ringPending) {
		m.setWord(ringPending, pend)
	}
	at := m.header(prod)
	m.a.Put32(at, uint32(n)|RingBusy)
	m.a.Put32(at+4, (at-m.data)>>12)
	m.setWord(ringProducer, prod+need)
	m.setWord(ringLast, uint64(at-m.data)+1)
	return uint64(at + RingHeader)
}

// Record is the size of the open record at an address, 0 when it is none.
func (m *ringbuf) Record(record uint64) uint64 {
	at, ok := m.open(record)
	if !ok {
		return 0
	}
	return uint64(ringLen(m.a.U32(at)))
}

// Open says whether an open record begins at an address.
func (m *ringbuf) Open(record uint64) bool {
	_, ok := m.open(record)
	return ok
}

// open finds the header of the open record that begins at an address.
func (m *ringbuf) open(record uint64) (uint32, bool) {
	at, ok := m.at(uint32(record))
	return at, ok && record>>32 == 0 && at+RingHeader == uint32(record)
}

// at finds the header of the open record that holds addr.
func (m *ringbuf) at(addr uint32) (uint32, bool) {
	if last := m.word(ringLast); last != 0 {
		at := m.data + uint32(last) - 1
		if hdr := m.a.U32(at); !ringDone(hdr) && addr-at-RingHeader <= ringLen(hdr) {
			return at, true
		}
	}
	for pos, prod := m.word(ringConsumer), m.word(ringProducer); pos < prod; {
		at := m.header(pos)
		hdr := m.a.U32(at)
		if !ringDone(hdr) && addr-at-RingHeader <= ringLen(hdr) {
			return at, true
		}
		pos += ringStep(hdr)
	}
	return 0, false
}

// Submit and Discard end an open record. flags are BPF_RB_NO_WAKEUP and
// BPF_RB_FORCE_WAKEUP; nobody sleeps here.
func (m *ringbuf) Submit(record, flags uint64) {
	if at, ok := m.open(record); ok {
		m.a.Put32(at, ringLen(m.a.U32(at)))
	}
}

func (m *ringbuf) Discard(record, flags uint64) {
	if at, ok := m.open(record); ok {
		m.a.Put32(at, ringLen(m.a.U32(at))|RingDiscard)
	}
}

// Query mirrors bpf_ringbuf_query.
func (m *ringbuf) Query(flag uint64) uint64 {
	switch flag {
	case RingAvailData:
		return m.word(ringProducer) - m.word(ringConsumer)
	case RingSize:
		return uint64(m.spec.MaxEntries)
	case RingConsPos:
		return m.word(ringConsumer)
	case RingProdPos:
		return m.word(ringProducer)
	}
	return 0
}

// Window is the open record that holds addr; of a user ring the record that
// is being drained, read-only.
func (m *ringbuf) Window(r *arena.Region, addr uint32) arena.Window {
	if at, n, ok := m.Sample(); ok {
		return arena.Window{Base: uint32(at), Len: n, Perm: arena.Read}
	}
	if at, ok := m.at(addr); ok {
		return arena.Window{Base: at + RingHeader, Len: ringLen(m.a.U32(at)), Perm: arena.Read | arena.Write}
	}
	return arena.Window{Base: addr}
}

// RingRecord is one record as user space sees it.
type RingRecord struct {
	Pos       uint64 // position of its header
	Addr      uint32 // arena address of its data
	Data      []byte // copy
	Busy      bool   // reserved, not submitted: a reader stops here
	Discarded bool   // a reader skips it
}

// Ring is a ring buffer as user space sees it.
type Ring interface {
	Map
	// Records lists what has not been consumed, oldest first.
	Records() []RingRecord
	// Consume takes the next record off as a reader would: discarded ones are
	// skipped, false when there is none or it is still busy.
	Consume() ([]byte, bool)
	// Produce appends a record to a user ring, as ring_buffer_user__reserve
	// and submit do; ENOSPC when it does not fit.
	Produce(data []byte) Errno
	Query(flag uint64) uint64
}

func (m *ringbuf) Records() []RingRecord {
	var out []RingRecord
	for pos, prod := m.word(ringConsumer), m.word(ringProducer); pos < prod; {
		at := m.header(pos)
		hdr := m.a.U32(at)
		out = append(out, RingRecord{
			Pos: pos, Addr: at + RingHeader, Data: append([]byte(nil), m.a.Bytes(at+RingHeader, ringLen(hdr))...),
			Busy: !ringDone(hdr), Discarded: ringDiscarded(hdr),
		})
		pos += ringStep(hdr)
	}
	return out
}

func (m *ringbuf) Consume() ([]byte, bool) {
	for m.word(ringConsumer) < m.word(ringProducer) {
		pos := m.word(ringConsumer)
		at := m.header(pos)
		hdr := m.a.U32(at)
		if !ringDone(hdr) {
			return nil, false
		}
		m.setWord(ringConsumer, pos+ringStep(hdr))
		if !ringDiscarded(hdr) {
			return append([]byte(nil), m.a.Bytes(at+RingHeader, ringLen(hdr))...), true
		}
	}
	return nil, false
}

func (m *ringbuf) Produce(data []byte) Errno {
	if m.spec.Type != UserRingbuf || len(data) > 1<<30-1 {
		return EINVAL
	}
	need := uint64(len(data)+RingHeader+7) &^ 7
	prod := m.word(ringProducer)
	if prod+need-m.word(ringConsumer) > uint64(m.spec.MaxEntries) {
		return ENOSPC
	}
	at := m.header(prod)
	m.a.Put32(at, uint32(len(data)))
	m.a.Put32(at+4, 0)
	m.a.Write(at+RingHeader, data)
	m.setWord(ringProducer, prod+need)
	return 0
}

// Sample is the oldest record of a user ring that no program has read yet;
// Release takes it off.
func (m *ringbuf) Sample() (addr uint64, n uint32, ok bool) {
	if m.spec.Type != UserRingbuf || m.word(ringConsumer) >= m.word(ringProducer) {
		return 0, 0, false
	}
	at := m.header(m.word(ringConsumer))
	return uint64(at + RingHeader), ringLen(m.a.U32(at)), true
}

func (m *ringbuf) Release() {
	if pos := m.word(ringConsumer); pos < m.word(ringProducer) {
		m.setWord(ringConsumer, pos+ringStep(m.a.U32(m.header(pos))))
	}
}

// Len is the number of records not consumed.
func (m *ringbuf) Len() int {
	n := 0
	for pos, prod := m.word(ringConsumer), m.word(ringProducer); pos < prod; n++ {
		pos += ringStep(m.a.U32(m.header(pos)))
	}
	return n
}
