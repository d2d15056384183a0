package helper

import "skep/vm/hook"

const (
	sockSize    = 80
	tcpSockSize = 112

	tcpEstablished = 1
	tcpTimeWait    = 6
	tcpListen      = 10
	tcpNewSynRecv  = 12

	protoTCP, protoUDP = 6, 17
	overflowUID        = 65534
)

// SockBytes is the struct bpf_sock of a socket.
func SockBytes(s *Socket) []byte {
	b := make([]byte, sockSize)
	l := hook.Struct("bpf_sock")
	put := func(name string, i int, v uint64) { l.Put(b, name, i, v) }
	put("bound_dev_if", 0, uint64(s.Bound))
	put("family", 0, uint64(s.Family))
	put("type", 0, uint64(s.Type))
	put("protocol", 0, uint64(s.Protocol))
	put("mark", 0, uint64(s.Mark))
	put("priority", 0, uint64(s.Priority))
	if s.Family == afInet6 {
		for i := range 4 {
			put("src_ip6", i, uint64(le.Uint32(s.Local[4*i:])))
			put("dst_ip6", i, uint64(le.Uint32(s.Remote[4*i:])))
		}
	} else {
		put("src_ip4", 0, uint64(le.Uint32(s.Local[:])))
		put("dst_ip4", 0, uint64(le.Uint32(s.Remote[:])))
	}
	put("src_port", 0, uint64(s.LocalPort))
	put("dst_port", 0, uint64(swap16(uint32(s.RemotePort))))
	put("state", 0, uint64(s.State))
	put("rx_queue_mapping", 0, uint64(uint32(s.RxQueue)))
	return b
}

// sockPtr is the address of the bpf_sock of socket i of the world.
func sockPtr(e Env, i int) uint64 {
	addr := e.Object(ObjectSock, uint32(i), sockSize)
	write(e, addr, SockBytes(&e.World().Sockets[i]))
	return addr
}

// sockAt is the socket that a pointer refers to, nil when it is none.
func sockAt(e Env, addr uint64) *Socket {
	if addr == 0 {
		return nil
	}
	w := e.World()
	for i := range w.Sockets {
		if e.Object(ObjectSock, uint32(i), sockSize) == addr {
			return &w.Sockets[i]
		}
	}
	return nil
}

// ctxSock is the socket of the program's context: its sk field, or the socket
// that is the context.
func ctxSock(e Env) *Socket {
	typ, _, ctx := e.Context()
	if typ == hook.CgroupSock {
		if w := e.World(); w.Own < len(w.Sockets) {
			return &w.Sockets[w.Own]
		}
		return nil
	}
	l := typ.Layout(false)
	if l == nil {
		return nil
	}
	f := l.Find("sk")
	if f == nil {
		return nil
	}
	return sockAt(e, word(e, ctx+uint64(f.Off)))
}

func (s *Socket) full() bool { return s.State != tcpTimeWait && s.State != tcpNewSynRecv }

func skLookupTCP(e Env, c *Call) { lookupSock(e, c, protoTCP) }

func skLookupUDP(e Env, c *Call) { lookupSock(e, c, protoUDP) }

// lookupSock: (ctx, tuple, len, netns, flags) finds the connected socket of
// the packet's addresses, or one that listens to the destination.
func lookupSock(e Env, c *Call, proto uint32) {
	const v4, v6 = 12, 36
	n := c.u32(3)
	c.R0 = 0
	if n != v4 && n != v6 || c.Args[4] != 0 {
		touch(e, c.Args[1], c.size(3))
		return
	}
	t := read(e, c.Args[1], int(n))
	family, size := uint32(afInet), 4
	if n == v6 {
		family, size = afInet6, 16
	}
	src, dst := t[:size], t[size:2*size]
	sport, dport := be.Uint16(t[2*size:]), be.Uint16(t[2*size+2:])
	best, rank := -1, 0
	w := e.World()
	for i := range w.Sockets {
		s := &w.Sockets[i]
		if s.Family != family || s.Protocol != proto || s.LocalPort != dport {
			continue
		}
		local := equalBytes(s.Local[:size], dst)
		r := 0
		switch {
		case local && s.RemotePort == sport && equalBytes(s.Remote[:size], src):
			r = 3
		case s.RemotePort != 0:
		case local:
			r = 2
		case s.Local == [16]byte{}:
			r = 1
		}
		if r > rank {
			best, rank = i, r
		}
	}
	if best < 0 {
		return
	}
	const skcLookup = 99
	if c.ID != skcLookup && !w.Sockets[best].full() {
		return
	}
	c.R0 = sockPtr(e, best)
}

func equalBytes(a, b []byte) bool { return string(a) == string(b) }

