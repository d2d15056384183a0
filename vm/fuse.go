package vm

import "skep/vm/isa"

// Kinds that do two instructions at once, where exec finds them in a row: the
// pairs that compilers emit most. The second instruction stays in its place,
// so jumps to it, and stepping, which looks at op.own, see nothing of this.
const (
	opMovAdd    = opFrame + 1 + iota // r1 = r2; r1 += imm
	opMovLsh                         // r1 = r2; r1 <<= imm
	opMovRsh                         // r1 = r2; r1 >>= imm
	opMovAnd                         // r1 = r2; r1 &= imm
	opLshRsh                         // r1 <<= imm; r1 >>= imm
	opAddJNeImm                      // r1 += imm; if r2 != imm goto
	opAddJNeReg                      // r1 += imm; if r2 != r3 goto
	opAddJLtImm                      // r1 += imm; if r2 < imm goto
	opAddJLtReg                      // r1 += imm; if r2 < r3 goto

	opDead // in place of an instruction that is malformed, in a verified program
)

// fusions is which pairs become what. same: both write the same register.
var fusions = [...]struct {
	first, second isa.Kind
	same          bool
	kind          isa.Kind
}{
	{isa.KindMov64Reg, isa.KindAdd64Imm, true, opMovAdd},
	{isa.KindMov64Reg, isa.KindLsh64Imm, true, opMovLsh},
	{isa.KindMov64Reg, isa.KindRsh64Imm, true, opMovRsh},
	{isa.KindMov64Reg, isa.KindAnd64Imm, true, opMovAnd},
	{isa.KindLsh64Imm, isa.KindRsh64Imm, true, opLshRsh},
	{isa.KindAdd64Imm, isa.KindJNe64Imm, false, opAddJNeImm},
	{isa.KindAdd64Imm, isa.KindJNe64Reg, false, opAddJNeReg},
	{isa.KindAdd64Imm, isa.KindJLt64Imm, false, opAddJLtImm},
	{isa.KindAdd64Imm, isa.KindJLt64Reg, false, opAddJLtReg},
}

// fuse sets the kind of op i: that of a pair with the op behind it, or its
// own. Breakpoints stay, and an op in front of one stands alone.
func (c *code) fuse(i int) {
	if i < 0 || i >= len(c.ops) || c.ops[i].kind == opBreak {
		return
	}
	o := &c.ops[i]
	o.kind = o.own
	if i+1 == len(c.ops) || c.ops[i+1].kind == opBreak {
		return
	}
	for _, f := range fusions {
		if next := &c.ops[i+1]; o.own == f.first && next.own == f.second && (!f.same || o.dst == next.dst) {
			o.kind = f.kind
			return
		}
	}
}
