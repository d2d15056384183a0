package sandbox_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"skep/server/sandbox"
	"skep/server/sandbox/proto"
	"skep/server/sandbox/sandboxtest"
)

// counting is the bytecode that adds 1 to the only element of map 0 and returns ret: it is valid in every program type.
func counting(ret int32) string {
	var b []byte
	insn := func(op, regs byte, off int16, imm int32) {
		b = append(b, op, regs)
		b = binary.LittleEndian.AppendUint16(b, uint16(off))
		b = binary.LittleEndian.AppendUint32(b, uint32(imm))
	}
	insn(0x62, 0x0a, -4, 0)  // *(u32 *)(r10 - 4) = 0
	insn(0xbf, 0xa2, 0, 0)   // r2 = r10
	insn(0x07, 0x02, 0, -4)  // r2 += -4
	insn(0x18, 0x11, 0, 0)   // r1 = map 0
	insn(0x00, 0x00, 0, 0)   //
	insn(0x85, 0x00, 0, 1)   // call bpf_map_lookup_elem
	insn(0x15, 0x00, 2, 0)   // if r0 == 0 goto +2
	insn(0xb7, 0x01, 0, 1)   // r1 = 1
	insn(0xdb, 0x10, 0, 0)   // lock *(u64 *)(r0 + 0) += r1
	insn(0xb7, 0x00, 0, ret) // r0 = ret
	insn(0x95, 0x00, 0, 0)   // exit
	return hex.EncodeToString(b)
}

// record parses a batch record; count is spelt out as the counting program.
func record(t *testing.T, j string, ret int32) *sandbox.Record {
	t.Helper()
	r := new(sandbox.Record)
	if err := json.Unmarshal([]byte(j), r); err != nil {
		t.Fatal(err)
	}
	r.ID, r.License, r.LogLevel = "hook", "GPL", 1
	r.Maps = []sandbox.RecordMap{{Name: "hits", Type: "array", KeySize: 4, ValueSize: 8, MaxEntries: 1}}
	if err := json.Unmarshal([]byte(`"`+counting(ret)+`"`), &r.Insns); err != nil {
		t.Fatal(err)
	}
	return r
}

