package verifier

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"testing"

	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// TestBadInput holds the kernel's errno and message for input that no compiler
// makes: 6.12 in the sandbox was asked about all but the programs of a million
// instructions and of 10,000 maps.
func TestBadInput(t *testing.T) {
	repeat := func(n int, in isa.Insn) []isa.Insn {
		out := make([]isa.Insn, n)
		for i := range out {
			out[i] = in
		}
		return out
	}
	wide := isa.Wide(1, 0, 1<<40)
	manyMaps := func(n int) *Program {
		p := &Program{Type: hook.SocketFilter, GPL: true}
		for i := range n {
			p.Maps = append(p.Maps, MapInfo{Name: fmt.Sprintf("m%d", i), Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
			w := isa.Wide(1, isa.PseudoMapFD, uint64(i))
			p.Insns = append(p.Insns, w[0], w[1])
		}
		p.Insns = append(p.Insns, mov(0, 0), exit)
		return p
	}
	prog := func(insns ...isa.Insn) *Program {
		return &Program{Type: hook.SocketFilter, GPL: true, Insns: insns}
	}
	info := func(edit func(info []byte, p *Program)) *Program {
		p := callbacks(t, 2, []int{1, 2}, nil)
		edit(p.FuncInfo, p)
		return p
	}
	for _, c := range []struct {
		name    string
		p       *Program
		errno   int
		message string
	}{
		{"nothing", prog(), 7, ""},
		{"half a wide load", prog(mov(0, 0), wide[0]), 22, "last insn is not an exit or jmp"},
		{"half a wide load before the end", prog(wide[0], exit), 22, "invalid bpf_ld_imm64 insn"},
		{"no end", prog(mov(0, 0)), 22, "last insn is not an exit or jmp"},
		{"a jump out", prog(isa.Insn{Op: isa.ClassJMP | isa.JmpA, Off: 2}, exit), 22, "jump out of range from insn 0 to 3"},
		{"a jump back out", prog(isa.Insn{Op: isa.ClassJMP | isa.JmpA, Off: -2}, exit), 22, "jump out of range from insn 0 to -1"},
		{"a register beyond r10", prog(isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: 11}, exit), 22, "R11 is invalid"},
		{"an opcode that is none", prog(isa.Insn{Op: 0xff}, exit), 22, "unknown opcode ff"},
		{"all the instructions that may be", prog(append(repeat(isa.MaxInsns-1, mov(0, 0)), exit)...), 0, ""},
		{"one more", prog(append(repeat(isa.MaxInsns, mov(0, 0)), exit)...), 7, ""},
		{"600,000 jumps to the next", prog(append(repeat(600_000, isa.Insn{Op: isa.ClassJMP | isa.JmpA}), exit)...), 13, "R0 !read_ok"},
		{"a branch too many", prog(append(append([]isa.Insn{mov(0, 0), {Op: isa.ClassJMP | isa.JmpCall, Imm: 7}}, repeat(8193, isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Imm: 5})...), exit)...),
			7, "The sequence of 8193 jumps is too complex."},
		{"65 maps", manyMaps(65), 7, "The total number of maps per program has reached the limit of 64"},
		{"10,000 maps", manyMaps(10_000), 7, "The total number of maps per program has reached the limit of 64"},
		{"func_info out of order", info(func(b []byte, _ *Program) {
			binary.LittleEndian.PutUint32(b[8:], binary.LittleEndian.Uint32(b[16:]))
		}), 22, "same or smaller insn offset (16) than previous func info record (16)"},
		{"func_info of another layout", info(func(b []byte, _ *Program) {
			binary.LittleEndian.PutUint32(b[8:], 13)
		}), 22, "func_info BTF section doesn't match subprog layout in BPF program"},
		{"func_info that goes back", info(func(b []byte, _ *Program) {
			binary.LittleEndian.PutUint32(b[16:], 1)
		}), 22, "same or smaller insn offset (1) than previous func info record (14)"},
		{"func_info of no function", info(func(b []byte, _ *Program) {
			binary.LittleEndian.PutUint32(b[12:], 1)
		}), 22, "invalid type id 1 in func info"},
		{"func_info of no type", info(func(b []byte, _ *Program) {
			binary.LittleEndian.PutUint32(b[12:], 1<<30)
		}), 22, "invalid type id 1073741824 in func info"},
		{"func_info that does not begin at 0", info(func(b []byte, _ *Program) {
			binary.LittleEndian.PutUint32(b, 1)
		}), 22, "nonzero insn_off 1 for the first func info record"},
		{"func_info records of 7 bytes", info(func(_ []byte, p *Program) { p.FuncInfoSize = 7 }), 22, "invalid func info rec size 7"},
	} {
		res := mustVerify(t, c.p, Config{LogLevel: LogLevel1})
		if int(res.Errno) != c.errno || res.Verdict == NotModelled || res.Message != c.message {
			t.Errorf("%s: %v, errno %d, %q; the kernel says %d, %q", c.name, res.Verdict, int(res.Errno), res.Message, c.errno, c.message)
		}
	}
}

// TestStringOffsets: an offset of any byte of the string table will do.
func TestStringOffsets(t *testing.T) {
	b := new(btf.Builder)
	b.Int("int", 4, 1)
	spec, err := btf.Parse(b.Bytes()) // "\0int\0"
	if err != nil {
		t.Fatal(err)
	}
	for off, want := range []bool{true, true, true, true, true, false, false} {
		if got := hasString(spec, uint32(off)); got != want {
			t.Errorf("offset %d: %v", off, got)
		}
	}
}

// TestWildBTF: a blob that is none gives an error or types, and a program with
// such types a verdict.
func TestWildBTF(t *testing.T) {
	good := callbacks(t, 2, []int{1, 2}, nil)
	blob := good.BTF.Bytes()
	parsed := 0
	for seed := range int64(3000) {
		rnd := rand.New(rand.NewSource(seed))
		b := bytes.Clone(blob)
		switch rnd.Intn(4) {
		case 0:
			b = b[:rnd.Intn(len(b))]
		default:
			for range 1 + rnd.Intn(3) {
				b[24+rnd.Intn(len(b)-24)] = byte(rnd.Uint32())
			}
		}
		spec, err := btf.Parse(b)
		if err != nil {
			continue
		}
		parsed++
		p := *good
		p.BTF = spec
		for _, priv := range []Privilege{Root, CapBPF} {
			mustVerify(t, &p, Config{LogLevel: LogLevel2, Privilege: priv})
		}
	}
	if parsed < 100 {
		t.Errorf("only %d of them were types", parsed)
	}
}
