package arena

import "encoding/binary"

// Op is the kind of a journal entry.
type Op uint8

const (
	OpStep Op = iota + 1 // a step begins: Addr is the pc, Cell the register it writes (or NoCell), Old its value
	OpMem                // N bytes at Addr were Old (little endian)
	OpCell               // machine cell number Addr was Old
)

const (
	NoCell  = 0xffff     // Cell of a step that changes no register
	BrkCell = 0xffffffff // Addr of an OpCell entry for the arena's break: undo with Shrink
)

// Entry is one undo record, 16 bytes. An ordinary instruction makes one.
type Entry struct {
	Old  uint64
	Addr uint32
	Op   Op
	N    uint8  // bytes of an OpMem entry, 1 to 8
	Cell uint16 // of an OpStep entry
}

const (
	chunkLen  = 1 << 12 // entries in a chunk: 64 KiB
	maxChunks = 512     // 32 MiB in all, 2 M plain steps
)

// Journal is a bounded stack of undo records. When it is full the oldest
// chunk is dropped: First then says how far back it reaches.
type Journal struct {
	chunks [][]Entry
	spare  []Entry // one chunk kept when popping, so that stepping over a chunk border does not allocate
	first  uint64  // step number of the oldest whole step still held
	steps  uint64  // step number after the newest step
}

// Reset empties the journal; the next step recorded has number step.
func (j *Journal) Reset(step uint64) {
	if len(j.chunks) > 0 {
		j.spare = j.chunks[0]
	}
	j.chunks, j.first, j.steps = nil, step, step
}

// First is the oldest step the journal can go back to, Next the number of
// the step that will be recorded next.
func (j *Journal) First() uint64 { return j.first }
func (j *Journal) Next() uint64  { return j.steps }

// Size is how many bytes the journal takes.
func (j *Journal) Size() int { return len(j.chunks) * chunkLen * 16 }

// Step opens a step: everything pushed until the next Step belongs to it.
func (j *Journal) Step(pc uint32, cell uint16, old uint64) {
	j.push(Entry{Old: old, Addr: pc, Op: OpStep, Cell: cell})
	j.steps++
}

// Cell records the old value of a machine cell in the open step.
func (j *Journal) Cell(cell uint32, old uint64) { j.push(Entry{Old: old, Addr: cell, Op: OpCell}) }

func (j *Journal) push(e Entry) {
	n := len(j.chunks)
	if n == 0 || len(j.chunks[n-1]) == chunkLen {
		j.addChunk()
		n = len(j.chunks)
	}
	c := &j.chunks[n-1]
	*c = append(*c, e)
}

func (j *Journal) addChunk() {
	if len(j.chunks) == maxChunks {
		j.dropOldest()
	}
	c := j.spare
	j.spare = nil
	if c == nil {
		c = make([]Entry, 0, chunkLen)
	}
	j.chunks = append(j.chunks, c[:0])
}

// dropOldest forgets the oldest chunk and the tail of its last step in the
// chunks behind it: a step is held whole or not at all.
func (j *Journal) dropOldest() {
	for _, e := range j.chunks[0] {
		if e.Op == OpStep {
			j.first++
		}
	}
	j.spare = j.chunks[0]
	j.chunks = append(j.chunks[:0], j.chunks[1:]...)
	for len(j.chunks) > 0 {
		c := j.chunks[0]
		i := 0
		for i < len(c) && c[i].Op != OpStep {
			i++
		}
		if i < len(c) {
			// Entries before i stay in place, unreachable: nothing pops past a step.
			return
		}
		j.chunks = append(j.chunks[:0], j.chunks[1:]...)
	}
}

// Pop removes the newest entry. It reports false when the journal holds no
// whole step any more.
func (j *Journal) Pop() (Entry, bool) {
	if j.steps == j.first {
		return Entry{}, false
	}
	n := len(j.chunks)
	for n > 0 && len(j.chunks[n-1]) == 0 {
		j.spare = j.chunks[n-1]
		n--
		j.chunks = j.chunks[:n]
	}
	if n == 0 {
		return Entry{}, false
	}
	c := &j.chunks[n-1]
	e := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	if e.Op == OpStep {
		j.steps--
	}
	return e, true
}

// mem records n bytes at addr, eight at a time.
func (j *Journal) mem(buf []byte, addr, n uint32) {
	for n > 8 {
		j.push(Entry{Old: binary.LittleEndian.Uint64(buf[addr:]), Addr: addr, Op: OpMem, N: 8})
		addr += 8
		n -= 8
	}
	var old uint64
	for i := uint32(0); i < n; i++ {
		old |= uint64(buf[addr+i]) << (8 * i)
	}
	j.push(Entry{Old: old, Addr: addr, Op: OpMem, N: uint8(n)})
}

// Undo writes the old bytes of an OpMem entry back. Bytes above the break
// need no undo: they vanish with it.
func (a *Arena) Undo(e Entry) {
	for i := uint32(0); i < uint32(e.N); i++ {
		if e.Addr+i < a.Brk() {
			a.Buf[e.Addr+i] = byte(e.Old >> (8 * i))
		}
	}
}

// Walk calls f for each entry from the newest to the oldest with the number
// of the step it belongs to, until f returns false. Within a step the entries
// come in reverse order and its OpStep entry last.
func (j *Journal) Walk(f func(step uint64, e Entry) bool) {
	step := j.steps
	for n := len(j.chunks) - 1; n >= 0; n-- {
		c := j.chunks[n]
		for i := len(c) - 1; i >= 0; i-- {
			if step == j.first {
				return
			}
			if !f(step-1, c[i]) {
				return
			}
			if c[i].Op == OpStep {
				step--
			}
		}
	}
}
