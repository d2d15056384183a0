package arm64

import (
	"debug/elf"
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
	"skep/jit/ir"
	"skep/vm/isa"
)

// encoding is an instruction in the syntax of GNU, and its bytes.
type encoding struct {
	text, hex string
	emit      func(a *encoder)
}

var encodings = []encoding{
	{"add x0, x1, x2", "2000028b", func(a *encoder) { a.rrr(w64, opAdd, 0, 1, 2) }},
	{"sub w10, w9, w8", "2a01084b", func(a *encoder) { a.rrr(w32, opSub, 10, 9, 8) }},
	{"neg x3, x3", "e30303cb", func(a *encoder) { a.rrr(w64, opSub, 3, zero, 3) }},
	{"cmp x16, x17", "1f0211eb", func(a *encoder) { a.rrr(w64, opSubs, zero, scratch, scratch2) }},
	{"tst w1, w2", "3f00026a", func(a *encoder) { a.rrr(w32, opAnds, zero, 1, 2) }},
	{"and x1, x2, x3", "4100038a", func(a *encoder) { a.rrr(w64, opAnd, 1, 2, 3) }},
	{"orr w1, w2, w3", "4100032a", func(a *encoder) { a.rrr(w32, opOrr, 1, 2, 3) }},
	{"eor x17, x17, x19", "310213ca", func(a *encoder) { a.rrr(w64, opEor, scratch2, scratch2, scratch3) }},
	{"mvn w17, w4", "f103242a", func(a *encoder) { a.rrr(w32, opOrn, scratch2, zero, 4) }},
	{"mov x7, x8", "e70308aa", func(a *encoder) { a.mov(w64, 7, 8) }},
	{"mov w7, w7", "e703072a", func(a *encoder) { a.mov(w32, 7, 7) }},
	{"add x16, x13, x16, lsr #7", "b01d508b", func(a *encoder) { a.rrr(w64, shifted(opAdd|opLsr, 7), scratch, context, scratch) }},
	{"add w0, w17, w16, lsl #3", "200e100b", func(a *encoder) { a.rrr(w32, shifted(opAdd, 3), 0, scratch2, scratch) }},
	{"add x16, x15, w4, uxtw", "f041248b", func(a *encoder) { a.rrr(w64, opUxtw, scratch, base, 4) }},
	{"udiv x1, x2, x3", "4108c39a", func(a *encoder) { a.rrr(w64, opUdiv, 1, 2, 3) }},
	{"sdiv w1, w2, w3", "410cc31a", func(a *encoder) { a.rrr(w32, opSdiv, 1, 2, 3) }},
	{"lsl x1, x2, x3", "4120c39a", func(a *encoder) { a.rrr(w64, opLslv, 1, 2, 3) }},
	{"lsr w1, w2, w3", "4124c31a", func(a *encoder) { a.rrr(w32, opLsrv, 1, 2, 3) }},
	{"asr x1, x2, x3", "4128c39a", func(a *encoder) { a.rrr(w64, opAsrv, 1, 2, 3) }},
	{"mul x1, x2, x3", "417c039b", func(a *encoder) { a.rrr(w64, opMul, 1, 2, 3) }},
	{"madd w0, w16, w19, w17", "0046131b", func(a *encoder) { a.rrrr(w32, opMadd, 0, scratch, scratch3, scratch2) }},
	{"msub x1, x16, x2, x1", "0186029b", func(a *encoder) { a.rrrr(w64, opMsub, 1, scratch, 2, 1) }},
	{"rev16 w5, w5", "a504c05a", func(a *encoder) { a.rr(w32, opRev16, 5, 5) }},
	{"rev w5, w6", "c508c05a", func(a *encoder) { a.rr(w32, opRev, 5, 6) }},
	{"rev x5, x6", "c50cc0da", func(a *encoder) { a.rr(w64, opRev|opRev8, 5, 6) }},

	{"add x10, x10, #0x400", "4a011091", func(a *encoder) { a.immArith(w64, opAddImm, opSubImm, 10, 10, 1024) }},
	{"sub x11, x11, #0x400", "6b0110d1", func(a *encoder) { a.immArith(w64, opAddImm, opSubImm, 11, 11, -1024) }},
	{"add w1, w2, #0x5, lsl #12", "41144011", func(a *encoder) { a.immArith(w32, opAddImm, opSubImm, 1, 2, 5<<12) }},
	{"cmp w17, #0x800, lsl #12", "3f026071", func(a *encoder) { a.immArith(w32, opSubsImm, opAddsImm, zero, scratch2, 8<<20) }},
	{"cmn x3, #0x1", "7f0400b1", func(a *encoder) { a.immArith(w64, opSubsImm, opAddsImm, zero, 3, -1) }},
	{"subs x14, x14, #0x8", "ce2100f1", func(a *encoder) { a.immArith(w64, opSubsImm, opAddsImm, fuel, fuel, 8) }},

	{"and x1, x2, #0xff", "411c4092", func(a *encoder) { a.immLogical(w64, opAndImm, 1, 2, 0xff) }},
	{"and w1, w1, #0xfffffff0", "216c1c12", func(a *encoder) { a.immLogical(w32, opAndImm, 1, 1, 1<<64-16) }},
	{"orr x1, x2, #0x5555555555555555", "41f000b2", func(a *encoder) { a.immLogical(w64, opOrrImm, 1, 2, 0x5555555555555555) }},
	{"eor w1, w2, #0xf000f", "418c0052", func(a *encoder) { a.immLogical(w32, opEorImm, 1, 2, 0xf000f) }},
	{"tst x16, #0x7", "1f0a40f2", func(a *encoder) { a.immLogical(w64, opAndsImm, zero, scratch, 7) }},
	{"and x1, x2, #0x8000000000000001", "41044192", func(a *encoder) { a.immLogical(w64, opAndImm, 1, 2, 1<<63|1) }},

	{"mov x4, #0x0", "040080d2", func(a *encoder) { a.movImm(4, 0) }},
	{"mov x4, #0xffffffffffffffff", "04008092", func(a *encoder) { a.movImm(4, 1<<64-1) }},
	{"mov x4, #0x1234", "844682d2", func(a *encoder) { a.movImm(4, 0x1234) }},
	{"mov x4, #0x12340000", "8446a2d2", func(a *encoder) { a.movImm(4, 0x12340000) }},
	{"mov x4, #0xffffffffffffedcb", "84468292", func(a *encoder) { a.movImm(4, ^uint64(0x1234)) }},
	{"mov w4, #0xffffedcb", "84468212", func(a *encoder) { a.movImm(4, 0xffffedcb) }},
	{"mov w4, #0x1234ffff", "64b9bd12", func(a *encoder) { a.movImm(4, 0x1234ffff) }},
	{"mov x4, #0xff00ff00ff00ff", "e49f00b2", func(a *encoder) { a.movImm(4, 0xff00ff00ff00ff) }},
	{"mov w4, #0xf0f0f0f", "e4cf0032", func(a *encoder) { a.movImm(4, 0x0f0f0f0f) }},
	{"mov x4, #0x5678; movk x4, #0x1234, lsl #16", "04cf8ad28446a2f2", func(a *encoder) { a.movImm(4, 0x12345678) }},
	{"mov x4, #0x7788; movk x4, #0x5566, lsl #16; movk x4, #0x3344, lsl #32; movk x4, #0x1122, lsl #48", "04f18ed2c4acaaf28468c6f24424e2f2", func(a *encoder) { a.movImm(4, 0x1122334455667788) }},
	{"mov x4, #0xffffffffffffa987; movk x4, #0x1234, lsl #32", "04cf8a928446c2f2", func(a *encoder) { a.movImm(4, 0xffff1234ffffa987) }},

	{"lsl x1, x2, #3", "41f07dd3", func(a *encoder) { a.lslImm(w64, 1, 2, 3) }},
	{"lsl w1, w2, #31", "41000153", func(a *encoder) { a.lslImm(w32, 1, 2, 31) }},
	{"lsr x1, x2, #63", "41fc7fd3", func(a *encoder) { a.lsrImm(w64, 1, 2, 63) }},
	{"lsr w1, w2, #4", "417c0453", func(a *encoder) { a.lsrImm(w32, 1, 2, 4) }},
	{"asr x1, x2, #5", "41fc4593", func(a *encoder) { a.asrImm(w64, 1, 2, 5) }},
	{"asr w1, w2, #1", "417c0113", func(a *encoder) { a.asrImm(w32, 1, 2, 1) }},
	{"ror x1, x2, #13", "4134c293", func(a *encoder) { a.rorImm(w64, 1, 2, 13) }},
	{"ror w1, w1, #7", "211c8113", func(a *encoder) { a.rorImm(w32, 1, 1, 7) }},
	{"sxtb x1, w2", "411c4093", func(a *encoder) { a.sext(w64, 1, 2, 8) }},
	{"sxth w1, w2", "413c0013", func(a *encoder) { a.sext(w32, 1, 2, 16) }},
	{"sxtw x1, w2", "417c4093", func(a *encoder) { a.sext(w64, 1, 2, 32) }},
	{"uxth w1, w2", "413c0053", func(a *encoder) { a.zext(1, 2, 16) }},

	{"ldrb w1, [x15,w2,uxtw]", "e1496238", func(a *encoder) { a.indexed(opLdr, 1, 1, base, 2) }},
	{"ldrh w1, [x15,w2,uxtw]", "e1496278", func(a *encoder) { a.indexed(opLdr, 2, 1, base, 2) }},
	{"ldr w1, [x15,w2,uxtw]", "e14962b8", func(a *encoder) { a.indexed(opLdr, 4, 1, base, 2) }},
	{"ldr x1, [x15,w16,uxtw]", "e14970f8", func(a *encoder) { a.indexed(opLdr, 8, 1, base, scratch) }},
	{"ldrsb x1, [x15,w2,uxtw]", "e149a238", func(a *encoder) { a.indexed(opLdrs, 1, 1, base, 2) }},
	{"ldrsh x1, [x15,w2,uxtw]", "e149a278", func(a *encoder) { a.indexed(opLdrs, 2, 1, base, 2) }},
	{"ldrsw x1, [x15,w2,uxtw]", "e149a2b8", func(a *encoder) { a.indexed(opLdrs, 4, 1, base, 2) }},
	{"strb w1, [x15,w2,uxtw]", "e1492238", func(a *encoder) { a.indexed(opStr, 1, 1, base, 2) }},
	{"str xzr, [x15,w2,uxtw]", "ff4922f8", func(a *encoder) { a.indexed(opStr, 8, zero, base, 2) }},
	{"ldr x1, [x11,#504]", "61fd40f9", func(a *encoder) { a.offset(opLdr, 8, 1, frame, 504) }},
	{"ldrsh x1, [x11,#510]", "61fd8379", func(a *encoder) { a.offset(opLdrs, 2, 1, frame, 510) }},
	{"ldur x1, [x11,#3]", "613140f8", func(a *encoder) { a.offset(opLdr, 8, 1, frame, 3) }},
	{"sturh w1, [x11,#-1]", "61f11f78", func(a *encoder) { a.offset(opStr, 2, 1, frame, -1) }},
	{"str w9, [x16,#176]", "09b200b9", func(a *encoder) { a.offset(opStr, 4, 9, scratch, 176) }},
	{"ldr x17, [x13,#1128]", "b13542f9", func(a *encoder) { a.ctx(opLdr, 8, scratch2, 1128) }},
	{"stp x0, x1, [x13]", "a00500a9", func(a *encoder) { a.pair(opStp, 8, 0, 1, context, 0) }},
	{"stp w16, w17, [x13,#128]", "b0451029", func(a *encoder) { a.pair(opStp32, 4, scratch, scratch2, context, 128) }},
	{"stp x30, x6, [x12,#-16]!", "9e19bfa9", func(a *encoder) { a.push(link, 6) }},
	{"str x30, [x12,#-8]!", "9e8d1ff8", func(a *encoder) { a.push(link, zero) }},
	{"ldp x30, x6, [x12],#16", "9e19c1a8", func(a *encoder) { a.pop(link, 6) }},
	{"ldr x30, [x12],#8", "9e8540f8", func(a *encoder) { a.pop(link, zero) }},

	{"ldxr x19, [x16]", "137e5fc8", func(a *encoder) { a.exclusive(opLdxr, 8, 0, scratch3, scratch) }},
	{"stxr w20, w17, [x16]", "117e1488", func(a *encoder) { a.exclusive(opStxr, 4, scratch4, scratch2, scratch) }},
	{"stlxr w20, x17, [x16]", "11fe14c8", func(a *encoder) { a.exclusive(opStlxr, 8, scratch4, scratch2, scratch) }},
	{"ldarb w1, [x16]", "01fedf08", func(a *encoder) { a.exclusive(opLdar, 1, 0, 1, scratch) }},
	{"ldarh w1, [x16]", "01fedf48", func(a *encoder) { a.exclusive(opLdar, 2, 0, 1, scratch) }},
	{"ldar x1, [x16]", "01fedfc8", func(a *encoder) { a.exclusive(opLdar, 8, 0, 1, scratch) }},
	{"stlr w1, [x16]", "01fe9f88", func(a *encoder) { a.exclusive(opStlr, 4, 0, 1, scratch) }},
	{"dmb ish", "bf3b03d5", func(a *encoder) { a.word(opDmbIsh) }},

	{"b .+0x8", "02000014", func(a *encoder) { a.word(opB); a.patch(0, 8) }},
	{"bl .+0xfffffffffffffffc", "ffffff97", func(a *encoder) { a.word(opBl); a.patch(0, -4) }},
	{"b.cs .+0xffffc", "e2ff7f54", func(a *encoder) { a.word(cond(ccHS)); a.patch(0, 1<<20-4) }},
	{"b.cc .+0x8", "43000054", func(a *encoder) { a.word(opposite(cond(ccHS))); a.patch(0, 8) }},
	{"cbz w3, .+0xfffffffffff00000", "03008034", func(a *encoder) { a.word(compareZero(w32, opCbz, 3)); a.patch(0, -1<<20) }},
	{"cbnz x3, .+0x8", "430000b5", func(a *encoder) { a.word(opposite(compareZero(w64, opCbz, 3))); a.patch(0, 8) }},
	{"adrp x16, .+0xffffffffffffe000", "f0ffffd0", func(a *encoder) { a.adrp(scratch, -2) }},
	{"ret", "c0035fd6", func(a *encoder) { a.word(opRet) }},
}

