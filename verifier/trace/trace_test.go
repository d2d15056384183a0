package trace

import (
	"bytes"
	"errors"
	"go/format"
	"os"
	"slices"
	"strings"
	"testing"

	"skep/verifier"
	"skep/verifier/trace/schema"
	"skep/vm/asm"
	"skep/vm/hook"
)

// TestGenerated: the records and their coders are what the description says.
func TestGenerated(t *testing.T) {
	if m := schema.Check(); m != "" {
		t.Fatal(m)
	}
	for file, text := range map[string][]byte{"zrecord.go": schema.Go(), "../ztrace.go": schema.Engine(), "../../web/src/trace/zrecord.ts": schema.TypeScript()} {
		if strings.HasSuffix(file, ".go") {
			var err error
			if text, err = format.Source(text); err != nil {
				t.Fatal(err)
			}
		}
		if old, err := os.ReadFile(file); err != nil || !bytes.Equal(old, text) {
			t.Errorf("%s is stale (%v): go generate ./verifier/trace", file, err)
		}
	}
}

// TestWords: numbers of the file mean what they mean to the verifier.
func TestWords(t *testing.T) {
	for i, w := range zRegBaseWords {
		if got := verifier.RegType(i).String(); got != w {
			t.Errorf("register type %d is %q to the verifier, %q in the file", i, got, w)
		}
	}
	for word, b := range map[SlotByte]verifier.SlotType{
		SlotByteInvalid: verifier.SlotInvalid, SlotByteSpill: verifier.SlotSpill, SlotByteMisc: verifier.SlotMisc,
		SlotByteZero: verifier.SlotZero, SlotByteDynptr: verifier.SlotDynptr, SlotByteIter: verifier.SlotIter,
	} {
		if uint8(word) != uint8(b) {
			t.Errorf("stack byte %s is %d to the verifier", word, b)
		}
	}
	for bit, f := range map[int]verifier.RegType{8: verifier.PtrMaybeNull, 9: verifier.MemRdonly, 10: verifier.MemRingbuf, 11: verifier.MemUser,
		12: verifier.MemPercpu, 14: verifier.PtrUntrusted, 19: verifier.MemAlloc, 20: verifier.PtrTrusted, 21: verifier.MemRCU, 22: verifier.NonOwnRef} {
		if f != 1<<bit {
			t.Errorf("flag %#x is not bit %d, which web/src/trace/state.ts says", uint32(f), bit)
		}
	}
}

const (
	branches = `
	r2 = *(u32 *)(r1 + 0)
	r3 = *(u32 *)(r1 + 4)
	r4 = r2
	r4 += 14
	if r4 > r3 goto out
	r5 = *(u8 *)(r2 + 12)
	*(u64 *)(r10 - 8) = r5
	r1 = r5
	if r5 > 7 goto out
	call sub
	r0 = 1
	exit
out:
	r0 = 2
	exit
sub:
	r0 = r1
	r0 *= 3
	exit
`
	loop = `
	r6 = 0
l:	r6 += 1
	if r6 < 20000 goto l
	r0 = 2
	exit
`
)

func program(t testing.TB, text string) *verifier.Program {
	t.Helper()
	res := asm.Assemble(".prog xdp\n.license GPL\n"+text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors)
	}
	return &verifier.Program{Type: hook.XDP, GPL: true, Insns: res.Insns}
}

