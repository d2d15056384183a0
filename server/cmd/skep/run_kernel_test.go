package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/server/sandbox/proto"
	"skep/server/sandbox/sandboxtest"
	"skep/vm/object"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

// sameSource notes what hooks see of a task called probe.
const sameSource = `
#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned long long u64;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*bpf_get_current_uid_gid)(void) = (void *)15;
static long (*bpf_get_current_comm)(void *buf, u32 size) = (void *)16;
static long (*bpf_probe_read_user_str)(void *dst, u32 size, const void *src) = (void *)114;
static long (*bpf_probe_read_kernel_str)(void *dst, u32 size, const void *src) = (void *)115;
static long (*bpf_probe_read_kernel)(void *dst, u32 size, const void *src) = (void *)113;

struct filename { const char *name; } CORE;
struct qstr { u32 len; const unsigned char *name; } CORE;
struct inode { u16 i_mode; } CORE;
struct dentry { struct qstr d_name; } CORE;
struct path { struct dentry *dentry; } CORE;
struct file { struct path f_path; struct inode *f_inode; } CORE;
typedef struct { u32 val; } kuid_t;
struct cred { kuid_t uid; } CORE;
struct task_struct { const struct cred *cred; char comm[16]; } CORE;
struct linux_binprm { const char *filename; int argc; } CORE;
struct pt_regs { unsigned long di, si; } CORE;
struct bpf_sock_addr { u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol; };

struct { int (*type)[1]; int (*max_entries)[64]; u32 *key; u64 *value; } seen SEC(".maps");

static __attribute__((always_inline)) void note(u32 key, u64 value) { bpf_map_update_elem(&seen, &key, &value, 0); }

static __attribute__((always_inline)) int probe(void)
{
	char comm[16] = {};

	bpf_get_current_comm(comm, sizeof(comm));
	return comm[0] == 'p' && comm[1] == 'r' && comm[2] == 'o' && comm[3] == 'b' && comm[4] == 'e' && comm[5] == 0;
}

SEC("tp/syscalls/sys_enter_openat") int enter(u64 *ctx)
{
	u64 text = 0;

	// The agent opens /dev/null for what it runs: that is not part of the trace.
	if (!probe() || (u32)bpf_get_current_uid_gid() != 1000)
		return 0;
	bpf_probe_read_user_str(&text, sizeof(text), (void *)ctx[3]);
	note(1, (u32)ctx[1]);
	note(2, ctx[2]);
	note(3, text);
	note(4, ctx[4]);
	note(5, bpf_get_current_uid_gid() & 0xffffffff);
	return 0;
}

SEC("tp/syscalls/sys_exit_openat") int leave(u64 *ctx)
{
	if (probe() && (long)ctx[2] < 0)
		note(6, ctx[2]);
	return 0;
}

SEC("fexit/do_sys_openat2") int opened(u64 *ctx)
{
	if (probe() && (long)ctx[3] < 0) {
		note(7, (u32)ctx[0]);
		note(8, ctx[3]);
	}
	return 0;
}

SEC("lsm/file_open") int secret(u64 *ctx)
{
	struct file *f = (void *)ctx[0];

	if (!probe() || f->f_path.dentry->d_name.len != 6)
		return 0;
	note(9, f->f_inode->i_mode & 0170000);
	return -1;
}

SEC("kprobe/do_unlinkat") int removed(struct pt_regs *ctx)
{
	struct filename *name = (void *)ctx->si;
	const char *at = 0;
	u64 text = 0;

	if (!probe())
		return 0;
	bpf_probe_read_kernel(&at, sizeof(at), __builtin_preserve_access_index(&name->name));
	bpf_probe_read_kernel_str(&text, sizeof(text), at);
	note(10, (u32)ctx->di);
	note(11, text);
	return 0;
}

SEC("tp_btf/sched_process_exec") int executed(u64 *ctx)
{
	struct task_struct *p = (void *)ctx[0];
	struct linux_binprm *b = (void *)ctx[2];
	u64 text = 0;

	if (p->cred->uid.val != 4711)
		return 0;
	bpf_probe_read_kernel_str(&text, sizeof(text), b->filename);
	note(12, text);
	note(13, *(u64 *)p->comm);
	note(14, b->argc);
	return 0;
}

SEC("lsm/task_kill") int killed(u64 *ctx)
{
	if (probe())
		note(15, (u32)ctx[2]);
	return 0;
}

SEC("cgroup/connect4") int connects(struct bpf_sock_addr *ctx)
{
	if (!probe())
		return 1;
	note(16, ctx->user_port);
	note(17, ctx->user_ip4);
	note(18, ctx->type << 16 | ctx->protocol);
	return 0;
}

struct bpf_sock_ops { u32 op, args[4], family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port; };
static long (*bpf_sock_ops_cb_flags_set)(void *ctx, u32 flags) = (void *)59;
u32 next = 20;

SEC("sockops") int ops(struct bpf_sock_ops *ctx)
{
	u32 far = ctx->local_port == 4445, key;

	// The listener is the agent's own: BPF_SOCK_OPS_TCP_LISTEN_CB, and its end.
	if (!far && ctx->remote_port != 0x5d110000 || ctx->op == 11 || ctx->op == 10 && ctx->args[0] == 10)
		return 1;
	key = next++;
	note(key, ctx->op | (u64)far << 8 | (ctx->op == 10 ? (u64)ctx->args[0] << 16 | (u64)ctx->args[1] << 24 : 0));
	bpf_sock_ops_cb_flags_set(ctx, 4); // BPF_SOCK_OPS_STATE_CB_FLAG
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
`

