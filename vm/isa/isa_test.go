package isa

import (
	"math/rand"
	"testing"
)

func TestTableOrder(t *testing.T) {
	if NumKinds != len(Table)+1 {
		t.Fatalf("%d kinds for %d rows", NumKinds-1, len(Table))
	}
	for i := range Table {
		r := &Table[i]
		if int(r.Kind) != i+1 {
			t.Errorf("row %d (%s) has kind %d", i, r.Name, r.Kind)
		}
		if r.Name == "" || r.Text == "" || r.Doc == "" {
			t.Errorf("row %d (%s): name, text and doc are needed", i, r.Name)
		}
		if r.Kind.Row() != r {
			t.Errorf("Kind(%d).Row is another row", r.Kind)
		}
	}
}

// example makes an instruction of a row with the operand fields at random.
func example(r *Row, rnd *rand.Rand) Insn {
	i := Insn{Op: r.Op, Src: r.Src, Off: r.Off, Imm: r.Imm}
	if r.Use.Dst() {
		i.Dst = uint8(rnd.Intn(NumRegs))
	}
	if r.Use.Src() {
		i.Src = uint8(rnd.Intn(NumRegs))
	}
	if r.Use.Off() {
		i.Off = int16(rnd.Uint32())
	}
	if r.Use.Imm() {
		i.Imm = int32(rnd.Uint32())
	}
	return i
}

// Every encoding belongs to one row only, and survives bytes and back.
func TestLookup(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for i := range Table {
		r := &Table[i]
		for range 100 {
			insn := example(r, rnd)
			n := 0
			for j := range Table {
				if Table[j].Op == insn.Op && Table[j].matches(insn) {
					n++
				}
			}
			if got := Lookup(insn); got != r || n != 1 {
				t.Fatalf("%s %+v: Lookup gives %v, %d rows match", r.Name, insn, got, n)
			}
			if back := Decode(insn.Append(nil)); back != insn {
				t.Fatalf("%+v came back as %+v", insn, back)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		prog []Insn
		want string
	}{
		{"legal", []Insn{{Op: 0xb7, Imm: 1}}, ""},
		{"unknown", []Insn{{Op: 0xff}}, "instruction 0 (opcode 0xff): unknown opcode"},
		{"reserved src", []Insn{{Op: 0xb7, Src: 1}}, "instruction 0 (opcode 0xb7): mov: src 1 is reserved"},
		{"reserved off", []Insn{{Op: 0x07, Off: 3}}, "instruction 0 (opcode 0x07): add: off 3 is reserved"},
		{"reserved imm", []Insn{{Op: 0x95, Imm: 3}}, "instruction 0 (opcode 0x95): exit: imm 3 is reserved"},
		{"reserved dst", []Insn{{Op: 0x05, Dst: 3}}, "instruction 0 (opcode 0x05): ja does not use dst: it must be 0, not 3"},
		{"register", []Insn{{Op: 0xbf, Dst: 11}}, "instruction 0 (opcode 0xbf): there is no register r11"},
		{"half wide", []Insn{{Op: 0x18}}, "instruction 0 (opcode 0x18): lddw takes two slots and the program ends after the first"},
		{"bad second slot", []Insn{{Op: 0x18}, {Op: 0x95}}, "instruction 0 (opcode 0x18): lddw: the second slot must be zero but for its immediate"},
		{"wide", []Insn{{Op: 0x18, Imm: 1}, {Imm: 2}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, err := Check(tt.prog, 0); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte{0x18, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		prog, err := DecodeAll(b)
		if err != nil {
			return
		}
		for pc := range prog {
			row, bad := Check(prog, pc)
			if (row == nil) == (bad == nil) {
				t.Fatal("either a row or an error")
			}
		}
	})
}
