package maps

import "encoding/binary"

// storage is the maps that keep a value with a kernel object: a socket, an
// inode, a task, a cgroup. Programs reach the values through the helpers of
// each type, which take the object; user space by the object's number.
type storage struct{ hash }

// maxOwners bounds the simulated objects that can have a value.
const maxOwners = 4096

func newStorage(b base) (*storage, Errno) {
	h, e := newHashWith(b, hashHdr, maxOwners)
	if e != 0 {
		return nil, e
	}
	return &storage{*h}, 0
}

// Owned is the maps that keep a value with an object.
type Owned interface {
	Map
	// Of is the address of the value of object owner, 0 when it has none and
	// create is false or there is no room. A new value is init, or zeros.
	Of(owner uint64, create bool, init []byte, cpu uint32) uint64
	// Drop deletes it.
	Drop(owner uint64) int64
}

// ownerKey is the key of an object: its number, cut or padded to the key size.
func (m *storage) ownerKey(owner uint64) []byte {
	k := make([]byte, max(8, m.spec.KeySize))
	binary.LittleEndian.PutUint64(k, owner)
	return k[:m.spec.KeySize]
}

func (m *storage) Of(owner uint64, create bool, init []byte, cpu uint32) uint64 {
	k := m.ownerKey(owner)
	if at := m.hash.Lookup(k, cpu); at != 0 || !create {
		return at
	}
	if init == nil {
		init = make([]byte, m.spec.ValueSize)
	}
	if m.hash.Update(k, init, NoExist, cpu) != 0 {
		return 0
	}
	return m.hash.Lookup(k, cpu)
}

func (m *storage) Drop(owner uint64) int64 { return m.hash.Delete(m.ownerKey(owner)) }

// Lookup and Update from a program: there are none.
func (m *storage) Lookup([]byte, uint32) uint64                { return 0 }
func (m *storage) Update([]byte, []byte, uint64, uint32) int64 { return EOPNOTSUPP.Ret() }
func (m *storage) Delete([]byte) int64                         { return EOPNOTSUPP.Ret() }
func (m *storage) Remove(key []byte) Errno {
	if uint32(len(key)) != m.spec.KeySize {
		return EINVAL
	}
	return Errno(-m.hash.Delete(key))
}
