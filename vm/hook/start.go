package hook

import "encoding/binary"

// Start is what a context is made from. Fields that do not concern the
// program type are ignored.
type Start struct {
	Packet  Packet
	Proto   uint16 // EtherType of the packet, as a number: 0x0800
	Ifindex uint32 // receiving interface; 0 means 1, the loopback
	Iif     uint32 // __sk_buff.ingress_ifindex, egress_ifindex of xdp_md
	Queue   uint32 // receive queue
	Sock    uint64 // address of a struct bpf_sock, 0 for none

	// Args are the arguments of the traced function or tracepoint; Ret is its
	// return value. A pt_regs context gets them in the argument registers.
	Args []uint64
	Ret  uint64
	IP   uint64

	// Raw is the context of tracepoint, syscall, struct_ops and lirc programs.
	Raw []byte
	// Set is applied last: fields of the context struct by name.
	Set []Value
}

// Value is a field of a context struct and what to put there.
type Value struct {
	Name  string
	Index int // element of an array
	V     uint64
}

// EthernetLen is the size of an Ethernet header.
const EthernetLen = 14

// PulledMAC is how many bytes of an input packet lie in front of data when a
// program of this type is run over it, as BPF_PROG_TEST_RUN does: socket
// filters, cgroup and lightweight tunnel programs begin at the network
// header.
func PulledMAC(t ProgType) int {
	switch t {
	case SocketFilter, CgroupSkb, LwtIn, LwtOut, LwtXmit, LwtSeg6local, Netfilter:
		return EthernetLen
	}
	return 0
}

// NetOffset is how far the network header of the packet is from Data.
func (p Packet) NetOffset(t ProgType) uint64 {
	switch {
	case p.Net != 0:
		return p.Net - p.Data
	case t == SchedCls || t == SchedAct || t == XDP || t == FlowDissector:
		return EthernetLen
	}
	return 0
}

// Context is the context that a program of p's type gets, as bytes of its
// memory. Unknown names in Set are ignored. A type whose context is raw
// memory gets Raw, or Args as 64-bit words.
func Context(p Program, s Start) []byte {
	l := p.Type.Layout(p.ARM64)
	if l == nil {
		if s.Raw != nil {
			return append([]byte(nil), s.Raw...)
		}
		b := make([]byte, 0, 8*len(s.Args)+8)
		for _, a := range s.Args {
			b = binary.LittleEndian.AppendUint64(b, a)
		}
		if p.Type == Tracing && (p.Attach == TraceFexit || p.Attach == ModifyReturn) {
			b = binary.LittleEndian.AppendUint64(b, s.Ret)
		}
		return b
	}
	b := make([]byte, l.Size)
	put := func(name string, v uint64) { l.Put(b, name, 0, v) }
	ifindex := max(s.Ifindex, 1)
	k := s.Packet
	proto := uint64(s.Proto>>8 | s.Proto<<8)
	put("data", k.Data)
	put("data_end", k.End)
	put("data_meta", k.Meta)
	put("sk", s.Sock)
	switch l.Name {
	case "xdp_md":
		put("ingress_ifindex", uint64(ifindex))
		put("rx_queue_index", uint64(s.Queue))
		put("egress_ifindex", uint64(s.Iif))
	case "__sk_buff":
		n := uint64(0)
		if k.Limit != 0 {
			n = k.Len()
		}
		put("len", n)
		put("wire_len", n)
		put("protocol", proto)
		put("ifindex", uint64(ifindex))
		put("ingress_ifindex", uint64(s.Iif))
		put("queue_mapping", uint64(s.Queue))
	case "sk_msg_md", "sk_reuseport_md":
		put("size", k.Len())
		put("len", k.Len())
		put("eth_protocol", proto)
	case "bpf_sock_ops":
		put("skb_data", k.Data)
		put("skb_data_end", k.End)
		put("skb_len", k.Len())
		if s.Sock != 0 {
			put("is_fullsock", 1)
		}
		for i, a := range s.Args {
			if i < 4 {
				l.Put(b, "args", i, a)
			}
		}
	case "bpf_sockopt":
		put("optval", k.Data)
		put("optval_end", k.End)
		put("optlen", k.Len())
	case "pt_regs", "bpf_perf_event_data":
		for i, r := range [...]int{14, 13, 12, 11, 9, 8} { // rdi rsi rdx rcx r8 r9
			if i < len(s.Args) {
				binary.LittleEndian.PutUint64(b[8*r:], s.Args[i])
			}
		}
		binary.LittleEndian.PutUint64(b[8*10:], s.Ret) // rax
		binary.LittleEndian.PutUint64(b[8*16:], s.IP)  // rip
	case "user_pt_regs":
		for i, a := range s.Args {
			if i < 8 {
				l.Put(b, "regs", i, a)
			}
		}
		if len(s.Args) == 0 {
			l.Put(b, "regs", 0, s.Ret)
		}
		put("pc", s.IP)
	}
	for _, v := range s.Set {
		l.Put(b, v.Name, v.Index, v.V)
	}
	return b
}

// element is element index of the named field of a struct in b, nil when there
// is no such field or element.
func (l *Layout) element(b []byte, name string, index int) []byte {
	f := l.Find(name)
	if f == nil || index < 0 || index >= f.Count {
		return nil
	}
	off := f.Off + index*f.Size
	if f.Size > 8 || off+f.Size > len(b) {
		return nil
	}
	return b[off : off+f.Size]
}

// Put stores v into element index of the named field of a struct in b; it
// does nothing when there is no such field or element.
func (l *Layout) Put(b []byte, name string, index int, v uint64) {
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], v)
	copy(l.element(b, name, index), w[:])
}

// Get is element index of the named field of a struct in b, zero when there
// is no such field or element.
func (l *Layout) Get(b []byte, name string, index int) uint64 {
	var w [8]byte
	copy(w[:], l.element(b, name, index))
	return binary.LittleEndian.Uint64(w[:])
}
