package world_test

import (
	"encoding/binary"
	"testing"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/maps"
	"skep/vm/world"
)

const (
	taskPID    = "2432" // offsets of the built-in kernel, as in zlayout.go
	taskParent = "2448"
	taskComm   = "2976"
	taskCred   = "2960"
)

// TestContexts reads a field of each kind of context: r0 is what it holds.
func TestContexts(t *testing.T) {
	load := func(size, off string) string { return "r0 = *(" + size + " *)(r1 + " + off + ")\nexit" }
	// chain follows pointers from the context.
	chain := func(last string, offs ...string) string {
		text := ""
		for _, o := range offs {
			text += "r1 = *(u64 *)(r1 + " + o + ")\n"
		}
		return text + last
	}
	// text is the length of a string that the context points to.
	text := func(off, helper string) string {
		return "r3 = *(u64 *)(r1 + " + off + ")\nr1 = r10\nr1 += -64\nr2 = 64\ncall " + helper + "\nexit"
	}
	for _, c := range []struct {
		section, text, event string
		want                 int64
	}{
		{"tp/syscalls/sys_enter_openat", load("u32", "8"), "open /etc/hosts", 257},
		{"tp/syscalls/sys_enter_openat", load("u64", "16"), "open /etc/hosts", -100},
		{"tp/syscalls/sys_enter_openat", text("24", "bpf_probe_read_user_str"), "open /etc/hosts", 11},
		{"tp/syscalls/sys_enter_openat", load("u32", "4"), "open /etc/hosts pid=4242", 4242},
		{"tp/syscalls/sys_exit_openat", load("u64", "16"), "open /nowhere", -2},
		{"tp/raw_syscalls/sys_enter", load("u64", "8"), "kill", 62},
		{"tp/sched/sched_process_exec", load("u32", "12"), "exec path=/bin/true pid=77", 1001},
		{"tp/sched/sched_switch", load("u8", "40"), "switch to=worker comm=bash", 'w'},
		{"raw_tp/sys_enter", load("u64", "8"), "mkdir /tmp/d", 258},
		{"raw_tp/sys_exit", load("u64", "8"), "open /etc/hosts", 3},
		{"kprobe/do_sys_openat2", load("u64", "112"), "open /etc/hosts", -100},
		{"kprobe/do_sys_openat2", text("104", "bpf_probe_read_user_str"), "open /etc/hosts", 11},
		{"kretprobe/do_sys_openat2", load("u64", "80"), "open /nowhere", -2},
		{"ksyscall/kill", chain("r3 = r1\nr3 += 104\nr1 = r10\nr1 += -8\nr2 = 8\ncall bpf_probe_read_kernel\nr0 = *(u64 *)(r10 - 8)\nexit", "112"), "kill sig=9", 9},
		{"kprobe/do_unlinkat", load("u64", "112"), "kcall do_unlinkat(7, \"/x\")", 7},
		{"kretprobe/do_unlinkat", load("u64", "80"), "kcall do_unlinkat(7, \"/x\") ret=-2", -2},
		{"fentry/do_sys_openat2", load("u64", "0"), "open /etc/hosts", -100},
		{"fexit/do_sys_openat2", load("u64", "24"), "open /etc/hosts", 3},
		{"fentry/do_unlinkat", chain(text("0", "bpf_probe_read_kernel_str"), "8"), "unlink /etc/hosts", 11},
		{"tp_btf/sched_process_exec", chain(load("u32", taskPID), "0"), "exec path=/bin/true pid=77", 1001},
		{"tp_btf/sched_process_exec", chain(load("u32", taskPID), "0", taskParent), "exec path=/bin/true pid=77", 77},
		{"tp_btf/sched_process_exec", chain(load("u8", taskComm), "0"), "exec path=/bin/true comm=bash", 't'},
		{"tp_btf/sched_process_exec", chain(load("u32", "8"), "0", taskCred), "exec path=/bin/true uid=1234", 1234},
		{"tp_btf/sched_process_exec", chain(text("96", "bpf_probe_read_kernel_str"), "16"), "exec path=/bin/true", 10},
		{"tp_btf/sched_switch", chain(load("u32", taskPID), "16"), "switch to=worker comm=bash pid=9", 1001},
		{"raw_tp/sched_process_fork", chain(load("u32", taskPID), "8"), "clone pid=9", 1001},
		{"lsm/file_open", chain(load("u16", "0"), "0", "40"), "open /etc/shadow", 0o100600},
		{"lsm/file_open", chain(text("40", "bpf_probe_read_kernel_str"), "0", "72"), "open /etc/shadow", 7},
		{"tp_btf/sched_process_exit", chain(load("u32", "2332"), "0"), "exit comm=job code=3", 3 << 8},
		{"lsm/task_kill", load("u32", "16"), "kill sig=9", 9},
		{"lsm/path_rename", chain(text("40", "bpf_probe_read_kernel_str"), "24"), "rename /etc/hosts /etc/names", 6},
		{"lsm/socket_connect", chain(load("u16", "2"), "8"), "connect 10.0.0.2:443", 0xbb01},
		{"fentry/tcp_connect", chain(load("u16", "12"), "0"), "connect 10.0.0.2:443", 0xbb01},
		{"uprobe/libc:malloc", load("u64", "112"), "call libc:malloc(64) ret=0x1000", 64},
		{"uretprobe/libc:malloc", load("u64", "80"), "call libc:malloc(64) ret=0x1000", 0x1000},
		{"usdt/app:gc:start", load("u64", "104"), "call app:gc:start(7, 12)", 12},
		{"perf_event", load("u64", "168"), "sample period=1000", 1000},
		{"perf_event", load("u64", "128"), "sample ip=0x401000", 0x401000},
		{"iter/task", "r1 = *(u64 *)(r1 + 8)\nif r1 == 0 goto +2\n" + load("u32", taskPID) + "\nr0 = 0\nexit", "iter task pid=5", 1},
		{"xdp", "r2 = *(u32 *)(r1 + 12)\nr0 = r2\nexit", "pkt ipv4 / icmp", 2},
		{"tc", load("u32", "0"), "pkt ipv4 / icmp", 42},
		{"cgroup/connect4", load("u32", "24"), "connect 10.0.0.2:443", 0xbb01},
		{"cgroup/connect6", load("u32", "28"), "connect [fd00::2]:443", 10},
		{"cgroup/sock_create", load("u32", "8"), "udp 10.0.0.2:53", 2},
		{"cgroup/dev", load("u32", "8"), "open /dev/zero", 5},
		{"cgroup/dev", load("u32", "0"), "mknod /tmp/n major=1 minor=3", 1<<16 | 2},
		{"cgroup/sysctl", load("u32", "0"), "sysctl net/ipv4/ip_forward value=1", 1},
		{"cgroup/setsockopt", load("u32", "28"), "setsockopt 6 1 1", 1},
		{"sockops", load("u32", "0"), "bind 0.0.0.0:80", 11},
		{"sk_lookup", load("u32", "60"), "pkt ipv4 / tcp(dport=8080)", 8080},
		{"sk_reuseport", load("u32", "24"), "pkt ipv4 / udp", 17},
		{"sk_msg", load("u32", "68"), "send type=tcp addr=10.0.0.2:80 data=hello", 5},
		{"sk_skb/stream_verdict", load("u32", "0"), "recv type=tcp addr=127.0.0.1:80 data=answer", 6},
		{"flow_dissector", chain(load("u16", "10"), "144"), "pkt ipv4 / tcp", 8},
		{"syscall", load("u64", "0"), "run ctx=0x0700000000000000", 7},
		{"lirc_mode2", load("u32", "0"), "lirc 0x01000384", 0x01000384},
		{"struct_ops/ssthresh", load("u64", "8"), "ops ssthresh(5, 6)", 6},
		{"raw_tp.w/nbd_send_request", load("u64", "8"), "tp nbd_send_request(5, 6)", 6},
		{"kprobe/do_sys_openat2", "call bpf_get_current_uid_gid\nexit", "open /etc/hosts uid=12 gid=34", 34<<32 | 12},
		{"kprobe/do_sys_openat2", "call bpf_get_current_pid_tgid\nr0 &= 0xffff\nexit", "open /etc/hosts pid=99", 99},
		{"kprobe/do_sys_openat2", "call bpf_get_current_cgroup_id\nr6 = r0\nr0 = 1\nif r6 != 1 goto +1\nr0 = 0\nexit", "open /etc/hosts cg=/a", 1},
		{"kprobe/do_sys_openat2", "call bpf_get_smp_processor_id\nexit", "cpu 1: open /etc/hosts", 1},
		{"kprobe/do_sys_openat2", "call bpf_get_current_task\nr3 = r0\nr3 += " + taskPID + "\nr1 = r10\nr1 += -8\nr2 = 4\ncall bpf_probe_read_kernel\nr0 = *(u32 *)(r10 - 8)\nexit", "open /etc/hosts pid=98", 98},
	} {
		r := newRig(t, world.Config{CPUs: 2}, nil, source{c.section, c.text})
		res := r.fire(c.event)
		if len(res) == 0 || len(res[0].Firings) == 0 {
			t.Errorf("%s: %q fires nothing", c.section, c.event)
			continue
		}
		if f := res[0].Firings[0]; int64(f.Ret) != c.want || f.Fault != nil {
			t.Errorf("%s: %q gives %d, want %d (%v)", c.section, c.event, int64(f.Ret), c.want, f.Fault)
		}
	}
}

