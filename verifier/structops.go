package verifier

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/hook"
)

// structOps is a kernel struct of functions that programs implement
// (struct bpf_struct_ops).
type structOps struct {
	name    string
	members []string // that may be implemented: the kernel has a stub of them
	helpers bool     // has helpers
	nullArg string   // member whose first argument may be NULL
}

var structOpsTable = [...]structOps{
	{
		name: "tcp_congestion_ops",
		members: []string{"ssthresh", "cong_avoid", "set_state", "cwnd_event", "in_ack_event", "pkts_acked", "min_tso_segs",
			"cong_control", "undo_cwnd", "sndbuf_expand", "init", "release"},
		helpers: true,
	},
	{name: "bpf_dummy_ops", members: []string{"test_1", "test_2", "test_sleepable"}, nullArg: "test_1"},
}

// attachStructOps is check_struct_ops_btf_id. AttachTo names the struct, alone
// or with the member ("tcp_congestion_ops:ssthresh"); alone, the attach type is
// the member's number.
func (e *env) attachStructOps() errno {
	if !e.gpl {
		e.logs("struct ops programs must have a GPL compatible license\n")
		return einval
	}
	k := e.kbtf()
	if k == nil {
		return e.notModelled("attach target without kernel BTF")
	}
	name, member, _ := strings.Cut(e.prog.AttachTo, ":")
	t := &e.attach
	for i := range structOpsTable {
		if structOpsTable[i].name == name {
			t.ops = &structOpsTable[i]
		}
	}
	ops := k.Type(e.kernelStruct(name))
	if t.ops == nil || ops.Kind() != btf.KindStruct {
		return e.notModelled("struct_ops " + name)
	}
	i := int(e.prog.Attach)
	for j := 0; member != "" && j < ops.Vlen(); j++ {
		if ops.Member(j).Name == member {
			i = j
		}
	}
	if i >= ops.Vlen() {
		e.logf("attach to invalid member idx %u of struct %s\n", i, name)
		return einval
	}
	m := ops.Member(i)
	ptr := k.Type(k.Resolve(m.Type))
	proto := k.Type(k.Resolve(ptr.Target()))
	if ptr.Kind() != btf.KindPtr || proto.Kind() != btf.KindFuncProto {
		e.logf("attach to invalid member %s(@idx %u) of struct %s\n", m.Name, i, name)
		return einval
	}
	err := errno(0)
	switch {
	case !contains(t.ops.members, m.Name):
		err = enotsupp
	case e.sleepable && name == "bpf_dummy_ops" && m.Name != "test_sleepable":
		err = einval
	}
	if err != 0 {
		e.logf("attach to unsupported member %s of struct %s\n", m.Name, name)
		return err
	}
	t.name, t.proto = m.Name, proto
	if t.ops.nullArg == m.Name {
		to := k.Type(k.Resolve(k.Type(k.Resolve(proto.Param(0).Type)).Target()))
		t.args = []ctxArg{{0, orNullTrusted, to.Name()}}
	}
	return 0
}

// structOpsHelper reports whether a struct's programs may call a helper that
// struct_ops programs may call.
func (e *env) structOpsHelper(id int32) bool {
	o := e.attach.ops
	if o == nil {
		return true
	}
	if id == fnSetsockopt || id == fnGetsockopt {
		return o.helpers && e.attach.name != "release"
	}
	return o.helpers
}

// tcpSockWrites are the members of struct tcp_sock and of what it begins with
// that congestion control may write (bpf_tcp_ca_btf_struct_access).
var tcpSockWrites = [...]struct {
	in, member, nested string
	within             bool // not only from its start
}{
	{in: "sock", member: "sk_pacing_rate"},
	{in: "sock", member: "sk_pacing_status"},
	{in: "inet_connection_sock", member: "icsk_ca_priv", within: true},
	{in: "inet_connection_sock", member: "icsk_ack", nested: "pending"},
	{in: "tcp_sock", member: "snd_cwnd"},
	{in: "tcp_sock", member: "snd_cwnd_cnt"},
	{in: "tcp_sock", member: "snd_cwnd_stamp"},
	{in: "tcp_sock", member: "snd_ssthresh"},
	{in: "tcp_sock", member: "ecn_flags"},
	{in: "tcp_sock", member: "app_limited"},
}

// writeStruct is a store to a kernel struct where the program's type allows
// some (btf_struct_access of its operations).
func (e *env) writeStruct(r *RegState, off, size int) errno {
	name := e.btfTypeName(r.btfHandle(), r.btfID())
	switch {
	case e.prog.Type != hook.StructOps:
		if strings.HasPrefix(name, "nf_conn") {
			return e.notModelled("write to struct " + name)
		}
		return eacces // the kernel says nothing
	case e.attach.ops.name == "bpf_dummy_ops":
		if name != "bpf_dummy_ops_state" {
			e.logs("only access to bpf_dummy_ops_state is supported\n")
			return eacces
		}
		if n := e.kbtf().Type(btf.ID(r.btfID())).Size(); off+size > int(n) {
			e.logf("write access at off %d with size %d\n", off, size)
			return eacces
		}
		return 0
	}
	if name != "tcp_sock" {
		e.logs("only read is supported\n")
		return eacces
	}
	for i := range tcpSockWrites {
		w := &tcpSockWrites[i]
		at, end, ok := e.memberRange(w.in, w.member, w.nested)
		if !ok {
			return e.notModelled("write to struct tcp_sock")
		}
		if off != at && !(w.within && off > at && off < end) {
			continue
		}
		if off+size > end {
			e.logf("write access at off %d with size %d beyond the member of tcp_sock ended at %zu\n", off, size, end)
			return eacces
		}
		return 0
	}
	e.logf("no write support to tcp_sock at off %d\n", off)
	return eacces
}

// memberRange is where a member of a kernel struct begins and ends, in bytes.
func (e *env) memberRange(in, member, nested string) (at, end int, ok bool) {
	k := e.kbtf()
	m, ok := k.Type(e.kernelStruct(in)).MemberByName(member)
	if ok && nested != "" {
		at = int(m.Offset / 8)
		m, ok = k.Type(k.Resolve(m.Type)).MemberByName(nested)
	}
	if !ok {
		return 0, 0, false
	}
	at += int(m.Offset / 8)
	n, ok := k.Size(m.Type)
	return at, at + int(n), ok
}
