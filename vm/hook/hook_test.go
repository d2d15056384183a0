package hook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/vm/hook"
)

func TestTypes(t *testing.T) {
	if hook.NumTypes != 33 {
		t.Fatalf("%d program types, 6.12 has 33 with unspec", hook.NumTypes)
	}
	for i := 1; i < hook.NumTypes; i++ {
		typ := hook.ProgType(i)
		info := typ.Info()
		if info.Name == "" || info.Since == "" || info.Doc == "" {
			t.Errorf("type %d is incomplete: %+v", i, info)
		}
		if back, ok := hook.ByName(info.Name); !ok || back != typ {
			t.Errorf("%s is not found by name", info.Name)
		}
		if info.Context != "" && typ.Layout(false) == nil {
			t.Errorf("%s: no struct %s", info.Name, info.Context)
		}
		n := 0
		for _, s := range hook.Sections() {
			if s.Type == typ {
				n++
			}
		}
		if n == 0 {
			t.Errorf("%s has no section", info.Name)
		}
	}
	if got := hook.ProgType(200).String(); got != "unspec" {
		t.Errorf("type 200 is %q", got)
	}
	for a := range hook.AttachType(57) {
		if back, ok := hook.AttachByName(a.String()); !ok || back != a {
			t.Errorf("attach type %d %q is not found by name", a, a)
		}
	}
	if got := hook.AttachType(57).String(); got != "unknown" {
		t.Errorf("attach type 57 is %q", got)
	}
}

func TestLayouts(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int
		at   map[string]int
	}{
		{"__sk_buff", 192, map[string]int{"mark": 8, "cb": 48, "data": 76, "hwtstamp": 184}},
		{"xdp_md", 24, map[string]int{"egress_ifindex": 20}},
		{"bpf_sock", 80, map[string]int{"dst_port": 48, "rx_queue_mapping": 76}},
		{"bpf_sock_addr", 72, map[string]int{"msg_src_ip6": 44, "sk": 64}},
		{"bpf_sock_ops", 224, map[string]int{"reply": 4, "skb_hwtstamp": 216}},
		{"sk_msg_md", 80, map[string]int{"size": 68}},
		{"sk_reuseport_md", 56, map[string]int{"migrating_sk": 48}},
		{"bpf_sk_lookup", 72, map[string]int{"remote_port": 36, "ingress_ifindex": 64}},
		{"bpf_sysctl", 8, map[string]int{"file_pos": 4}},
		{"bpf_sockopt", 40, map[string]int{"retval": 36}},
		{"pt_regs", 168, map[string]int{"rdi": 112, "rip": 128}},
		{"user_pt_regs", 272, map[string]int{"pc": 256}},
		{"bpf_perf_event_data", 184, map[string]int{"sample_period": 168}},
		{"bpf_flow_keys", hook.FlowKeysSize, map[string]int{"flow_label": 52}},
		{"bpf_tcp_sock", 112, map[string]int{"bytes_received": 80}},
		{"bpf_fib_lookup", 64, map[string]int{"dmac": 58}},
		{"bpf_tunnel_key", 44, map[string]int{"tunnel_label": 24}},
	} {
		l := hook.Struct(tt.name)
		if l == nil || l.Size != tt.size {
			t.Errorf("%s: %+v, want size %d", tt.name, l, tt.size)
			continue
		}
		for name, off := range tt.at {
			if f := l.Find(name); f == nil || f.Off != off || l.At(off) == nil {
				t.Errorf("%s.%s is %+v, want offset %d", tt.name, name, f, off)
			}
		}
		for _, f := range l.Fields {
			if f.Off+f.Size*f.Count > l.Size {
				t.Errorf("%s.%s ends outside", tt.name, f.Name)
			}
		}
		if l.At(l.Size) != nil || l.At(-1) != nil {
			t.Errorf("%s has fields outside", tt.name)
		}
	}
}