func skRelease(e Env, c *Call) {
	touch(e, c.Args[0], 4)
	c.set(0)
}

func skFullsock(e Env, c *Call) {
	c.R0 = 0
	if s := sockAt(e, c.Args[0]); s != nil && s.full() {
		c.R0 = c.Args[0]
	}
}

// tcpSock is the struct bpf_tcp_sock of a socket, all of it zero.
func tcpSock(e Env, c *Call) {
	c.R0 = 0
	w := e.World()
	for i := range w.Sockets {
		s := &w.Sockets[i]
		if e.Object(ObjectSock, uint32(i), sockSize) == c.Args[0] && s.full() && s.Protocol == protoTCP {
			c.R0 = e.Object(ObjectTCPSock, uint32(i), tcpSockSize)
		}
	}
}

func getListenerSock(e Env, c *Call) {
	c.R0 = 0
	if s := sockAt(e, c.Args[0]); s != nil && s.State == tcpListen {
		c.R0 = c.Args[0]
	}
}

func getSocketCookie(e Env, c *Call) {
	c.R0 = 0
	_, _, ctx := e.Context()
	if c.Args[0] != ctx {
		if s := sockAt(e, c.Args[0]); s != nil {
			c.R0 = s.Cookie
		}
		return
	}
	s := ctxSock(e)
	if s != nil {
		c.R0 = s.Cookie
	}
}

func getSocketUID(e Env, c *Call) {
	s := ctxSock(e)
	c.R0 = overflowUID
	if s != nil && s.full() {
		c.R0 = uint64(s.UID)
	}
}

func getNetnsCookie(e Env, c *Call) {
	c.R0 = e.World().NetNS
}

func skbCgroupID(e Env, c *Call) {
	s := ctxSock(e)
	c.R0 = 0
	if s != nil {
		c.R0 = cgroupID(s.Cgroups)
	}
}

func skbAncestorCgroupID(e Env, c *Call) {
	s := ctxSock(e)
	c.R0 = 0
	if s != nil {
		c.R0 = ancestor(s.Cgroups, int32(c.u32(2)))
	}
}

func skCgroupID(e Env, c *Call) {
	c.R0 = 0
	if s := sockAt(e, c.Args[0]); s != nil {
		c.R0 = cgroupID(s.Cgroups)
	}
}

func skAncestorCgroupID(e Env, c *Call) {
	c.R0 = 0
	if s := sockAt(e, c.Args[0]); s != nil {
		c.R0 = ancestor(s.Cgroups, int32(c.u32(2)))
	}
}

// skbUnderCgroup: (skb, map, index).
func skbUnderCgroup(e Env, c *Call) {
	s := ctxSock(e)
	if s == nil || !s.full() {
		c.set(enoent)
		return
	}
	underCgroup(e, c, c.Args[1], c.u32(3), s.Cgroups)
}

// skAssign: (ctx, sk, flags) steers the packet or lookup to a socket.
func skAssign(e Env, c *Call) {
	const replace, noReuseport = 1, 2
	const eprototype, esocktnosupport = -91, -94
	typ, _, ctx := e.Context()
	s := sockAt(e, c.Args[1])
	if typ != hook.SkLookup {
		if s == nil || c.Args[2] != 0 {
			c.set(einval)
			return
		}
		e.SetVar(VarSock, c.Args[1])
		e.Emit(Event{Kind: EventSocket, ID: uint32(c.ID), Index: s.Cookie, Data: []byte(s.Name)})
		c.set(0)
		return
	}
	b := read(e, ctx, 16)
	switch {
	case c.Args[2]&^(replace|noReuseport) != 0:
		c.set(einval)
		return
	case s != nil && s.Protocol == protoTCP && s.State != tcpListen:
		c.set(esocktnosupport)
		return
	case s != nil && s.Protocol != le.Uint32(b[12:]):
		c.set(eprototype)
		return
	case s != nil && s.Family != le.Uint32(b[8:]) && s.Family == afInet:
		c.set(eafnosup)
		return
	case le.Uint64(b) != 0 && c.Args[2]&replace == 0:
		c.set(eexist)
		return
	}
	e.SetVar(VarSock, c.Args[1])
	c.set(0)
	writeWord(e, ctx, c.Args[1])
}

// skSelectReuseport: (reuse, map, key, flags).
func skSelectReuseport(e Env, c *Call) {
	m := mapAt(e, c.Args[1])
	k := read(e, c.Args[2], int(m.KeySize()))
	sk := m.Lookup(k, e.CPU())
	if sk == 0 {
		c.set(enoent)
		return
	}
	e.SetVar(VarSock, sk)
	c.set(0)
}
