package world

import (
	"strings"

	"skep/vm/hook"
)

// special is the sites of programs that are attached by type: to cgroups,
// interfaces, sockets, and what else is no function or tracepoint.
func (w *World) special(word, name string) []site {
	r := &w.r
	n := &r.net
	switch word {
	case "cg":
		return w.cgroupSites(name)
	case "net":
		return w.netSites(name)
	case "ops":
		if name == "" {
			fn := r.ev.Text("fn", "")
			return []site{{kind: atOps, name: fn, args: w.callArgs(), title: "struct_ops/" + fn}}
		}
		return w.sockOps(n.cookie, uint64(decimal(name)), 0, 0)
	case "rawtp":
		args := w.callArgs()
		fn := r.ev.Text("fn", "")
		_, short, found := strings.Cut(fn, "/")
		if !found {
			short = fn
		}
		return []site{
			{kind: atRawTP, name: short, args: args, title: "raw_tp/" + short},
			{kind: atTracepoint, name: fn, raw: w.record(args), title: "tp/" + fn},
		}
	case "perf":
		return w.samples()
	case "iter":
		return w.elements(r.ev.Text("fn", ""))
	case "prog":
		ctx, _ := unhex(r.ev.Text("ctx", ""))
		return []site{{typ: hook.Syscall, raw: ctx, title: "syscall program"}}
	case "lirc":
		return []site{{typ: hook.LircMode2, attach: both(hook.AttachLircMode2), raw: le.AppendUint32(nil, uint32(r.ev.Num("sample", 0))), title: "lirc_mode2"}}
	}
	return nil
}

// sockOps is where a TCP socket's sockops programs are asked or told: op, and
// its first two arguments.
func (w *World) sockOps(cookie, op, a, b uint64) []site {
	if w.r.net.udp || w.r.net.unix != "" || cookie == 0 {
		return nil
	}
	return []site{{typ: hook.SockOps, attach: both(hook.CgroupSockOps), title: "sockops", num: [4]uint64{op, a, b, cookie}}}
}

// farEnd is what happens to the socket at the other end of a connection to
// this machine: "ops:5" or "state:1".
func (w *World) farEnd(what string) []site {
	word, n, _ := strings.Cut(what, ":")
	if word == "ops" {
		return w.sockOps(w.r.net.far, uint64(decimal(n)), 0, 0)
	}
	return w.newState(decimal(n), w.r.net.far)
}

func both(a hook.AttachType) [2]hook.AttachType { return [2]hook.AttachType{a, a} }

// unhex reads 0x and pairs of hex digits.
func unhex(s string) ([]byte, bool) {
	s = strings.TrimPrefix(s, "0x")
	if len(s)%2 != 0 {
		return nil, false
	}
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		n, ok := number("0x" + s[i:i+2])
		if !ok || n > 255 {
			return nil, false
		}
		out = append(out, byte(n))
	}
	return out, true
}

// Devices in bpf_cgroup_dev_ctx.access_type: BPF_DEVCG_DEV_CHAR and, in the
// upper half, BPF_DEVCG_ACC_*.
const (
	devChar   = 2
	accMknod  = 1
	accRead   = 2
	accWrite  = 4
	accShift  = 16
	majorBits = 20
)

// cgroupSites is the places of cgroup programs, named as in sections. Those
// about addresses exist for each family.
func (w *World) cgroupSites(name string) []site {
	n := &w.r.net
	suffix := ""
	switch name {
	case "dev", "mknod":
		rdev := uint32(0)
		if i := int(w.get("file_index").n) - 1; i >= 0 {
			rdev = w.st.files[i].rdev
		}
		if rdev == 0 {
			return nil
		}
		access := uint64(accRead)
		switch {
		case name == "mknod":
			access = accMknod
		case w.r.ev.Verb == "write":
			access = accWrite
		}
		return []site{{
			typ: hook.CgroupDevice, attach: both(hook.AttachCgroupDevice), title: "cgroup/dev", noPass: true,
			num: [4]uint64{access<<accShift | devChar, uint64(rdev >> majorBits), uint64(rdev & (1<<majorBits - 1))},
		}}
	case "connect", "bind", "sendmsg", "recvmsg", "getpeername", "getsockname", "post_bind":
		switch {
		case n.unix != "" && (name == "bind" || name == "post_bind"):
			return nil
		case n.unix != "":
			suffix = "_unix"
		case n.v6:
			suffix = "6"
		default:
			suffix = "4"
		}
		if (name == "sendmsg" || name == "recvmsg") && (!n.udp || w.r.ev.Verb == "udp") {
			return nil // of datagrams that name their address
		}
	}
	sec, _, ok := hook.ParseSection("cgroup/" + name + suffix)
	if !ok {
		return nil
	}
	return []site{{typ: sec.Type, attach: both(sec.Attach), title: sec.Name, noPass: true}}
}

// ingress marks a site where the packet comes in: site.num[0].
const ingress = 1