func TestStores(t *testing.T) {
	tc := hook.Program{Type: hook.SchedCls, CapBPF: true}
	for _, tt := range []struct {
		p         hook.Program
		off, size int
		ok        bool
	}{
		{tc, 8, 4, true},    // mark
		{tc, 8, 2, false},   // narrow stores never
		{tc, 0, 4, false},   // len
		{tc, 48, 1, true},   // cb
		{tc, 64, 8, false},  // past cb
		{tc, 76, 4, false},  // data
		{tc, 152, 8, true},  // tstamp
		{tc, 180, 1, false}, // tstamp_type
		{hook.Program{Type: hook.SocketFilter}, 8, 4, false},
		{hook.Program{Type: hook.SocketFilter}, 52, 4, true},
		{hook.Program{Type: hook.CgroupSkb, CapBPF: true}, 152, 8, true},
		{hook.Program{Type: hook.CgroupSkb}, 152, 8, false},
		{hook.Program{Type: hook.SkSkb}, 32, 4, true},
		{hook.Program{Type: hook.SkSkb}, 48, 4, false},
		{hook.Program{Type: hook.XDP}, 16, 4, false},
		{hook.Program{Type: hook.CgroupSock, Attach: hook.CgroupInetSockCreate}, 16, 4, true},
		{hook.Program{Type: hook.CgroupSock, Attach: hook.CgroupInet4PostBind}, 16, 4, false},
		{hook.Program{Type: hook.CgroupSockAddr, Attach: hook.CgroupInet6Connect}, 8, 8, true},
		{hook.Program{Type: hook.CgroupSockAddr, Attach: hook.CgroupInet4Connect}, 8, 4, false},
		{hook.Program{Type: hook.CgroupSockopt, Attach: hook.CgroupGetsockopt}, 36, 4, true},
		{hook.Program{Type: hook.CgroupSockopt, Attach: hook.CgroupSetsockopt}, 36, 4, false},
		{hook.Program{Type: hook.SockOps, Attach: hook.CgroupSockOps}, 4, 4, true},
		{hook.Program{Type: hook.CgroupSysctl}, 4, 4, true},
		{hook.Program{Type: hook.Syscall}, 65533, 1, true},
		{hook.Program{Type: hook.Kprobe}, 0, 8, false},
		{hook.Program{Type: hook.Netfilter}, 0, 8, false},
	} {
		if _, ok := hook.Access(tt.p, tt.off, tt.size, true, false); ok != tt.ok {
			t.Errorf("store by %v %v of %d bytes at %d: %v, want %v", tt.p.Type, tt.p.Attach, tt.size, tt.off, ok, tt.ok)
		}
	}
}

func TestLoadsNotMeasured(t *testing.T) {
	for _, tt := range []struct {
		name      string
		p         hook.Program
		off, size int
		signed    bool
		kind      hook.Loaded
		ok        bool
	}{
		{"egress_ifindex", hook.Program{Type: hook.XDP, Attach: hook.XDPDevmap}, 20, 4, false, hook.LoadScalar, true},
		{"no egress_ifindex", hook.Program{Type: hook.XDP}, 20, 4, false, 0, false},
		{"signed data", hook.Program{Type: hook.XDP}, 0, 4, true, 0, false},
		{"signed mark", hook.Program{Type: hook.SchedCls}, 8, 4, true, hook.LoadScalar, true},
		{"unprivileged data", hook.Program{Type: hook.CgroupSkb}, 76, 4, false, 0, false},
		{"bound address", hook.Program{Type: hook.CgroupSock, Attach: hook.CgroupInet4PostBind}, 24, 4, false, hook.LoadScalar, true},
		{"registers of arm64", hook.Program{Type: hook.Kprobe, ARM64: true}, 256, 8, false, hook.LoadScalar, true},
		{"registers of amd64", hook.Program{Type: hook.Kprobe}, 168, 8, false, 0, false},
		{"counter of arm64", hook.Program{Type: hook.PerfEvent, ARM64: true}, 272, 4, false, hook.LoadScalar, true},
		{"argument of a traced function", hook.Program{Type: hook.Tracing, Attach: hook.TraceFentry}, 8, 8, false, hook.LoadByBTF, true},
		{"thirteenth argument", hook.Program{Type: hook.LSM}, 96, 8, false, 0, false},
		{"trace record", hook.Program{Type: hook.Tracepoint}, 8184, 8, false, hook.LoadScalar, true},
		{"past the trace record", hook.Program{Type: hook.Tracepoint}, 8192, 8, false, 0, false},
		{"negative", hook.Program{Type: hook.Kprobe}, -8, 8, false, 0, false},
		{"three bytes", hook.Program{Type: hook.Kprobe}, 0, 3, false, 0, false},
		{"unspec", hook.Program{}, 0, 4, false, 0, false},
	} {
		if kind, ok := hook.Access(tt.p, tt.off, tt.size, false, tt.signed); kind != tt.kind || ok != tt.ok {
			t.Errorf("%s: %v %v, want %v %v", tt.name, kind, ok, tt.kind, tt.ok)
		}
	}
}

