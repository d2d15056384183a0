package amd64

import (
	"slices"
	"sync"

	"skep/jit/contract"
	"skep/jit/ir"
	"skep/jit/window"
)

// Features of the processor and of the process that the code is for.
type Features struct {
	BMI2 bool // shlx, shrx, sarx
	// GS: the segment base of gs is the arena. Without it each access costs
	// an instruction more.
	GS bool
}

// jump is a reference to a place that is not known yet.
type jump struct {
	at     int   // of the displacement
	short  bool  // it has 8 bits
	target int32 // op
}

// stub is code out of line: what to do when a check fails.
type stub struct {
	op     int32
	at     int    // displacement that leads here
	back   int    // where to go on, -1 when nowhere
	reason uint32 // 0: a lookup found nothing
	addr   mem    // of an ExitMiss
	size   int
	window int
}

type lower struct {
	encoder
	u     *ir.Unit
	feat  Features
	off   []int32
	prev  []int32 // off as guessed or of the round before, nil: jumps are long
	jumps []jump
	stubs []stub
	op    int32 // op being lowered
	ends  []int // displacements that lead to the end of the program
	leave []int // displacements that lead to the common exit

	keys   contract.Keys // of constant blinding
	align  bool          // loops are aligned
	tooFar bool          // a short jump does not reach
}

// lowers are those of compilations that are over: their memory is used again.
var lowers = sync.Pool{New: func() any { return new(lower) }}

