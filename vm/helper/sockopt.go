package helper

// Socket options that a program sets are kept for the run and read back; one
// that was never set reads as zero.

const (
	solSocket = 1
	solIP     = 0
	solTCP    = 6
	solIPv6   = 41
	optMax    = 64
)

// optionAt is where an option is kept: its length and bytes.
func optionAt(e Env, c *Call) (uint64, bool) {
	level, name := c.u32(2), c.u32(3)
	switch level {
	case solSocket, solIP, solTCP, solIPv6:
		return e.Object(ObjectSockopt, level<<16|name&0xffff, 8+optMax), true
	}
	return 0, false
}

// setsockopt: (ctx or sk, level, optname, optval, optlen).
func setsockopt(e Env, c *Call) {
	v := read(e, c.Args[3], c.size(5))
	at, ok := optionAt(e, c)
	if !ok || len(v) > optMax || c.u32(2) == solSocket && len(v) < 4 {
		c.set(einval)
		return
	}
	e.Emit(Event{Kind: EventSockopt, ID: uint32(c.ID), Index: uint64(c.u32(2))<<32 | uint64(c.u32(3)), Data: v})
	c.set(0)
	writeWord(e, at, uint64(len(v)))
	write(e, at+8, v)
}

func getsockopt(e Env, c *Call) {
	n := c.size(5)
	touch(e, c.Args[3], n)
	at, ok := optionAt(e, c)
	b := make([]byte, n)
	if !ok || n > optMax {
		c.set(einval)
		write(e, c.Args[3], b)
		return
	}
	v := read(e, at, 8+optMax)
	copy(b, v[8:8+min(le.Uint64(v), optMax)])
	c.set(0)
	write(e, c.Args[3], b)
}

// bind: (ctx, addr, addr_len).
func bind(e Env, c *Call) {
	n := c.size(3)
	b := read(e, c.Args[1], n)
	if len(b) < 2 {
		c.set(einval)
		return
	}
	switch le.Uint16(b) {
	case afInet:
		if n < 16 {
			c.set(einval)
			return
		}
	case afInet6:
		if n < 24 {
			c.set(einval)
			return
		}
	default:
		c.set(eafnosup)
		return
	}
	e.Emit(Event{Kind: EventSocket, ID: uint32(c.ID), Data: b})
	c.set(0)
}

// sockOpsCbFlagsSet: (ctx, flags) gives the flags that the kernel does not
// know.
func sockOpsCbFlagsSet(e Env, c *Call) {
	const all = 0x7f // BPF_SOCK_OPS_ALL_CB_FLAGS
	const isFullsock, cbFlags = 72, 84
	_, _, ctx := e.Context()
	b := peek(e, ctx+isFullsock, 4)
	if le.Uint32(b) == 0 {
		c.set(einval)
		return
	}
	c.set(int64(c.u32(2) &^ all))
	var w [4]byte
	le.PutUint32(w[:], c.u32(2)&all)
	write(e, ctx+cbFlags, w[:])
}

// sockMapUpdate: (ctx, map, key, flags) adds the context's socket.
func sockMapUpdate(e Env, c *Call) {
	m := mapAt(e, c.Args[1])
	k := read(e, c.Args[2], int(m.KeySize()))
	s := ctxSock(e)
	if s == nil {
		c.set(einval)
		return
	}
	w := e.World()
	v := make([]byte, m.ValueSize())
	for i := range w.Sockets {
		if &w.Sockets[i] == s && len(v) >= 4 {
			le.PutUint32(v, uint32(i))
		}
	}
	c.set(m.Update(k, v, c.Args[3], e.CPU()))
}

// storageGet: (map, owner, value, flags) is the storage of a socket, inode,
// task or cgroup; flag 1 makes it when it is not there, from value or zero.
func storageGet(e Env, c *Call) {
	const create = 1
	m := ownedArg(e, c)
	c.R0 = 0
	if c.Args[1] == 0 || c.Args[3]&^create != 0 {
		return
	}
	var init []byte
	if c.Args[2] != 0 && c.Args[3]&create != 0 {
		init = read(e, c.Args[2], int(m.ValueSize()))
	}
	c.R0 = m.Of(c.Args[1], c.Args[3]&create != 0, init, e.CPU())
}

// Owned is a map that keeps a value with a kernel object.
type Owned interface {
	Map
	// Of is the address of the value of object owner, 0 when it has none and
	// create is false or there is no room. A new value is init, or zeros.
	Of(owner uint64, create bool, init []byte, cpu uint32) uint64
	// Drop deletes it: 0 or -ENOENT.
	Drop(owner uint64) int64
}

func ownedArg(e Env, c *Call) Owned {
	m, ok := mapArg(e, c).(Owned)
	if !ok {
		panic(stop{fault("the map keeps no values with objects")})
	}
	return m
}

// storageDelete: (map, owner).
func storageDelete(e Env, c *Call) {
	m := ownedArg(e, c)
	if c.Args[1] == 0 {
		c.set(einval)
		return
	}
	c.set(m.Drop(c.Args[1]))
}

// getLocalStorage: (map, flags) is the storage of the cgroup that the program
// is attached to; of a per-CPU one, that CPU's.
func getLocalStorage(e Env, c *Call) {
	owner := uint64(1)
	if g := e.World().Cgroups; len(g) > 0 {
		owner = g[len(g)-1]
	}
	c.R0 = ownedArg(e, c).Of(owner, true, nil, e.CPU())
}
