package maps

// queue is BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: a ring with one place
// more than max_entries, as the kernel's, so that head == tail is empty.
type queue struct {
	base
	elems  uint32
	stride uint32
	pos    uint32 // state: head (next place to write), tail (oldest element)
}

func newQueue(b base) (*queue, Errno) {
	m := &queue{base: b, stride: b.spec.ValueSize}
	size := (uint64(b.spec.MaxEntries) + 1) * uint64(m.stride)
	if size > uint64(b.a.Limit()) {
		return nil, ENOMEM
	}
	var e Errno
	if m.pos, e = m.state(8); e != 0 {
		return nil, e
	}
	// Programs copy values in and out; no pointer to them exists.
	m.elems, e = m.state(uint32(size))
	return m, e
}

func (m *queue) head() uint32          { return m.a.U32(m.pos) }
func (m *queue) tail() uint32          { return m.a.U32(m.pos + 4) }
func (m *queue) next(i uint32) uint32  { return (i + 1) % (m.spec.MaxEntries + 1) }
func (m *queue) place(i uint32) uint32 { return m.elems + i*m.stride }

// last is the place before the head: the top of a stack.
func (m *queue) last() uint32 {
	if h := m.head(); h > 0 {
		return h - 1
	}
	return m.spec.MaxEntries
}

func (m *queue) Push(value []byte, flags uint64) int64 {
	if flags&NoExist != 0 || flags > Exist {
		return EINVAL.Ret()
	}
	head := m.head()
	if m.next(head) == m.tail() {
		if flags&Exist == 0 {
			return E2BIG.Ret()
		}
		m.a.Put32(m.pos+4, m.next(m.tail())) // the oldest makes room
	}
	m.a.Write(m.place(head), value[:m.spec.ValueSize])
	m.a.Put32(m.pos, m.next(head))
	return 0
}

// read copies the element whose turn it is to value and says whether there is
// one.
func (m *queue) read(value []byte) (uint32, bool) {
	if m.head() == m.tail() {
		clear(value)
		return 0, false
	}
	i := m.tail()
	if m.spec.Type == Stack {
		i = m.last()
	}
	copy(value, m.a.Bytes(m.place(i), m.spec.ValueSize))
	return i, true
}

func (m *queue) Peek(value []byte) int64 {
	if _, ok := m.read(value); !ok {
		return ENOENT.Ret()
	}
	return 0
}

func (m *queue) Pop(value []byte) int64 {
	i, ok := m.read(value)
	switch {
	case !ok:
		return ENOENT.Ret()
	case m.spec.Type == Stack:
		m.a.Put32(m.pos, i)
	default:
		m.a.Put32(m.pos+4, m.next(i))
	}
	return 0
}

func (m *queue) Update([]byte, []byte, uint64, uint32) int64 { return EINVAL.Ret() }
func (m *queue) Delete([]byte) int64                         { return EINVAL.Ret() }

// Get peeks, Set pushes and Remove is refused: what bpf(2) does.
func (m *queue) Get(key []byte) ([]byte, Errno) {
	v := make([]byte, m.spec.ValueSize)
	return v, Errno(-m.Peek(v))
}

func (m *queue) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if uint32(len(value)) != m.spec.ValueSize {
		return EINVAL
	}
	return Errno(-m.Push(value, flags))
}

func (m *queue) Remove([]byte) Errno            { return EINVAL }
func (m *queue) NextKey([]byte) ([]byte, Errno) { return nil, EINVAL }

// Values lists the elements in the order they will be popped.
func (m *queue) Values() [][]byte {
	var out [][]byte
	for i := m.tail(); i != m.head(); i = m.next(i) {
		out = append(out, append([]byte(nil), m.a.Bytes(m.place(i), m.spec.ValueSize)...))
	}
	if m.spec.Type == Stack {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

func (m *queue) Len() int {
	n := int(m.head()) - int(m.tail())
	if n < 0 {
		n += int(m.spec.MaxEntries) + 1
	}
	return n
}

// Values is what queues and stacks show of themselves.
type Values interface {
	Map
	Values() [][]byte
}
