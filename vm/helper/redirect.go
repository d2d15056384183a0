package helper

import "skep/vm/hook"

// Actions that helpers return for the program to return.
const (
	xdpAborted, xdpRedirect = 0, 4
	tcShot, tcRedirect      = 2, 7
	skDrop, skPass          = 0, 1

	redirectIngress   = 1 << 0 // BPF_F_INGRESS
	redirectBroadcast = 1 << 3 // BPF_F_BROADCAST
	redirectExclude   = 1 << 4 // BPF_F_EXCLUDE_INGRESS
)

// Map types that redirects lead to (enum bpf_map_type).
const (
	mapDevmap     = 14
	mapCPUMap     = 16
	mapXSKMap     = 17
	mapDevmapHash = 25
	mapBloom      = 30
)

// pend records where the packet goes when the program returns the redirect
// action; the last call wins.
func pend(e Env, kind RedirectKind, index, m, flags uint64) {
	e.SetVar(VarRedirectKind, uint64(kind))
	e.SetVar(VarRedirect, index)
	e.SetVar(VarRedirectMap, m)
	e.SetVar(VarRedirectFlag, flags)
}

// redirect: (ifindex, flags).
func redirect(e Env, c *Call) {
	typ, _, _ := e.Context()
	if typ == hook.XDP {
		if c.Args[1] != 0 {
			c.set(xdpAborted)
			return
		}
		pend(e, RedirectIfindex, uint64(c.u32(1)), 0, 0)
		c.set(xdpRedirect)
		return
	}
	if c.Args[1]&^redirectIngress != 0 {
		c.set(tcShot)
		return
	}
	pend(e, RedirectIfindex, uint64(c.u32(1)), 0, c.Args[1])
	c.set(tcRedirect)
}

func redirectPeer(e Env, c *Call) {
	if c.Args[1] != 0 {
		c.set(tcShot)
		return
	}
	pend(e, RedirectPeer, uint64(c.u32(1)), 0, 0)
	c.set(tcRedirect)
}

// redirectNeigh: (ifindex, params, plen, flags).
func redirectNeigh(e Env, c *Call) {
	const paramSize = 20 // struct bpf_redir_neigh
	n := int32(c.u32(3))
	if n != 0 && n < paramSize || c.Args[3] != 0 {
		c.set(tcShot)
		return
	}
	if n != 0 {
		touch(e, c.Args[1], paramSize)
	}
	pend(e, RedirectNeigh, uint64(c.u32(1)), c.Args[1], uint64(n))
	c.set(tcRedirect)
}

// redirectMap: (map, key, flags). The low bits of flags are the result when
// there is nothing under the key.
func redirectMap(e Env, c *Call) {
	m := mapArg(e, c)
	mask := uint64(3)
	if m.Type() == mapDevmap || m.Type() == mapDevmapHash {
		mask |= redirectBroadcast | redirectExclude
	}
	flags := c.Args[2]
	if flags&^mask != 0 {
		c.set(xdpAborted)
		return
	}
	_, ok := element(e, m, c.u32(2))
	if !ok && flags&redirectBroadcast == 0 {
		pend(e, RedirectNone, 0, 0, 0)
		c.set(int64(flags & 3))
		return
	}
	if flags&redirectBroadcast == 0 {
		flags = 0
	}
	pend(e, RedirectMap, uint64(c.u32(2)), c.Args[0], flags)
	c.set(xdpRedirect)
}

// cloneRedirect: (skb, ifindex, flags) sends a copy at once.
func cloneRedirect(e Env, c *Call) {
	p := packetOf(e)
	if c.Args[2]&^redirectIngress != 0 || link(e, c.u32(2)) == nil {
		c.set(einval)
		return
	}
	b := read(e, p.Data, int(p.Len()))
	e.Emit(Event{Kind: EventClone, ID: uint32(c.ID), Index: uint64(c.u32(2)), Flags: c.Args[2], Data: b})
	c.set(0)
}

// loopback is the interface of a world that names none.
var loopback = Link{Index: 1, MTU: 65536}

// link is the interface of that number, nil when there is none.
func link(e Env, index uint32) *Link {
	w := e.World()
	for i := range w.Links {
		if w.Links[i].Index == index {
			return &w.Links[i]
		}
	}
	if index == loopback.Index {
		return &loopback
	}
	return nil
}

func (l *Link) mtu() uint32 {
	if l.MTU == 0 {
		return 1500
	}
	return l.MTU
}

// skRedirectMap: (skb, map, key, flags); the key of a sockhash is in memory.
func skRedirectMap(e Env, c *Call) { redirectSock(e, c) }

func msgRedirectMap(e Env, c *Call) { redirectSock(e, c) }

func redirectSock(e Env, c *Call) {
	m := mapAt(e, c.Args[1])
	if c.Args[3]&^redirectIngress != 0 {
		c.set(skDrop)
		return
	}
	k := sockKey(e, c, m, 3)
	sk := m.Lookup(k, e.CPU())
	if sk == 0 {
		c.set(skDrop)
		return
	}
	pend(e, RedirectSock, sk, c.Args[1], c.Args[3])
	c.set(skPass)
}

// sockKey is the key in register arg: a number for a sockmap, in memory for a
// sockhash and for helpers that take a pointer.
func sockKey(e Env, c *Call, m Map, arg int) []byte {
	const (
		msgRedirectMapID = 60
		skRedirectMapID  = 52
	)
	if c.ID == msgRedirectMapID || c.ID == skRedirectMapID {
		var b [4]byte
		le.PutUint32(b[:], c.u32(arg))
		return b[:]
	}
	return read(e, c.Args[arg-1], int(m.KeySize()))
}