// lseEncodings are those that x/arch does not know.
var lseEncodings = []encoding{
	{"stadd x1, [x16]", "1f0221f8", func(a *encoder) { a.exclusive(opLdadd, 8, 1, zero, scratch) }},
	{"stclr w17, [x16]", "1f1231b8", func(a *encoder) { a.exclusive(opLdclr, 4, scratch2, zero, scratch) }},
	{"ldaddal w1, w2, [x16]", "0202e1b8", func(a *encoder) { a.exclusive(opLdadd|opAcqRel, 4, 1, 2, scratch) }},
	{"ldclral x1, x2, [x16]", "0212e1f8", func(a *encoder) { a.exclusive(opLdclr|opAcqRel, 8, 1, 2, scratch) }},
	{"ldeoral x1, x2, [x16]", "0222e1f8", func(a *encoder) { a.exclusive(opLdeor|opAcqRel, 8, 1, 2, scratch) }},
	{"ldsetal w1, w2, [x16]", "0232e1b8", func(a *encoder) { a.exclusive(opLdset|opAcqRel, 4, 1, 2, scratch) }},
	{"swpal x1, x1, [x16]", "0182e1f8", func(a *encoder) { a.exclusive(opSwp|opAcqRel, 8, 1, 1, scratch) }},
	{"casal w0, w3, [x16]", "03fee088", func(a *encoder) { a.exclusive(opCasal, 4, 0, 3, scratch) }},
	{"casal x0, x3, [x16]", "03fee0c8", func(a *encoder) { a.exclusive(opCasal, 8, 0, 3, scratch) }},
}