func TestSockAccess(t *testing.T) {
	for _, tt := range []struct {
		off, size  int
		sock, comm bool
	}{
		{0, 4, true, true},
		{4, 2, true, true},
		{6, 2, false, false},
		{8, 4, true, false},
		{16, 4, true, false},
		{24, 1, true, true},
		{48, 4, true, true},
		{49, 1, true, true},
		{50, 2, false, false},
		{76, 4, true, true},
		{80, 4, false, false},
		{-4, 4, false, false},
		{1, 4, false, false},
	} {
		if s, c := hook.SockAccess(tt.off, tt.size, false), hook.SockAccess(tt.off, tt.size, true); s != tt.sock || c != tt.comm {
			t.Errorf("bpf_sock off=%d size=%d: sock %v, sock_common %v", tt.off, tt.size, s, c)
		}
	}
	if !hook.TCPSockAccess(80, 8) || hook.TCPSockAccess(80, 4) || !hook.TCPSockAccess(84, 4) || hook.TCPSockAccess(112, 4) || !hook.TCPSockAccess(0, 4) || hook.TCPSockAccess(0, 2) {
		t.Error("bpf_tcp_sock")
	}
	if !hook.XDPSockAccess(0, 4) || hook.XDPSockAccess(4, 4) || hook.XDPSockAccess(0, 1) {
		t.Error("bpf_xdp_sock")
	}
}

func TestParseSection(t *testing.T) {
	type parsed struct {
		Type   string
		Attach string
		Target string
		Kind   hook.TargetKind
		Sleep  bool
	}
	for name, want := range map[string]parsed{
		"xdp":                         {"xdp", "xdp", "", 0, false},
		"?xdp":                        {"xdp", "xdp", "", 0, false},
		"xdp.frags/devmap":            {"xdp", "xdp_devmap", "", 0, false},
		"tc":                          {"sched_cls", "cgroup_inet_ingress", "", 0, false},
		"tcx/egress":                  {"sched_cls", "tcx_egress", "", 0, false},
		"socket":                      {"socket_filter", "cgroup_inet_ingress", "", 0, false},
		"kprobe/do_sys_openat2+4":     {"kprobe", "cgroup_inet_ingress", "do_sys_openat2+4", hook.TargetKprobe, false},
		"kprobe":                      {"kprobe", "cgroup_inet_ingress", "", hook.TargetKprobe, false},
		"uprobe.s//bin/bash:readline": {"kprobe", "cgroup_inet_ingress", "/bin/bash:readline", hook.TargetUprobe, true},
		"kprobe.multi/tcp_*":          {"kprobe", "trace_kprobe_multi", "tcp_*", hook.TargetMulti, false},
		"tp/syscalls/sys_enter_openat": {
			"tracepoint", "cgroup_inet_ingress", "syscalls/sys_enter_openat", hook.TargetTracepoint, false},
		"raw_tp/sched_switch":    {"raw_tracepoint", "cgroup_inet_ingress", "sched_switch", hook.TargetRawTP, false},
		"fentry.s/vfs_read":      {"tracing", "trace_fentry", "vfs_read", hook.TargetBTF, true},
		"lsm/file_open":          {"lsm", "lsm_mac", "file_open", hook.TargetLSM, false},
		"lsm_cgroup/socket_bind": {"lsm", "lsm_cgroup", "socket_bind", hook.TargetLSM, false},
		"iter/task":              {"tracing", "trace_iter", "task", hook.TargetIter, false},
		"cgroup/connect4":        {"cgroup_sock_addr", "cgroup_inet4_connect", "", 0, false},
		"cgroup_skb/egress":      {"cgroup_skb", "cgroup_inet_egress", "", 0, false},
		"freplace/foo":           {"ext", "cgroup_inet_ingress", "foo", hook.TargetProgram, false},
		"struct_ops.s/init":      {"struct_ops", "cgroup_inet_ingress", "init", hook.TargetStructOps, true},
		"syscall":                {"syscall", "cgroup_inet_ingress", "", 0, true},
		"sk_reuseport/migrate":   {"sk_reuseport", "sk_reuseport_select_or_migrate", "", 0, false},
	} {
		s, target, ok := hook.ParseSection(name)
		got := parsed{s.Type.String(), s.Attach.String(), target, s.Target, s.Sleepable}
		if d := cmp.Diff(want, got); d != "" || !ok {
			t.Errorf("%s: %v\n%s", name, ok, d)
		}
	}
	for _, name := range []string{"", "?", "xdp/foo", "xdpx", "fentryx", "maps", ".text", "tcx", "cgroup/nothing"} {
		if s, _, ok := hook.ParseSection(name); ok {
			t.Errorf("%q is taken for %v", name, s)
		}
	}
	if s, _, _ := hook.ParseSection("xdp.frags"); !s.Frags {
		t.Error("xdp.frags has no fragments")
	}
	if n := len(hook.Sections()); n != 101 {
		t.Errorf("%d sections, libbpf of 6.12 has 101", n)
	}
}

