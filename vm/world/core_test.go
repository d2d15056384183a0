package world_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"skep/vm"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/kernel"
	"skep/vm/object"
	"skep/vm/world"
)

// coreSource reads kernel structs by CO-RE, directly and through a helper.
const coreSource = `
#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
typedef unsigned int u32;
typedef unsigned long long u64;
static long (*bpf_probe_read_kernel)(void *dst, u32 size, const void *from) = (void *)113;
static u64 (*bpf_get_current_task)(void) = (void *)35;

typedef struct { u32 val; } kuid_t;
struct cred { kuid_t uid; } CORE;
struct qstr { u32 len; const unsigned char *name; } CORE;
struct inode { unsigned short i_mode; } CORE;
struct dentry { struct dentry *d_parent; struct qstr d_name; struct inode *d_inode; } CORE;
struct path { struct dentry *dentry; } CORE;
struct file { struct path f_path; struct inode *f_inode; } CORE;
struct mm_struct { struct file *exe_file; } CORE;
struct task_struct { int pid; struct task_struct *real_parent; const struct cred *cred; struct mm_struct *mm; char comm[16]; } CORE;
struct linux_binprm { struct file *file; const char *filename; int argc; } CORE;
struct sock_common { unsigned short skc_dport; unsigned short skc_family; } CORE;
struct sock { struct sock_common __sk_common; } CORE;

SEC("tp_btf/sched_process_exec") int exec(u64 *ctx)
{
	struct task_struct *p = (void *)ctx[0];
	struct linux_binprm *b = (void *)ctx[2];
	return p->cred->uid.val * 10 + b->argc + (p->mm->exe_file->f_inode->i_mode == b->file->f_inode->i_mode ? 0 : 1000000);
}

SEC("lsm/file_open") int open(u64 *ctx)
{
	struct file *f = (void *)ctx[0];
	struct dentry *up = f->f_path.dentry->d_parent;
	return f->f_path.dentry->d_name.len * 100 + up->d_name.len;
}

#define READ(dst, src, field) bpf_probe_read_kernel(&dst, sizeof(dst), __builtin_preserve_access_index(&(src)->field))

SEC("kprobe/do_unlinkat") int parent(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task(), *up = 0;
	int pid = 0;

	READ(up, t, real_parent);
	READ(pid, up, pid);
	return pid;
}

SEC("fentry/tcp_connect") int connect(u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	return sk->__sk_common.skc_dport + sk->__sk_common.skc_family * 100000;
}

char LICENSE[] SEC("license") = "GPL";
`

// TestTwoLayouts relocates one object to both built-in layouts, and to the
// kernel's BTF where one is installed: the programs see the same.
func TestTwoLayouts(t *testing.T) {
	obj := compileC(t, coreSource)
	layouts := map[string]*btf.Spec{"built in": kernel.Types(), "made up": kernel.MadeUp()}
	if dir, err := os.UserCacheDir(); err == nil {
		if b, err := os.ReadFile(filepath.Join(dir, "skep", "kernel", "6.1", "btf")); err == nil {
			if layouts["6.1"], err = btf.Parse(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := map[string]int64{"exec": 12343, "open": 603, "parent": 1, "connect": 200000 + 0xbb01}
	for name, spec := range layouts {
		progs, unknown, err := kernel.Prepare(obj, spec)
		if err != nil || len(unknown) > 0 {
			t.Fatalf("%s: unknown %v, %v", name, unknown, err)
		}
		cfg := world.Config{BTF: spec}
		r := newRig(t, cfg, nil)
		for i := range progs {
			p := &progs[i]
			sec, _, _ := hook.ParseSection(p.Section)
			n, err := r.m.Load(&vm.Program{Type: sec.Type, Attach: sec.Attach, Insns: p.Insns, Probe: world.Stale(sec.Type, p.Insns)})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.w.Attach(world.Program{Number: n, Name: p.Name, Section: p.Section}); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{}
		for _, res := range r.fire("open /etc/shadow\nexec path=/bin/ls uid=1234 args=\"-l /tmp\"\nunlink /etc/hosts\nconnect 10.0.0.2:443") {
			for _, f := range res.Firings {
				if f.Name == "open" && seen["open"] {
					continue // that of exec
				}
				seen[f.Name] = true
				if f.Fault != nil || int64(int32(f.Ret)) != want[f.Name] {
					t.Errorf("%s: %s gives %d, want %d (%v)", name, f.Name, int32(f.Ret), want[f.Name], f.Fault)
				}
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%s: only %v ran", name, seen)
		}
	}
}

// compileC makes an object of a source with CO-RE.
func compileC(t *testing.T, source string) *object.Object {
	t.Helper()
	clang := ""
	for _, name := range []string{"clang-19", "clang-18", "clang"} {
		if path, err := exec.LookPath(name); err == nil {
			clang = path
			break
		}
	}
	if clang == "" {
		t.Skip("there is no clang: install clang-19")
	}
	file := filepath.Join(t.TempDir(), "prog.o")
	cmd := exec.Command(clang, "-target", "bpf", "-O2", "-g", "-c", "-x", "c", "-", "-o", file)
	cmd.Stdin = bytes.NewReader([]byte(source))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clang: %v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := object.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return obj
}