// text is what x/arch reads in code.
func text(t *testing.T, code []byte) string {
	t.Helper()
	var out []string
	for at := 0; at < len(code); at += 4 {
		in, err := arm64asm.Decode(code[at:])
		if err != nil {
			t.Fatalf("at %d: % x: %v", at, code[at:at+4], err)
		}
		out = append(out, arm64asm.GNUSyntax(in))
	}
	return strings.Join(out, "; ")
}

// The encoder writes the bytes that are known, and x/arch reads in them what
// was asked for.
func TestEncode(t *testing.T) {
	for i, c := range slices.Concat(encodings, lseEncodings) {
		var a encoder
		c.emit(&a)
		if got := hex.EncodeToString(a.b); got != c.hex {
			t.Errorf("%s: %s, want %s", c.text, got, c.hex)
		}
		if i < len(encodings) {
			if got := text(t, a.b); got != c.text {
				t.Errorf("%s: read as %s", c.text, got)
			}
		}
	}
}

// LLVM's assembler makes the same bytes of the same text.
func TestLLVM(t *testing.T) {
	mc, err := exec.LookPath("llvm-mc-19")
	if err != nil {
		t.Skip("no llvm-mc-19: install Debian's llvm-19 (make setup does)")
	}
	var source, want strings.Builder
	for _, c := range slices.Concat(encodings, lseEncodings) {
		if strings.HasPrefix(c.text, "adrp") { // only the linker knows pages
			continue
		}
		source.WriteString(c.text + "\n")
		want.WriteString(c.hex)
	}
	object := filepath.Join(t.TempDir(), "code.o")
	cmd := exec.Command(mc, "--assemble", "--triple=aarch64", "--mattr=+lse", "--filetype=obj", "-o", object)
	cmd.Stdin = strings.NewReader(source.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := f.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b); got != want.String() {
		at := 0
		for at < len(got) && at < want.Len() && got[at] == want.String()[at] {
			at++
		}
		t.Errorf("LLVM differs in the instruction at %d: %s, here %s", at/8*4, got[at/8*8:], want.String()[at/8*8:])
	}
}

