package arm64

import (
	"slices"
	"sync"

	"skep/jit/contract"
	"skep/jit/ir"
	"skep/vm/isa"
)

// Features of the processor that the code is for.
type Features struct {
	LSE bool // atomic instructions; without them loops of exclusive accesses
}

// jump is a branch to an op.
type jump struct {
	at     int
	target int32
}

// stub is code out of line: what to do when a check fails.
type stub struct {
	op     int32
	at     int    // branch that leads here
	back   int    // where to go on
	reason uint32 // 0: a lookup found nothing
	addr   reg    // of an ExitMiss
	size   int
	window int
}

type lower struct {
	encoder
	u     *ir.Unit
	feat  Features
	off   []int32
	jumps []jump
	stubs []stub
	op    int32 // op being lowered
	ends  []int // branches to the end of the program
	leave []int // branches to the common exit

	// What the anchors hold: a register's number plus one, 0 for none. They are
	// forgotten where control may come from elsewhere, or back from outside.
	anchors [4]uint8
	oldest  int
	joins   []bool // ops that a jump or call leads to; nil: anchors are not used

	keys   contract.Keys // of constant blinding
	long   bool          // conditional branches may not reach: they go around one that does
	tooFar bool          // a branch does not reach
}

// lowers are those of compilations that are over: their memory is used again.
var lowers = sync.Pool{New: func() any { return new(lower) }}

// reach is how far a conditional branch goes.
const reach = 1 << 20

// Lower makes the code. Conditional branches reach far enough in all but very
// long programs; those are emitted again, with two instructions for each.
func Lower(u *ir.Unit, feat Features) (*contract.Code, error) {
	c := contract.New(u)
	l := lowers.Get().(*lower)
	defer l.release()
	l.u, l.feat, l.off = u, feat, c.Offset
	l.b = slices.Grow(l.b[:0], 12*len(u.Ops)+512)
	if u.Facts.Accepted && !u.Irregular {
		l.joins = make([]bool, len(u.Ops))
		for i := range u.Ops {
			if to := u.Ops[i].Target; to >= 0 && u.Ops[i].Own != isa.KindCallHelper {
				l.joins[to] = true
			}
		}
	}
	err := l.emit(c)
	if err == nil && len(l.b) >= reach {
		l.long = true
		err = l.emit(c)
	}
	if err != nil {
		return nil, err
	}
	if l.tooFar {
		return nil, &ir.Error{Slot: -1, Msg: "arm64: the code is longer than branches reach, 128 MiB"}
	}
	c.Text = slices.Clone(l.b)
	return c, nil
}

func (l *lower) release() {
	*l = lower{encoder: l.encoder, jumps: l.jumps, stubs: l.stubs, ends: l.ends, leave: l.leave}
	lowers.Put(l)
}

func (l *lower) emit(c *contract.Code) error {
	u := l.u
	l.b, l.jumps, l.stubs, l.leave, l.ends, l.tooFar = l.b[:0], l.jumps[:0], l.stubs[:0], l.leave[:0], l.ends[:0], false
	l.keys = contract.Keys(u.Options.Blind)
	l.forget()
	for i := range u.Ops {
		o := &u.Ops[i]
		l.op = int32(i)
		if o.Len == 0 {
			l.off[i] = -1
			continue
		}
		l.off[i] = int32(l.pos())
		if l.joins != nil && l.joins[i] {
			l.forget()
		}
		exits := len(l.stubs) + len(l.leave)
		if !l.lowerOp(o) {
			return &ir.Error{Slot: int(o.Slot), Msg: "arm64 has no code for it"}
		}
		if _, def := o.UseDef(); len(l.stubs)+len(l.leave) > exits {
			l.forget()
		} else {
			l.drop(def)
		}
	}
	l.finish(c)
	return nil
}

// land makes the branch at pos lead to the next instruction.
func (l *lower) land(pos int) { l.to(pos, l.pos()) }

func (l *lower) to(pos, target int) {
	if !l.patch(pos, target) {
		l.tooFar = true
	}
}