// TestARM64 is that registers are those of the other architecture.
func TestARM64(t *testing.T) {
	cfg := world.Config{ARM64: true}
	for _, c := range []struct {
		section, text, event string
		want                 int64
	}{
		{"kprobe/do_sys_openat2", "r0 = *(u64 *)(r1 + 0)\nexit", "open /etc/hosts", -100},
		{"kretprobe/do_sys_openat2", "r0 = *(u64 *)(r1 + 0)\nexit", "open /etc/hosts", 3},
		{"tp/syscalls/sys_enter_openat", "r0 = *(u32 *)(r1 + 8)\nexit", "open /etc/hosts", 56},
		{"ksyscall/kill", "r3 = *(u64 *)(r1 + 0)\nr3 += 8\nr1 = r10\nr1 += -8\nr2 = 8\ncall bpf_probe_read_kernel\nr0 = *(u64 *)(r10 - 8)\nexit", "kill sig=9", 9},
	} {
		res := newRig(t, cfg, nil, source{c.section, c.text}).fire(c.event)
		if f := res[0].Firings[0]; int64(f.Ret) != c.want {
			t.Errorf("%s: %d, want %d", c.section, int64(f.Ret), c.want)
		}
	}
}

// TestStalePointers is that a BTF pointer that leads nowhere reads as zero, as
// loads that the verifier makes BPF_PROBE_MEM do.
func TestStalePointers(t *testing.T) {
	const text = "r1 = *(u64 *)(r1 + 0)\nr2 = *(u64 *)(r1 + 2304)\nr3 = *(u64 *)(r2 + 1168)\nr0 = *(u64 *)(r3 + 64)\nexit" // swapper's mm->exe_file
	r := newRig(t, world.Config{}, nil)
	res := r.load("tp_btf/sched_wakeup", text)
	if got := world.Stale(hook.Tracing, res); len(got) != 3 {
		t.Errorf("stale loads at %v, want 3", got)
	}
	if got := world.Stale(hook.XDP, res); got != nil {
		t.Errorf("an XDP program has stale loads at %v", got)
	}
	n, err := r.m.Load(&vm.Program{Type: hook.Tracing, Attach: hook.TraceRawTp, Insns: res, Probe: world.Stale(hook.Tracing, res)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.w.Attach(world.Program{Number: n, Name: "p", Section: "tp_btf/sched_switch"}); err != nil {
		t.Fatal(err)
	}
	// The program's first argument, preempt, is 0: even the task is no pointer.
	f := r.fire("switch to=worker")[0].Firings[0]
	if f.Fault != nil || f.Ret != 0 {
		t.Errorf("%+v", f)
	}
}

// TestTimers is that a timer's callback runs at its time, between events.
func TestTimers(t *testing.T) {
	const program = `
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[fd:0]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r6 = r0
	r1 = r6
	r1 += 8
	r2 = map[fd:0]
	r3 = 1
	call bpf_timer_init
	r1 = r6
	r1 += 8
	r2 = tick ll
	call bpf_timer_set_callback
	r1 = r6
	r1 += 8
	r2 = 5000000
	r3 = 0
	call bpf_timer_start
out:
	r0 = 0
	exit
tick:
	r1 = 1
	lock *(u64 *)(r3 + 0) += r1
	r1 = r3
	r1 += 8
	r2 = 5000000
	r3 = 0
	call bpf_timer_start
	r0 = 0
	exit`
	specs := []maps.Spec{{Name: "ticks", Type: maps.Array, KeySize: 4, ValueSize: 24, MaxEntries: 1,
		Special: []maps.Span{{Off: 8, Len: helper.TimerSize}}}}
	r := newRig(t, world.Config{}, specs, source{"tp/syscalls/sys_enter_openat", program})
	res := r.fire("open /etc/hosts\nsleep ms=22\nsleep ms=1")
	var at []uint64
	for _, x := range res {
		for _, f := range x.Firings {
			if f.Timer != nil {
				at = append(at, f.Clock)
			}
			if f.Fault != nil {
				t.Error(f.Fault)
			}
		}
	}
	if len(at) != 5 {
		t.Errorf("fired at %v, want five times", at)
	}
	for i := 1; i < len(at); i++ {
		if d := at[i] - at[i-1]; d < 5_000_000 || d > 5_010_000 {
			t.Errorf("fired %d ns after the time before", d)
		}
	}
}

// TestTaskStorage is that values kept with tasks are known by pid and go with
// the task.
func TestTaskStorage(t *testing.T) {
	specs := []maps.Spec{{Name: "seen", Type: maps.TaskStorage, KeySize: 4, ValueSize: 8, Flags: maps.FlagNoPrealloc, BTFKey: 1, BTFValue: 2}}
	r := newRig(t, world.Config{}, specs, source{"tp_btf/sched_process_exec", `
	call bpf_get_current_task_btf
	r2 = r0
	r1 = map[fd:0]
	r3 = 0
	r4 = 1
	call bpf_task_storage_get
	r0 = 0
	exit`}, source{"lsm/file_open", `
	call bpf_get_current_task_btf
	r2 = r0
	r1 = map[fd:0]
	r3 = 0
	r4 = 1
	call bpf_task_storage_get
	if r0 == 0 goto +4
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
	r0 = 0
	exit`})
	for _, res := range r.fire("open /etc/hosts pid=50\nopen /etc/hosts pid=51 x2\nexec path=/bin/true x5") {
		for _, f := range res.Firings {
			if f.Fault != nil {
				t.Fatal(f.Fault)
			}
		}
	}
	m := r.m.Maps().At(0)
	for pid, want := range map[uint32]uint64{50: 1, 51: 2} {
		v, e := m.Get(binary.LittleEndian.AppendUint32(nil, pid))
		if e != 0 || binary.LittleEndian.Uint64(v) != want {
			t.Errorf("task %d: %v %v, want %d", pid, v, e, want)
		}
	}
	if m.Len() != 2 {
		t.Errorf("%d values are kept, want those of the two tasks that live", m.Len())
	}
}

// TestSteering is that an sk_lookup program chooses the socket.
func TestSteering(t *testing.T) {
	specs := []maps.Spec{{Name: "socks", Type: maps.Sockmap, KeySize: 4, ValueSize: 4, MaxEntries: 1}}
	r := newRig(t, world.Config{}, specs, source{"sk_lookup", `
	r6 = r1
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[fd:0]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r7 = r0
	r1 = r6
	r2 = r7
	r3 = 0
	call bpf_sk_assign
	r1 = r7
	call bpf_sk_release
out:
	r0 = 1
	exit`})
	r.fire("bind 0.0.0.0:80")
	if e := r.m.Maps().At(0).Set(make([]byte, 4), make([]byte, 4), maps.Any); e != 0 {
		t.Fatal(e)
	}
	if got := r.fire("pkt ipv4 / tcp(dport=9999)")[0]; got.Text != "delivered to the socket on port 80 by sk_lookup" {
		t.Errorf("%q", got.Text)
	}
}

// TestUSDT is that the map of <bpf/usdt.bpf.h> says where arguments are.
func TestUSDT(t *testing.T) {
	specs := []maps.Spec{{Name: "__bpf_usdt_specs", Type: maps.Array, KeySize: 4, ValueSize: 208, MaxEntries: 4}}
	r := newRig(t, world.Config{}, specs, source{"usdt/app:gc:start", "0"})
	b, e := r.m.Maps().At(0).Get(make([]byte, 4))
	if e != 0 || b[200] != 6 || b[8] != 1 || b[12] != 112 || b[16+12] != 104 {
		t.Errorf("%v % x", e, b)
	}
}