func TestReturn(t *testing.T) {
	for _, tt := range []struct {
		typ    hook.ProgType
		attach hook.AttachType
		want   hook.Range
	}{
		{hook.XDP, 0, hook.Range{}},
		{hook.CgroupSkb, hook.CgroupInetIngress, hook.Range{Max: 1, Checked: true}},
		{hook.CgroupSkb, hook.CgroupInetEgress, hook.Range{Max: 3, Checked: true}},
		{hook.CgroupSockAddr, hook.CgroupInet4Bind, hook.Range{Max: 3, Checked: true}},
		{hook.CgroupSockAddr, hook.CgroupUDP4Recvmsg, hook.Range{Min: 1, Max: 1, Checked: true}},
		{hook.CgroupSockAddr, hook.CgroupInet4Connect, hook.Range{Max: 1, Checked: true}},
		{hook.Tracing, hook.TraceFexit, hook.Range{Checked: true}},
		{hook.Tracing, hook.TraceIter, hook.Range{Max: 1, Checked: true}},
		{hook.Tracing, hook.ModifyReturn, hook.Range{}},
		{hook.Kprobe, 0, hook.Range{}},
		{hook.Kprobe, hook.TraceKprobeSession, hook.Range{Max: 1, Checked: true}},
		{hook.LSM, hook.LSMMac, hook.Range{Min: -4095, Checked: true, ByBTF: true, Bits32: true}},
		{hook.LSM, hook.LSMCgroup, hook.Range{Max: 1, Checked: true, ByBTF: true}},
		{hook.Netfilter, hook.AttachNetfilter, hook.Range{Max: 1, Checked: true}},
		{hook.StructOps, 0, hook.Range{ByBTF: true}},
		{hook.SkLookup, hook.AttachSkLookup, hook.Range{Max: 1, Checked: true}},
	} {
		if d := cmp.Diff(tt.want, hook.Return(tt.typ, tt.attach)); d != "" {
			t.Errorf("%v %v:\n%s", tt.typ, tt.attach, d)
		}
	}
}

func TestMeaning(t *testing.T) {
	for _, tt := range []struct {
		typ           hook.ProgType
		attach        hook.AttachType
		ret           int32
		action, means string
	}{
		{hook.XDP, 0, 1, "XDP_DROP", "drop the packet"},
		{hook.XDP, 0, 9, "", "drop the packet and warn: not an action"},
		{hook.SchedCls, 0, 2, "TC_ACT_SHOT", "drop the packet"},
		{hook.SchedCls, 0, -1, "TC_ACT_UNSPEC", "use the default action"},
		{hook.SocketFilter, 0, 0, "", "drop the packet"},
		{hook.SocketFilter, 0, 20, "", "keep the first 20 bytes"},
		{hook.SocketFilter, 0, -1, "", "keep the whole packet"},
		{hook.CgroupSkb, hook.CgroupInetEgress, 2, "", "drop the packet and signal congestion"},
		{hook.CgroupSockAddr, hook.CgroupInet4Bind, 3, "", "allow, without CAP_NET_BIND_SERVICE"},
		{hook.SkMsg, hook.SkMsgVerdict, 1, "SK_PASS", "pass the data on"},
		{hook.LwtXmit, 0, 128, "BPF_LWT_REROUTE", "route the changed packet again"},
		{hook.FlowDissector, 0, 129, "BPF_FLOW_DISSECTOR_CONTINUE", "leave it to the kernel's dissector"},
		{hook.LSM, hook.LSMMac, -1, "", "refuse with errno 1"},
		{hook.Netfilter, hook.AttachNetfilter, 1, "NF_ACCEPT", "let the packet go on"},
		{hook.Tracing, hook.ModifyReturn, 5, "", "skip the function and return this"},
		{hook.RawTracepoint, 0, 5, "", ""},
	} {
		a, m := hook.Action(tt.typ, tt.attach, tt.ret), hook.Meaning(tt.typ, tt.attach, tt.ret, 60)
		if a != tt.action || m != tt.means {
			t.Errorf("%v returns %d: %q %q, want %q %q", tt.typ, tt.ret, a, m, tt.action, tt.means)
		}
	}
}