// branch emits a branch without its distance and returns the place of the one
// to patch.
func (l *lower) branch(w uint32) int {
	if l.long && w&maskB != opB {
		l.word(opposite(w) | 2<<5)
		w = opB
	}
	l.word(w)
	return l.pos() - 4
}

// local is a branch forward within the code of one op: land ends it.
func (l *lower) local(w uint32) int {
	l.word(w)
	return l.pos() - 4
}

// jump branches to an op.
func (l *lower) jump(w uint32, target int32) {
	l.jumps = append(l.jumps, jump{l.branch(w), target})
}

// host leaves the op to the interpreter.
func (l *lower) host() bool {
	l.exit(uint32(contract.ExitHost))
	return true
}

// hostIf leaves the op to the interpreter where the branch w is taken.
func (l *lower) hostIf(w uint32) {
	l.stubs = append(l.stubs, stub{op: l.op, reason: uint32(contract.ExitHost), at: l.branch(w)})
}

// exit leaves the code.
func (l *lower) exit(reason uint32) {
	l.movImm(scratch, uint64(l.op))
	l.movImm(scratch2, uint64(reason))
	l.leave = append(l.leave, l.branch(opB))
}

// burn takes n instructions off the fuel.
func (l *lower) burn(n int32) {
	if !l.immArith(w64, opSubsImm, opAddsImm, fuel, fuel, int64(n)) {
		l.movImm(scratch, uint64(n))
		l.rrr(w64, opSubs, fuel, fuel, scratch)
	}
	s := stub{op: l.op, reason: uint32(contract.ExitFuel), at: l.branch(cond(ccMI))}
	s.back = l.pos()
	l.stubs = append(l.stubs, s)
}

// loops makes scratch point to the context, displaced by eight times the
// depth of the frame.
func (l *lower) loops() {
	l.ctx(opLdr, 8, scratch, contract.CtxTop)
	l.rrr(w64, opSub, scratch, scratch, r10)
	l.rrr(w64, shifted(opAdd|opLsr, log2(contract.FrameStride/8)), scratch, context, scratch)
}

// finish emits the stubs, the common exit and the ends, and resolves jumps.
func (l *lower) finish(c *contract.Code) {
	for i := range l.stubs {
		l.emitStub(&l.stubs[i])
	}
	c.Return = int32(l.pos())
	l.pop(link, zero) // that of the function which the helper was called from
	l.movImm(scratch2, uint64(contract.ExitReturn))
	l.leave = append(l.leave, l.branch(opB))
	for _, at := range l.ends {
		l.land(at)
	}
	l.movImm(scratch2, uint64(contract.ExitDone))
	for _, at := range l.leave {
		l.land(at)
	}
	l.pair(opStp32, 4, scratch, scratch2, context, contract.CtxExit) // and CtxReason
	for r := reg(0); r < r10; r += 2 {
		l.pair(opStp, 8, r, r+1, context, 8*int32(r))
	}
	l.ctx(opStr, 8, r10, contract.CtxRegs+8*int32(r10))
	l.ctx(opStr, 8, fuel, contract.CtxFuel)
	l.ctx(opStr, 8, stack, contract.CtxStack)
	l.ctx(opStr, 8, link, contract.CtxLink)
	l.adrp(scratch, -(l.pos() >> pageBits))
	l.ctx(opStr, 8, scratch, contract.CtxCode)
	l.ctx(opLdr, 8, link, contract.CtxSP)
	l.word(opRet)
	for _, j := range l.jumps {
		l.to(j.at, int(l.off[j.target]))
	}
}

// pageBits is the size of the page of adrp.
const pageBits = 12

func (l *lower) emitStub(s *stub) {
	l.land(s.at)
	l.op = s.op
	switch contract.Exit(s.reason & 0xff) {
	case 0:
		l.null(s)
		return
	case contract.ExitMiss:
		l.missed(s)
		l.ctx(opStr, 8, s.addr, contract.CtxAddr)
	case contract.ExitFuel:
		l.adrp(scratch, s.back>>pageBits-l.pos()>>pageBits)
		l.immArith(w64, opAddImm, opSubImm, scratch, scratch, int64(s.back&(1<<pageBits-1)))
		l.ctx(opStr, 8, scratch, contract.CtxResume)
	}
	l.exit(s.reason)
}
