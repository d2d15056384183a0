package world_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/vm/world"
)

// rig is a world with programs in assembly.
type rig struct {
	t testing.TB
	m *vm.Machine
	w *world.World
}

// source is a program: section and text. A text that is a number is a program
// that returns it.
type source struct{ section, text string }

func newRig(t testing.TB, cfg world.Config, specs []maps.Spec, progs ...source) *rig {
	t.Helper()
	hw := world.Around(cfg)
	m, err := vm.New(vm.Config{World: hw, Maps: specs, Seed: cfg.Seed})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t, m, world.New(m, hw, cfg)}
	for _, p := range progs {
		r.add(p)
	}
	return r
}

func (r *rig) add(p source) {
	r.t.Helper()
	text := p.text
	if _, err := strconv.Atoi(text); err == nil {
		text = "r0 = " + text + "\nexit"
	}
	sec, _, ok := hook.ParseSection(p.section)
	if !ok {
		r.t.Fatalf("no section %q", p.section)
	}
	n, err := r.m.Load(&vm.Program{Name: p.section, Type: sec.Type, Attach: sec.Attach, License: "GPL", Insns: r.load(p.section, text)})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.w.Attach(world.Program{Number: n, Name: p.section, Section: p.section}); err != nil {
		r.t.Fatal(err)
	}
}

// load assembles a program.
func (r *rig) load(section, text string) []isa.Insn {
	r.t.Helper()
	res := asm.Assemble(text, asm.Options{Dialect: asm.Kernel, Externs: true, Resolver: &resolver})
	if len(res.Errors) > 0 {
		r.t.Fatalf("%s: %v", section, res.Errors[0])
	}
	return res.Insns
}

var resolver = asm.Resolver{
	HelperName: func(id int32) string { return helper.Lookup(int(id)).Name },
	HelperID: func(name string) (int32, bool) {
		if p := helper.ByName(name); p != nil {
			return int32(p.ID), true
		}
		return 0, false
	},
}

// fire runs events and gives the results.
func (r *rig) fire(text string) []world.Result {
	r.t.Helper()
	events, errs := world.Parse(text)
	for _, e := range errs {
		r.t.Error(e)
	}
	var out []world.Result
	for _, e := range world.Expand(events, 1) {
		out = append(out, r.w.Fire(e, 100_000))
	}
	return out
}

