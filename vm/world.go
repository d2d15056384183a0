package vm

import (
	"strconv"

	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/hook"
)

// ksym is the address of the kernel variable that a load names; its memory is
// made when the first program that uses it is loaded.
func (m *Machine) ksym(p *Program, pc int, id int32) (uint64, error) {
	for _, k := range p.Ksyms {
		if k.ID != id {
			continue
		}
		for i := range m.arena.Regions() {
			if r := &m.arena.Regions()[i]; r.Kind == arena.Object && r.Map == -1 && r.Name == k.Name && r.Index == id {
				return uint64(r.Base), nil
			}
		}
		r, err := m.arena.Alloc(arena.Region{
			Kind: arena.Object, Len: max(k.Size, 8), Perm: arena.Read, Map: -1, Index: id, Name: k.Name,
		}, 64)
		if err != nil {
			return 0, &LoadError{PC: pc, Msg: "kernel variable " + strconv.Quote(k.Name) + ": " + err.Error()}
		}
		copy(m.arena.Bytes(r.Base, r.Len), k.Data)
		return uint64(r.Base), nil
	}
	return 0, &LoadError{PC: pc, Msg: "there is no kernel variable with BTF id " + strconv.Itoa(int(id))}
}

// sockAddr is the address of the simulated socket with that number: what a
// sockmap gives to programs.
func (m *Machine) sockAddr(n uint32) uint64 {
	size := 80
	if l := hook.Struct("bpf_sock"); l != nil {
		size = l.Size
	}
	return (*env)(m).Object(helper.ObjectSock, n, size)
}

// Sock is the address of the struct bpf_sock of World.Sockets[n], as contexts
// hold it, with the bytes that it has now.
func (m *Machine) Sock(n int) uint64 {
	if n < 0 || n >= len(m.world.Sockets) {
		return 0
	}
	at := m.sockAddr(uint32(n))
	if at != 0 {
		m.arena.Write(uint32(at), helper.SockBytes(&m.world.Sockets[n]))
	}
	return at
}
