package object

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/vm/btf"
	"skep/vm/isa"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func load(t *testing.T, name string) *Object {
	t.Helper()
	o, err := LoadNamed(fixture(t, name), name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestImplicitMaps checks the maps that libbpf makes of global variables.
func TestImplicitMaps(t *testing.T) {
	o := load(t, "globals.o")
	type row struct {
		Name, Section string
		Size, Flags   uint32
		Frozen, Zero  bool
	}
	var got []row
	for _, m := range o.Maps {
		got = append(got, row{m.Name, m.Section, m.ValueSize, m.Flags, m.Frozen, m.Contents == nil})
	}
	want := []row{
		{"globals.data", ".data", 52, 0x400, false, false},
		{"globals.rodata", ".rodata", 28, 0x480, true, false},
		{".data.mine", ".data.mine", 4, 0x400, false, false},
		{".rodata.theirs", ".rodata.theirs", 4, 0x480, true, false},
		{".data.a_long_se", ".data.a_long_section_name", 8, 0x400, false, false},
		{"globals.bss", ".bss", 1000, 0x400, false, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, m := o.Map("globals.data")
	var vars []string
	for _, v := range m.Vars {
		text := o.BTF.AppendValue(nil, v.Type, m.Contents[v.Off:v.Off+v.Size])
		vars = append(vars, v.Name+" = "+string(text))
	}
	if diff := cmp.Diff([]string{
		`conf = {"a":1,"b":-2,"name":"eth0"}`, "table = [1,2,3,4]", "concealed = 9", "pointer = 4", "use.times = 5",
	}, vars); diff != "" {
		t.Error(diff)
	}
	if len(o.Warnings) != 1 || !strings.HasPrefix(o.Warnings[0], ".data: pointers") {
		t.Errorf("%q", o.Warnings)
	}
}

func TestImplicitName(t *testing.T) {
	for _, c := range [][3]string{
		{"my_object_name", ".rodata", "my_objec.rodata"}, {"my_object_name", ".bss", "my_objec.bss"},
		{"my_object_name", ".kconfig", "my_obje.kconfig"}, {"x", ".data", "x.data"}, {"", ".data", ".data"},
		{"a-b", ".data", "a_b.data"}, {"x", ".rodata.abracadabra", ".rodata.abracad"},
	} {
		if got := implicitName(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// TestSubprograms checks libbpf's order of subprograms, the sharing of one
// between callers, and that a hidden function is no global one.
func TestSubprograms(t *testing.T) {
	o := load(t, "subprogs.o")
	p := o.Program("first")
	var got []string
	for _, f := range p.Funcs {
		s := f.Name
		if f.Global {
			s += " global"
		}
		if (o.BTF.Type(f.Type).Linkage() == btf.LinkGlobal) != f.Global || o.BTF.Name(f.Type) != f.Name {
			t.Errorf("%s: BTF type %d %s, linkage %d", f.Name, f.Type, o.BTF.Name(f.Type), o.BTF.Type(f.Type).Linkage())
		}
		got = append(got, s)
	}
	if diff := cmp.Diff([]string{"first global", "hidden", "middle global", "leaf", "second", "weak global"}, got); diff != "" {
		t.Error(diff)
	}
	if len(p.FuncInfo) != len(p.Funcs) {
		t.Errorf("%d func_info records of %d functions", len(p.FuncInfo), len(p.Funcs))
	}
	for i, f := range p.Funcs {
		if fi := p.FuncInfo[i]; int(fi.Insn) != f.Start || fi.Type != f.Type {
			t.Errorf("func_info %d: %+v, function %+v", i, fi, f)
		}
	}
	for i := 1; i < len(p.LineInfo); i++ {
		if p.LineInfo[i].Insn <= p.LineInfo[i-1].Insn {
			t.Errorf("line_info %d: instruction %d after %d", i, p.LineInfo[i].Insn, p.LineInfo[i-1].Insn)
		}
	}
	if q := o.Program("quiet"); q == nil || q.Section != "?tracepoint/syscalls/sys_enter_openat" || q.License != "Dual BSD/GPL" {
		t.Errorf("%+v", q)
	}
}

func TestCallbacks(t *testing.T) {
	p := load(t, "callback.o").Program("loop")
	starts := make(map[int]string)
	for _, f := range p.Funcs {
		starts[f.Start] = f.Name
	}
	var got []string
	for i := 0; i < len(p.Insns); i++ {
		if insn := p.Insns[i]; insn.IsWide() {
			if insn.Src == isa.PseudoFunc {
				got = append(got, starts[i+1+int(insn.Imm)])
			}
			i++
		}
	}
	if diff := cmp.Diff([]string{"step", "global_cb", "visit"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestInitialElements(t *testing.T) {
	o := load(t, "mapdefs.o")
	_, outer := o.Map("outer")
	a, _ := o.Map("inner_a")
	b, _ := o.Map("inner_b")
	if diff := cmp.Diff([]Slot{{0, a, ""}, {2, b, ""}}, outer.Init); diff != "" {
		t.Error(diff)
	}
	_, jumps := o.Map("jumps")
	if diff := cmp.Diff([]Slot{{1, -1, "tail_one"}, {5, -1, "tail_two"}}, jumps.Init); diff != "" {
		t.Error(diff)
	}
}

func TestKconfig(t *testing.T) {
	o := load(t, "externs.o")
	i, m := o.Map("externs.kconfig")
	if i < 0 || !m.Frozen {
		t.Fatalf("%d %+v", i, o.Maps)
	}
	// By alignment, then size.
	var got []string
	for _, v := range m.Vars {
		got = append(got, v.Name+" "+u64(uint64(v.Off)))
	}
	if diff := cmp.Diff([]string{"CONFIG_HZ 0", "LINUX_KERNEL_VERSION 8", "CONFIG_SMP 12", "CONFIG_DEFAULT_HOSTNAME 13"}, got); diff != "" {
		t.Error(diff)
	}
	if !o.SetKconfig("LINUX_KERNEL_VERSION", 0x60c00) || !o.SetKconfig("CONFIG_SMP", 1) || o.SetKconfig("CONFIG_SMP", 256) || o.SetKconfig("CONFIG_NONE", 1) {
		t.Error("SetKconfig")
	}
	want := `{"CONFIG_HZ":0,"LINUX_KERNEL_VERSION":396288,"CONFIG_SMP":true,"CONFIG_DEFAULT_HOSTNAME":""}`
	if text := string(o.BTF.AppendValue(nil, m.ValueType, m.Contents)); text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	for _, r := range o.Program("ask").Maps {
		if r.Map != i || !r.Value {
			t.Errorf("%+v", r)
		}
	}
}

// TestKsyms resolves kfuncs and variables against a made-up kernel.
func TestKsyms(t *testing.T) {
	clang := clangs(t)[0]
	var b btf.Builder
	task := b.Pointer(b.Struct("task_struct", 4))
	acquire := b.Func("bpf_task_acquire", b.FuncProto(task, btf.Param{Name: "p", Type: task}), btf.LinkStatic)
	active := b.Var("bpf_prog_active", b.Int("int", 4, btf.IntSigned), btf.LinkGlobal)
	kernel, err := btf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	o := load(t, "externs.o")
	progs, err := o.Relocate(kernel)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range progs[0].Ksyms {
		insn := progs[0].Insns[k.Insn]
		switch e := o.Externs[k.Extern]; e.Name {
		case "bpf_task_acquire":
			if insn.Src != isa.PseudoKfuncCall || insn.Imm != int32(acquire) || !k.Call {
				t.Errorf("%s: %+v", e.Name, insn)
			}
		case "bpf_task_release": // weak, and not there
			if insn.Src != 0 || insn.Imm != PoisonKfunc+int32(k.Extern) {
				t.Errorf("%s: %+v", e.Name, insn)
			}
		case "bpf_prog_active", "runqueues": // addresses, no types
			if insn.Src != 0 || insn.Imm != 0 || e.Type != 0 {
				t.Errorf("%s: %+v", e.Name, insn)
			}
		default:
			t.Errorf("extern %s", e.Name)
		}
	}
	o, err = Load(compile(t, clang, "testdata/typed.c"))
	if err != nil {
		t.Fatal(err)
	}
	if progs, err = o.Relocate(kernel); err != nil {
		t.Fatal(err)
	}
	for _, k := range progs[0].Ksyms {
		want := isa.Insn{Op: 0x18, Dst: progs[0].Insns[k.Insn].Dst}
		if o.Externs[k.Extern].Name == "bpf_prog_active" {
			want.Src, want.Imm = isa.PseudoBTFID, int32(active)
		}
		if got := progs[0].Insns[k.Insn]; got != want {
			t.Errorf("%s: %+v, want %+v", o.Externs[k.Extern].Name, got, want)
		}
	}
	var empty btf.Builder
	none, _ := btf.Parse(empty.Bytes())
	_, err = o.Relocate(none)
	if err == nil || !strings.Contains(err.Error(), `"bpf_prog_active" is not in the kernel's BTF`) {
		t.Error(err)
	}
}

func TestStructOps(t *testing.T) {
	o := load(t, "structops.o")
	_, m := o.Map("reno")
	if m == nil || m.Type != mapTypeStructOps {
		t.Fatalf("%+v", o.Maps)
	}
	if diff := cmp.Diff([]Slot{{0, -1, "half"}, {8, -1, "avoid"}}, m.Init); diff != "" {
		t.Error(diff)
	}
	want := `{"ssthresh":0,"cong_avoid":0,"flags":6,"name":"skep_reno"}`
	if got := string(o.BTF.AppendValue(nil, m.ValueType, m.Contents)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestErrors damages an object and expects to be told where.
func TestErrors(t *testing.T) {
	le := binary.LittleEndian
	// header is the offset in the file of the header of a section.
	header := func(b []byte, name string) []byte {
		f, err := parseELF(b)
		if err != nil {
			t.Fatal(err)
		}
		return b[le.Uint64(b[40:])+uint64(f.section(name).index)*shdrSize:]
	}
	data := func(b []byte, name string) []byte {
		h := header(b, name)
		return b[le.Uint64(h[24:]):]
	}
	for _, c := range []struct {
		name, object string
		damage       func(b []byte) []byte
		want         string
	}{
		{"no ELF", "counter.o", func(b []byte) []byte { return []byte("int x;") }, "object: at byte 0: not an ELF file: expected the bytes 7f 45 4c 46, as clang -target bpf -c writes them"},
		{"32-bit", "counter.o", func(b []byte) []byte { b[4] = 1; return b }, "object: at byte 4: 32-bit ELF (class 1), expected 64-bit: compile with -target bpf"},
		{"big endian", "counter.o", func(b []byte) []byte { b[5] = 2; return b }, "object: at byte 5: big-endian ELF (data encoding 2) is not supported: compile with -target bpfel"},
		{"machine", "counter.o", func(b []byte) []byte { b[18] = 62; return b }, "object: at byte 18: machine 62, expected eBPF (247): compile with -target bpf"},
		{"linked", "counter.o", func(b []byte) []byte { b[16] = 2; return b }, "object: at byte 16: ELF type 2, expected a relocatable object (1): compile with -c and do not link"},
		{"truncated", "counter.o", func(b []byte) []byte { return b[:len(b)-100] }, "section headers at byte"},
		{"section size", "counter.o", func(b []byte) []byte { le.PutUint64(header(b, "xdp")[32:], 1<<40); return b }, "1099511627776 bytes at byte 64, ends behind the file of 5"},
		{"function size", "counter.o", func(b []byte) []byte { le.PutUint64(header(b, "xdp")[32:], 64); return b }, `object: section "xdp" at byte 0: function "count_packets": 600 bytes end behind the section of 64`},
		{"BTF", "counter.o", func(b []byte) []byte { data(b, ".BTF")[0] = 0; return b }, `object: section ".BTF" at byte 0: btf: at byte 0: no BTF`},
		{"BTF.ext", "counter.o", func(b []byte) []byte { data(b, ".BTF.ext")[2] = 7; return b }, `object: section ".BTF.ext" at byte 0: btf: at byte 2: .BTF.ext: version 7`},
		{"relocated instruction", "counter.o", func(b []byte) []byte { data(b, ".relxdp")[0] = 8; return b }, `object: section "xdp" at byte 8: a relocation of opcode 0x`},
		{"relocation offset", "counter.o", func(b []byte) []byte { data(b, ".relxdp")[0] = 3; return b }, `object: section "xdp" at byte 3: a relocation that is at no instruction`},
		{"relocation symbol", "counter.o", func(b []byte) []byte { data(b, ".relxdp")[15] = 9; return b }, `object: section ".relxdp" at byte 8: relocation by symbol 150994`},
		{"huge bss", "counter.o", func(b []byte) []byte { le.PutUint64(header(b, ".bss")[32:], 1<<33); return b }, "of 8589934592 zero bytes, an object may have 64 MiB of them"},
	} {
		_, err := Load(c.damage(fixture(t, c.object)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

// TestSourceErrors compiles what clang accepts and a loader must not.
func TestSourceErrors(t *testing.T) {
	clang := clangs(t)[0]
	const head = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	for _, c := range []struct {
		name, source string
		flags        []string
		want         string
	}{
		{"legacy maps", `struct bpf_map_def { unsigned int type; }; struct bpf_map_def SEC("maps") old = { 1 }; SEC("xdp") int p(void *c) { return 0; }`, nil,
			`section "maps" at byte 0: map definitions of type struct bpf_map_def are not supported since libbpf 1.0`},
		{"static program", `SEC("xdp") static int p(void *c) { return 0; } void *keep = p;`, nil, `function "p": a static function cannot be a program`},
		{"no BTF", `struct { __uint(type, 1); } m SEC(".maps"); SEC("xdp") int p(void *c) { return 0; }`, []string{"-g0"},
			`section ".maps" at byte 0: map definitions need BTF: compile with -g`},
		{"no type", `struct { __uint(max_entries, 1); } m SEC(".maps"); SEC("xdp") int p(void *c) { return 0; }`, nil,
			`map "m": the type is missing: __uint(type, BPF_MAP_TYPE_...)`},
		{"unknown attribute", `struct { __uint(type, 1); __uint(size, 3); } m SEC(".maps"); SEC("xdp") int p(void *c) { return 0; }`, nil,
			`map "m": unknown member "size"`},
		{"two sizes", `struct { __uint(type, 1); __type(key, int); __uint(key_size, 8); } m SEC(".maps"); SEC("xdp") int p(void *c) { return 0; }`, nil,
			`map "m": key_size is given twice: 4 and 8`},
		{"undefined function", `int missing(int); SEC("xdp") int p(struct xdp_md *c) { return missing(c->data); }`, nil,
			`undefined symbol "missing": define it, or declare it with __ksym or __kconfig`},
	} {
		src := t.TempDir() + "/p.c"
		if err := os.WriteFile(src, []byte(head+c.source+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(compile(t, clang, src, c.flags...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

// TestTextOnly takes global functions as programs when there is no SEC at all.
func TestTextOnly(t *testing.T) {
	src := t.TempDir() + "/p.c"
	if err := os.WriteFile(src, []byte("int first(void *c) { return 1; }\nint second(void *c) { return 2; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{nil, {"-g0"}} {
		o, err := Load(compile(t, clangs(t)[0], src, flags...))
		if err != nil || len(o.Programs) != 2 || o.Programs[1].Name != "second" || o.Programs[1].Section != ".text" {
			t.Errorf("%v %+v", err, o)
		}
	}
}

// TestPoison relocates to a kernel that has nothing, and again to one that has
// everything: Relocate leaves the object as it was.
func TestPoison(t *testing.T) {
	o := load(t, "core.o")
	var b btf.Builder
	none, err := btf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	progs, err := o.Relocate(none)
	if err != nil {
		t.Fatal(err)
	}
	relo := progs[0].CoreRelos[0]
	if got, want := progs[0].Insns[relo.Insn], (isa.Insn{Op: 0x85, Imm: PoisonCoreRelo}); got != want {
		t.Errorf("%+v", got)
	}
	want := "<byte_off> [7] struct nested.in.y (0:1:1 @ offset 8)"
	if got := string(o.BTF.AppendCoreRelo(nil, relo)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	progs, err = o.Relocate(o.BTF)
	if diff := cmp.Diff(o.Programs[0].Insns, progs[0].Insns); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := o.Relocate(nil); err == nil {
		t.Error("relocated without a kernel")
	}
}

// TestKernelBTF checks what libbpf would change in the BTF before the kernel
// sees it: places of all variables, no externs.
func TestKernelBTF(t *testing.T) {
	o := load(t, "externs.o")
	s, err := btf.Parse(o.BTF.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for section, want := range map[string]string{
		"license": "char LICENSE[4]; /* off 0, size 4 */",
		".ksyms": "int dummy_ksym; /* off 0, size 4 */\nint dummy_ksym; /* off 4, size 4 */\n" +
			"int bpf_prog_active; /* off 8, size 4 */\nint runqueues; /* off 12, size 4 */",
		".kconfig": "unsigned long CONFIG_HZ; /* off 0, size 8 */\nint LINUX_KERNEL_VERSION; /* off 8, size 4 */\n" +
			"_Bool CONFIG_SMP; /* off 12, size 1 */\nchar CONFIG_DEFAULT_HOSTNAME[16]; /* off 13, size 16 */",
	} {
		id, _ := s.Lookup(section, btf.KindDatasec)
		if got := string(s.AppendDef(nil, id)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", section, got, want)
		}
	}
	for typ := range s.All() {
		if k := typ.Kind(); (k == btf.KindFunc || k == btf.KindVar) && typ.Linkage() == btf.LinkExtern {
			t.Errorf("type %d, %s, is still extern", typ.ID(), typ.Name())
		}
	}
}
