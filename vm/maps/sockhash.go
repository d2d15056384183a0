package maps

// sockHash is BPF_MAP_TYPE_SOCKHASH. A value is the number of a socket of the
// world; a program's lookup gets the socket itself.
type sockHash struct{ hash }

func newSockHash(b base) (*sockHash, Errno) {
	h, e := newHash(b)
	if e != 0 {
		return nil, e
	}
	return &sockHash{*h}, 0
}

func (m *sockHash) Lookup(key []byte, cpu uint32) uint64 {
	at := m.hash.Lookup(key, 0)
	if at == 0 || m.set.Sock == nil {
		return 0
	}
	return m.set.Sock(m.a.U32(uint32(at)))
}

func (m *sockHash) Each(pos uint64, cpu uint32) ([]byte, uint64, uint64, bool) {
	key, _, next, ok := m.hash.Each(pos, cpu)
	if !ok {
		return nil, 0, 0, false
	}
	return key, m.Lookup(key, cpu), next, true
}
