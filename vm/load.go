package vm

import (
	"errors"
	"slices"
	"sort"
	"strconv"

	"skep/vm/isa"
)

// LoadError is a program that is malformed: no verdict on its safety, but a
// slot that is no instruction, a jump to nowhere, a map that is not there.
type LoadError struct {
	PC  int // slot, -1 when it is the program as a whole
	Msg string
	Err error // an *isa.Error or nil
}

func (e *LoadError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	if e.PC < 0 {
		return "program: " + e.Msg
	}
	return "instruction " + strconv.Itoa(e.PC) + ": " + e.Msg
}

func (e *LoadError) Unwrap() error { return e.Err }

// op is a decoded instruction. Sixteen bytes, so that the next one is an
// addition away; registers are byte offsets into the register file.
type op struct {
	imm  uint64
	off  int32 // displacement of an access, or byte offset of the jump's target in code.ops
	dst  uint8
	src  uint8
	kind isa.Kind // what exec does
	own  isa.Kind // the instruction, also where kind is a breakpoint
}

const opSize = 16

// Kinds that only decoded code has.
const (
	opBreak = isa.Kind(isa.NumKinds) + iota // breakpoint, in place of the instruction's own kind
	opStop                                  // leave exec: the end of a single step
	opEnd                                   // behind the last instruction: running into it is a fault
	opFrame                                 // in place of an instruction that would write r10
)

// code is a program ready to run. Instructions are numbered densely: a wide
// one is one.
type code struct {
	prog   *Program
	number uint32  // of the program in the machine
	ops    []op    // with an opEnd behind the last
	slot   []int32 // slot of each op; one more for the end
	dense  []int32 // op of each slot, -1 for the second half of a wide one
}

// decode checks the structure of a program and translates it.
func (m *Machine) decode(p *Program) (*code, error) {
	if len(p.Insns) == 0 {
		return nil, &LoadError{PC: -1, Msg: "it has no instructions"}
	}
	if len(m.progs) == maxProgs {
		return nil, &LoadError{PC: -1, Msg: "a machine has at most 4,096 programs"}
	}
	if len(p.Insns) > isa.MaxInsns {
		return nil, &LoadError{PC: -1, Msg: "it is longer than 1,000,000 instructions"}
	}
	c := &code{prog: p, number: uint32(len(m.progs)), dense: make([]int32, len(p.Insns)), ops: make([]op, 0, len(p.Insns)+1)}
	for pc := 0; pc < len(p.Insns); pc++ {
		row, err := isa.Check(p.Insns, pc)
		if err != nil && p.Verified && isa.Lookup(p.Insns[pc]) == nil && isa.Closest(p.Insns[pc]) != nil {
			c.dense[pc] = int32(len(c.ops))
			c.slot = append(c.slot, int32(pc))
			c.ops = append(c.ops, op{kind: opDead, own: opDead})
			continue
		}
		if err != nil {
			return nil, &LoadError{PC: pc, Err: err}
		}
		c.dense[pc] = int32(len(c.ops))
		c.slot = append(c.slot, int32(pc))
		in := p.Insns[pc]
		o := op{
			kind: row.Kind, own: row.Kind, dst: in.Dst * 8, src: in.Src * 8, off: int32(in.Off), imm: uint64(int64(in.Imm)),
		}
		if row.Form == isa.FormWide {
			pc++
			c.dense[pc] = -1
			o.imm = isa.Imm64(in, p.Insns[pc])
		}
		c.ops = append(c.ops, o)
	}
	c.slot = append(c.slot, int32(len(p.Insns)))
	for i := range c.ops {
		if err := m.resolve(c, i); err != nil {
			return nil, err
		}
		if cell, _ := shapeOf(&c.ops[i]); cell == isa.R10 {
			c.ops[i].kind, c.ops[i].own = opFrame, opFrame
		}
	}
	c.ops = append(c.ops, op{kind: opEnd, own: opEnd})
	for i := range c.ops {
		c.fuse(i)
	}
	return c, nil
}

// target translates a relative jump from op i to the op it leads to.
func (c *code) target(i int, rel int64) (int32, error) {
	pc := int64(c.slot[i])
	to := pc + 1 + rel
	if to < 0 || to >= int64(len(c.dense)) {
		return 0, &LoadError{PC: int(pc), Msg: "jump to instruction " + strconv.FormatInt(to, 10) + ", outside the program"}
	}
	if c.dense[to] < 0 {
		return 0, &LoadError{PC: int(pc), Msg: "jump into the middle of the lddw at instruction " + strconv.FormatInt(to-1, 10)}
	}
	return c.dense[to], nil
}

