package asm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/vm/isa"
)

const teaching = `// Counts packets by protocol.
.prog xdp
.license GPL
.map counts hash key=4 value=8 entries=128
.map conf array key=4 value=16 entries=1 flags=0x400

.section "xdp"
main:
	r6 = r1                     ; the context
	*(u32 *)(r10 -4) = 7
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	lock *(u64 *)(r0 +0) += r2  # one more
	r3 = map[conf][0]+8
	r1 = 3
	call double                 /* a function of this file */
out:	r0 = 2
	exit

.global double
.func double
	r0 = r1
	r0 += r1
	exit
`

func TestSource(t *testing.T) {
	res := Assemble(teaching, Options{Dialect: Kernel, Resolver: testResolver()})
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors)
	}
	if res.ProgType != "xdp" || res.License != "GPL" {
		t.Errorf("type %q, licence %q", res.ProgType, res.License)
	}
	want := Result{
		Labels: []Label{
			{"main", 0, Pos{8, 1, 5}},
			{"out", 13, Pos{20, 1, 4}},
			{"double", 15, Pos{24, 7, 13}},
		},
		Funcs: []Func{
			{"main", 0, 15, "xdp", false, Pos{8, 1, 5}},
			{"double", 15, 18, "xdp", true, Pos{24, 7, 13}},
		},
		Maps: []Map{
			{Name: "counts", Type: "hash", Key: 4, Value: 8, Entries: 128, Pos: Pos{4, 6, 12}},
			{Name: "conf", Type: "array", Key: 4, Value: 16, Entries: 1, Flags: 0x400, Pos: Pos{5, 6, 10}},
		},
		Relocs: []Reloc{
			{4, RelocMap, "counts", 0, Pos{13, 11, 17}},
			{9, RelocMapValue, "conf", 1, Pos{17, 11, 15}},
		},
	}
	for _, d := range []string{
		cmp.Diff(want.Labels, res.Labels), cmp.Diff(want.Funcs, res.Funcs),
		cmp.Diff(want.Maps, res.Maps), cmp.Diff(want.Relocs, res.Relocs),
	} {
		if d != "" {
			t.Error(d)
		}
	}
	if i := res.Insns[9]; i.Src != isa.PseudoMapValue || i.Imm != 1 || res.Insns[10].Imm != 8 {
		t.Errorf("map value load: %+v %+v", i, res.Insns[10])
	}
	if got, want := res.Lines[0], (Pos{9, 2, 9}); got != want {
		t.Errorf("slot 0 is at %v, want %v", got, want)
	}
	if got, want := res.Lines[13], (Pos{20, 6, 12}); got != want {
		t.Errorf("slot 13 is at %v, want %v", got, want)
	}
	if got := Text(Kernel, res.Insns, 12, nil); got != "call pc+2" {
		t.Errorf("call: %q", got)
	}
}

