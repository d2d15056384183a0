package asm

import (
	"math/rand"
	"strings"
	"testing"

	"skep/vm/isa"
)

// example makes a legal instruction of a row with the operand fields at random.
func example(row *isa.Row, rnd *rand.Rand) []isa.Insn {
	i := isa.Insn{Op: row.Op, Src: row.Src, Off: row.Off, Imm: row.Imm}
	if row.Use.Dst() {
		i.Dst = uint8(rnd.Intn(isa.NumRegs))
	}
	if row.Use.Src() {
		i.Src = uint8(rnd.Intn(isa.NumRegs))
	}
	if row.Use.Off() {
		i.Off = int16(edge(rnd, 16))
	}
	if row.Use.Imm() {
		i.Imm = int32(edge(rnd, 32))
	}
	if row.Form == isa.FormWide {
		return []isa.Insn{i, {Imm: int32(edge(rnd, 32))}}
	}
	return []isa.Insn{i}
}

// edge is a number that is likely to be at an edge of its range.
func edge(rnd *rand.Rand, bits uint) int64 {
	switch rnd.Intn(6) {
	case 0:
		return 0
	case 1:
		return -1 << (bits - 1)
	case 2:
		return 1<<(bits-1) - 1
	case 3:
		return int64(rnd.Intn(20) - 10)
	}
	return int64(rnd.Uint64()) << (64 - bits) >> (64 - bits)
}

// Every row, with operands at random, survives text and back in each dialect.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for d := range numDialects {
		for n := range isa.Table {
			row := &isa.Table[n]
			for range 200 {
				prog := example(row, rnd)
				roundTrip(t, d, prog, nil)
				if t.Failed() {
					return
				}
			}
		}
	}
}

func roundTrip(t *testing.T, d Dialect, prog []isa.Insn, r *Resolver) {
	t.Helper()
	text := Text(d, prog, 0, r)
	res := Assemble(text, Options{Dialect: d, Resolver: r})
	if len(res.Errors) > 0 {
		t.Errorf("%v: %q (% x): %v", d, text, isa.EncodeAll(prog), res.Errors)
		return
	}
	if got, want := isa.EncodeAll(res.Insns), isa.EncodeAll(prog); string(got) != string(want) {
		t.Errorf("%v: %q: got % x, want % x", d, text, got, want)
	}
}

// Whole programs of random instructions, legal or not, survive the listing.
func TestDisassembleRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	for range 300 {
		var prog []isa.Insn
		for range 1 + rnd.Intn(60) {
			prog = append(prog, example(&isa.Table[rnd.Intn(len(isa.Table))], rnd)...)
			if rnd.Intn(10) == 0 {
				var b [8]byte
				rnd.Read(b[:])
				prog = append(prog, isa.Decode(b[:]))
			}
		}
		for n := range prog {
			// Distances that stay inside are the ones that get labels.
			if i := &prog[n]; i.Class() == isa.ClassJMP && i.Off != 0 && rnd.Intn(2) == 0 {
				i.Off = int16(rnd.Intn(len(prog)+1) - n - 1)
			}
		}
		for d := range numDialects {
			text := Disassemble(d, prog, nil)
			res := Assemble(text, Options{Dialect: d})
			if len(res.Errors) > 0 {
				t.Fatalf("%v: %v\n%s", d, res.Errors[0], text)
			}
			if string(isa.EncodeAll(res.Insns)) != string(isa.EncodeAll(prog)) {
				t.Fatalf("%v: other bytes\n%s", d, text)
			}
			if len(res.Lines) != len(res.Insns) {
				t.Fatalf("%v: %d positions of %d slots", d, len(res.Lines), len(res.Insns))
			}
		}
	}
}

// The table's own texts are the kernel's words where they have operands.
func TestEveryRowHasText(t *testing.T) {
	for n := range isa.Table {
		row := &isa.Table[n]
		prog := example(row, rand.New(rand.NewSource(3)))
		for d := range numDialects {
			if text := Text(d, prog, 0, nil); strings.HasPrefix(text, ".insn") || strings.Contains(text, "BUG") || strings.Contains(text, "null") {
				t.Errorf("%s (%v) prints %q in %v", row.Name, row.Kind, text, d)
			}
		}
	}
}