// Every constant that is a bitmask immediate is found to be one and reads as
// itself; of others none is.
func TestLogicalImm(t *testing.T) {
	seen := map[uint64]bool{}
	for size := 2; size <= 64; size *= 2 {
		for ones := 1; ones < size; ones++ {
			for turn := range size {
				e := uint64(1)<<ones - 1
				e = (e>>turn | e<<(size-turn)) & (^uint64(0) >> (64 - size))
				v := e
				for n := size; n < 64; n *= 2 {
					v |= v << n
				}
				seen[v] = true
				var a encoder
				if !a.immLogical(w64, opAndImm, 1, 2, v) {
					t.Fatalf("%#x is none", v)
				}
				if got, want := text(t, a.b), "and x1, x2, #0x"+strconv.FormatUint(v, 16); got != want {
					t.Fatalf("%s, want %s", got, want)
				}
			}
		}
	}
	if len(seen) != 5334 {
		t.Errorf("%d bitmasks, there are 5334", len(seen))
	}
	for v := range seen {
		for _, near := range []uint64{v + 1, v ^ 1<<20, 5 * v, 0, 1<<64 - 1} {
			if _, ok := logicalImm(w64, near); ok != seen[near] {
				t.Fatalf("%#x: %v, want %v", near, ok, seen[near])
			}
		}
	}
}

