//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// A few rtnetlink requests, written out: links up, addresses, veth pairs, and clsact with cls_bpf for kernels without tcx.

// nlmsg is a request under construction.
type nlmsg struct{ b []byte }

func newMsg(typ, flags uint16) *nlmsg {
	m := &nlmsg{make([]byte, unix.SizeofNlMsghdr)}
	binary.NativeEndian.PutUint16(m.b[4:], typ)
	binary.NativeEndian.PutUint16(m.b[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	return m
}

func (m *nlmsg) u8(v ...byte) *nlmsg { m.b = append(m.b, v...); return m }
func (m *nlmsg) u16(v uint16) *nlmsg { m.b = binary.NativeEndian.AppendUint16(m.b, v); return m }
func (m *nlmsg) u32(v uint32) *nlmsg { m.b = binary.NativeEndian.AppendUint32(m.b, v); return m }
func (m *nlmsg) zero(n int) *nlmsg   { m.b = append(m.b, make([]byte, n)...); return m }
func u32bytes(v uint32) []byte       { return binary.NativeEndian.AppendUint32(nil, v) }
func cstring(s string) []byte        { return append([]byte(s), 0) }

// attr appends one attribute.
func (m *nlmsg) attr(typ uint16, v []byte) *nlmsg {
	m.u16(uint16(4 + len(v))).u16(typ)
	m.b = append(m.b, v...)
	return m.zero((4 - len(v)%4) % 4)
}

// nest appends an attribute with attributes inside.
func (m *nlmsg) nest(typ uint16, f func()) *nlmsg {
	at := len(m.b)
	m.u16(0).u16(typ)
	f()
	binary.NativeEndian.PutUint16(m.b[at:], uint16(len(m.b)-at))
	return m
}

// do sends the request in the current network namespace and waits for its acknowledgement.
func (m *nlmsg) do() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	binary.NativeEndian.PutUint32(m.b, uint32(len(m.b)))
	if err := unix.Sendto(fd, m.b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 8192)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR {
		return errors.New("netlink: unexpected answer")
	}
	if e := int32(binary.NativeEndian.Uint32(buf[unix.SizeofNlMsghdr:])); e != 0 {
		return unix.Errno(-e)
	}
	return nil
}

func ifindex(name string) (int, error) {
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	return ifc.Index, nil
}

// ifinfo is struct ifinfomsg.
func (m *nlmsg) ifinfo(index int, flags, change uint32) *nlmsg {
	return m.u8(unix.AF_UNSPEC, 0).u16(0).u32(uint32(index)).u32(flags).u32(change)
}

func linkUp(name string) error {
	i, err := ifindex(name)
	if err != nil {
		return err
	}
	return newMsg(unix.RTM_NEWLINK, 0).ifinfo(i, unix.IFF_UP, unix.IFF_UP).do()
}

func addAddr(name, cidr string) error {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return err
	}
	i, err := ifindex(name)
	if err != nil {
		return err
	}
	family, flags := byte(unix.AF_INET), byte(0)
	if p.Addr().Is6() {
		family, flags = unix.AF_INET6, unix.IFA_F_NODAD
	}
	ip := p.Addr().AsSlice()
	return newMsg(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE).
		u8(family, byte(p.Bits()), flags, 0).u32(uint32(i)).
		attr(unix.IFA_LOCAL, ip).attr(unix.IFA_ADDRESS, ip).do()
}

// addVeth makes a pair; the second end starts in the network namespace behind fd.
func addVeth(name, peer string, ns int) error {
	const vethInfoPeer = 1
	m := newMsg(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL).ifinfo(0, 0, 0).attr(unix.IFLA_IFNAME, cstring(name))
	return m.nest(unix.IFLA_LINKINFO, func() {
		m.attr(unix.IFLA_INFO_KIND, []byte("veth"))
		m.nest(unix.IFLA_INFO_DATA, func() {
			m.nest(vethInfoPeer, func() {
				m.ifinfo(0, 0, 0).attr(unix.IFLA_IFNAME, cstring(peer)).attr(unix.IFLA_NET_NS_FD, u32bytes(uint32(ns)))
			})
		})
	}).do()
}

// Traffic control constants from include/uapi/linux/pkt_sched.h and pkt_cls.h.
const (
	tcClsact      = 0xfffffff1 // TC_H_CLSACT
	tcClsactMajor = 0xffff0000
	tcMinIngress  = 0xfff2
	tcMinEgress   = 0xfff3

	tcaKind, tcaOptions               = 1, 2
	tcaBPFFD, tcaBPFName, tcaBPFFlags = 6, 7, 8
	tcaBPFFlagActDirect               = 1
)

// tcmsg is struct tcmsg.
func (m *nlmsg) tcmsg(index int, handle, parent, info uint32) *nlmsg {
	return m.u8(unix.AF_UNSPEC, 0, 0, 0).u32(uint32(index)).u32(handle).u32(parent).u32(info)
}

// clsact is a direct-action filter to be removed.
type clsact struct {
	index  int
	parent uint32
	info   uint32
}

// attachClsact adds the clsact qdisc, unless it is there, and a direct-action filter with the program.
func attachClsact(index int, prog *ebpf.Program, egress bool) (closer, error) {
	err := newMsg(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL).
		tcmsg(index, tcClsactMajor, tcClsact, 0).attr(tcaKind, cstring("clsact")).do()
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("clsact: %w", err)
	}
	c := clsact{index: index, parent: tcClsactMajor | tcMinIngress, info: 1<<16 | uint32(htons(unix.ETH_P_ALL))}
	if egress {
		c.parent = tcClsactMajor | tcMinEgress
	}
	m := newMsg(unix.RTM_NEWTFILTER, unix.NLM_F_CREATE|unix.NLM_F_EXCL).tcmsg(index, 1, c.parent, c.info).attr(tcaKind, cstring("bpf"))
	m.nest(tcaOptions, func() {
		m.attr(tcaBPFFD, u32bytes(uint32(prog.FD()))).attr(tcaBPFName, cstring("skep")).attr(tcaBPFFlags, u32bytes(tcaBPFFlagActDirect))
	})
	if err := m.do(); err != nil {
		return nil, fmt.Errorf("cls_bpf: %w", err)
	}
	return c, nil
}

func (c clsact) Close() error {
	return newMsg(unix.RTM_DELTFILTER, 0).tcmsg(c.index, 1, c.parent, c.info).attr(tcaKind, cstring("bpf")).do()
}