// Lower makes the code. What lies behind a jump is only guessed when it is
// emitted; where a short one then does not reach, all is emitted again: with
// long jumps only, then with the distances known from that. Loops are aligned,
// which may make jumps too short again, in rare cases.
func Lower(u *ir.Unit, feat Features) (*contract.Code, error) {
	c := contract.New(u)
	c.Segment = feat.GS
	l := lowers.Get().(*lower)
	defer l.release()
	l.u, l.feat, l.off, l.align = u, feat, c.Offset, true
	l.b = slices.Grow(l.b[:0], 12*len(u.Ops)+512)
	l.guess()
	err := l.emit(c)
	if err == nil && l.tooFar {
		l.prev = nil
		err = l.emit(c)
		l.prev = slices.Clone(l.off)
		for _, l.align = range [...]bool{true, false} {
			if err == nil {
				err = l.emit(c)
			}
			if !l.tooFar {
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if l.tooFar {
		return nil, &ir.Error{Slot: -1, Msg: "amd64: a short jump does not reach"}
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
	for i := range u.Ops {
		o := &u.Ops[i]
		l.op = int32(i)
		if o.Len == 0 {
			l.off[i] = -1
			continue
		}
		if o.Flags&ir.Head != 0 && l.align && l.prev != nil && l.pos()&(line-1)+l.loop(i) > line {
			l.pad(-l.pos() & (line - 1))
		}
		l.off[i] = int32(l.pos())
		if u.Options.Blind != 0 && l.blinded(o) {
			continue
		}
		if !l.lowerOp(o) {
			return &ir.Error{Slot: int(o.Slot), Msg: "amd64 has no code for it"}
		}
	}
	l.finish(c)
	return nil
}

// line is the bytes that the processor fetches at once: a loop that is in one
// line and not in two takes half the time when it is short.
const line = 64

// loop is how long the loop with its head at op i is, 0 if it does not fit a
// line.
func (l *lower) loop(i int) int {
	end := l.u.LoopEnd(int32(i), line)
	if end < 0 || l.prev[end+1]-l.prev[i] > line {
		return 0
	}
	return int(l.prev[end+1] - l.prev[i])
}

// loops makes scratch point to the context, displaced by eight times the
// depth of the frame.
func (l *lower) loops() {
	l.rm(w64, 0x8b, scratch, ctx(contract.CtxTop))
	l.alu(w64, aluSub, scratch, rbp)
	l.shiftImm(w64, shShr, scratch, 7)
	l.alu(w64, aluAdd, scratch, context)
}

// jcc jumps to the op target when cc holds; jmp always.
func (l *lower) jcc(cc byte, target int32) { l.branch(0x70|cc, 0x0f80|uint32(cc), target) }
func (l *lower) jmp(target int32)          { l.branch(0xeb, 0xe9, target) }

func (l *lower) branch(short byte, long uint32, target int32) {
	j := jump{target: target}
	if l.prev != nil {
		if target <= l.op {
			j.short = l.pos()-int(l.off[target]) < 120
		} else {
			j.short = l.prev[target]-l.prev[l.op] < 100
		}
	}
	if j.short {
		l.byte(short, 0)
		j.at = l.pos() - 1
	} else {
		var p piece
		p.opcode(long)
		p.n += 4
		l.put(p)
		j.at = l.pos() - 4
	}
	l.jumps = append(l.jumps, j)
}

// local is a short jump forward within the code of one op: land ends it.
func (l *lower) local(cc byte) int {
	l.byte(0x70|cc, 0)
	return l.pos() - 1
}

func (l *lower) localJmp() int {
	l.byte(0xeb, 0)
	return l.pos() - 1
}

func (l *lower) land(at int) { l.b[at] = byte(l.pos() - at - 1) }

// far jumps to a stub when cc holds and returns the place to patch.
func (l *lower) far(cc byte) int {
	l.put(piece{0x800f | uint64(cc)<<8, 6})
	return l.pos() - 4
}

func (l *lower) farJmp() int {
	l.byte(0xe9)
	l.imm32(0)
	return l.pos() - 4
}

// host leaves the op to the interpreter.
func (l *lower) host() bool {
	l.exit(uint32(contract.ExitHost))
	return true
}

// exit leaves the code in line.
func (l *lower) exit(reason uint32) {
	l.rm(0, 0xc7, 0, ctx(contract.CtxExit))
	l.imm32(l.op)
	l.rm(0, 0xc7, 0, ctx(contract.CtxReason))
	l.imm32(int32(reason))
	l.leave = append(l.leave, l.farJmp())
}

// burn takes n instructions off the fuel.
func (l *lower) burn(n int32) {
	l.aluImm(w64, aluSub, fuel, n)
	s := stub{op: l.op, reason: uint32(contract.ExitFuel), at: l.far(ccS)}
	s.back = l.pos()
	l.stubs = append(l.stubs, s)
}

// finish emits the stubs, the common exit and the ends, and resolves jumps.
func (l *lower) finish(c *contract.Code) {
	for i := range l.stubs {
		l.emitStub(&l.stubs[i])
	}
	c.Return = int32(l.pos())
	l.rm(0, 0xc7, 0, ctx(contract.CtxReason))
	l.imm32(int32(contract.ExitReturn))
	l.leave = append(l.leave, l.farJmp())
	for _, at := range l.leave {
		l.patch32(at, l.pos()-at-4)
	}
	for i, r := range regs {
		l.rm(w64, 0x89, r, ctx(contract.CtxRegs+8*int32(i)))
	}
	l.rm(w64, 0x89, fuel, ctx(contract.CtxFuel))
	l.rm(w64, 0x89, rsp, ctx(contract.CtxStack))
	l.ripLea(0)
	l.rm(w64, 0x89, scratch, ctx(contract.CtxCode))
	l.back2Go()
	for _, at := range l.ends { // of the registers only r0 is wanted
		l.patch32(at, l.pos()-at-4)
	}
	l.rm(0, 0xc7, 0, ctx(contract.CtxReason))
	l.imm32(int32(contract.ExitDone))
	l.rm(w64, 0x89, rax, ctx(contract.CtxRegs))
	l.rm(w64, 0x89, fuel, ctx(contract.CtxFuel))
	l.back2Go()
	for _, j := range l.jumps {
		d := int(l.off[j.target]) - j.at
		if j.short {
			l.b[j.at] = byte(d - 1)
			l.tooFar = l.tooFar || !is8(int32(d-1))
		} else {
			l.patch32(j.at, d-4)
		}
	}
}

// back2Go returns to who entered the code.
func (l *lower) back2Go() {
	l.rm(w64, 0x8b, rsp, ctx(contract.CtxSP))
	l.rm(w64, 0x8b, rbp, ctx(contract.CtxBP))
	l.byte(0xc3)
}

// ripLea loads the address of a place in the code into scratch.
func (l *lower) ripLea(to int) {
	l.byte(0x4c, 0x8d, 0x25)
	l.imm32(0)
	l.patch32(l.pos()-4, to-l.pos())
}

func (l *lower) emitStub(s *stub) {
	l.patch32(s.at, l.pos()-s.at-4)
	l.op = s.op
	switch contract.Exit(s.reason & 0xff) {
	case 0:
		l.null(s)
		return
	case contract.ExitMiss:
		// The current frame is a window of its own.
		m := s.addr
		m.gs = false
		m.disp += contract.FrameSize
		l.lea(w64, scratch, m)
		l.alu(w64, aluSub, scratch, rbp)
		l.aluImm(w64, aluCmp, scratch, int32(contract.FrameSize-s.size))
		l.byte(0x0f, 0x80|ccBE)
		l.imm32(int32(s.back - l.pos() - 4))
		m.disp -= contract.FrameSize
		// So is the value that was looked up last.
		first := s.window / (window.Count / 2) * (window.Count / 2)
		if s.window != first {
			at := int32(contract.CtxWindows + first*window.Size)
			l.lea(w64, scratch, m)
			l.rm(w64, 0x2b, scratch, ctx(at))
			l.rm(w64, 0x3b, scratch, ctx(at+8*int32(log2(s.size)+1)))
			l.byte(0x0f, 0x80|ccB)
			l.imm32(int32(s.back - l.pos() - 4))
		}
		l.lea(w64, scratch, m)
		l.rm(w64, 0x89, scratch, ctx(contract.CtxAddr))
	case contract.ExitFuel:
		l.ripLea(s.back)
		l.rm(w64, 0x89, scratch, ctx(contract.CtxResume))
	}
	l.exit(s.reason)
}
