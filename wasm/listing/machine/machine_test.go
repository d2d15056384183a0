package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skep/wasm/protocol"
)

const packet = `.prog xdp
.license GPL
.map counts array key=4 value=64 entries=8
	r6 = *(u32 *)(r1 + 0)
	r7 = *(u32 *)(r1 + 4)
	r1 = r6
	r1 += 14
	if r1 > r7 goto out
	r2 = *(u8 *)(r6 + 12)
	*(u32 *)(r10 - 4) = r2
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = 19088743
	lock *(u64 *)(r0 + 8) += r1
out:
	r0 = 2
	exit
`

var archs = []protocol.Arch{protocol.ArchAmd64, protocol.ArchArm64, protocol.ArchWasm}

func compile(t *testing.T, q *protocol.Compile) *protocol.MachineCode {
	t.Helper()
	c := new(Server).Compile(q)
	if len(c.Problems) > 0 || c.Refused != "" {
		t.Fatalf("no code: %v %s", c.Problems, c.Refused)
	}
	return c
}

// group finds the group of a slot.
func group(t *testing.T, c *protocol.MachineCode, slot int32) *protocol.CodeGroup {
	t.Helper()
	i := slices.IndexFunc(c.Groups, func(g protocol.CodeGroup) bool { return g.Slot == slot })
	if i < 0 {
		t.Fatalf("no group of slot %d", slot)
	}
	return &c.Groups[i]
}

// factAt is what a dropped check of a group says was known; "" for none.
func factAt(g *protocol.CodeGroup) string {
	for _, n := range g.Notes {
		if n.Kind == protocol.CodeNoteKindDropped && n.Fact != "" {
			return n.Fact
		}
	}
	return ""
}

// TestFacts: each dropped check says what the verifier knew there, and without
// facts nothing is said to be known.
func TestFacts(t *testing.T) {
	for _, arch := range archs {
		q := &protocol.Compile{Source: protocol.WireSource{Text: packet}, Arch: arch, Facts: true, Fusions: true}
		c := compile(t, q)
		if c.Outcome != protocol.OutcomeAccepted || !c.Facts {
			t.Errorf("outcome %d, facts %t", c.Outcome, c.Facts)
		}
		for slot, want := range map[int32]string{0: "R1=ctx()", 5: "R6=pkt(r=14)", 6: "R10=fp0", 14: "R0=map_value(map=counts,ks=4,vs=64)"} {
			if got := factAt(group(t, c, slot)); got != want {
				t.Errorf("arch %d, slot %d: known is %q, want %q", arch, slot, got, want)
			}
		}
		q.Facts = false
		safe := compile(t, q)
		if safe.Facts || len(safe.Code) <= len(c.Code) {
			t.Errorf("arch %d: %d bytes in safe mode, %d with facts", arch, len(safe.Code), len(c.Code))
		}
		for i := range safe.Groups {
			if f := factAt(&safe.Groups[i]); f != "" {
				t.Errorf("arch %d: safe mode knows %s", arch, f)
			}
		}
	}
}

// TestFusions: the instructions of a group say whose code does their work, and
// alone each has its own.
func TestFusions(t *testing.T) {
	for _, arch := range archs {
		q := &protocol.Compile{Source: protocol.WireSource{Text: packet}, Arch: arch, Facts: true, Fusions: true}
		c := compile(t, q)
		notes := func(slot int32, kind protocol.CodeNoteKind) bool {
			return slices.ContainsFunc(group(t, c, slot).Notes, func(n protocol.CodeNote) bool { return n.Kind == kind })
		}
		if g := group(t, c, 3); g.Head != 2 || len(g.Insns) != 0 || !notes(2, protocol.CodeNoteKindFusion) {
			t.Errorf("arch %d: r1 = r6; r1 += 14 is not one: %+v", arch, g)
		}
		if !notes(11, protocol.CodeNoteKindInlined) {
			t.Errorf("arch %d: the lookup is not done in place", arch)
		}
		q.Fusions = false
		c = compile(t, q)
		for _, g := range c.Groups {
			if g.Head >= 0 || slices.ContainsFunc(g.Notes, func(n protocol.CodeNote) bool { return n.Kind == protocol.CodeNoteKindFusion }) {
				t.Errorf("arch %d: slot %d is fused all the same", arch, g.Slot)
			}
		}
	}
}

// TestBlinding: no constant of the program stands in the code.
func TestBlinding(t *testing.T) {
	q := &protocol.Compile{Source: protocol.WireSource{Text: packet}, Arch: protocol.ArchAmd64, Fusions: true}
	plain := compile(t, q)
	q.Blind = true
	hidden := compile(t, q)
	for _, c := range []struct {
		code *protocol.MachineCode
		want bool
	}{{plain, true}, {hidden, false}} {
		got := strings.Contains(string(c.code.Code), "\x67\x45\x23\x01")
		if got != c.want {
			t.Errorf("the constant 0x1234567 stands in the code: %t, want %t", got, c.want)
		}
	}
}

// TestRejected: what the verifier refuses has safe code only, whatever is asked
// for, and the reason.
func TestRejected(t *testing.T) {
	text := ".prog xdp\n\tr1 = *(u32 *)(r1 + 0)\n\tr0 = *(u8 *)(r1 + 0)\n\texit\n"
	q := &protocol.Compile{Source: protocol.WireSource{Text: text}, Facts: true}
	c := compile(t, q)
	q.Facts = false
	if safe := compile(t, q); c.Outcome != protocol.OutcomeRejected || c.Facts || string(c.Code) != string(safe.Code) {
		t.Errorf("outcome %d, facts %t, %d bytes, %d in safe mode", c.Outcome, c.Facts, len(c.Code), len(safe.Code))
	}
	if len(c.Errors) == 0 || !strings.Contains(c.Errors[0], "invalid access to packet") {
		t.Errorf("errors %q", c.Errors)
	}
}