func TestAttachAllowed(t *testing.T) {
	for _, tt := range []struct {
		typ    hook.ProgType
		attach hook.AttachType
		ok     bool
	}{
		{hook.CgroupSock, 0, true},
		{hook.CgroupSock, hook.CgroupInet4Bind, false},
		{hook.CgroupSockAddr, 0, false},
		{hook.CgroupSockAddr, hook.CgroupUnixConnect, true},
		{hook.CgroupSkb, hook.CgroupInetEgress, true},
		{hook.CgroupSkb, 2, false},
		{hook.CgroupSockopt, hook.CgroupSetsockopt, true},
		{hook.SkLookup, 0, false},
		{hook.SkReuseport, 0, true},
		{hook.Netfilter, hook.AttachNetfilter, true},
		{hook.Syscall, 1, false},
		{hook.Ext, 0, true},
		{hook.XDP, hook.AttachXDP, true},
		{hook.XDP, 57, false},
	} {
		if got := hook.AttachAllowed(tt.typ, tt.attach); got != tt.ok {
			t.Errorf("%v with %v: %v", tt.typ, tt.attach, got)
		}
	}
}

func TestContext(t *testing.T) {
	pkt := hook.Packet{Room: 0x20000, Meta: 0x20100, Data: 0x20104, End: 0x20144, Limit: 0x20200}
	for _, tt := range []struct {
		name string
		p    hook.Program
		s    hook.Start
		want map[string]uint64
		elem int
	}{
		{"xdp", hook.Program{Type: hook.XDP}, hook.Start{Packet: pkt, Queue: 3}, map[string]uint64{"data": pkt.Data, "data_end": pkt.End, "data_meta": pkt.Meta, "ingress_ifindex": 1, "rx_queue_index": 3}, 0},
		{"tc", hook.Program{Type: hook.SchedCls}, hook.Start{Packet: pkt, Proto: 0x86dd, Ifindex: 4, Sock: 9, Set: []hook.Value{{Name: "mark", V: 7}, {Name: "nothing", V: 1}}}, map[string]uint64{"len": 64, "protocol": 0xdd86, "ifindex": 4, "mark": 7, "sk": 9}, 0},
		{"cb", hook.Program{Type: hook.SchedCls}, hook.Start{Packet: pkt, Set: []hook.Value{{Name: "cb", Index: 3, V: 5}, {Name: "cb", Index: 5, V: 5}}}, map[string]uint64{"cb": 5}, 3},
		{"kprobe", hook.Program{Type: hook.Kprobe}, hook.Start{Args: []uint64{1, 2}, Ret: 3, IP: 4}, map[string]uint64{"rdi": 1, "rsi": 2, "rax": 3, "rip": 4}, 0},
		{"kprobe of arm64", hook.Program{Type: hook.Kprobe, ARM64: true}, hook.Start{Args: []uint64{1, 2}, IP: 4}, map[string]uint64{"regs": 2, "pc": 0}, 1},
		{"perf event", hook.Program{Type: hook.PerfEvent}, hook.Start{IP: 4, Set: []hook.Value{{Name: "sample_period", V: 8}}}, map[string]uint64{"sample_period": 8}, 0},
		{"sk_msg", hook.Program{Type: hook.SkMsg}, hook.Start{Packet: pkt}, map[string]uint64{"data": pkt.Data, "size": 64}, 0},
		{"sockops", hook.Program{Type: hook.SockOps}, hook.Start{Sock: 5, Args: []uint64{8, 9}, Set: []hook.Value{{Name: "op", V: 2}}}, map[string]uint64{"sk": 5, "is_fullsock": 1, "op": 2, "reply": 8}, 0},
		{"sockopt", hook.Program{Type: hook.CgroupSockopt}, hook.Start{Packet: pkt, Set: []hook.Value{{Name: "level", V: 6}}}, map[string]uint64{"optval": pkt.Data, "optval_end": pkt.End, "optlen": 64, "level": 6}, 0},
		{"connect", hook.Program{Type: hook.CgroupSockAddr}, hook.Start{Sock: 5, Set: []hook.Value{{Name: "user_port", V: 0x5000}}}, map[string]uint64{"sk": 5, "user_port": 0x5000}, 0},
		{"device", hook.Program{Type: hook.CgroupDevice}, hook.Start{Set: []hook.Value{{Name: "major", V: 1}}}, map[string]uint64{"major": 1}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := hook.Context(tt.p, tt.s)
			l := tt.p.Type.Layout(tt.p.ARM64)
			if len(b) != l.Size {
				t.Fatalf("%d bytes, want %d", len(b), l.Size)
			}
			for name, want := range tt.want {
				if got := l.Get(b, name, tt.elem); name != "pc" && got != want {
					t.Errorf("%s is %#x, want %#x", name, got, want)
				}
			}
		})
	}
	if got := hook.Context(hook.Program{Type: hook.Tracing, Attach: hook.TraceFexit}, hook.Start{Args: []uint64{1}, Ret: 2}); len(got) != 16 || got[8] != 2 {
		t.Errorf("fexit context %v", got)
	}
	if got := hook.Context(hook.Program{Type: hook.Syscall}, hook.Start{Raw: []byte{7}}); len(got) != 1 || got[0] != 7 {
		t.Errorf("syscall context %v", got)
	}
}

