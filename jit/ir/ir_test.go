package ir_test

import (
	"strings"
	"testing"

	"skep/jit/ir"
	"skep/vm/asm"
	"skep/vm/isa"
)

func build(t *testing.T, text string, f ir.Facts, o ir.Options) *ir.Unit {
	t.Helper()
	res := asm.Assemble(text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%v\n%s", res.Errors[0], text)
	}
	u, err := ir.Build(&ir.Program{Insns: res.Insns}, f, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return u
}

// What is fused and what must not be.
func TestFusions(t *testing.T) {
	const rot = "rotate"
	for _, c := range []struct {
		name, text string
		kind       ir.Kind
		n          int // ops of the group at the second instruction, 1 for none
	}{
		{"rotate right shift first", "r1 = 5\nr4 = r1\nr4 >>= 57\nr1 <<= 7\nr1 |= r4\nr0 = r1\nexit", ir.KindRotl64, 4},
		{"rotate left shift first", "r1 = 5\nr4 = r1\nr4 <<= 7\nr1 >>= 57\nr1 |= r4\nr0 = r1\nexit", ir.KindRotl64, 4},
		{"rotate into the copy", "r1 = 5\nr4 = r1\nr4 >>= 57\nr1 <<= 7\nr4 |= r1\nr0 = r4\nexit", ir.KindRotl64, 4},
		{"rotate of five", "r1 = 5\nr0 = r1\nr0 <<= 7\nr4 = r1\nr4 >>= 57\nr0 |= r4\nr0 += r1\nexit", ir.KindRotl64, 5},
		{"rotate of 32 bits", "r1 = 5\nw4 = w1\nw4 >>= 25\nw1 <<= 7\nw1 |= w4\nw0 = w1\nexit", ir.KindRotl32, 4},
		{"temporary wanted", "r1 = 5\nr4 = r1\nr4 >>= 57\nr1 <<= 7\nr1 |= r4\nr0 = r4\nexit", ir.Kind(isa.KindMov64Reg), 1},
		{"counts that do not match", "r1 = 5\nr4 = r1\nr4 >>= 56\nr1 <<= 7\nr1 |= r4\nr0 = r1\nexit", ir.Kind(isa.KindMov64Reg), 1},
		{"32 bits by 64-bit counts", "r1 = 5\nw4 = w1\nw4 >>= 25\nr1 <<= 7\nr1 |= r4\nr0 = r1\nexit", ir.Kind(isa.KindMov32Reg), 1},
		{"a jump into it", "r1 = 5\nr4 = r1\nr4 >>= 57\nr1 <<= 7\nr1 |= r4\nr0 = r1\nif r0 > 9 goto -4\nexit", ir.Kind(isa.KindMov64Reg), 1},
		{"load with an index", "r2 = 8\nr3 = r10\nr3 += r2\nr0 = *(u8 *)(r3 -9)\nexit", ir.Kind(isa.KindLdxB), 3},
		{"store with an index", "r2 = 8\nr3 = r10\nr3 += r2\nr3 += -30\n*(u8 *)(r3 -9) = r2\nr0 = 0\nexit", ir.Kind(isa.KindStxB), 4},
		{"address wanted", "r2 = 8\nr3 = r10\nr3 += r2\nr0 = *(u8 *)(r3 -9)\nr0 += r3\nexit", ir.KindLea, 2},
		{"store of the address", "r2 = 8\nr3 = r10\nr3 += r2\n*(u64 *)(r3 -16) = r3\nr0 = 0\nexit", ir.KindLea, 2},
		{"sum of three", "r2 = 8\nr0 = r10\nr0 += r2\nr0 += 7\nexit", ir.KindLea, 3},
		{"zero extension", "r2 = 8\nr2 <<= 32\nr2 >>= 32\nr0 = r2\nexit", ir.KindZext32, 2},
		{"sign extension", "r2 = 8\nr0 = r2\nr0 <<= 32\nr0 s>>= 32\nexit", ir.KindSext32, 3},
	} {
		u := build(t, c.text, ir.Facts{}, ir.Options{})
		if o := u.Ops[1]; o.Kind != c.kind || int(o.Len) != c.n {
			t.Errorf("%s: kind %d of %d ops, want %d of %d", c.name, o.Kind, o.Len, c.kind, c.n)
		}
		if strings.HasPrefix(c.name, rot) != (len(u.Notes) > 0 && u.Notes[0].Text == rot) {
			t.Errorf("%s: notes %v", c.name, u.Notes)
		}
		if u = build(t, c.text, ir.Facts{}, ir.Options{NoFusion: true}); u.Ops[1].Len != 1 {
			t.Errorf("%s: fused in spite of NoFusion", c.name)
		}
	}
}

// Facts drop the checks that they prove and no others, and say so.
func TestFacts(t *testing.T) {
	const text = "r2 = 3\nr3 = r10\nr0 = *(u64 *)(r3 -8)\nr0 /= r2\nr1 = *(u64 *)(r3 -16)\nr0 /= r1\nexit"
	u := build(t, text, ir.Facts{Accepted: true, Checked: []int{4}, NonZero: []int{3}}, ir.Options{NoFusion: true})
	var got []string
	for _, n := range u.Notes {
		got = append(got, n.Kind.String()+" "+n.Text)
	}
	want := "dropped check bounds: the verifier proved 8 bytes in reach|dropped check division by zero: the verifier proved a divisor that is not zero"
	if strings.Join(got, "|") != want || u.Notes[0].Slot != 2 || u.Notes[1].Slot != 3 {
		t.Errorf("notes %v", u.Notes)
	}
	if u.Ops[4].Flags&ir.Proved != 0 || u.Ops[5].Flags&ir.NonZero != 0 {
		t.Error("a check was dropped that nothing proves")
	}
}

// The depth of calls is bounded when nothing can call a function but calls.
func TestDepth(t *testing.T) {
	for _, c := range []struct {
		text    string
		shallow bool
	}{
		{"call f\nexit\nf:\nr0 = 1\nexit", true},
		{"call f\nexit\nf:\nr0 = 1\nif r0 > r1 goto out\ncall f\nout:\nexit", false},
		{"r2 = f ll\ncall f\nexit\nf:\nr0 = 1\nexit", false},
	} {
		u := build(t, c.text, ir.Facts{Alone: true}, ir.Options{})
		for i := range u.Ops {
			if o := &u.Ops[i]; o.Own == isa.KindCallLocal && o.Flags&ir.Shallow != 0 != c.shallow {
				t.Errorf("shallow is %v:\n%s", !c.shallow, c.text)
			}
		}
	}
}

// Programs that cannot be compiled are refused with the slot.
func TestErrors(t *testing.T) {
	e := isa.Insn{Op: isa.ClassJMP | isa.JmpExit}
	w := isa.Wide(1, 0, 7)
	for want, code := range map[string][]isa.Insn{
		"no instructions":            {},
		"instruction 0: jump to 5":   {{Op: isa.ClassJMP | isa.JmpA, Off: 4}, e},
		"instruction 2: jump to 1":   {w[0], w[1], {Op: isa.ClassJMP | isa.JmpA, Off: -2}, e},
		"instruction 1: r10":         {e, {Op: isa.ClassALU64 | isa.OpMov, Dst: 10}, e},
		"instruction 0: unknown":     {{Op: 0xff}},
		"longer than 1,000,000":      make([]isa.Insn, isa.MaxInsns+1),
		"instruction 0: lddw takes":  {w[0]},
		"more than 256 functions":    manyFuncs(),
		"instruction 0: there is no": {{Op: isa.ClassALU64 | isa.OpMov, Dst: 11}, e},
	} {
		_, err := ir.Build(&ir.Program{Insns: code}, ir.Facts{}, ir.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func manyFuncs() (out []isa.Insn) {
	for range 300 {
		out = append(out, isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Src: isa.PseudoCall, Imm: 300})
	}
	for range 601 {
		out = append(out, isa.Insn{Op: isa.ClassJMP | isa.JmpExit})
	}
	return out
}

// Programs that are large or knotted take time in proportion.
func TestLarge(t *testing.T) {
	chain := func(n int, each func(i int) isa.Insn) []isa.Insn {
		out := make([]isa.Insn, n)
		for i := range out {
			out[i] = each(i)
		}
		out[n-1] = isa.Insn{Op: isa.ClassJMP | isa.JmpExit}
		return out
	}
	for name, code := range map[string][]isa.Insn{
		"straight": chain(isa.MaxInsns, func(i int) isa.Insn { return isa.Insn{Op: isa.ClassALU64 | isa.OpAdd, Dst: uint8(i % 10), Imm: 1} }),
		"backward": chain(100_000, func(i int) isa.Insn {
			switch {
			case i == 0:
				return isa.Insn{Op: isa.ClassJMP32 | isa.JmpA, Imm: 99_997}
			case i == 1:
				return isa.Insn{Op: isa.ClassJMP | isa.JmpExit}
			}
			return isa.Insn{Op: isa.ClassJMP | isa.JmpA, Off: -2}
		}),
		"many ways ahead": chain(100_000, func(i int) isa.Insn {
			if i < 32_000 {
				return isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Dst: 1, Off: 32_000}
			}
			return isa.Insn{Op: isa.ClassALU64 | isa.OpAdd, Dst: 6, Imm: 1}
		}),
		"loops in loops": chain(60_000, func(i int) isa.Insn {
			if i >= 30_000 {
				return isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Dst: 1, Off: int16(-min(2*(i-30_000)+1, 30_000))}
			}
			return isa.Insn{Op: isa.ClassALU64 | isa.OpAdd, Dst: 6, Imm: 1}
		}),
		"shared functions": chain(200_000, func(i int) isa.Insn {
			if i < 200 {
				return isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Src: isa.PseudoCall, Imm: 300}
			}
			return isa.Insn{Op: isa.ClassALU64 | isa.OpAdd, Dst: 6, Imm: 1}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ir.Build(&ir.Program{Insns: code}, ir.Facts{}, ir.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}