func recorded(t testing.TB, text string, limit int, cfg verifier.Config) (*verifier.Result, []byte) {
	t.Helper()
	p := program(t, text)
	rec := NewRecorder(p, limit)
	cfg.Tracer = rec
	res, err := verifier.Verify(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res, rec.Bytes(Describe("prog", p, &cfg, nil), res, func(_, _ uint32) string { return "" })
}

// TestLimit: a recorder that may keep little forgets the middle, and still
// knows all paths and counters.
func TestLimit(t *testing.T) {
	const limit = 64 << 10
	res, b := recorded(t, loop, limit, verifier.Config{})
	if res.Verdict != verifier.Accepted || len(b) > limit+64<<10 {
		t.Fatalf("%v, %d bytes", res.Verdict, len(b))
	}
	tr, err := Parse(b)
	if err == nil {
		err = tr.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	o := &tr.Outcome
	if tr.Steps() != res.InsnProcessed || o.Dropped == 0 || len(tr.Checkpoints) != res.TotalStates {
		t.Errorf("%d steps of %d, %d dropped, %d checkpoints of %d", tr.Steps(), res.InsnProcessed, o.Dropped, len(tr.Checkpoints), res.TotalStates)
	}
	first, last := tr.Step(0), tr.Step(tr.Steps()-1)
	if first == nil || last == nil || tr.Step(int(o.DroppedFrom)) != nil || tr.Step(int(o.DroppedFrom+o.Dropped)) == nil || tr.Step(int(o.DroppedFrom)-1) == nil {
		t.Errorf("steps %d to %d should be missing, no others", o.DroppedFrom, o.DroppedFrom+o.Dropped)
	}
	whole, b2 := recorded(t, loop, 0, verifier.Config{})
	if perStep := len(b2) / whole.InsnProcessed; perStep > 64 {
		t.Errorf("%d bytes a step", perStep)
	}
}

// TestReasons: why places changed, over a call, a spill and a branch.
func TestReasons(t *testing.T) {
	_, b := recorded(t, branches, 0, verifier.Config{})
	tr, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	for i := range tr.Steps() {
		s := tr.Step(i)
		for _, list := range [][]Change{s.After.Changes, s.Arrived} {
			for _, c := range list {
				reasons[Loc(c.Loc).String()+" "+c.Reason.String()] = true
			}
		}
	}
	for _, want := range []string{"r2 ctx", "r4 copy", "r4 alu", "r2 packet", "r4 packet", "r5 load", "fp-8 spill", "r1 copy", "r5 branchFalse", "r5 branchTrue",
		"r1 link", "fp-8 link", "r1[1] arg", "r0[1] copy", "r0[1] alu", "r0 result", "r0 const", "r1 clobber"} {
		if !reasons[want] {
			t.Errorf("no %q among %v", want, reasons)
		}
	}
}

// TestDeductions: how limits followed, and which way of a comparison taught nothing.
func TestDeductions(t *testing.T) {
	const unknown, out = "\tcall 7\n\tr1 = r0\n", "\nout:\tr0 = 2\n\texit\n"
	const load = "\tr2 = *(u32 *)(r1 + 0)\n\tr3 = *(u32 *)(r1 + 4)\n\tr4 = r2\n\tr4 += 8\n\tif r4 > r3 goto out\n\tr1 = *(u64 *)(r2 + 0)\n"
	for _, c := range []struct{ name, text, want string }{
		{"signed to unsigned", load + "\tif r1 s< 0 goto out\n\tif r1 s> 100 goto out" + out, "r1 branchFalse unsignedFromSigned"},
		{"unsigned to signed", load + "\tif r1 > 100 goto out" + out, "r1 branchFalse signedFromUnsigned"},
		{"low half", unknown + "\tif w1 > 100 goto out" + out, "r1 branchFalse wholeFromLow"},
		{"first bits", unknown + "\tif r1 > 1000 goto out\n\tif r1 > 100 goto out" + out, "r1 branchFalse bitsFromLimits"},
		{"bits", load + "\tr1 &= 12" + out, "r1 alu limitsFromBits"},
		{"wraps", load + "\tif r1 < 100 goto out\n\tr1 += 1000" + out, "r1 alu wraps"},
		{"not followed", load + "\tif r1 > 100 goto out\n\tr1 /= 3" + out, "r1 alu notFollowed"},
		{"cut", load + "\tw1 += 0" + out, "r1 alu cut"},
		{"equal, one way", unknown + "\tif r1 == 7 goto out" + out, "no fact: middle notTaken"},
		{"not equal, one way", unknown + "\tif r1 != 7 goto out" + out, "no fact: middle taken"},
		{"bits, one way", unknown + "\tif r1 & 6 goto out" + out, "no fact: manyBits taken"},
		{"unknowns", load + "\tr5 = *(u64 *)(r2 + 0)\n\tif r1 > r5 goto out" + out, "no fact: twoUnknowns notTaken"},
	} {
		_, b := recorded(t, c.text, 0, verifier.Config{})
		tr, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range tr.Steps() {
			s := tr.Step(i)
			for _, list := range [][]Change{s.After.Changes, s.Arrived} {
				for _, x := range list {
					if x.Deduction != DeductionDirect {
						got = append(got, Loc(x.Loc).String()+" "+x.Reason.String()+" "+x.Deduction.String())
					}
				}
			}
			for _, n := range s.NoFacts {
				got = append(got, "no fact: "+n.Kind.String()+" "+n.Way.String())
			}
		}
		if !slices.Contains(got, c.want) {
			t.Errorf("%s: no %q among %q", c.name, c.want, got)
		}
	}
}

// TestOverride: what if less were known.
func TestOverride(t *testing.T) {
	less := verifier.Unbounded()
	less.UMax = 1000
	text := strings.Replace(branches, "r0 *= 3", "r0 *= 3\n\tif r0 > 21 goto +0", 1)
	res, b := recorded(t, text, 0, verifier.Config{Overrides: []verifier.Override{{Step: 10, Frame: 1, Reg: 1, Set: less}}})
	tr, err := Parse(b)
	if err != nil || !res.Hypothetical || !tr.Program.Hypothetical {
		t.Fatal(err, res.Hypothetical)
	}
	if c := tr.Step(10).Before.Changes; len(c) != 1 || c[0].Reason != ReasonWhatIf || c[0].Reg.Bounds.UMax != 1000 || c[0].Reg.Bounds.U32Max != 1000 {
		t.Errorf("set: %+v", c)
	}
	p := program(t, branches)
	for _, c := range []struct {
		o    verifier.Override
		want error
	}{
		{verifier.Override{Step: 5000, Reg: 2, Set: less}, verifier.ErrOverridePlace},
		{verifier.Override{Step: 0, Reg: 7, Set: less}, verifier.ErrOverridePlace},
		{verifier.Override{Step: 0, Reg: 99, Set: less}, verifier.ErrOverridePlace},
		{verifier.Override{Step: 0, Reg: 1, Set: verifier.Bounds{UMin: 5, UMax: 1}}, verifier.ErrOverrideEmpty},
	} {
		if _, err := verifier.Verify(p, verifier.Config{Overrides: []verifier.Override{c.o}}); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.o, err, c.want)
		}
	}
}

// FuzzParse: whatever the bytes, reading them ends, in an error or in steps.
func FuzzParse(f *testing.F) {
	for _, text := range []string{branches, "r0 = 2\nexit\n", "exit\n", strings.Replace(loop, "20000", "300", 1)} {
		_, b := recorded(f, text, 0, verifier.Config{})
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := Parse(b)
		if err != nil {
			return
		}
		tr.Check()
		n := min(tr.Steps(), 300)
		run := make([]Concrete, 0, n)
		for i := range n {
			tr.Chain(tr.PathOf(i))
			tr.QueuedBy(i)
			tr.CheckpointAt(i)
			if s := tr.After(i); s != nil {
				for fr := range s.Frames {
					s.AppendFrame(nil, tr.Printer(), fr)
				}
				run = append(run, Concrete{Insn: tr.Insn(i)})
			}
		}
		tr.Follow(run)
	})
}