// FuzzAccess: no input panics, and what is allowed is inside the context and
// aligned.
func FuzzAccess(f *testing.F) {
	f.Add(uint8(3), uint8(0), true, false, 76, 4, false, false)
	f.Add(uint8(18), uint8(11), true, false, 8, 8, true, false)
	f.Add(uint8(2), uint8(0), false, true, -8, 8, false, true)
	f.Fuzz(func(t *testing.T, typ, attach uint8, capBPF, arm bool, off, size int, write, signed bool) {
		p := hook.Program{Type: hook.ProgType(typ), Attach: hook.AttachType(attach), CapBPF: capBPF, ARM64: arm}
		kind, ok := hook.Access(p, off, size, write, signed)
		if !ok {
			return
		}
		if off < 0 || off%size != 0 || size&(size-1) != 0 || size > 8 {
			t.Fatalf("%+v may access %d bytes at %d", p, size, off)
		}
		if l := p.Type.Layout(arm); l != nil && off+size > l.Size && p.Type != hook.PerfEvent {
			t.Fatalf("%+v may access %d bytes at %d of %d", p, size, off, l.Size)
		}
		if kind != hook.LoadScalar && kind != hook.LoadByBTF && !write && size != 8 && size != 4 {
			t.Fatalf("%+v gets a pointer from %d bytes", p, size)
		}
		hook.SockAccess(off, size, capBPF)
		hook.TCPSockAccess(off, size)
		hook.XDPSockAccess(off, size)
	})
}

func TestLSMHook(t *testing.T) {
	for name, want := range map[string]hook.LSMFlags{
		"bpf_lsm_file_open":             hook.LSMSleepable,
		"file_open":                     hook.LSMSleepable,
		"file":                          0,
		"":                              0,
		"task_kill":                     0,
		"vm_enough_memory":              hook.LSMDisabled,
		"inode_need_killpriv":           hook.LSMSleepable | hook.LSMDisabled,
		"bpf_map_free":                  hook.LSMSleepable | hook.LSMUntrusted,
		"inode_xattr_skipcap":           hook.LSMBool,
		"sk_alloc_security":             hook.LSMUntrusted | hook.LSMCurrent,
		"socket_post_create":            hook.LSMSleepable | hook.LSMSockopt,
		"bpf_lsm_inet_conn_established": hook.LSMSockopt,
	} {
		if got := hook.LSMHook(name); got != want {
			t.Errorf("%s: %b, want %b", name, got, want)
		}
	}
}