// Each row of the table has code, with each option, that reads as instructions
// and leaves alone the registers of Go and the system.
func TestEveryOpcode(t *testing.T) {
	exit := isa.Insn{Op: isa.KindExit.Row().Op}
	for k := range isa.Table {
		row := &isa.Table[k]
		i := isa.Insn{Op: row.Op, Src: row.Src, Off: row.Off, Imm: row.Imm}
		if row.Use.Dst() {
			i.Dst = 3
		}
		if row.Use.Src() {
			i.Src = 4
		}
		if row.Use.Imm() && row.Form != isa.FormGotol && row.Form != isa.FormCallLocal && row.Form != isa.FormWide {
			i.Imm = 0x12345
		}
		if row.Kind == isa.KindAddrSpaceCast {
			i.Imm = 1
		}
		insns := []isa.Insn{i, exit}
		if row.Form == isa.FormWide {
			w := isa.Wide(3, row.Src, 1)
			insns = []isa.Insn{w[0], w[1], exit}
		}
		for _, o := range []ir.Options{{}, {Blind: 1}, {NoFusion: true, NoInline: true}} {
			for _, f := range []ir.Facts{{}, {Accepted: true}} {
				u, err := ir.Build(&ir.Program{Insns: insns}, f, o)
				if err != nil {
					t.Fatalf("%s: %v", row.Name, err)
				}
				if _, err := Lower(u, Features{LSE: true}); err != nil {
					t.Errorf("%s: %v", row.Name, err)
				}
				c, err := Lower(u, Features{})
				if err != nil {
					t.Errorf("%s: %v", row.Name, err)
					continue
				}
				code := strings.NewReplacer(",", " ", "[", " ", "]", " ", ";", " ").Replace(text(t, c.Text))
				for _, word := range strings.Fields(code) {
					switch word {
					case "x18", "w18", "x28", "w28", "x29", "w29", "sp", "wsp":
						t.Fatalf("%s uses %s: %s", row.Name, word, code)
					}
				}
			}
		}
	}
}

