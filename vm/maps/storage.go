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

// Lookup, Update and Delete from a program: there are none.
func (m *storage) Lookup([]byte, uint32) uint64                { return 0 }
func (m *storage) Update([]byte, []byte, uint64, uint32) int64 { return EOPNOTSUPP.Ret() }
func (m *storage) Delete([]byte) int64                         { return EOPNOTSUPP.Ret() }

// named says whether user space names the owners by a number of 4 bytes; a
// cgroup storage of old has the cgroup's id itself.
func (m *storage) named() bool { return m.spec.KeySize == 4 && m.set.UserKey != nil }

// ofCgroup says that elements come and go with attachments to a cgroup.
func (m *storage) ofCgroup() bool {
	return m.spec.Type == CgroupStorage || m.spec.Type == PerCPUCgroupStorage
}

// userKey is the key that user space sees for one of the table's.
func (m *storage) userKey(key []byte) []byte {
	if m.named() {
		if n, ok := m.set.UserKey(uint64(binary.LittleEndian.Uint32(key))); ok {
			return key32(n)
		}
	}
	return key
}

// own is the table's key for one of user space.
func (m *storage) own(key []byte) ([]byte, Errno) {
	switch {
	case uint32(len(key)) != m.spec.KeySize:
		return nil, EINVAL
	case !m.named():
		return key, 0
	}
	want := binary.LittleEndian.Uint32(key)
	var found []byte
	Elements(&m.hash, func(k []byte, _ uint64) bool {
		if binary.LittleEndian.Uint32(m.userKey(k)) == want {
			found = k
		}
		return found == nil
	})
	if found != nil {
		return found, 0
	}
	if m.set.Object != nil {
		if owner, ok := m.set.Object(m.spec.Type, want); ok {
			return m.ownerKey(owner), 0
		}
	}
	return nil, EBADF
}

func (m *storage) Get(key []byte) ([]byte, Errno) {
	k, e := m.own(key)
	if e != 0 {
		return nil, e
	}
	return m.hash.Get(k)
}

func (m *storage) Set(key, value []byte, flags uint64) Errno {
	k, e := m.own(key)
	if e != 0 {
		return e
	}
	if m.ofCgroup() { // user space replaces the value of an attachment, it makes none
		if flags&^(Lock|Exist) != 0 {
			return EINVAL
		}
		if e := m.mayUpdate(flags); e != 0 {
			return e
		}
		flags = flags&Lock | Exist
	}
	return m.hash.Set(k, value, flags)
}

func (m *storage) Remove(key []byte) Errno {
	if m.ofCgroup() {
		return EINVAL // it lives as long as the attachment
	}
	k, e := m.own(key)
	if e != 0 {
		return e
	}
	return Errno(-m.hash.Delete(k))
}

// NextKey: the kernel walks only the storages of cgroups of old.
func (m *storage) NextKey(key []byte) ([]byte, Errno) {
	if m.ofCgroup() {
		return m.hash.NextKey(key)
	}
	return nil, ENOTSUPP
}

// Each shows the keys of user space, for the map views.
func (m *storage) Each(pos uint64, cpu uint32) ([]byte, uint64, uint64, bool) {
	key, value, next, ok := m.hash.Each(pos, cpu)
	if ok {
		key = m.userKey(key)
	}
	return key, value, next, ok
}

func (m *storage) KeyAt(addr uint32) ([]byte, bool) {
	key, ok := m.hash.KeyAt(addr)
	if ok {
		key = m.userKey(key)
	}
	return key, ok
}