// summary is an event and what it ran, a line each.
func summary(results []world.Result) string {
	var b strings.Builder
	for _, res := range results {
		b.WriteString(res.Event + " => " + res.Text + "\n")
		for _, f := range res.Firings {
			b.WriteString("  " + f.Name + " at " + f.Site + " in " + f.Task + "/" + strconv.Itoa(int(f.PID)) + " cpu " + strconv.Itoa(int(f.CPU)) +
				" = " + strconv.FormatInt(int64(f.Ret), 10) + " " + f.Effect)
			if f.Fault != nil {
				b.WriteString(" FAULT " + f.Fault.Error())
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// TestVerbs holds each verb's example to the hooks that it passes.
func TestVerbs(t *testing.T) {
	r := newRig(t, world.Config{CPUs: 2}, nil)
	for _, s := range everywhere {
		r.add(s)
	}
	var b strings.Builder
	for _, v := range world.Verbs() {
		b.WriteString(summary(r.fire(v.Example)))
	}
	golden(t, "testdata/verbs.txt", b.String())
}

// everywhere is a program at each hook that the course uses, which lets pass.
var everywhere = []source{
	{"ksyscall/execve", "0"}, {"kretsyscall/execve", "0"}, {"tp/syscalls/sys_enter_openat", "0"}, {"tp/syscalls/sys_exit_openat", "0"},
	{"raw_tp/sys_enter", "0"}, {"kprobe/do_sys_openat2", "0"}, {"kretprobe/do_sys_openat2", "0"}, {"kprobe.multi/vfs_*", "0"},
	{"fentry/do_unlinkat", "0"}, {"fexit/do_unlinkat", "0"}, {"fmod_ret/security_task_kill", "0"},
	{"tp_btf/sched_process_exec", "0"}, {"tp/sched/sched_process_fork", "0"}, {"tp/sched/sched_process_exit", "0"}, {"raw_tp/sched_switch", "0"},
	{"lsm/file_open", "0"}, {"lsm.s/bprm_check_security", "0"}, {"lsm/path_mkdir", "0"}, {"lsm_cgroup/socket_bind", "1"}, {"lsm/sb_mount", "0"}, {"lsm/mmap_file", "0"},
	{"uprobe//bin/utarget:target_fn", "0"}, {"uretprobe//bin/utarget:target_fn", "0"}, {"perf_event", "0"}, {"iter/task", "0"},
	{"cgroup/connect4", "1"}, {"cgroup/sock_create", "1"}, {"cgroup/bind4", "1"}, {"cgroup/post_bind4", "1"}, {"cgroup/sendmsg4", "1"}, {"cgroup/recvmsg4", "1"},
	{"cgroup/getpeername4", "1"}, {"cgroup/getsockname4", "1"}, {"cgroup/setsockopt", "1"}, {"cgroup/getsockopt", "1"}, {"cgroup/sysctl", "1"}, {"cgroup/dev", "1"},
	{"cgroup_skb/egress", "1"}, {"cgroup_skb/ingress", "1"}, {"sockops", "1"}, {"sk_lookup", "1"}, {"sk_reuseport", "1"}, {"sk_msg", "1"}, {"sk_skb/stream_verdict", "1"},
	{"xdp", "2"}, {"tc", "0"}, {"tcx/egress", "0"}, {"netfilter", "1"}, {"socket", "100"}, {"flow_dissector", "0"}, {"lwt_xmit", "0"},
	{"syscall", "0"}, {"lirc_mode2", "0"}, {"struct_ops/ssthresh", "0"},
}

// golden compares with a file, or writes it when UPDATE is set.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (UPDATE=1 writes it):\n%s", file, d)
	}
}

// TestExamples runs a program of every type by the event that the table says.
func TestExamples(t *testing.T) {
	for i := 1; i < hook.NumTypes; i++ {
		typ := hook.ProgType(i)
		section, event := world.Example(typ)
		if typ == hook.Ext {
			// It runs where the program that it replaces does.
			if err := newRig(t, world.Config{}, nil).w.Attach(world.Program{Section: section}); err == nil || event != "" {
				t.Errorf("ext: %v, event %q", err, event)
			}
			continue
		}
		if sec, _, ok := hook.ParseSection(section); !ok || sec.Type != typ {
			t.Errorf("%s: section %q", typ, section)
			continue
		}
		res := newRig(t, world.Config{}, nil, source{section, "1"}).fire(event)
		if len(res) != 1 || len(res[0].Firings) == 0 || res[0].Firings[0].Fault != nil {
			t.Errorf("%s: %q ran %+v", typ, event, res)
		}
	}
}

// TestResults is what user space sees when a program decides.
func TestResults(t *testing.T) {
	for _, c := range []struct {
		section, text, event, want string
	}{
		{"lsm/file_open", "-1", "open path=/etc/hosts", "EPERM by lsm/file_open"},
		{"lsm/file_open", "-13", "read path=/etc/hosts", "EACCES by lsm/file_open"},
		{"lsm/bprm_check_security", "-1", "exec path=/bin/true", "EPERM by lsm/bprm_check_security"},
		{"lsm/inode_unlink", "-1", "unlink path=/etc/hosts", "EPERM by lsm/inode_unlink"},
		{"lsm_cgroup/socket_bind", "0", "bind addr=0.0.0.0:80", "EPERM by lsm_cgroup/socket_bind"},
		{"fmod_ret/security_task_kill", "-1", "kill", "EPERM by fmod_ret/security_task_kill"},
		{"kprobe/do_unlinkat", "r2 = -12\ncall bpf_override_return\nr0 = 0\nexit", "unlink path=/etc/hosts", "ENOMEM by kprobe/do_unlinkat"},
		{"cgroup/connect4", "0", "connect addr=10.0.0.2:4444", "EPERM by cgroup/connect4"},
		{"cgroup/connect4", "r2 = 0x0300000a\n*(u32 *)(r1 + 4) = r2\nr0 = 1\nexit", "connect addr=10.0.0.2:4444", "connected to 10.0.0.3:4444"},
		{"cgroup/sock_create", "0", "udp addr=10.0.0.2:53", "EPERM by cgroup/sock_create"},
		{"cgroup/dev", "0", "open path=/dev/null", "EPERM by cgroup/dev"},
		{"cgroup/sysctl", "0", "sysctl name=net/ipv4/ip_forward value=1", "EPERM by cgroup/sysctl"},
		{"cgroup/setsockopt", "0", "setsockopt level=1 name=2 value=1", "EPERM by cgroup/setsockopt"},
		{"cgroup_skb/egress", "0", "udp addr=10.0.0.2:53", "EPERM by cgroup_skb/egress"},
		{"sk_lookup", "0", "connect addr=127.0.0.1:80", "ECONNREFUSED by sk_lookup"},
		{"sk_msg", "0", "send type=tcp addr=10.0.0.2:80", "EACCES by sk_msg"},
		{"xdp", "1", "pkt ipv4 / icmp", "dropped by xdp"},
		{"xdp", "3", "pkt ipv4 / icmp", "sent back out of the same interface by xdp"},
		{"tc", "2", "pkt ipv4 / icmp", "dropped by tc"},
		{"netfilter", "0", "pkt ipv4 / icmp", "dropped by netfilter"},
		{"xdp", "2", "pkt ipv4 / icmp", "passed to the network stack"},
		{"lsm/file_open", "0", "open path=/etc/shadow uid=1000", "EACCES"},
		{"lsm/file_open", "0", "open path=/nowhere", "ENOENT"},
		{"lsm/file_open", "0", "mkdir path=/tmp", "EEXIST"},
		{"lsm/file_open", "0", "kill to=nobody", "ESRCH"},
	} {
		res := newRig(t, world.Config{}, nil, source{c.section, c.text}).fire(c.event)
		if len(res) != 1 || res[0].Text != c.want {
			t.Errorf("%s %q: %s\n%s", c.section, c.event, summary(res), "want "+c.want)
		}
	}
}

// TestOrder is that a refusal keeps later hooks from running while exit
// probes see the error.
func TestOrder(t *testing.T) {
	r := newRig(t, world.Config{}, nil, source{"fexit/do_sys_openat2", "r0 = *(u64 *)(r1 + 24)\nexit"}, source{"lsm/file_open", "-1"},
		source{"xdp", "1"}, source{"tc", "0"}, source{"tp/syscalls/sys_exit_openat", "r0 = *(u64 *)(r1 + 16)\nexit"})
	got := summary(r.fire("open path=/etc/hosts\npkt ipv4 / icmp"))
	if strings.Count(got, "= -1 ") != 3 || strings.Contains(got, "tc/ingress") {
		t.Error(got)
	}
}

// TestFilesChange is that the world remembers what events did.
func TestFilesChange(t *testing.T) {
	r := newRig(t, world.Config{}, nil)
	var got []string
	for _, res := range r.fire("open /tmp/a\nwrite /tmp/a data=hello\nread /tmp/a\nrename /tmp/a /tmp/b\nopen /tmp/a\nopen /tmp/b\nchmod /tmp/b 0600\nopen /tmp/b uid=1000\nunlink /tmp/b\nopen /tmp/b") {
		got = append(got, res.Text)
	}
	want := []string{"ENOENT", "5 bytes written", "5 bytes read", "done", "ENOENT", "fd 3", "done", "EACCES", "done", "ENOENT"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestSameSeed is that a run can be repeated to the last address and time.
func TestSameSeed(t *testing.T) {
	const events = "exec uid=rand(1000..1010) comm=bash x3\ncpu 1: open /etc/hosts\nsleep ms=rand(1..50)\nudp 10.0.0.2:53"
	run := func(seed uint64) string {
		r := newRig(t, world.Config{CPUs: 2, Seed: seed}, nil, everywhere...)
		r.add(source{"kprobe/do_sys_openat2", "r0 = *(u64 *)(r1 + 104)\nexit"}) // an address
		r.add(source{"raw_tp/sys_exit", "call bpf_get_prandom_u32\nexit"})
		list, _ := world.Parse(events)
		var out []world.Result
		for _, e := range world.Expand(list, seed) {
			out = append(out, r.w.Fire(e, 1000))
		}
		return summary(out) + strconv.FormatUint(r.w.Now(), 10)
	}
	if first, again := run(7), run(7); first != again {
		t.Error("two runs with the same seed differ")
	}
	if run(7) == run(8) {
		t.Error("two seeds give the same run")
	}
}

// TestCgroups is that a program of a cgroup sees that cgroup and those below.
func TestCgroups(t *testing.T) {
	r := newRig(t, world.Config{}, nil, source{"cgroup/connect4", "0"})
	if err := r.w.Attach(world.Program{Number: 0, Name: "a", Section: "cgroup/bind4", Cgroup: "/a"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, res := range r.fire("bind 0.0.0.0:80 cg=/b\nbind 0.0.0.0:81 cg=/a\nbind 0.0.0.0:82 cg=/a/c\nbind 0.0.0.0:83 cg=/ab") {
		got = append(got, res.Text)
	}
	if d := cmp.Diff([]string{"listens on 0.0.0.0:80", "EPERM by a", "EPERM by a", "listens on 0.0.0.0:83"}, got); d != "" {
		t.Error(d)
	}
}

func BenchmarkFire(b *testing.B) {
	r := newRig(b, world.Config{}, nil, source{"fentry/do_sys_openat2", "0"})
	events, _ := world.Parse("open path=/etc/hosts")
	for b.Loop() {
		r.w.Fire(events[0], 1000)
	}
}