// hooks is the hook table of curriculum.md section 1: each row attaches and fires.
var hooks = []struct {
	name   string
	prog   string // batch record without map and instructions
	ret    int32
	attach proto.AttachParams
	steps  []proto.Step
	min    uint64 // hits
	denied string // errno that the last step must see
	err61  string
}{
	{name: "tp/syscalls/sys_enter_openat", prog: `{"prog_type":"tracepoint"}`, attach: proto.AttachParams{Kind: "tracepoint", Target: "syscalls/sys_enter_openat"}, steps: opens, min: 3},
	{name: "tp/sched/sched_process_fork", prog: `{"prog_type":"tracepoint"}`, attach: proto.AttachParams{Kind: "tracepoint", Target: "sched/sched_process_fork"}, steps: execs, min: 2},
	{name: "kprobe/do_sys_openat2", prog: `{"prog_type":"kprobe"}`, attach: proto.AttachParams{Kind: "kprobe", Target: "do_sys_openat2"}, steps: opens, min: 3},
	{name: "kretprobe/do_sys_openat2", prog: `{"prog_type":"kprobe"}`, attach: proto.AttachParams{Kind: "kretprobe", Target: "do_sys_openat2"}, steps: opens, min: 3},
	{name: "ksyscall/execve", prog: `{"prog_type":"kprobe"}`, attach: proto.AttachParams{Kind: "ksyscall", Target: "execve"}, steps: execs, min: 2},
	{name: "kprobe.multi/do_sys_open*", prog: `{"prog_type":"kprobe","expected_attach_type":42}`, attach: proto.AttachParams{Kind: "kprobe_multi", Target: "do_sys_open*"}, steps: opens, min: 3, err61: "not supported"},
	{name: "fentry/do_sys_openat2", prog: `{"prog_type":"tracing","expected_attach_type":24,"attach_to":"do_sys_openat2"}`, attach: proto.AttachParams{Kind: "tracing"}, steps: opens, min: 3},
	{name: "fexit/do_sys_openat2", prog: `{"prog_type":"tracing","expected_attach_type":25,"attach_to":"do_sys_openat2"}`, attach: proto.AttachParams{Kind: "tracing"}, steps: opens, min: 3},
	{name: "fmod_ret/security_task_kill", prog: `{"prog_type":"tracing","expected_attach_type":26,"attach_to":"security_task_kill"}`, attach: proto.AttachParams{Kind: "tracing"}, steps: []proto.Step{{Verb: "kill"}}, min: 1},
	{name: "raw_tp/sched_switch", prog: `{"prog_type":"raw_tracepoint"}`, attach: proto.AttachParams{Kind: "raw_tp", Target: "sched_switch"}, steps: []proto.Step{{Verb: "sleep", MS: 20, Count: 3}}, min: 3},
	{name: "tp_btf/sched_process_exec", prog: `{"prog_type":"tracing","expected_attach_type":23,"attach_to":"sched_process_exec"}`, attach: proto.AttachParams{Kind: "tracing"}, steps: execs, min: 2},
	{name: "uprobe//bin/utarget:target_fn", prog: `{"prog_type":"kprobe"}`, attach: proto.AttachParams{Kind: "uprobe", Target: "/bin/utarget:target_fn"}, steps: calls, min: 5},
	{name: "uretprobe//bin/utarget:target_fn", prog: `{"prog_type":"kprobe"}`, attach: proto.AttachParams{Kind: "uretprobe", Target: "/bin/utarget:target_fn"}, steps: calls, min: 5},
	{name: "perf_event", prog: `{"prog_type":"perf_event"}`, attach: proto.AttachParams{Kind: "perf_event"}, steps: []proto.Step{{Verb: "spin", MS: 100}}, min: 10},
	{name: "lsm/file_open", prog: `{"prog_type":"lsm","expected_attach_type":27,"attach_to":"file_open"}`, ret: -1, attach: proto.AttachParams{Kind: "lsm"}, steps: []proto.Step{{Verb: "open", Path: "/etc/hosts"}}, min: 1, denied: "EPERM"},
	{name: "lsm.s/bprm_check_security", prog: `{"prog_type":"lsm","expected_attach_type":27,"prog_flags":16,"attach_to":"bprm_check_security"}`, attach: proto.AttachParams{Kind: "lsm"}, steps: execs, min: 2},
	{name: "lsm_cgroup/socket_bind", prog: `{"prog_type":"lsm","expected_attach_type":43,"attach_to":"socket_bind"}`, ret: 1, attach: proto.AttachParams{Kind: "cgroup", Attach: 43}, steps: tcp, min: 1},
	{name: "cgroup/connect4", prog: `{"prog_type":"cgroup_sock_addr","expected_attach_type":10}`, attach: proto.AttachParams{Kind: "cgroup", Attach: 10}, steps: []proto.Step{{Verb: "connect"}}, min: 1, denied: "EPERM"},
	{name: "cgroup_skb/egress", prog: `{"prog_type":"cgroup_skb","expected_attach_type":1}`, ret: 1, attach: proto.AttachParams{Kind: "cgroup", Attach: 1}, steps: tcp, min: 4},
	{name: "cgroup_skb/ingress", prog: `{"prog_type":"cgroup_skb","expected_attach_type":0}`, ret: 1, attach: proto.AttachParams{Kind: "cgroup", Attach: 0}, steps: tcp, min: 4},
	{name: "sockops", prog: `{"prog_type":"sock_ops","expected_attach_type":3}`, ret: 1, attach: proto.AttachParams{Kind: "cgroup", Attach: 3}, steps: tcp, min: 2},
	{name: "sk_lookup", prog: `{"prog_type":"sk_lookup","expected_attach_type":36}`, ret: 1, attach: proto.AttachParams{Kind: "sk_lookup"}, steps: append(udp, tcp...), min: 3},
	{name: "socket", prog: `{"prog_type":"socket_filter"}`, attach: proto.AttachParams{Kind: "socket_filter"}, steps: udp, min: 4},
	{name: "xdp generic on lo", prog: `{"prog_type":"xdp","expected_attach_type":37}`, ret: 2, attach: proto.AttachParams{Kind: "xdp"}, steps: udp, min: 4},
	{name: "xdp native on veth", prog: `{"prog_type":"xdp","expected_attach_type":37}`, ret: 2, attach: proto.AttachParams{Kind: "xdp", Iface: "veth0", Mode: "native"}, steps: frames, min: 5},
	{name: "xdp generic on veth", prog: `{"prog_type":"xdp","expected_attach_type":37}`, ret: 2, attach: proto.AttachParams{Kind: "xdp", Iface: "veth0", Mode: "generic"}, steps: frames, min: 5},
	{name: "tc ingress", prog: `{"prog_type":"sched_cls"}`, attach: proto.AttachParams{Kind: "tc", Iface: "veth0", Mode: "ingress"}, steps: frames, min: 5},
	{name: "tc egress", prog: `{"prog_type":"sched_cls"}`, attach: proto.AttachParams{Kind: "tc", Iface: "veth0", Mode: "egress"}, steps: []proto.Step{{Verb: "udp", Addr: "10.0.0.2:9999", Count: 3}}, min: 3},
	{name: "netfilter", prog: `{"prog_type":"netfilter","expected_attach_type":45}`, ret: 1, attach: proto.AttachParams{Kind: "netfilter"}, steps: udp, min: 4, err61: "refused"},
	{name: "iter/task", prog: `{"prog_type":"tracing","expected_attach_type":28,"attach_to":"task"}`, attach: proto.AttachParams{Kind: "iter"}, min: 10},
}

