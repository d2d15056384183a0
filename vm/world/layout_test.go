package world

import (
	"os"
	"path/filepath"
	"testing"

	"skep/vm/btf"
	"skep/vm/kernel"
)

func TestLayouts(t *testing.T) {
	for name, spec := range map[string]*btf.Spec{"kernel": kernel.Types(), "made up": kernel.MadeUp()} {
		if spec == nil {
			t.Fatalf("%s: no BTF", name)
		}
		k := fields{spec: spec}
		for _, c := range []struct{ structure, path string }{
			{"task_struct", "pid"}, {"task_struct", "comm"}, {"task_struct", "cred"}, {"cred", "uid.val"},
			{"file", "f_path.dentry"}, {"sock", "__sk_common.skc_dport"}, {"tcp_sock", "inet_conn.icsk_inet.sk.__sk_common.skc_family"},
			{"linux_binprm", "filename"}, {"sock_common", "skc_v6_daddr.in6_u.u6_addr32"},
		} {
			if f := k.find(c.structure, c.path); f.size == 0 {
				t.Errorf("%s: no %s.%s", name, c.structure, c.path)
			}
		}
	}
	a, b := fields{spec: kernel.Types()}, fields{spec: kernel.MadeUp()}
	if a.find("task_struct", "pid") == b.find("task_struct", "pid") {
		t.Error("both layouts have the same offset of task_struct.pid")
	}
}

// kernelBTF is the reference kernel's BTF where `skep sandbox install` put it.
func kernelBTF(t *testing.T) *btf.Spec {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Skip("no cache directory: " + err.Error())
	}
	b, err := os.ReadFile(filepath.Join(dir, "skep", "kernel", "6.12", "btf"))
	if err != nil {
		t.Skip("no kernel installed (skep sandbox install): " + err.Error())
	}
	spec, err := btf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestKernelLayout holds the built-in layout to the kernel it was read from.
func TestKernelLayout(t *testing.T) {
	real := fields{spec: kernelBTF(t)}
	ours := fields{spec: kernel.Types()}
	n := 0
	for typ := range kernel.Types().All() {
		if typ.Kind() != btf.KindStruct || typ.Name() == "" {
			continue
		}
		if a, b := ours.size(typ.Name()), real.size(typ.Name()); a != b {
			t.Errorf("struct %s has %d bytes, the kernel's %d", typ.Name(), a, b)
		}
		for i := range typ.Vlen() {
			m := typ.Member(i).Name
			a, b := ours.find(typ.Name(), m), real.find(typ.Name(), m)
			if a != b {
				t.Errorf("%s.%s: %+v, the kernel's %+v", typ.Name(), m, a, b)
			}
			n++
		}
	}
	if n < 200 {
		t.Errorf("only %d members compared", n)
	}
}
