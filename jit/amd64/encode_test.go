package amd64

import (
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
	"skep/jit/ir"
	"skep/vm/asm"
)

// text | hex: what x86asm reads must be what was asked for. It does not know
// VEX; shlx and its like are held by their bytes alone, from the manual.
func TestEncode(t *testing.T) {
	for _, c := range []struct {
		text, hex string
		emit      func(a *encoder)
	}{
		{"mov rax, rdi", "4889f8", func(a *encoder) { a.mov(w64, rax, rdi) }},
		{"mov r9d, r10d", "4589d1", func(a *encoder) { a.mov(0, r9, r10) }},
		{"add rbp, 0x400", "4881c500040000", func(a *encoder) { a.aluImm(w64, aluAdd, rbp, 1024) }},
		{"sub r14, 0x8", "4983ee08", func(a *encoder) { a.aluImm(w64, aluSub, r14, 8) }},
		{"cmp eax, 0x12345", "3d45230100", func(a *encoder) { a.aluImm(0, aluCmp, rax, 0x12345) }},
		{"cmp r12, qword ptr [r13+0x108]", "4d3ba508010000", func(a *encoder) { a.rm(w64, 0x3b, r12, ctx(0x108)) }},
		{"lea r12, ptr [rsi+rdx-0x8]", "4c8d6416f8", func(a *encoder) {
			a.lea(w64, r12, mem{base: rsi, index: rdx, hasIndex: true, disp: -8})
		}},
		{"lea rax, ptr [rbp]", "488d4500", func(a *encoder) { a.lea(w64, rax, mem{base: rbp}) }},
		{"lea r12, ptr [r12+0x200]", "4d8da42400020000", func(a *encoder) { a.lea(w64, r12, mem{base: r12, disp: 512}) }},
		{"mov al, byte ptr gs:[r9d]", "6567418a01", func(a *encoder) { a.rm(0, 0x8a, rax, mem{base: r9, gs: true}) }},
		{"mov byte ptr gs:[edi+0x4], sil", "656740887704", func(a *encoder) { a.rm(low8, 0x88, rsi, mem{base: rdi, disp: 4, gs: true}) }},
		{"mov word ptr gs:[r8d], r10w", "6567664589 10", func(a *encoder) { a.rm(p16, 0x89, r10, mem{base: r8, gs: true}) }},
		{"lock xadd qword ptr gs:[ebp-0x8], rbx", "6567f0480fc15df8", func(a *encoder) { a.rm(w64|lock, 0x0fc1, rbx, mem{base: rbp, disp: -8, gs: true}) }},
		{"movzx eax, word ptr gs:[esi+r9d]", "6567420fb7040e", func(a *encoder) {
			a.rm(0, 0x0fb7, rax, mem{base: rsi, index: r9, hasIndex: true, gs: true})
		}},
		{"movsx rdx, dil", "480fbed7", func(a *encoder) { a.rr(w64|rm8, 0x0fbe, rdx, rdi) }},
		{"movsx ecx, bpl", "400fbecd", func(a *encoder) { a.rr(rm8, 0x0fbe, rcx, rbp) }},
		{"imul r11, r8", "4d0fafd8", func(a *encoder) { a.rr(w64, 0x0faf, r11, r8) }},
		{"xor ecx, ecx", "31c9", func(a *encoder) { a.movImm(rcx, 0) }},
		{"mov r8d, -0x1", "41b8ffffffff", func(a *encoder) { a.movImm(r8, 0xffffffff) }},
		{"mov r8, -0x1", "49c7c0ffffffff", func(a *encoder) { a.movImm(r8, 1<<64-1) }},
		{"mov r11, 0x1122334455667788", "49bb8877665544332211", func(a *encoder) { a.movImm(r11, 0x1122334455667788) }},
		{"rol r9, 0x7", "49c1c107", func(a *encoder) { a.shiftImm(w64, shRol, r9, 7) }},
		{"sar edx, 0x1", "d1fa", func(a *encoder) { a.shiftImm(0, shSar, rdx, 1) }},
		{"push r12", "4154", func(a *encoder) { a.push(r12) }},
		{"pop rbx", "5b", func(a *encoder) { a.pop(rbx) }},
		{"shlx rax, rdi, r9", "c4e2b1f7c7", func(a *encoder) { a.shiftX(w64, shShl, rax, rdi, r9) }},
		{"shrx r10d, r8d, ecx", "c44273f7d0", func(a *encoder) { a.shiftX(0, shShr, r10, r8, rcx) }},
		{"sarx rbx, rbx, rdx", "c4e2eaf7db", func(a *encoder) { a.shiftX(w64, shSar, rbx, rbx, rdx) }},
	} {
		var a encoder
		c.emit(&a)
		want := strings.ReplaceAll(c.hex, " ", "")
		if got := hex.EncodeToString(a.b); got != want {
			t.Errorf("%s: %s, want %s", c.text, got, want)
		}
		if a.b[0] == 0xc4 {
			continue
		}
		in, err := x86asm.Decode(a.b, 64)
		if err != nil || in.Len != len(a.b) {
			t.Errorf("%s: %x: read as %v, %d bytes, %v", c.text, a.b, in, in.Len, err)
			continue
		}
		if got := x86asm.IntelSyntax(in, 0, nil); got != c.text {
			t.Errorf("%s: read as %s", c.text, got)
		}
	}
}

// Code reads as instructions from its start to its end, and each op begins at
// one of them.
func TestDecodes(t *testing.T) {
	res := asm.Assemble(`
		r6 = r1
		r7 = 0
		r2 = 0x1122334455667788 ll
	top:
		r3 = r10
		r3 += r7
		*(u16 *)(r3 -64) = r2
		lock *(u32 *)(r10 -8) += r2
		r2 = atomic64_fetch_xor((u64 *)(r10 -16), r2)
		r2 s/= r7
		w2 %= 7
		r2 = bswap32 r2
		r1 = r7
		call f
		if r0 s> 9 goto out
		if w7 & 64 goto out
		r7 += 1
		may_goto top
		goto top
	out:
		r0 = *(s8 *)(r10 -3)
		exit
	f:
		r6 = r1
		r0 = r6
		exit`, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors[0])
	}
	u, err := ir.Build(&ir.Program{Insns: res.Insns}, ir.Facts{}, ir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, feat := range []Features{{}, {GS: true}} {
		c, err := Lower(u, feat)
		if err != nil {
			t.Fatal(err)
		}
		starts := map[int32]bool{}
		for at := 0; at < len(c.Text); {
			in, err := x86asm.Decode(c.Text[at:], 64)
			if err != nil {
				t.Fatalf("at %d: %v: % x", at, err, c.Text[at:min(at+15, len(c.Text))])
			}
			starts[int32(at)] = true
			at += in.Len
		}
		for i, off := range c.Offset {
			if off >= 0 && !starts[off] {
				t.Errorf("op %d begins at %d, which is no instruction", i, off)
			}
		}
	}
}