// TestSameAsKernel does the same events in the simulated machine and in a
// kernel: the same programs see the same, and so does user space.
func TestSameAsKernel(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		t.Skip("there is no clang-19")
	}
	k := sandboxtest.Require(t, "6.12")
	file := filepath.Join(t.TempDir(), "same.o")
	cmd := exec.Command(clang, "-target", "bpf", "-O2", "-g", "-c", "-x", "c", "-", "-o", file)
	cmd.Stdin = bytes.NewReader([]byte(sameSource))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clang: %v\n%s", err, out)
	}
	elf, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		event string
		step  proto.Step
		errno string
	}{
		{"open path=/nowhere uid=1000 comm=probe", proto.Step{Verb: "open", Path: "/nowhere", UID: 1000, Comm: "probe"}, "ENOENT"},
		{"write path=/tmp/secret data=x comm=maker", proto.Step{Verb: "write", Path: "/tmp/secret", Data: []byte("x"), Comm: "maker"}, ""},
		{"open path=/tmp/secret comm=probe", proto.Step{Verb: "open", Path: "/tmp/secret", Comm: "probe"}, "EPERM"},
		{"unlink path=/tmp/secret comm=probe", proto.Step{Verb: "unlink", Path: "/tmp/secret", Comm: "probe"}, ""},
		{"unlink path=/tmp/secret comm=probe", proto.Step{Verb: "unlink", Path: "/tmp/secret", Comm: "probe"}, "ENOENT"},
		{"exec path=/tmp/job uid=4711 comm=bash args=\"1 2\"", proto.Step{Verb: "exec", Path: "/tmp/job", UID: 4711, Comm: "bash", Args: []string{"1", "2"}}, ""},
		{"kill sig=9 comm=probe", proto.Step{Verb: "kill", Sig: 9, Comm: "probe"}, ""},
		{"connect addr=127.0.0.1:4444 comm=probe", proto.Step{Verb: "connect", Addr: "127.0.0.1:4444", Comm: "probe"}, "EPERM"},
		{"connect addr=127.0.0.1:4445 data=hello comm=maker", proto.Step{Verb: "connect", Addr: "127.0.0.1:4445", Data: []byte("hello"), Comm: "maker"}, ""},
	}

	// In the simulated machine.
	s := session.New()
	if l := s.Load(protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: elf}); l.Listing == nil {
		t.Fatal(problemError(l.Problems))
	}
	var events bytes.Buffer
	for _, c := range steps {
		events.WriteString(c.event + "\n")
	}
	started := s.Start(protocol.WireInput{Kind: protocol.InputKindEvents, Text: events.String()}, session.DefaultOptions(), nil)
	if started.View == nil {
		t.Fatal(problemError(started.Problems))
	}
	v := move(s, protocol.MovementRun, 0)
	if v.Fault != nil {
		t.Fatal(v.Fault.Message)
	}
	ours := map[uint32]uint64{}
	for _, e := range v.Maps[0].Entries {
		ours[binary.LittleEndian.Uint32(e.Key)] = binary.LittleEndian.Uint64(e.Values[0])
	}
	for i, e := range s.Firings().Events {
		want := steps[i].errno
		if got := e.Result; want == "" && e.Errno != 0 || want != "" && (len(got) < len(want) || got[:len(want)] != want) {
			t.Errorf("simulated: %s: %s, want %q", e.Text, got, want)
		}
	}

	// In the kernel.
	obj, err := object.Load(elf)
	if err != nil {
		t.Fatal(err)
	}
	vm := k.VM(t)
	r, err := vm.Object(t.Context(), elf, proto.ObjectParams{})
	if err != nil || r.Error != "" {
		t.Fatalf("%v %s\n%s", err, r.Error, r.Log)
	}
	for _, p := range obj.Programs {
		if _, err := vm.Attach(t.Context(), proto.AttachParams{Program: p.Name}); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
	}
	for _, c := range steps {
		res, err := vm.Workload(t.Context(), c.step)
		if err != nil {
			t.Fatal(err)
		}
		if c.errno == "" && res[0].Error != "" || c.errno != "" && res[0].Errnos[c.errno] != 1 {
			t.Errorf("kernel: %s: %+v, want %q", c.event, res[0], c.errno)
		}
	}
	maps, err := vm.Maps(t.Context(), "seen")
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[uint32]uint64{}
	for _, e := range maps[0].Entries {
		theirs[binary.LittleEndian.Uint32(e.Key)] = binary.LittleEndian.Uint64(e.Value)
	}
	if d := cmp.Diff(theirs, ours); d != "" {
		t.Errorf("the kernel's (-) and the simulated (+):\n%s", d)
	}
	if want := 18 + 17; len(ours) != want {
		t.Errorf("%d values seen, want %d", len(ours), want)
	}
}
