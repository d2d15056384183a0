package object

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	cbtf "github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"skep/vm/btf"
	"skep/vm/isa"
)

// targetBTF are the kernels that the programs in testdata/core are relocated
// to: made-up ones from C, and a real one.
func targetBTF(t *testing.T, clang string) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	for _, src := range sources(t, "testdata/core/targets/*.c") {
		f, err := parseELF(compile(t, clang, src))
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(src), ".c")] = f.section(".BTF").data
	}
	out["vmlinux"] = vmlinux(t)
	return out
}

// vmlinux is the BTF of some Linux kernel, from the test data of cilium/ebpf.
func vmlinux(t testing.TB) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "btf/testdata/vmlinux.btf.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// differs lists what cilium/ebpf does otherwise than libbpf, whose rules we
// follow: case and target, the reason, and an instruction that must be there.
var differs = map[string]struct{ why, want string }{
	"bitfield_long/bare":     {"cilium/ebpf knows no alignment of a float", "85 r0 r0 off 0 imm 195896080"},
	"subprog/moved":          {"a signed member that became smaller cannot be loaded", "85 r0 r0 off 0 imm 195896080"},
	"width/moved":            {"a load becomes as wide as the target's unsigned member", "79 r0 r1 off 8 imm 0"},
	"type_id_kernel/vmlinux": {"the id of a missing type is 0", "18 r0 r0 off 0 imm 0"},
	"type_size/bare":         {"the size of a missing type is 0", "b7 r0 r0 off 0 imm 0"},
	"type_size/vmlinux":      {"the size of a missing type is 0", "b7 r0 r0 off 0 imm 0"},
	"subprog/vmlinux":        {"the size of a missing type is 0", "b7 r0 r0 off 0 imm 0"},
	"type_matches_deep/same": {"each unnamed member is tried, not the last only", "b7 r0 r0 off 0 imm 1"},
}

// TestCoreAgainstCilium relocates every program of testdata/core to every
// target, here and with cilium/ebpf: the instructions must be the same, or both
// must refuse.
func TestCoreAgainstCilium(t *testing.T) {
	clangs := clangs(t)
	kernels := make(map[string]kernel)
	for name, blob := range targetBTF(t, clangs[0]) {
		k := kernel{}
		var err error
		if k.ours, err = btf.Parse(blob); err != nil {
			t.Fatal(err)
		}
		if k.theirs, err = cbtf.LoadSpecFromReader(bytes.NewReader(blob)); err != nil {
			t.Fatal(err)
		}
		kernels[name] = k
	}
	used := make(map[string]bool)
	for _, clang := range clangs {
		for _, src := range sources(t, "testdata/core/*.c") {
			name := strings.TrimSuffix(filepath.Base(src), ".c")
			if clang == "clang-14" && (strings.HasPrefix(name, "type_matches") || name == "kernel_types") {
				continue // came with clang 15
			}
			b := compile(t, clang, src)
			for target, k := range kernels {
				switch {
				case strings.HasPrefix(name, "kernel_"): // real types
					if target != "vmlinux" {
						continue
					}
				case clang != clangs[0] && target != "same" && target != "moved":
					continue
				}
				t.Run(clang+"/"+name+"/"+target, func(t *testing.T) {
					mine, err := relocateOurs(b, k.ours)
					theirs, cerr := relocateCilium(b, k.theirs)
					key := name + "/" + target
					if clang == "clang-14" && name == "enumval_negative" && (target == "same" || target == "moved") {
						// Its BTF has no sign; libbpf takes all as signed.
						if want := map[string]string{"same": "18 r0 r0 off 0 imm -3", "moved": "18 r0 r0 off 0 imm -30"}[target]; err != nil ||
							mine[0] != want || mine[1] != "00 r0 r0 off 0 imm -1" {
							t.Errorf("%v %v, want %s", mine, err, want)
						}
						return
					}
					if d, ok := differs[key]; ok {
						used[key] = true
						if err != nil || cerr == nil && cmp.Equal(mine, theirs) || !slices.Contains(mine, d.want) {
							t.Errorf("%s:\nskep %v %v, want %s\ncilium/ebpf %v %v", d.why, mine, err, d.want, theirs, cerr)
						}
						return
					}
					if err != nil && (clang == clangs[0] || target == "vmlinux") {
						t.Errorf("skep refuses: %v", err)
					}
					if (err == nil) != (cerr == nil) {
						t.Fatalf("skep: %v\ncilium/ebpf: %v", err, cerr)
					}
					if diff := cmp.Diff(theirs, mine); diff != "" {
						t.Errorf("(-cilium +skep):\n%s", diff)
					}
				})
			}
		}
	}
	for key := range differs {
		if !used[key] {
			t.Errorf("%s is listed as different and was not run", key)
		}
	}
}

type kernel struct {
	ours   *btf.Spec
	theirs *cbtf.Spec
}

func relocateOurs(object []byte, target *btf.Spec) ([]string, error) {
	obj, err := Load(object)
	if err != nil {
		return nil, err
	}
	progs, err := obj.Relocate(target)
	if err != nil {
		return nil, err
	}
	return hexInsns(progs[0].Insns), nil
}

func hexInsns(insns []isa.Insn) []string {
	var out []string
	for _, i := range insns {
		out = append(out, fmtInsn(i))
	}
	return out
}

func relocateCilium(object []byte, target *cbtf.Spec) ([]string, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	insns := spec.Programs["prog"].Instructions
	offsets := make(map[string]int)
	slot := 0
	for i := range insns {
		if s := insns[i].Symbol(); s != "" {
			offsets[s] = slot
		}
		slot += int(insns[i].Size() / 8)
	}
	var relos []*cbtf.CORERelocation
	var at []int
	for i := range insns {
		if r := cbtf.CORERelocationMetadata(&insns[i]); r != nil {
			relos, at = append(relos, r), append(at, i)
		}
	}
	fixups, err := cbtf.CORERelocate(relos, []*cbtf.Spec{target}, binary.LittleEndian, spec.Types.TypeID)
	if err != nil {
		return nil, err
	}
	for i, f := range fixups {
		if err := f.Apply(&insns[at[i]]); err != nil {
			return nil, err
		}
	}
	var buf bytes.Buffer
	slot = 0
	for i := range insns {
		ins := insns[i]
		if ins.IsFunctionReference() {
			ins.Constant = int64(offsets[ins.Reference()] - slot - 1)
		}
		slot += int(ins.Size() / 8)
		ins.Metadata = asm.Metadata{}
		if _, err := ins.Marshal(&buf, binary.LittleEndian); err != nil {
			return nil, err
		}
	}
	raw, err := isa.DecodeAll(buf.Bytes())
	if err != nil {
		return nil, err
	}
	// libbpf makes two calls of a poisoned lddw, cilium/ebpf marks it otherwise.
	for i := range raw {
		if raw[i].IsWide() && raw[i].Dst == 10 && raw[i].Imm == PoisonCoreRelo {
			poison(raw, i, PoisonCoreRelo)
		}
	}
	return hexInsns(raw), nil
}
