package disasm_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"skep/wasm/listing/disasm"
)

// bytes | text, at offset 0x100: what the decoders of x/arch do not know or
// spell in another way, and the words for jumps and constants.
var known = []struct{ arch, bytes, text string }{
	{"amd64", "f30f1efa", "endbr64"},
	{"amd64", "c4e2b1f7c7", "shlx rax, rdi, r9"},
	{"amd64", "c44273f7d0", "shrx r10d, r8d, ecx"},
	{"amd64", "c4e2eaf7db", "sarx rbx, rbx, rdx"},
	{"amd64", "400fbec7", "movsx eax, dil"},
	{"amd64", "656740887dff", "mov byte ptr gs:[ebp-1], dil"},
	{"amd64", "48b88877665544332211", "movabs rax, 0x1122334455667788"},
	{"amd64", "48bf0030108800f0ffff", "movabs rdi, 0xfffff00088103000"},
	{"amd64", "49c7852801000008000000", "mov qword ptr [r13+0x128], 8"},
	{"amd64", "7402", "je 0x104"},
	{"amd64", "0f8600ffffff", "jbe 0x6"},
	{"amd64", "4c8d2576ffffff", "lea r12, [rip-0x8a]"},
	{"amd64", "65674e8d0429", "lea r8, gs:[ecx+r13d]"},
	{"amd64", "f0480fc15df8", "lock xadd qword ptr [rbp-8], rbx"},
	{"amd64", "0f0b", "ud2"},
	{"amd64", "cc", "int3"},
	{"amd64", "0f1f440000", "nop dword ptr [rax+rax]"},
	{"amd64", "06", ".byte 0x6"},
	{"arm64", "43fcff54", "b.lo 0x88"},
	{"arm64", "22050054", "b.hs 0x1a4"},
	{"arm64", "2000e1f8", "ldaddal x1, x0, [x1]"},
	{"arm64", "3f0021f8", "stadd x1, [x1]"},
	{"arm64", "20fce1c8", "casal x1, x0, [x1]"},
	{"arm64", "2080e1b8", "swpal w1, w0, [x1]"},
	{"arm64", "e16921b8", "str w1, [x15, x1]"},
	{"arm64", "00000000", ".inst 0x0"},
	{"arm64", "c003", ".byte 0xc0"},
	{"wasm", "418002", "i32.const 256"},
	{"wasm", "ff", ".byte 0xff"},
}

func read(arch string, code []byte, at int) disasm.Insn {
	switch arch {
	case "amd64":
		return disasm.AMD64(code, at)
	case "arm64":
		return disasm.ARM64(code, at)
	}
	return disasm.WASM(code)
}

func TestKnown(t *testing.T) {
	for _, c := range known {
		code, err := hex.DecodeString(c.bytes)
		if err != nil {
			t.Fatal(err)
		}
		in := read(c.arch, code, 0x100)
		if in.Text != c.text {
			t.Errorf("%s %s: %q, want %q", c.arch, c.bytes, in.Text, c.text)
		}
		if want := len(code); in.Size != want && !strings.HasPrefix(in.Text, ".byte") {
			t.Errorf("%s %s: %d bytes", c.arch, c.bytes, in.Size)
		}
	}
}

// FuzzInsn: any bytes are an instruction of at least one byte and no more than
// there are.
func FuzzInsn(f *testing.F) {
	for _, c := range known {
		code, _ := hex.DecodeString(c.bytes) // TestKnown says when one is wrong
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) == 0 {
			return
		}
		for _, arch := range []string{"amd64", "arm64", "wasm"} {
			if in := read(arch, code, 0); in.Size < 1 || in.Size > len(code) || in.Text == "" {
				t.Errorf("%s %x: %+v", arch, code, in)
			}
		}
	})
}