// netSites is the places of programs on a packet's way, named as in sections.
func (w *World) netSites(name string) []site {
	n := &w.r.net
	s := site{title: name, noPass: true}
	if !n.leaves {
		s.num[0] = ingress
		// What was sent to another machine arrives at interfaces over there.
		if n.cookie != 0 && n.ifindex != loopback && name != "cgroup_skb/ingress" && name != "sk_skb" && name != "sk_msg" {
			return nil
		}
	}
	transport := n.proto == 6 || n.proto == 17
	switch name {
	case "nf":
		s.typ, s.attach, s.title = hook.Netfilter, both(hook.AttachNetfilter), "netfilter"
		return []site{s}
	case "tc/ingress", "tc/egress":
		s.typ, s.attach = hook.SchedCls, [2]hook.AttachType{hook.TCXIngress, hook.NetkitPeer}
		if name == "tc/egress" {
			s.attach = [2]hook.AttachType{hook.TCXEgress, hook.NetkitPrimary}
			return []site{s}
		}
		act := s
		act.typ, act.title = hook.SchedAct, "tc action"
		return []site{s, act}
	case "lwt_in":
		s.typ = hook.LwtIn
		seg := s
		seg.typ, seg.title = hook.LwtSeg6local, "lwt_seg6local"
		if n.v6 {
			return []site{s, seg}
		}
		return []site{s}
	case "sk_lookup", "sk_reuseport":
		if !transport {
			return nil
		}
	case "sk_skb":
		if n.payload >= len(n.pkt) && len(n.data) == 0 {
			return nil
		}
		parse := s
		parse.typ, parse.attach, parse.title = hook.SkSkb, both(hook.SkSkbStreamParser), "sk_skb/stream_parser"
		s.typ, s.attach, s.title = hook.SkSkb, [2]hook.AttachType{hook.SkSkbStreamVerdict, hook.SkSkbVerdict}, "sk_skb/stream_verdict"
		return []site{parse, s}
	case "sk_msg":
		if n.udp {
			return nil
		}
	}
	sec, _, ok := hook.ParseSection(name)
	if !ok {
		return nil
	}
	s.typ, s.attach = sec.Type, both(sec.Attach)
	if name == "sk_reuseport" {
		s.attach[1] = hook.SkReuseportSelectOrMigrate
	}
	return []site{s}
}

// maxSamples bounds a spin.
const maxSamples = 10_000

// samples is the ticks of perf's clock while the task computes.
func (w *World) samples() []site {
	e := w.r.ev
	hz := max(e.Num("hz", 1000), 1)
	count := uint64(1)
	if e.Verb == "spin" {
		count = min(e.Num("ms", 1)*hz/1000, maxSamples)
	}
	stack := w.stack(e.Text("stack", ""), userText)
	kernel := w.stack(e.Text("kstack", ""), kernelText)
	w.hw.UserIPs = stack
	w.hw.Stacks = [][]uint64{kernel}
	ip := e.Num("ip", 0)
	if ip == 0 && len(stack) > 0 {
		ip = stack[0]
	}
	period := e.Num("period", 1_000_000_000/hz)
	s := site{typ: hook.PerfEvent, title: "perf_event", num: [4]uint64{ip, period, e.Num("addr", 0)}}
	out := make([]site, count)
	for i := range out {
		out[i] = s
	}
	return out
}

// stack is the addresses of functions named from the outermost, innermost
// first. Names get addresses by their hash; numbers are themselves.
func (w *World) stack(text string, base uint64) []uint64 {
	var out []uint64
	for name := range strings.SplitSeq(text, ";") {
		if name == "" {
			continue
		}
		ip, ok := number(name)
		if !ok {
			ip = symbolAddr(base, name)
			w.symbol(name, ip)
		}
		out = append([]uint64{ip}, out...)
	}
	return out
}

// elements is the calls that reading an iterator makes: one for each element
// and one with none.
func (w *World) elements(kind string) []site {
	var list [][]uint64
	switch kind {
	case "task":
		for i := range w.st.tasks {
			if i > 0 {
				list = append(list, []uint64{w.fillTask(&w.st.tasks[i]).ptr()})
			}
		}
		w.current()
	case "tcp", "udp":
		for i := range w.st.socks {
			if s := &w.st.socks[i]; s.udp == (kind == "udp") {
				list = append(list, []uint64{w.fillSock(s).ptr(), uint64(s.uid), 0})
			}
		}
	case "bpf_map_elem":
		list = w.mapElements()
	}
	list = append(list, make([]uint64, 3))
	seq := w.mem("seq_file", 0)
	out := make([]site, len(list))
	for i, words := range list {
		meta := w.mem("bpf_iter_meta", i).set("seq", seq.ptr()).set("session_id", 1).set("seq_num", uint64(i))
		ctx := le.AppendUint64(nil, meta.ptr())
		for _, v := range words {
			ctx = le.AppendUint64(ctx, v)
		}
		out[i] = site{kind: atIter, name: kind, raw: ctx, title: "iter/" + kind}
	}
	return out
}

// mapElements is the elements of the machine's first map that has any: pointers
// to the map, the key and the value.
func (w *World) mapElements() (list [][]uint64) {
	for _, m := range w.m.Maps().Maps() {
		for pos, n := uint64(0), 0; n < maxSamples; n++ {
			key, value, next, ok := m.Each(pos, 0)
			if !ok {
				break
			}
			at := w.region("", "map key", n, 64).raw(key).ptr()
			list = append(list, []uint64{uint64(m.Ptr()), at, value})
			pos = next
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}