// TestNothing: what does not assemble has problems, what does not compile is
// refused with its slot.
func TestNothing(t *testing.T) {
	s := new(Server)
	c := s.Compile(&protocol.Compile{Source: protocol.WireSource{Text: "r0 = banana"}})
	if c.Outcome != protocol.OutcomeUnreadable || len(c.Problems) == 0 || len(c.Groups) > 0 {
		t.Errorf("%+v", c)
	}
	c = s.Compile(&protocol.Compile{Source: protocol.WireSource{Text: "\tr0 = 0\n\tr10 = 0\n\texit\n"}})
	if c.Refused == "" || c.Slot != 1 {
		t.Errorf("a write to r10: refused %q at %d", c.Refused, c.Slot)
	}
	// The program that was last asked for is kept, and no other taken for it.
	if c = s.Compile(&protocol.Compile{Source: protocol.WireSource{Text: packet}}); len(c.Groups) == 0 {
		t.Error("no code behind one that was refused")
	}
}

// programs are those of the verifier's tests, and the one above.
func programs(t *testing.T) map[string]protocol.WireSource {
	t.Helper()
	all := map[string]protocol.WireSource{"packet": {Text: packet}}
	files, err := filepath.Glob("../../verdict/testdata/*.[os]")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d programs (%v), at least 10 expected", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src := protocol.WireSource{Text: string(b), Name: "prog.s"}
		if filepath.Ext(f) == ".o" {
			src = protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: "prog.bpf.o"}
		}
		all[filepath.Base(f)] = src
	}
	return all
}

// TestWhole: of every program, for every target and with every
// option, each byte of the code is named exactly once and each instruction of
// eBPF has its place.
func TestWhole(t *testing.T) {
	for name, src := range programs(t) {
		s := new(Server)
		for _, arch := range archs {
			for n := range 8 {
				q := &protocol.Compile{Source: src, Arch: arch, Facts: n&1 != 0, Fusions: n&2 != 0, Blind: n&4 != 0}
				c := s.Compile(q)
				if name == "jump-out.s" { // it leads nowhere, which the text says
					if c.Refused == "" || c.Slot != 1 {
						t.Errorf("%s: refused %q at %d", name, c.Refused, c.Slot)
					}
					continue
				}
				if len(c.Problems) > 0 || c.Refused != "" {
					t.Errorf("%s, arch %d: %v %s", name, arch, c.Problems, c.Refused)
					continue
				}
				whole(t, name, arch, c)
			}
		}
	}
}

func whole(t *testing.T, name string, arch protocol.Arch, c *protocol.MachineCode) {
	t.Helper()
	named := make([]int, len(c.Code))
	had := map[int32]bool{}
	insns := uint32(0)
	for _, g := range c.Groups {
		if g.Slot >= 0 && g.Slot < int32(c.Slots) {
			insns++
			if had[g.Slot] {
				t.Errorf("%s, arch %d: slot %d twice", name, arch, g.Slot)
			}
			had[g.Slot] = true
		}
		if g.Head >= 0 && (!had[g.Head] || len(g.Insns) > 0) {
			t.Errorf("%s, arch %d: slot %d is part of %d", name, arch, g.Slot, g.Head)
		}
		for _, in := range g.Insns {
			if strings.HasPrefix(in.Text, ".") {
				t.Errorf("%s, arch %d: slot %d: %s", name, arch, g.Slot, in.Text)
			}
			if in.To >= int32(c.Slots) {
				t.Errorf("%s, arch %d: slot %d: %s leads to %d", name, arch, g.Slot, in.Text, in.To)
			}
			for i := range in.Size {
				named[in.At+uint32(i)]++
			}
		}
	}
	if insns != c.Insns {
		t.Errorf("%s, arch %d: %d of %d instructions", name, arch, insns, c.Insns)
	}
	least := 1
	if arch == protocol.ArchWasm {
		least = 0 // the module's other sections
	}
	for at, n := range named {
		if n > 1 || n < least {
			t.Errorf("%s, arch %d: the byte at %d is named %d times", name, arch, at, n)
			break
		}
	}
}

// TestDisassemble: code from elsewhere, by its marks; those out of order are
// passed over.
func TestDisassemble(t *testing.T) {
	code := []byte{0xf3, 0x0f, 0x1e, 0xfa, 0x31, 0xc0, 0x85, 0xff, 0x74, 0x02, 0xff, 0xc0, 0xc9, 0xc3}
	c := Disassemble(&protocol.Disassemble{Code: code, Marks: []protocol.CodeMark{{At: 4, Slot: 0}, {At: 6, Slot: 1}, {At: 2, Slot: 9}, {At: 10, Slot: 2}, {At: 11, Slot: 2}, {At: 12, Slot: 3}, {At: 99, Slot: 4}}})
	var got []string
	for _, g := range c.Groups {
		line := strconv.Itoa(int(g.Slot)) + ":"
		for _, in := range g.Insns {
			line += " " + in.Text
			if in.To >= 0 {
				line += " (" + strconv.Itoa(int(in.To)) + ")"
			}
			line += ";"
		}
		got = append(got, line)
	}
	want := []string{"-1: endbr64;", "0: xor eax, eax;", "1: test edi, edi; je 0xc (3);", "2: inc eax;", "3: leave; ret;"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