var (
	opens  = []proto.Step{{Verb: "open", Path: "/etc/hosts", Count: 3}}
	execs  = []proto.Step{{Verb: "exec", Path: "/tmp/true", Count: 2, UID: 1000, Comm: "bash"}}
	calls  = []proto.Step{{Verb: "call", Args: []string{"1", "2", "3", "4", "5"}}}
	tcp    = []proto.Step{{Verb: "connect", Count: 2, Data: []byte("hello")}}
	udp    = []proto.Step{{Verb: "udp", Count: 4}}
	frames = []proto.Step{{Verb: "packet", Count: 5, Data: append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xb5"), make([]byte, 50)...)}}
)

// TestHooks attaches every row on both kernels, does its workload and reads the counter.
func TestHooks(t *testing.T) {
	for _, version := range []string{"6.12", "6.1"} {
		t.Run(version, func(t *testing.T) {
			c := sandboxtest.Require(t, version)
			for _, h := range hooks {
				t.Run(strings.ReplaceAll(h.name, "/", "_"), func(t *testing.T) {
					vm := c.VM(t)
					refused := func(err error) {
						t.Helper()
						if version == "6.1" && h.err61 != "" {
							if h.err61 == "refused" || strings.Contains(err.Error(), h.err61) {
								return
							}
						}
						t.Fatal(err)
					}
					p, err := record(t, h.prog, h.ret).Resolve(vm.Kernel, nil)
					if err != nil {
						t.Fatal(err)
					}
					p.Keep = "p"
					v, err := vm.Load(t.Context(), p)
					if err != nil {
						t.Fatal(err)
					}
					if !v.OK {
						refused(fmt.Errorf("load: errno %d %s\n%s", v.Errno, v.Error, v.Log))
						return
					}
					if h.attach.Iface == "veth0" {
						if _, err := vm.Workload(t.Context(), proto.Step{Verb: "net"}); err != nil {
							t.Fatal(err)
						}
					}
					h.attach.Program = "p"
					r, err := vm.Attach(t.Context(), h.attach)
					if err != nil {
						refused(err)
						return
					}
					if h.attach.Kind == "iter" {
						if _, err := vm.Iter(t.Context(), r.Link); err != nil {
							t.Fatal(err)
						}
					}
					res, err := vm.Workload(t.Context(), h.steps...)
					if err != nil {
						t.Fatal(err)
					}
					for _, s := range res {
						if h.denied != "" {
							if s.Errnos[h.denied] == 0 {
								t.Errorf("%s: %+v, want %s", s.Verb, s, h.denied)
							}
						} else if s.Error != "" {
							t.Errorf("%s: %+v", s.Verb, s)
						}
					}
					// The lsm program denies every open: detach before maps are read.
					if err := vm.Detach(t.Context(), r.Link); err != nil {
						t.Error(err)
					}
					maps, err := vm.Maps(t.Context(), "hits")
					if err != nil || len(maps) != 1 || len(maps[0].Entries) != 1 {
						t.Fatalf("maps %+v, %v", maps, err)
					}
					if n := binary.LittleEndian.Uint64(maps[0].Entries[0].Value); n < h.min {
						t.Errorf("%d hits, want at least %d", n, h.min)
					} else {
						t.Logf("%d hits %s", n, r.How)
					}
				})
			}
		})
	}
}