// resolve turns what op i refers to into what it means at run time: jump
// targets into offsets, map numbers into addresses.
func (m *Machine) resolve(c *code, i int) error {
	o := &c.ops[i]
	if o.own == opDead {
		return nil
	}
	row := o.own.Row()
	pc := int(c.slot[i])
	in := c.prog.Insns[pc]
	switch {
	case row.Form == isa.FormJmpImm || row.Form == isa.FormJmpReg || row.Form == isa.FormJa:
		t, err := c.target(i, int64(in.Off))
		if err != nil {
			return err
		}
		o.off = t * opSize
	case o.kind == isa.KindGotol || o.kind == isa.KindCallLocal:
		t, err := c.target(i, int64(in.Imm))
		if err != nil {
			return err
		}
		o.off = t * opSize
		if o.kind == isa.KindCallLocal {
			c.addFunc(int(c.slot[t]))
		}
	case o.kind == isa.KindLdFunc:
		t, err := c.target(i, int64(in.Imm))
		if err != nil {
			return err
		}
		o.imm = c.funcPtr(t)
		c.addFunc(int(c.slot[t]))
	case o.kind == isa.KindLdMapFD || o.kind == isa.KindLdMapIdx:
		mp, err := m.mapRef(c.prog, pc, in.Imm)
		if err != nil {
			return err
		}
		if o.imm>>32 != 0 {
			return &LoadError{PC: pc, Msg: "the upper half of a map load must be zero"}
		}
		o.imm = uint64(m.maps.At(mp).Ptr())
	case o.kind == isa.KindLdMapValue || o.kind == isa.KindLdMapIdxValue:
		return m.resolveValue(c, o, pc, in.Imm)
	case o.kind == isa.KindAddrSpaceCast:
		if in.Imm != 1 && in.Imm != 1<<16 {
			return &LoadError{PC: pc, Msg: "addr_space_cast insn can only convert between address space 1 and 0"}
		}
	case o.kind == isa.KindLdBTFID:
		addr, err := m.ksym(c.prog, pc, in.Imm)
		if err != nil {
			return err
		}
		o.imm = addr
	}
	return nil
}

// mapRef is the machine's map that the immediate of a load names.
func (m *Machine) mapRef(p *Program, pc int, imm int32) (int, error) {
	i := int(imm)
	if p.Maps != nil {
		if i < 0 || i >= len(p.Maps) {
			return 0, &LoadError{PC: pc, Msg: "there is no map " + strconv.Itoa(i) + ": the program refers to " + strconv.Itoa(len(p.Maps))}
		}
		i = p.Maps[i]
	}
	if m.maps.At(i) == nil {
		return 0, &LoadError{PC: pc, Msg: "there is no map " + strconv.Itoa(i) + ": the machine has " + strconv.Itoa(len(m.maps.Maps()))}
	}
	return i, nil
}

// resolveValue makes the address of a byte in the value of a map's only
// element: how programs reach .data, .bss and .rodata.
func (m *Machine) resolveValue(c *code, o *op, pc int, imm int32) error {
	i, err := m.mapRef(c.prog, pc, imm)
	if err != nil {
		return err
	}
	mp, off := m.maps.At(i), o.imm>>32
	addr := mp.Lookup(make([]byte, mp.KeySize()), 0)
	if addr == 0 || mp.KeySize() != 4 {
		return &LoadError{PC: pc, Msg: "map " + strconv.Quote(mp.Name()) + " has no value whose address can be loaded"}
	}
	if off >= uint64(mp.ValueSize()) {
		return &LoadError{PC: pc, Msg: "offset " + strconv.FormatUint(off, 10) + " is outside the value of map " + strconv.Quote(mp.Name())}
	}
	o.imm = addr + off
	return nil
}

// Resolved is a loaded program for code generators: its instructions with what
// wide loads refer to (maps, values, variables, functions) replaced by the
// numbers that registers will hold.
func (m *Machine) Resolved(prog int) []isa.Insn {
	c := m.progs[prog]
	out := slices.Clone(c.prog.Insns)
	for i := range c.ops {
		if pc := c.slot[i]; int(pc) < len(out) && out[pc].IsWide() {
			w := isa.Wide(out[pc].Dst, 0, c.ops[i].imm)
			out[pc], out[pc+1] = w[0], w[1]
		} else if c.ops[i].own == opDead {
			out[pc] = isa.Insn{Op: isa.ClassJMP, Off: -1} // goto -1, as the kernel's sanitize_dead_code
		}
	}
	return out
}

// addFunc notes that a function begins at a slot.
func (c *code) addFunc(slot int) {
	f := c.prog.Funcs
	i := sort.Search(len(f), func(i int) bool { return f[i].Start >= slot })
	if i < len(f) && f[i].Start == slot {
		return
	}
	f = append(f, Func{})
	copy(f[i+1:], f[i:])
	f[i] = Func{Start: slot, Name: "func_" + strconv.Itoa(slot)}
	c.prog.Funcs = f
}

// A pointer to a function is its op number and program under this tag: no
// address. A program has at most a million ops, and a machine 4,096 programs.
const (
	funcTag  = 0xffff_f000 << 32
	funcBits = 20
	maxProgs = 1 << (32 - funcBits)
)

func (c *code) funcPtr(op int32) uint64 { return funcTag | uint64(c.number<<funcBits|uint32(op)) }

// funcOp is the op that a function pointer stands for in code c.
func (c *code) funcOp(ptr uint64) (int32, bool) {
	op := uint32(ptr) & (1<<funcBits - 1)
	if ptr&^0xffffffff != funcTag || uint32(ptr)>>funcBits != c.number || op >= uint32(len(c.ops)-1) {
		return 0, false
	}
	return int32(op), true
}

var errNoProgram = errors.New("machine: no program is loaded")