// Listings of the kernel and of LLVM can be pasted.
func TestListings(t *testing.T) {
	tests := []struct {
		name string
		d    Dialect
		src  string
		want string // in the kernel's words
	}{
		{"log", Kernel, `0: (61) r4 = *(u32 *)(r1 +12)         ; R1=ctx() R4_w=scalar(smin=0)
1: (18) r6 = 0x1122334455667788       ; R6_w=0x1122334455667788
3: (85) call bpf_ktime_get_ns#5       ; R0_w=scalar()
4: (85) call bpf_iter_num_new#32709
5: (85) call pc+1
6: (95) exit
7: (b7) r0 = 0
8: (95) exit`, `r4 = *(u32 *)(r1 +12)
r6 = 0x1122334455667788 ll
call bpf_ktime_get_ns#5
call kfunc bpf_iter_num_new#32709
call pc+1
exit
r0 = 0
exit`},
		{"objdump", LLVM, `0000000000000000 <main>:
; int x = 1;
       0:	b7 01 00 00 01 00 00 00	r1 = 0x1
       1:	18 02 00 00 bc 9a 78 56 00 00 00 00 34 12 00 00	r2 = 0x123456789abc ll
       3:	2d 12 01 00 00 00 00 00	if r2 > r1 goto +0x1 <LBB0_2>
       4:	85 00 00 00 01 00 00 00	call 0x1

0000000000000028 <LBB0_2>:
       5:	95 00 00 00 00 00 00 00	exit`, `r1 = 1
r2 = 0x123456789abc ll
if r2 > r1 goto pc+1
call bpf_map_lookup_elem#1
exit`},
		{"alu32", LLVM, "w1 = *(u32 *)(r2 + 4); w0 = cmpxchg32_32(r10 - 8, w0, w1); *(u8 *)(r3 + 0) = w1; w2 = atomic_fetch_add((u32 *)(r1 + 4), w2)",
			"r1 = *(u32 *)(r2 +4)\nr0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r1)\n*(u8 *)(r3 +0) = r1\nr2 = atomic_fetch_add((u32 *)(r1 +4), r2)"},
		{"symbols", LLVM, ".map counts hash key=4 value=8 entries=1\nf: r1 = counts ll\nr2 = cb ll\nr3 = counts[0]+8 ll\ncall cb\nexit\ncb: exit",
			"r1 = map[fd:0]\nr2 = subprog[+5]\nr3 = map[fd:0][0]+8\ncall pc+1\nexit\nexit"},
		{"conformance", Conformance, "\tmov32 %r0, 1 # one\nlddw %r1, 0x1122334455667788\nstxdw [%r10-8], %r1\nlock fetch add [%r10-8], %r0\njne %r0, %r1, out\nswap16 %r0\nout: exit",
			"w0 = 1\nr1 = 0x1122334455667788 ll\n*(u64 *)(r10 -8) = r1\nr0 = atomic64_fetch_add((u64 *)(r10 -8), r0)\nif r0 != r1 goto pc+1\nr0 = bswap16 r0\nexit"},
		{"kfunc", Kernel, "call bpf_iter_num_new\nr1 = ksym[runqueues]\nmay_goto +1\nexit\nexit",
			"call kfunc bpf_iter_num_new#32709\nr1 = ksym[runqueues]\nmay_goto pc+1\nexit\nexit"},
	}
	for _, tt := range tests {
		r := testResolver()
		res := Assemble(tt.src, Options{Dialect: tt.d, Resolver: r})
		if len(res.Errors) > 0 {
			t.Errorf("%s: %v", tt.name, res.Errors)
			continue
		}
		var got []string
		for pc := 0; pc < len(res.Insns); pc++ {
			got = append(got, Text(Kernel, res.Insns, pc, r))
			if res.Insns[pc].IsWide() {
				pc++
			}
		}
		if d := cmp.Diff(tt.want, strings.Join(got, "\n")); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if got := Detect(tt.src); got != tt.d && tt.name != "kfunc" {
			t.Errorf("%s: detected %v", tt.name, got)
		}
	}
}

// Names that the file does not have are left to the loader when it asks so.
func TestExterns(t *testing.T) {
	src := "r1 = map[events]\nr2 = conf ll\ncall bpf_obj_new\nexit"
	res := Assemble(src, Options{Externs: true})
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors)
	}
	want := []Reloc{
		{0, RelocMap, "events", -1, Pos{1, 10, 16}},
		{2, RelocMap, "conf", -1, Pos{2, 6, 10}},
		{4, RelocKfunc, "bpf_obj_new", -1, Pos{3, 6, 17}},
	}
	if d := cmp.Diff(want, res.Relocs); d != "" {
		t.Error(d)
	}
}

// A resolver that names everything gives text that still assembles.
func TestRoundTripNames(t *testing.T) {
	res := Assemble(teaching, Options{Resolver: testResolver()})
	r := testResolver()
	r.MapName = func(imm int32) string { return res.Maps[imm].Name }
	for d := range numDialects {
		var src []byte
		for _, m := range res.Maps {
			src = AppendMap(src, m)
		}
		text := string(src) + Disassemble(d, res.Insns, r)
		back := Assemble(text, Options{Dialect: d, Resolver: r})
		if len(back.Errors) > 0 || string(isa.EncodeAll(back.Insns)) != string(isa.EncodeAll(res.Insns)) {
			t.Errorf("%v: %v\n%s", d, back.Errors, text)
		}
		if !strings.Contains(text, "counts") {
			t.Errorf("%v: no map name in\n%s", d, text)
		}
	}
}

// The limits hold.
func TestLimits(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("x", MaxSource+1),
		strings.Repeat("r1 + ", maxTokens),
		strings.Repeat(".map m", 1),
	} {
		if res := Assemble(src, Options{}); len(res.Errors) == 0 {
			t.Errorf("no error for %.20q...", src)
		}
	}
}

// Printing for the verifier does not allocate.
func TestAppendKernelAllocs(t *testing.T) {
	res := Assemble(teaching, Options{Resolver: testResolver()})
	r := testResolver()
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		for pc := range res.Insns {
			buf = AppendKernel(buf[:0], res.Insns, pc, r)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendKernel(b *testing.B) {
	res := Assemble(teaching, Options{Resolver: testResolver()})
	r := testResolver()
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buf = AppendKernel(buf[:0], res.Insns, i%len(res.Insns), r)
	}
}
