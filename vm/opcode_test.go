package vm_test

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"strings"
	"testing"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// sample makes an instruction of a row and the slots that follow it so that
// it runs: jumps go to the next instruction, accesses into the stack.
func sample(r *isa.Row) []isa.Insn {
	i := isa.Insn{Op: r.Op, Src: r.Src, Off: r.Off, Imm: r.Imm}
	if r.Use.Dst() {
		i.Dst = 3
	}
	if r.Use.Src() {
		i.Src = 4
	}
	if r.Use.Imm() {
		i.Imm = 1
	}
	switch r.Form {
	case isa.FormLoad:
		i.Src, i.Off = 10, -16
	case isa.FormStoreImm, isa.FormStore, isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		i.Dst, i.Off = 10, -16
	case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa:
		i.Off = 0
	case isa.FormGotol, isa.FormCallLocal:
		i.Imm = 0
	case isa.FormCall:
		i.Imm = 7 // bpf_get_prandom_u32
	case isa.FormAbs, isa.FormInd:
		i.Imm = 0
	case isa.FormWide:
		i.Imm = 0
		if r.Src == isa.PseudoFunc {
			i.Imm = 1 // behind it
		}
		return []isa.Insn{i, {}}
	}
	return []isa.Insn{i}
}

// Each row of the table runs, forwards and stepped, to the same state, and
// one step back undoes it.
func TestEveryOpcode(t *testing.T) {
	cfg := vm.Config{Maps: []maps.Spec{{Name: "m", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}}}
	for k := range isa.Table {
		row := &isa.Table[k]
		code := assemble(t, "r0 = 5\nr3 = 9\nr4 = 3\n*(u64 *)(r10 -16) = 77\nr6 = r1")
		var want string
		switch row.Kind {
		case isa.KindGotox:
			fn := isa.Wide(3, isa.PseudoFunc, 2) // the exit
			code = append(code, fn[0], fn[1])
		case isa.KindCallReg:
			code = append(code, isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: 3, Imm: 7})
		case isa.KindCallKfunc:
			want = "not simulated"
		}
		at := len(code)
		code = append(code, sample(row)...)
		code = append(code, isa.Insn{Op: isa.ClassJMP | isa.JmpExit})

		m, err := vm.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p := &vm.Program{Type: hook.SchedCls, Insns: code, Ksyms: []vm.Ksym{{Name: "v", Size: 8}}, Kfuncs: []vm.Kfunc{{ID: 1, Name: "k"}}}
		if _, err := m.Load(p); err != nil {
			t.Errorf("%s (kind %d): %v", row.Name, row.Kind, err)
			continue
		}
		in := vm.Input{Packet: make([]byte, 64), Start: hook.Start{}}
		if err := m.Reset(in); err != nil {
			t.Fatal(err)
		}
		stop := m.Run(100)
		fault := ""
		if f := m.Fault(); f != nil {
			fault = f.Error()
		}
		if want == "" && stop != vm.StopExit || want != "" && !strings.Contains(fault, want) {
			t.Errorf("%s (kind %d): %v %s, want %q", row.Name, row.Kind, stop, fault, want)
			continue
		}
		regs, memory := state(m)
		m.Reset(in)
		for m.PC() != at {
			m.Step()
		}
		r0, m0 := state(m)
		m.Step()
		m.Back()
		r1, m1 := state(m)
		if r0 != r1 || m0 != m1 {
			t.Errorf("%s (kind %d): a step back does not lead to the state before", row.Name, row.Kind)
		}
		for !m.Done() {
			m.Step()
		}
		if r, b := state(m); r != regs || b != memory {
			t.Errorf("%s (kind %d): stepping and running differ", row.Name, row.Kind)
		}
	}
}

// state is registers and memory, comparable.
func state(m *vm.Machine) (regs [11]uint64, memory string) {
	for i := range regs {
		regs[i] = m.Reg(i)
	}
	return regs, string(m.Arena().Buf)
}

var edges = []uint64{
	0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x100000000, 0x1234567890abcdef,
	0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xffffffff00000000, 0xffffffff80000000,
	0xfffffffffffffffe, 0xffffffffffffffff,
}

