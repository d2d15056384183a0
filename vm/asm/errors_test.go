package asm

import (
	"strings"
	"testing"
)

// helpers is a small table for tests.
var helpers = []string{"bpf_unspec", "bpf_map_lookup_elem", "bpf_map_update_elem", "bpf_map_delete_elem", "bpf_probe_read", "bpf_ktime_get_ns"}

func testResolver() *Resolver {
	return &Resolver{
		HelperName: func(id int32) string {
			if id < 0 || int(id) >= len(helpers) {
				return ""
			}
			return helpers[id]
		},
		HelperID: func(name string) (int32, bool) {
			for id, n := range helpers {
				if n == name {
					return int32(id), true
				}
			}
			return 0, false
		},
		KfuncName: func(id int32, off int16) (string, bool) { return "bpf_iter_num_new", id == 32709 },
		KfuncID:   func(name string) (int32, int16, bool) { return 32709, 0, name == "bpf_iter_num_new" },
		VarID:     func(name string) (int32, bool) { return 19056, name == "runqueues" },
		VarName: func(id int32) string {
			if id == 19056 {
				return "runqueues"
			}
			return ""
		},
	}
}

// Errors say where, what and what to do instead. In a source, the text in
// front of ^ ends where the error begins.
func TestErrors(t *testing.T) {
	tests := []struct {
		d    Dialect
		src  string // ^word^ marks the place
		want string
	}{
		{Conformance, "^mvo^ %r0, 1", "unknown mnemonic `mvo`; did you mean `mov`?"},
		{Conformance, "mov %r0, 1\n^ldxq^ %r0, [%r1]", "unknown mnemonic `ldxq`; did you mean `ldxb`?"},
		{Conformance, "^r0^ = 1", "unknown mnemonic `r0`; this is the kernel's or LLVM's dialect; here `r0 = 1` is written `mov %r0, 1`"},
		{Conformance, "lock^^", "expected an atomic operation after lock; as in `lock add [%r1+8], %r2`"},
		{Conformance, "mov %^w1^, 1", "this dialect has no w registers; the mnemonic says the width: mov32 %r1, 1"},
		{Conformance, "ldxb %r0, ^%^r1", "expected an address, found `%`; as in [%r1+8]"},
		{Conformance, "ja ^nowhere^\nexit", "no label `nowhere`; write `nowhere:` in front of the instruction to go to"},
		{Conformance, "mov %r0, ^2147483648^", "`2147483648` does not fit in the 32 bits of the immediate; as a bit pattern it is written 0x80000000"},
		{Kernel, "^mov^ %r0, 1", "unknown instruction `mov`; this is the conformance dialect; here `mov %r0, 1` is written `r0 = 1`"},
		{Kernel, "^exti^", "unknown instruction `exti`; did you mean `exit`?"},
		{Kernel, "r0 = 1\n  ^r11^ = 2", "there is no register `r11`; registers are r0 to r10, and w0 to w10 for their lower halves"},
		{Kernel, "if r1 ^=^ 5 goto +1", "expected a comparison; did you mean `==`?"},
		{Kernel, "r1 ^==^ 5", "expected an operation after `r1`; did you mean `=`?"},
		{Kernel, "r1 = ^w2^", "both registers are r, or both are w; write r2"},
		{Kernel, "r1 = *(^u33^ *)(r2 + 0)", "expected the type of a memory access; did you mean `u32`?"},
		{Kernel, "r1 = *(u32 *)(^w2^ + 0)", "an address needs all 64 bits; write r2"},
		{Kernel, "*(u32 *)(r10 ^- 40000^) = r1", "`- 40000` does not fit in the 16 bits of the offset"},
		{Kernel, "exit ^now please^", "`now please` is too much here; the instruction ends before it"},
		{Kernel, "^w1 = (s32)w2^", "there is no such instruction; the operation exists, but not with these operands"},
		{Kernel, "start:\nr0 = 0\ngoto ^strat^", "no label `strat`; did you mean `start`?"},
		{Kernel, "a:\n^a^:\nexit", "label `a` is defined twice; the first is in line 1"},
		{Kernel, "call ^bpf_map_lokup_elem^", "no function `bpf_map_lokup_elem`; did you mean `bpf_map_lookup_elem`?"},
		{Kernel, "call bpf_ktime_get_ns#^7^", "bpf_ktime_get_ns is helper 5, not 7; leave the number out"},
		{Kernel, ".map counts hash key=4\nr1 = map[^count^]", "no map `count`; did you mean `counts`?"},
		{Kernel, ".map counts hash ^keys^=4", "unknown setting `keys` of a map; did you mean `key`?"},
		{Kernel, "^.mpa^ counts hash", "unknown directive `.mpa`; did you mean `.map`?"},
		{Kernel, "0: r0 = 1\n^2^: exit", "this is instruction 1 of the file, not 2; a log skips what the verifier did not visit; take the numbers away or fill the gap"},
		{Kernel, "(b7) ^w1 = 5^", "the opcode in front is 0xb7, but this is 0xb4; take the opcode away, or correct one of the two"},
		{Kernel, "r0 = 0\nexit /* open^^", "the comment is not closed; end it with */"},
		{LLVM, "r0 = 1; ^exi^; exit", "unknown instruction `exi`; did you mean `exit`?"},
		{LLVM, "r1 = ^counts^ ll", "no map or function `counts`"},
		{LLVM, "r1 = ^counts^", "expected a value, found `counts`; a map is loaded by `r1 = map[counts]`, a memory cell by *(u32 *)(r1 + 4)"},
	}
	for _, tt := range tests {
		before, rest, _ := strings.Cut(tt.src, "^")
		word, after, _ := strings.Cut(rest, "^")
		res := Assemble(before+word+after, Options{Dialect: tt.d, Resolver: testResolver()})
		if len(res.Errors) != 1 {
			t.Errorf("%q: got %v, want one error", tt.src, res.Errors)
			continue
		}
		e := res.Errors[0]
		line := strings.Count(before, "\n") + 1
		col := len(before) - strings.LastIndexByte(before, '\n')
		want := itoa(line) + ":" + itoa(col) + ": " + tt.want
		if tt.want == "" || e.Error() != want || e.Len != len(word) {
			t.Errorf("%q:\n got %v (%d bytes)\nwant %v (%d bytes)", tt.src, e, e.Len, want, len(word))
		}
	}
}

// One file can have many errors, up to a limit, and the right lines count.
func TestManyErrors(t *testing.T) {
	res := Assemble("r0 = 1\nfoo\nr11 = 2\nr0 += 1\ngoto x\nexit", Options{})
	if len(res.Errors) != 3 || len(res.Insns) != 4 || len(res.Lines) != 4 {
		t.Errorf("%d errors, %d slots, %d positions: %v", len(res.Errors), len(res.Insns), len(res.Lines), res.Errors)
	}
	for i, line := range []int{2, 3, 5} {
		if res.Errors[i].Line != line {
			t.Errorf("error %d is in line %d, want %d", i, res.Errors[i].Line, line)
		}
	}
	if res = Assemble(strings.Repeat("bad\n", 1000), Options{}); len(res.Errors) != MaxErrors {
		t.Errorf("%d errors", len(res.Errors))
	}
}
