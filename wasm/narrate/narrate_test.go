package narrate

import (
	"strings"
	"testing"

	"skep/vm/isa"
)

func scene(i isa.Insn) Scene {
	s := Scene{Insn: i, Target: 15, Place: "packet + 12", OldMem: "4", NewMem: "5", Const: "map counts", Func: "parse",
		Helper: "bpf_map_lookup_elem", Args: "map counts, fp-4", Result: "2 (XDP_PASS)"}
	for r := range s.Before {
		s.Before[r], s.After[r] = "6", "14"
	}
	s.Before[3], s.Before[2] = "packet + 14", "end of packet"
	return s
}

func TestSentences(t *testing.T) {
	for _, c := range []struct {
		insn      isa.Insn
		taken     bool
		did, next string
	}{
		{isa.Insn{Op: 0x07, Dst: 3, Imm: 14}, false, "r3 became 14 (packet + 14 plus 14).", "Next: make r3 packet + 14 plus 14."},
		{isa.Insn{Op: 0xbf, Dst: 1, Src: 3}, false, "r1 is now a copy of r3: 14.", "Next: copy r3 (packet + 14) to r1."},
		{isa.Insn{Op: 0xb7, Dst: 0, Imm: 2}, false, "r0 became 14.", "Next: set r0 to 2."},
		{isa.Insn{Op: 0x2d, Dst: 3, Src: 2, Off: 10}, false, "r3 (packet + 14) is not greater than r2 (end of packet): no jump.",
			"Next: go to 15 if r3 (packet + 14) is greater than r2 (end of packet)."},
		{isa.Insn{Op: 0x16, Dst: 1, Imm: 8, Off: 10}, true, "w1 (6) is equal to 8: jumped to 15.", "Next: go to 15 if w1 (6) is equal to 8."},
		{isa.Insn{Op: 0x45, Dst: 1, Imm: 8, Off: 10}, false, "r1 (6) has no bit in common with 8: no jump.", "Next: go to 15 if r1 (6) has a bit in common with 8."},
		{isa.Insn{Op: 0x71, Dst: 6, Src: 1, Off: 12}, false, "r6 became 14, read from packet + 12 (1 byte).", "Next: read 1 byte at packet + 12 into r6."},
		{isa.Insn{Op: 0x62, Dst: 10, Off: -4}, false, "4 bytes at packet + 12 became 5.", "Next: write 0 to 4 bytes at packet + 12."},
		{isa.Insn{Op: 0xdb, Dst: 0, Src: 1}, false, "8 bytes at packet + 12 became 5 (4 plus 6), in one indivisible step.",
			"Next: add r1 (6) to 8 bytes at packet + 12, in one indivisible step."},
		{isa.Insn{Op: 0x85, Imm: 1}, false, "bpf_map_lookup_elem returned 2 (XDP_PASS).", "Next: call bpf_map_lookup_elem(map counts, fp-4)."},
		{isa.Insn{Op: 0x95}, false, "The program returned 2 (XDP_PASS).", "Next: end the program with 2 (XDP_PASS)."},
		{isa.Insn{Op: 0xdc, Dst: 1, Imm: 16}, false, "r1 became 14: the low 16 bits of 6 in network byte order.",
			"Next: make r1 (6) its low 16 bits in network byte order."},
		{isa.Insn{Op: 0x87, Dst: 1}, false, "r1 became 14: the negative of 6.", "Next: negate r1 (6)."},
		{isa.Insn{Op: 0x18, Dst: 1, Src: 1}, false, "r1 became map counts.", "Next: set r1 to map counts."},
	} {
		s := scene(c.insn)
		s.Taken = c.taken
		if got := Did(&s); got != c.did {
			t.Errorf("%v did: got %q, want %q", c.insn, got, c.did)
		}
		if got := Next(&s); got != c.next {
			t.Errorf("%v next: got %q, want %q", c.insn, got, c.next)
		}
	}
}

// TestEveryOpcode: each row of the instruction table has a sentence of its own
// for both tenses.
func TestEveryOpcode(t *testing.T) {
	for i := range isa.Table {
		row := &isa.Table[i]
		for _, taken := range []bool{false, true} {
			s := scene(isa.Insn{Op: row.Op, Dst: 0, Src: row.Src, Off: row.Off, Imm: row.Imm})
			s.Taken = taken
			if isa.Lookup(s.Insn) != row {
				t.Fatalf("%s: the scene is not of this row", row.Text)
			}
			for _, text := range []string{Did(&s), Next(&s)} {
				if !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") || strings.HasSuffix(text, row.Doc+".") {
					t.Errorf("%s: %q", row.Text, text)
				}
			}
		}
	}
}