// alu is what RFC 9669 says a 64- or 32-bit operation gives, in numbers of any
// size. ok is false for what it does not cover.
func alu(r *isa.Row, dst, src uint64) (uint64, bool) {
	width := uint(64)
	if r.Op&7 == isa.ClassALU {
		width = 32
	}
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), width), big.NewInt(1))
	u := func(v uint64) *big.Int { return new(big.Int).And(new(big.Int).SetUint64(v), mask) }
	s := func(v uint64) *big.Int {
		x := u(v)
		if x.Bit(int(width-1)) == 1 {
			x.Sub(x, new(big.Int).Lsh(big.NewInt(1), width))
		}
		return x
	}
	fit := func(x *big.Int) uint64 { return new(big.Int).And(x, mask).Uint64() }
	sh := uint(src % uint64(width))
	z := new(big.Int)
	switch r.Name {
	case "add":
		return fit(z.Add(u(dst), u(src))), true
	case "sub":
		return fit(z.Sub(u(dst), u(src))), true
	case "mul":
		return fit(z.Mul(u(dst), u(src))), true
	case "div":
		if u(src).Sign() == 0 {
			return 0, true
		}
		return fit(z.Quo(u(dst), u(src))), true
	case "mod":
		if u(src).Sign() == 0 {
			return fit(u(dst)), true
		}
		return fit(z.Rem(u(dst), u(src))), true
	case "sdiv":
		if u(src).Sign() == 0 {
			return 0, true
		}
		return fit(z.Quo(s(dst), s(src))), true
	case "smod":
		if u(src).Sign() == 0 {
			return fit(u(dst)), true
		}
		return fit(z.Rem(s(dst), s(src))), true
	case "or":
		return fit(z.Or(u(dst), u(src))), true
	case "and":
		return fit(z.And(u(dst), u(src))), true
	case "xor":
		return fit(z.Xor(u(dst), u(src))), true
	case "lsh":
		return fit(z.Lsh(u(dst), sh)), true
	case "rsh":
		return fit(z.Rsh(u(dst), sh)), true
	case "arsh":
		return fit(z.Rsh(s(dst), sh)), true
	case "mov":
		return fit(u(src)), true
	case "neg":
		return fit(z.Neg(u(dst))), true
	case "movsx8":
		return fit(big.NewInt(int64(int8(src)))), true
	case "movsx16":
		return fit(big.NewInt(int64(int16(src)))), true
	case "movsx32":
		return fit(big.NewInt(int64(int32(src)))), true
	case "le16":
		return dst & 0xffff, true
	case "le32":
		return dst & 0xffffffff, true
	case "le64":
		return dst, true
	case "be16", "swap16", "bswap16":
		return uint64(bits.ReverseBytes16(uint16(dst))), true
	case "be32", "swap32", "bswap32":
		return uint64(bits.ReverseBytes32(uint32(dst))), true
	case "be64", "swap64", "bswap64":
		return bits.ReverseBytes64(dst), true
	}
	return 0, false
}

// load gives a machine another program.
func load(t *testing.T, m *vm.Machine, insns ...isa.Insn) {
	t.Helper()
	n, err := m.Load(&vm.Program{Insns: insns})
	if err != nil {
		t.Fatal(err)
	}
	m.Entry(n)
}

func TestArithmetic(t *testing.T) {
	m := machine(t, vm.Config{NoHistory: true}, vm.Input{}, isa.Insn{Op: isa.ClassJMP | isa.JmpExit})
	tested := 0
	for k := range isa.Table {
		row := &isa.Table[k]
		if c := row.Op & 7; c != isa.ClassALU && c != isa.ClassALU64 || row.Form == isa.FormCast {
			continue
		}
		i := isa.Insn{Op: row.Op, Dst: 1, Off: row.Off, Imm: row.Imm}
		if row.Use.Src() {
			i.Src = 2
		}
		e := isa.Insn{Op: isa.ClassJMP | isa.JmpExit}
		for _, b := range edges {
			if row.Use.Imm() {
				i.Imm = int32(uint32(b))
				b = uint64(int64(i.Imm))
			}
			load(t, m, i, e)
			for _, a := range edges {
				m.Reset(vm.Input{})
				m.SetReg(1, a)
				m.SetReg(2, b)
				m.Step()
				want, ok := alu(row, a, b)
				if !ok {
					t.Fatalf("%s has no model", row.Name)
				}
				if got := m.Reg(1); got != want {
					t.Fatalf("%s (kind %d) of %#x and %#x is %#x, want %#x", row.Name, row.Kind, a, b, got, want)
				}
			}
		}
		tested++
	}
	if tested < 70 {
		t.Errorf("only %d rows tested", tested)
	}
}