// With blinding neither half of a program's constants stands in the code.
func TestBlinding(t *testing.T) {
	const v = 0x5eaf4d1
	mov, add, st := isa.KindMov64Imm.Row().Op, isa.KindAdd32Imm.Row().Op, isa.KindStW.Row().Op
	wide := isa.Wide(3, 0, v<<32|v)
	code := func(blind uint64) string {
		u, err := ir.Build(&ir.Program{Insns: []isa.Insn{
			{Op: mov, Dst: 1, Imm: v}, {Op: add, Dst: 1, Imm: v}, wide[0], wide[1],
			{Op: isa.KindDiv64Imm.Row().Op, Dst: 1, Imm: v}, {Op: st, Dst: 10, Off: -8, Imm: v},
			{Op: isa.KindJSgt64Imm.Row().Op, Dst: 1, Imm: v}, {Op: isa.KindExit.Row().Op},
		}}, ir.Facts{}, ir.Options{Blind: blind})
		if err != nil {
			t.Fatal(err)
		}
		c, err := Lower(u, Features{})
		if err != nil {
			t.Fatal(err)
		}
		return text(t, c.Text)
	}
	for _, half := range []string{"#0xf4d1", "#0x5ea"} {
		if n := strings.Count(code(0), half); n != 7 {
			t.Errorf("%s is in plain code %d times, want 7", half, n)
		}
		if n := strings.Count(code(7), half); n != 0 {
			t.Errorf("%s is in blinded code %d times:\n%s", half, n, code(7))
		}
	}
}
