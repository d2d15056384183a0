package helper

import "skep/vm/hook"

const (
	tunnelKeySize = 44
	tunnelIPv6    = 1 << 0 // BPF_F_TUNINFO_IPV6
	tunnelFlags   = 1 << 4 // BPF_F_TUNINFO_FLAGS
	tunnelSet     = tunnelIPv6 | 1<<1 | 1<<2 | 1<<3 | 1<<5
	tunnelOptMax  = 255
)

// tunnelSizeOK are the sizes that struct bpf_tunnel_key has had.
func tunnelSizeOK(n int) bool {
	switch n {
	case 8, 22, 24, 28, tunnelKeySize:
		return true
	}
	return false
}

// skbGetTunnelKey: (skb, key, size, flags), from World.Tunnel.
func skbGetTunnelKey(e Env, c *Call) {
	t := &e.World().Tunnel
	n := c.size(3)
	touch(e, c.Args[1], n)
	b := make([]byte, max(n, tunnelKeySize))
	fail := func(ret int64) {
		clear(b)
		c.set(ret)
		write(e, c.Args[1], b[:n])
	}
	none := t.ID == 0 && t.Remote == [16]byte{}
	switch {
	case none || c.Args[3]&^(tunnelIPv6|tunnelFlags) != 0:
		fail(einval)
		return
	case t.V6 != (c.Args[3]&tunnelIPv6 != 0):
		fail(eproto)
		return
	case !tunnelSizeOK(n) || n == 8 && t.V6:
		fail(einval)
		return
	}
	l := hook.Struct("bpf_tunnel_key")
	l.Put(b, "tunnel_id", 0, uint64(t.ID))
	l.Put(b, "tunnel_tos", 0, uint64(t.TOS))
	l.Put(b, "tunnel_ttl", 0, uint64(t.TTL))
	if t.V6 {
		copy(b[4:20], t.Remote[:])
		l.Put(b, "tunnel_label", 0, uint64(t.Label))
	} else {
		l.Put(b, "remote_ipv4", 0, uint64(be.Uint32(t.Remote[:])))
	}
	c.set(0)
	write(e, c.Args[1], b[:n])
}

// skbSetTunnelKey: (skb, key, size, flags).
func skbSetTunnelKey(e Env, c *Call) {
	n := c.size(3)
	b := read(e, c.Args[1], n)
	if c.Args[3]&^tunnelSet != 0 || !tunnelSizeOK(n) {
		c.set(einval)
		return
	}
	b = append(b, make([]byte, tunnelKeySize-n)...)
	l := hook.Struct("bpf_tunnel_key")
	if c.Args[3]&tunnelIPv6 == 0 && l.Get(b, "tunnel_label", 0) != 0 || l.Get(b, "tunnel_ext", 0) != 0 {
		c.set(einval)
		return
	}
	e.SetVar(VarTunnel, 1)
	e.Emit(Event{Kind: EventTunnel, ID: uint32(c.ID), Flags: c.Args[3], Data: b})
	c.set(0)
}

// skbGetTunnelOpt: (skb, opt, size) gives the length of the options.
func skbGetTunnelOpt(e Env, c *Call) {
	opt := e.World().Tunnel.Opt
	n := c.size(3)
	touch(e, c.Args[1], n)
	b := make([]byte, n)
	switch {
	case len(opt) == 0:
		c.set(enoent)
	case n < len(opt):
		c.set(enomem)
	default:
		c.set(int64(len(opt)))
		copy(b, opt)
	}
	write(e, c.Args[1], b)
}

// skbSetTunnelOpt: (skb, opt, size), after skb_set_tunnel_key.
func skbSetTunnelOpt(e Env, c *Call) {
	b := read(e, c.Args[1], c.size(3))
	switch {
	case e.Var(VarTunnel) == 0 || len(b)&3 != 0:
		c.set(einval)
		return
	case len(b) > tunnelOptMax:
		c.set(enomem)
		return
	}
	e.Emit(Event{Kind: EventTunnel, ID: uint32(c.ID), Data: b})
	c.set(0)
}