// taken is what RFC 9669 says of a conditional jump.
func taken(r *isa.Row, a, b uint64) bool {
	x, y := int64(a), int64(b)
	if r.Op&7 == isa.ClassJMP32 {
		a, b = uint64(uint32(a)), uint64(uint32(b))
		x, y = int64(int32(a)), int64(int32(b))
	}
	switch r.Name {
	case "jeq":
		return a == b
	case "jne":
		return a != b
	case "jgt":
		return a > b
	case "jge":
		return a >= b
	case "jlt":
		return a < b
	case "jle":
		return a <= b
	case "jset":
		return a&b != 0
	case "jsgt":
		return x > y
	case "jsge":
		return x >= y
	case "jslt":
		return x < y
	case "jsle":
		return x <= y
	}
	panic(r.Name)
}

func TestJumps(t *testing.T) {
	m := machine(t, vm.Config{NoHistory: true}, vm.Input{}, isa.Insn{Op: isa.ClassJMP | isa.JmpExit})
	for k := range isa.Table {
		row := &isa.Table[k]
		if row.Form != isa.FormJmpImm && row.Form != isa.FormJmpReg {
			continue
		}
		i := isa.Insn{Op: row.Op, Dst: 1, Off: 1}
		if row.Use.Src() {
			i.Src = 2
		}
		e := isa.Insn{Op: isa.ClassJMP | isa.JmpExit}
		for _, b := range edges {
			if row.Use.Imm() {
				i.Imm = int32(uint32(b))
				b = uint64(int64(i.Imm))
			}
			load(t, m, i, e, e)
			for _, a := range edges {
				m.Reset(vm.Input{})
				m.SetReg(1, a)
				m.SetReg(2, b)
				m.Step()
				if got, want := m.PC() == 2, taken(row, a, b); got != want {
					t.Fatalf("%s (kind %d) of %#x and %#x: taken %v, want %v", row.Name, row.Kind, a, b, got, want)
				}
			}
		}
	}
}

// Loads, stores and atomics of each size against plain bytes.
func TestMemory(t *testing.T) {
	for k := range isa.Table {
		row := &isa.Table[k]
		i := isa.Insn{Op: row.Op, Dst: 1, Src: 2, Off: -13, Imm: row.Imm}
		switch row.Form {
		case isa.FormLoad:
			i.Src = 10
		case isa.FormStore, isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
			i.Dst = 10
		case isa.FormStoreImm:
			i.Dst, i.Src, i.Imm = 10, 0, -0x12345678
		default:
			continue
		}
		n := i.Bytes()
		m := machine(t, vm.Config{NoHistory: true}, vm.Input{}, i, isa.Insn{Op: isa.ClassJMP | isa.JmpExit})
		const old, val = 0x8899aabbccddeeff, 0x1122334455667788
		at := uint32(m.Reg(10)) - 13
		binary.LittleEndian.PutUint64(m.Arena().Bytes(at, 8), old)
		low := ^uint64(0) >> (64 - 8*n)
		m.SetReg(0, old&low)
		m.SetReg(1, 0xdead)
		m.SetReg(2, val)
		if s := m.Step(); s != vm.StopStep {
			t.Fatalf("%s: %v %v", row.Name, s, m.Fault())
		}
		mem := binary.LittleEndian.Uint64(m.Arena().Bytes(at, 8))
		o, v := uint64(old)&low, uint64(val)&low
		want, reg, wantReg := uint64(old), 2, uint64(val)
		store := func(x uint64) { want = old&^low | x&low }
		fetch := func() { wantReg = o }
		switch row.Name {
		case "ldxb", "ldxh", "ldxw", "ldxdw", "load_acquire":
			reg, wantReg = 1, o
		case "ldxsb", "ldxsh", "ldxsw":
			reg, wantReg = 1, uint64(int64(o<<(64-8*n))>>(64-8*n))
		case "stb", "sth", "stw", "stdw":
			store(uint64(int64(i.Imm)))
			reg, wantReg = 0, old&low
		case "stxb", "stxh", "stxw", "stxdw", "store_release":
			store(v)
		case "atomic_add":
			store(o + v)
		case "atomic_or":
			store(o | v)
		case "atomic_and":
			store(o & v)
		case "atomic_xor":
			store(o ^ v)
		case "atomic_fetch_add":
			store(o + v)
			fetch()
		case "atomic_fetch_or":
			store(o | v)
			fetch()
		case "atomic_fetch_and":
			store(o & v)
			fetch()
		case "atomic_fetch_xor":
			store(o ^ v)
			fetch()
		case "xchg":
			store(v)
			fetch()
		case "cmpxchg":
			store(v)
			reg, wantReg = 0, o
		default:
			t.Fatalf("%s has no model", row.Name)
		}
		if mem != want || m.Reg(reg) != wantReg {
			t.Errorf("%s (kind %d): memory %#x, want %#x; r%d %#x, want %#x", row.Name, row.Kind, mem, want, reg, m.Reg(reg), wantReg)
		}
	}
}
