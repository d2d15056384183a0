package helper

import "skep/vm/hook"

// Casts of a socket to a kernel type give the pointer back when the socket is
// of that kind. The kernel's struct behind it is not simulated: only the
// fields that struct bpf_sock has are there, at their own offsets.

const (
	afUnix     = 1
	protoMPTCP = 262
)

func castSock(f func(s *Socket) bool) Func {
	return func(e Env, c *Call) {
		c.R0 = 0
		if s := sockAt(e, c.Args[0]); s != nil && f(s) {
			c.R0 = c.Args[0]
		}
	}
}

// castFunc is what the skc_to_* helper with that number does.
func castFunc(id int) Func {
	tcp := func(s *Socket) bool { return s.Protocol == protoTCP }
	switch id {
	case 136: // skc_to_tcp6_sock
		return castSock(func(s *Socket) bool { return tcp(s) && s.full() && s.Family == afInet6 })
	case 137: // skc_to_tcp_sock
		return castSock(func(s *Socket) bool { return tcp(s) && s.full() })
	case 138: // skc_to_tcp_timewait_sock
		return castSock(func(s *Socket) bool { return tcp(s) && s.State == tcpTimeWait })
	case 139: // skc_to_tcp_request_sock
		return castSock(func(s *Socket) bool { return tcp(s) && s.State == tcpNewSynRecv })
	case 140: // skc_to_udp6_sock
		return castSock(func(s *Socket) bool { return s.Protocol == protoUDP && s.full() && s.Family == afInet6 })
	case 178: // skc_to_unix_sock
		return castSock(func(s *Socket) bool { return s.Family == afUnix && s.full() })
	case 196: // skc_to_mptcp_sock
		return castSock(func(s *Socket) bool { return s.Protocol == protoMPTCP })
	}
	return nil
}

// thisCPUPtr: the one simulated copy of a per-CPU variable stands for all.
func thisCPUPtr(e Env, c *Call) { itself(e, c) }

// perCPUPtr: (ptr, cpu).
func perCPUPtr(e Env, c *Call) {
	c.R0 = 0
	if c.u32(2) < e.World().cpus() {
		c.R0 = c.Args[0]
	}
}

// notThere are helpers about parts of a kernel that this machine has not:
// IMA, IPsec, sockets of files. They answer as such a kernel does.
func imaHash(e Env, c *Call) { c.set(eopnotsupp) }

// getXfrmState: (skb, index, state, size, flags), of a packet without IPsec.
func getXfrmState(e Env, c *Call) {
	n := c.size(4)
	touch(e, c.Args[2], n)
	c.set(einval)
	write(e, c.Args[2], make([]byte, n))
}

func sockFromFile(e Env, c *Call) { c.set(0) }

// bprmOptsSet: (bprm, flags).
func bprmOptsSet(e Env, c *Call) {
	const secureExec = 1
	if c.Args[1]&^secureExec != 0 {
		c.set(einval)
		return
	}
	c.set(0)
}

// tcpSendAck: (tp, rcv_nxt) is recorded.
func tcpSendAck(e Env, c *Call) {
	e.Emit(Event{Kind: EventSocket, ID: uint32(c.ID), Index: uint64(c.u32(2))})
	c.set(0)
}

// lwtPushEncap: (skb, type, hdr, len) puts an IP header, and what follows it,
// in front of the packet.
func lwtPushEncap(e Env, c *Call) {
	const encapIP = 2 // BPF_LWT_ENCAP_IP
	p := packetOf(e)
	hdr := read(e, c.Args[2], c.size(4))
	if c.u32(2) != encapIP {
		panic(stop{NotSimulated(c.ID)}) // segment routing
	}
	if typ, _, _ := e.Context(); typ != hook.LwtIn && typ != hook.LwtXmit {
		c.set(einval)
		return
	}
	proto := uint16(ethIP)
	switch {
	case len(hdr) < 20 || len(hdr) > 255:
		c.set(einval)
		return
	case hdr[0]>>4 == 4:
		if int(hdr[0]&15)*4 > len(hdr) || hdr[0]&15 < 5 {
			c.set(einval)
			return
		}
	case hdr[0]>>4 == 6:
		if proto = ethIPv6; len(hdr) < 40 {
			c.set(einval)
			return
		}
	default:
		c.set(einval)
		return
	}
	q, ok := shift(e, p, 0, int64(len(hdr)))
	if !ok {
		c.set(enomem)
		return
	}
	c.set(0)
	write(e, q.Data, hdr)
	skbPut(e, skbProtocol, uint32(swap16(uint32(proto))))
}
