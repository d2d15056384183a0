package sandbox_test

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skep/server/sandbox"
	"skep/server/sandbox/proto"
	"skep/server/sandbox/sandboxtest"
)

// load resolves and keeps a program under the name p.
func load(t *testing.T, vm *sandbox.VM, r *sandbox.Record) *sandbox.Verdict {
	t.Helper()
	p, err := r.Resolve(vm.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Keep = "p"
	v, err := vm.Load(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStreams reads ring buffer records and trace_pipe lines as they happen.
func TestStreams(t *testing.T) {
	for _, version := range []string{"6.12", "6.1"} {
		t.Run(version, func(t *testing.T) {
			vm := sandboxtest.Require(t, version).VM(t)
			v := load(t, vm, &sandbox.Record{ProgType: "tracepoint", License: "GPL", LogLevel: 1,
				Maps: []sandbox.RecordMap{{Name: "events", Type: "ringbuf", MaxEntries: 4096}},
				Insns: unhex(t, `7a0af8ff 2a000000`+ // *(u64 *)(r10 - 8) = 42
					`18110000 00000000 00000000 00000000`+ // r1 = map 0
					`bfa20000 00000000 07020000 f8ffffff`+ // r2 = r10 - 8
					`b7030000 08000000 b7040000 00000000`+ // r3 = 8; r4 = 0
					`85000000 82000000`+ // call bpf_ringbuf_output
					`18010000 68692025 00000000 640a0000`+ // r1 = "hi %d\n"
					`7b1af8ff 00000000 bfa10000 00000000 07010000 f8ffffff`+
					`b7020000 08000000 b7030000 07000000 85000000 06000000`+ // bpf_trace_printk(fmt, 8, 7)
					`b7000000 00000000 95000000 00000000`)})
			if !v.OK {
				t.Fatalf("%s\n%s", v.Error, v.Log)
			}
			events := make(chan proto.EventMsg, 100)
			vm.OnEvent(func(e proto.EventMsg) { events <- e })
			if _, err := vm.Attach(t.Context(), proto.AttachParams{Program: "p", Kind: "tracepoint", Target: "syscalls/sys_enter_execve"}); err != nil {
				t.Fatal(err)
			}
			for _, s := range []proto.StreamParams{{Kind: "ringbuf", Map: "events"}, {Kind: "trace_pipe"}} {
				if err := vm.Stream(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := vm.Workload(t.Context(), proto.Step{Verb: "exec", Path: "/tmp/ls", Count: 3, Comm: "bash"}); err != nil {
				t.Fatal(err)
			}
			records, lines := 0, 0
			timeout := time.After(20 * time.Second)
			for records < 3 || lines < 3 {
				select {
				case e := <-events:
					switch {
					case e.Kind == "ringbuf" && len(e.Data) == 8 && binary.LittleEndian.Uint64(e.Data) == 42:
						records++
					case e.Kind == "trace_pipe" && strings.Contains(e.Text, "hi 7"):
						lines++
					default:
						t.Errorf("event %+v", e)
					}
				case <-timeout:
					t.Fatalf("%d records and %d lines of 3", records, lines)
				}
			}
			if err := vm.StopStream(t.Context(), "events"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestJIT dumps the translated and the machine code, with the JIT on and off.
func TestJIT(t *testing.T) {
	vm := sandboxtest.Require(t, "6.12").VM(t)
	load(t, vm, record(t, `{"prog_type":"xdp"}`, 2))
	j, err := vm.JIT(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	if len(j.Xlated)%8 != 0 || len(j.Xlated) == 0 || len(j.Jited) == 0 || len(j.FuncLens) != 1 || int(j.FuncLens[0]) > len(j.Jited) || len(j.Tag) != 16 || j.Verified == 0 {
		t.Errorf("xlated %d bytes, jited %d, func_lens %v, tag %q, verified %d", len(j.Xlated), len(j.Jited), j.FuncLens, j.Tag, j.Verified)
	}
	if err := vm.Sysctl(t.Context(), "net/core/bpf_jit_enable", "0"); err != nil {
		t.Fatal(err)
	}
	load(t, vm, record(t, `{"prog_type":"xdp"}`, 1))
	if j, err = vm.JIT(t.Context(), "p"); err != nil || len(j.Jited) != 0 {
		t.Errorf("with the JIT off: %d bytes of machine code, %v", len(j.Jited), err)
	}
	r, err := vm.Run(t.Context(), "p", make([]byte, 64), nil, 5)
	if err != nil || r.Ret != 1 || r.Errno != 0 || len(r.Data) != 64 {
		t.Errorf("interpreter run %+v, %v", r, err)
	}
	key := make([]byte, 4)
	if err := vm.Update(t.Context(), proto.UpdateParams{Map: "hits", Key: key, Value: unhex(t, "ff00000000000000")}); err != nil {
		t.Error(err)
	}
	maps, err := vm.Maps(t.Context(), "")
	if err != nil || len(maps) != 1 || maps[0].Entries[0].Value[0] != 0xff {
		t.Errorf("after the update: %+v, %v", maps, err)
	}
	var refused *sandbox.CallError
	if _, err := vm.JIT(t.Context(), "nothing"); !asCallError(err, &refused) {
		t.Errorf("unknown program: %v", err)
	}
}

func asCallError(err error, to **sandbox.CallError) bool {
	e, ok := err.(*sandbox.CallError)
	*to = e
	return ok
}

// TestPrivilege loads one program as three users.
func TestPrivilege(t *testing.T) {
	vm := sandboxtest.Require(t, "6.12").VM(t)
	for _, tt := range []struct {
		privilege proto.Privilege
		prog      string
		errno     int
	}{
		{proto.Root, `{"prog_type":"kprobe"}`, 0},
		{proto.CapBPF, `{"prog_type":"kprobe"}`, 1}, // tracing needs CAP_PERFMON
		{proto.CapBPF, `{"prog_type":"xdp"}`, 0},
		{proto.Unprivileged, `{"prog_type":"xdp"}`, 1},
		{proto.Unprivileged, `{"prog_type":"socket_filter"}`, 0},
	} {
		r := record(t, tt.prog, 0)
		r.Privilege = tt.privilege
		if v := load(t, vm, r); v.Errno != tt.errno || v.Error != "" {
			t.Errorf("%s as %q: errno %d %s, want %d\n%s", tt.prog, tt.privilege, v.Errno, v.Error, tt.errno, v.Log)
		}
	}
}

const objectSource = `
typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(n) __attribute__((section(n), used))
struct { int (*type)[1]; int (*max_entries)[16]; u32 *key; u64 *value; } counts SEC(".maps");
static void *(*lookup)(void *, const void *) = (void *)1;
static long (*update)(void *, const void *, const void *, u64) = (void *)2;
static u64 (*uid_gid)(void) = (void *)15;
static void *(*current_task)(void) = (void *)35;
static long (*read_kernel)(void *, u32, const void *) = (void *)113;
struct task_struct { int tgid; } __attribute__((preserve_access_index));
SEC("tracepoint/syscalls/sys_enter_execve") int count(void *ctx)
{
	u32 uid = uid_gid();
	u64 one = 1, *v = lookup(&counts, &uid);
	int tgid = 0;
	struct task_struct *t = current_task();
	read_kernel(&tgid, sizeof(tgid), &t->tgid);
	if (!tgid)
		return 0;
	if (v) __sync_fetch_and_add(v, 1);
	else update(&counts, &uid, &one, 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
`

// TestObject loads what clang makes, with a CO-RE relocation, and attaches it by its section name.
func TestObject(t *testing.T) {
	clang := ""
	for _, name := range []string{"clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-14"} {
		if _, err := exec.LookPath(name); err == nil {
			clang = name
			break
		}
	}
	if clang == "" {
		t.Skip("clang is not installed")
	}
	dir := t.TempDir()
	src, obj := filepath.Join(dir, "count.bpf.c"), filepath.Join(dir, "count.bpf.o")
	if err := os.WriteFile(src, []byte(objectSource), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(clang, "-O2", "-g", "-target", "bpf", "-c", src, "-o", obj).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	elf, err := os.ReadFile(obj)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"6.12", "6.1"} {
		t.Run(version, func(t *testing.T) {
			vm := sandboxtest.Require(t, version).VM(t)
			r, err := vm.Object(t.Context(), elf, proto.ObjectParams{LogLevel: 2})
			if err != nil || r.Error != "" || len(r.Programs) != 1 || !strings.Contains(r.Programs[0].Log, "processed") {
				t.Fatalf("%+v, %v", r, err)
			}
			if _, err := vm.Attach(t.Context(), proto.AttachParams{Program: "count"}); err != nil {
				t.Fatal(err)
			}
			if _, err := vm.Workload(t.Context(), proto.Step{Verb: "exec", UID: 1000, Count: 3}, proto.Step{Verb: "exec", UID: 33, Count: 2}); err != nil {
				t.Fatal(err)
			}
			maps, err := vm.Maps(t.Context(), "counts")
			if err != nil {
				t.Fatal(err)
			}
			got := map[uint32]uint64{}
			for _, e := range maps[0].Entries {
				got[binary.LittleEndian.Uint32(e.Key)] = binary.LittleEndian.Uint64(e.Value)
			}
			if got[1000] != 3 || got[33] != 2 {
				t.Errorf("counts %v, want 1000:3 33:2", got)
			}
		})
	}
}

// TestWorkloadVerbs does every verb once.
func TestWorkloadVerbs(t *testing.T) {
	vm := sandboxtest.Require(t, "6.12").VM(t)
	steps := []proto.Step{
		{Verb: "net"},
		{Verb: "write", Path: "/tmp/a", Data: []byte("text")}, {Verb: "read", Path: "/tmp/a"}, {Verb: "chmod", Path: "/tmp/a", Mode: 0o600},
		{Verb: "open", Path: "/tmp/a", UID: 1000},
		{Verb: "rename", Path: "/tmp/a", To: "/tmp/b"}, {Verb: "unlink", Path: "/tmp/b"}, {Verb: "unlink", Path: "/tmp/b"},
		{Verb: "mkdir", Path: "/tmp/d"}, {Verb: "mount", Path: "/tmp/d"}, {Verb: "umount", Path: "/tmp/d"},
		{Verb: "mmap"}, {Verb: "fork"}, {Verb: "kill"}, {Verb: "sleep", MS: 1}, {Verb: "spin", MS: 1},
		{Verb: "exec", Path: "/bin/busybox", Args: []string{"id", "-u"}, UID: 1000},
		{Verb: "call", Args: []string{"x"}},
		{Verb: "connect", Data: []byte("x")}, {Verb: "connect", Addr: "10.0.0.2:80"}, {Verb: "connect", Addr: "10.0.0.1:80", NS: "peer"},
		{Verb: "udp"}, {Verb: "udp", Addr: "10.0.0.2:53"}, {Verb: "packet", Data: make([]byte, 64)},
	}
	want := map[int]string{4: "EACCES", 7: "ENOENT"}
	r, err := vm.Workload(t.Context(), steps...)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range r {
		switch {
		case want[i] != "" && s.Errnos[want[i]] != 1, want[i] == "" && s.OK != 1:
			if s.Verb == "exec" && strings.Contains(s.Error, "no such file") {
				continue // no busybox on the host
			}
			t.Errorf("step %d %+v: %+v", i, steps[i], s)
		case s.Verb == "read" && s.Text != "text", s.Verb == "exec" && s.Text != "1000\n":
			t.Errorf("step %d %s: %q", i, s.Verb, s.Text)
		}
	}
}

// TestSession types into a shell.
func TestSession(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	vm := c.VM(t)
	found := false
	for _, f := range vm.Hello.Features {
		found = found || f == "busybox"
	}
	if !found {
		t.Skip("no static busybox on the host: the guest has no shell")
	}
	s, err := sandbox.OpenSession(t.Context(), vm, 30, 100)
	if err != nil {
		t.Fatal(err)
	}
	screen := make(chan string)
	go func() {
		var all strings.Builder
		b := make([]byte, 4096)
		for {
			n, err := s.Read(b)
			all.Write(b[:n])
			if err != nil {
				break
			}
			if strings.Contains(all.String(), "END") && strings.Contains(all.String(), "7\r\n") {
				break
			}
		}
		screen <- all.String()
	}()
	if _, err := s.Write([]byte("stty size; echo $((3+4)); echo EN''D\n")); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-screen:
		if !strings.Contains(got, "30 100\r\n") {
			t.Errorf("screen %q", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the shell does not answer")
	}
	if err := s.Resize(40, 120); err != nil {
		t.Error(err)
	}
	s.Write([]byte("exit\n"))
	select {
	case <-s.Done():
	case <-time.After(30 * time.Second):
		t.Error("the shell did not end")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// An emulated processor has no CMPXCHG16B: see cpuTCG.
func TestProcessor(t *testing.T) {
	k := sandboxtest.Require(t, "6.12")
	if sandbox.Doctor(t.Context()).Accel != "tcg" {
		t.Skip("the guest runs on this machine's processor")
	}
	steps, err := k.VM(t).Workload(t.Context(), proto.Step{Verb: "read", Path: "/proc/cpuinfo"})
	if err != nil || len(steps) != 1 || !strings.Contains(steps[0].Text, " cx8 ") {
		t.Fatalf("%v, %+v", err, steps)
	}
	if strings.Contains(steps[0].Text, " cx16 ") {
		t.Errorf("the guest has CMPXCHG16B:\n%s", steps[0].Text)
	}
}
