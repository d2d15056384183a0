package verifier

import (
	"math/bits"
	"sync"
)

const (
	maxFrames  = 8   // MAX_CALL_FRAMES
	maxStack   = 512 // MAX_BPF_STACK
	regSize    = 8   // BPF_REG_SIZE
	stackSlots = maxStack / regSize
	numRegs    = 11
	fpReg      = 10

	// mainCallsite is the callsite of a frame that nothing called
	// (BPF_MAIN_FUNC).
	mainCallsite = -1

	maxJumpSeq = 8192 // BPF_COMPLEXITY_LIMIT_JMP_SEQ
)

func bitsLen(v uint64) int { return bits.Len64(v) }

// SlotType is what one byte of a stack slot holds (enum bpf_stack_slot_type).
type SlotType uint8

const (
	SlotInvalid SlotType = iota // nothing was written
	SlotSpill                   // part of a spilled register
	SlotMisc                    // some bytes
	SlotZero                    // zero bytes
	SlotDynptr                  // part of a dynptr
	SlotIter                    // part of an iterator
)

// StackSlot is eight bytes of stack. Types[regSize-1] is the byte at the lowest
// address: a spill shorter than 8 bytes fills the last ones.
type StackSlot struct {
	Reg   RegState
	Types [regSize]SlotType
}

func (s *StackSlot) isSpilled() bool { return s.Types[regSize-1] == SlotSpill }

func (s *StackSlot) isSpilledScalar() bool { return s.isSpilled() && s.Reg.Type == ScalarValue }

func (s *StackSlot) isSpilledScalar64() bool {
	return s.Types[0] == SlotSpill && s.Reg.Type == ScalarValue
}

// special reports whether the slot holds more than bytes (is_stack_slot_special).
func (s *StackSlot) special() bool {
	switch s.Types[regSize-1] {
	case SlotSpill, SlotDynptr, SlotIter:
		return true
	}
	return false
}

// Ref is a reference that must be released (struct bpf_reference_state).
type Ref struct {
	ID       uint32
	Insn     int
	callback uint32 // frame of the callback that acquired it
}

type retRange struct{ min, max int32 }

// FuncState is what is known in one frame (struct bpf_func_state).
type FuncState struct {
	Regs     [numRegs]RegState
	Callsite int // instruction of the call, mainCallsite for an entry
	FrameNo  uint32
	Subprog  int

	asyncEntry          uint32
	callbackRet         retRange
	inCallback          bool
	inAsyncCallback     bool
	inExceptionCallback bool
	callbackDepth       uint32

	Refs  []Ref
	Stack []StackSlot // slot i is at fp-8*(i+1)
}

// State is what is known at a point of a path (struct bpf_verifier_state).
type State struct {
	frame    [maxFrames]*FuncState
	curframe int

	// parent is the checkpoint that this state's path came from; branches is
	// how many paths from here are not finished.
	parent   *State
	branches int

	insnIdx  int
	lockMap  uint32 // handle of what holds the spin lock, 0 when none is held
	lockID   uint32
	rcuLock  bool
	preempt  uint32
	sleeping bool // in_sleepable

	speculative   bool
	usedLoopEntry bool
	firstInsn     int
	lastInsn      int
	loopEntry     *State
	histStart     int
	histEnd       int
	dfsDepth      int
	unrollDepth   int // callback_unroll_depth
	mayGotoDepth  int
}

// Frames are the frames of the state, the main program's first.
func (s *State) Frames() []*FuncState { return s.frame[:s.curframe+1] }

// Speculative reports whether the CPU may only guess that it gets here.
func (s *State) Speculative() bool { return s.speculative }

func (s *State) cur() *FuncState { return s.frame[s.curframe] }

// stackElem is a path still to be walked.
type stackElem struct {
	st       *State
	insn     int
	prevInsn int
	logPos   int
}

// pool keeps the memory of states that are no more. A verification allocates
// only while the number of states alive grows beyond that of the one before.
type pool struct {
	states []*State
	funcs  []*FuncState
	lists  []*stateList
	hist   []histEntry // of the verification before
	bytes  int         // allocated so far, about
}

// pools are those of verifications that ended: one after each keystroke would
// otherwise keep a collector busy that has no thread of its own in a page.
var pools sync.Pool

// maxKept is how many bytes of states may wait for the next verification.
const maxKept = 16 << 20

// takePool is a pool for a verification that may use limit bytes.
func takePool(limit int) *pool {
	if p, ok := pools.Get().(*pool); ok && (limit <= 0 || p.bytes <= limit) {
		return p
	}
	return new(pool)
}

// putBack keeps the pool for another verification unless it has grown large.
func (p *pool) putBack() {
	if p.bytes <= maxKept {
		pools.Put(p)
	}
}

// Sizes of what a pool allocates, which TestPoolSizes compares.
const (
	sizeState     = 184
	sizeFuncState = 1416
	sizeStackSlot = 128
	sizeRef       = 24
)

func (p *pool) newState() *State {
	if n := len(p.states); n > 0 {
		s := p.states[n-1]
		p.states = p.states[:n-1]
		*s = State{}
		return s
	}
	p.bytes += sizeState
	return new(State)
}

func (p *pool) newFunc() *FuncState {
	f := p.takeFunc()
	refs, stack := f.Refs[:0], f.Stack[:0]
	*f = FuncState{Refs: refs, Stack: stack}
	return f
}

// takeFunc is a frame that may hold anything.
func (p *pool) takeFunc() *FuncState {
	if n := len(p.funcs); n > 0 {
		f := p.funcs[n-1]
		p.funcs = p.funcs[:n-1]
		return f
	}
	p.bytes += sizeFuncState
	return new(FuncState)
}

func (p *pool) freeFunc(f *FuncState) {
	if f != nil {
		p.funcs = append(p.funcs, f)
	}
}

func (p *pool) freeState(s *State) {
	for i := range s.frame {
		p.freeFunc(s.frame[i])
		s.frame[i] = nil
	}
	s.parent, s.loopEntry = nil, nil
	p.states = append(p.states, s)
}

func (p *pool) copyFunc(dst, src *FuncState) {
	refs, stack := dst.Refs, dst.Stack
	*dst = *src
	dst.Refs = append(refs[:0], src.Refs...)
	dst.Stack = append(stack[:0], src.Stack...)
	p.bytes += (cap(dst.Refs)-cap(refs))*sizeRef + (cap(dst.Stack)-cap(stack))*sizeStackSlot
}

// copyState makes dst a deep copy of src, reusing dst's frames.
func (p *pool) copyState(dst, src *State) {
	frames := dst.frame
	*dst = *src
	dst.frame = frames
	for i := src.curframe + 1; i < maxFrames; i++ {
		p.freeFunc(dst.frame[i])
		dst.frame[i] = nil
	}
	dst.insnIdx = 0
	for i := 0; i <= src.curframe; i++ {
		if dst.frame[i] == nil {
			dst.frame[i] = p.takeFunc()
		}
		p.copyFunc(dst.frame[i], src.frame[i])
	}
}

// regs are those of the current frame.
func (e *env) regs() *[numRegs]RegState { return &e.cur.cur().Regs }

// fn is the frame that a stack pointer points into.
func (e *env) fn(r *RegState) *FuncState {
	f := e.cur.frame[r.FrameNo%maxFrames]
	if f == nil {
		return e.cur.cur()
	}
	return f
}

// spiOf is the slot of a negative stack offset (__get_spi).
func spiOf(off int) int { return (-off - 1) / regSize }

// growStack makes at least size bytes of stack known (grow_stack_state).
func (e *env) growStack(f *FuncState, size int) {
	n := (size + regSize - 1) / regSize
	if n <= len(f.Stack) {
		return
	}
	for len(f.Stack) < n {
		f.Stack = append(f.Stack, StackSlot{})
	}
	if sub := &e.subprogs[f.Subprog]; sub.stackDepth < n*regSize {
		sub.stackDepth = n * regSize
	}
}

// initFunc is init_func_state.
func (e *env) initFunc(f *FuncState, callsite int, frameNo uint32, subprog int) {
	f.Callsite, f.FrameNo, f.Subprog = callsite, frameNo, subprog
	f.callbackRet = retRange{}
	for i := range f.Regs {
		r := &f.Regs[i]
		e.setNotInit(r)
		r.live, r.parent, r.subregDef = 0, nil, notSubreg
	}
	fp := &f.Regs[fpReg]
	fp.Type = PtrToStack
	fp.setKnown(0)
	fp.FrameNo = frameNo
	e.scratchAll()
}

// forEachReg calls f for every register and every spilled register of s
// (bpf_for_each_reg_in_vstate).
func (s *State) forEachReg(f func(r *RegState)) {
	for _, fr := range s.Frames() {
		for i := range fr.Regs {
			f(&fr.Regs[i])
		}
		for i := range fr.Stack {
			if fr.Stack[i].isSpilled() {
				f(&fr.Stack[i].Reg)
			}
		}
	}
}

// push queues a copy of the current state to be walked from insn; nil when
// there are too many (push_stack).
func (e *env) push(insn, prev int, speculative bool) (*State, errno) {
	st := e.pool.newState()
	e.pool.copyState(st, e.cur)
	st.speculative = st.speculative || speculative
	e.stack = append(e.stack, stackElem{st, insn, prev, e.log.pos()})
	if len(e.stack) > maxJumpSeq {
		e.logf("The sequence of %d jumps is too complex.\n", len(e.stack))
		e.dropPaths()
		return nil, e2big
	}
	if st.parent != nil {
		st.parent.branches++
	}
	e.trace(Event{Kind: EventPush, Insn: insn, State: st})
	return st, 0
}

// pop makes the last queued path the current one; false when none is left
// (pop_stack).
func (e *env) pop() (prev, insn int, ok bool) {
	n := len(e.stack)
	if n == 0 {
		return 0, 0, false
	}
	el := e.stack[n-1]
	e.stack[n-1] = stackElem{}
	e.stack = e.stack[:n-1]
	e.pool.freeState(e.cur)
	e.cur = el.st
	if e.log.level&LogLevel2 == 0 {
		e.log.reset(el.logPos)
	}
	return el.prevInsn, el.insn, true
}

// dropPaths forgets all queued paths: the verification fails.
func (e *env) dropPaths() {
	e.stack = e.stack[:0]
}

func sameCallsites(a, b *State) bool {
	if a.curframe != b.curframe {
		return false
	}
	for i := a.curframe; i >= 0; i-- {
		if a.frame[i].Callsite != b.frame[i].Callsite {
			return false
		}
	}
	return true
}

// loopEntryOf is the outermost loop entry that s belongs to, with path
// compression (get_loop_entry).
func loopEntryOf(s *State) *State {
	top := s.loopEntry
	for top != nil && top.loopEntry != nil && top != top.loopEntry {
		top = top.loopEntry
	}
	for s != nil && s.loopEntry != top {
		next := s.loopEntry
		s.loopEntry = top
		s = next
	}
	return top
}

// updateLoopEntry notes that cur is in a loop that begins at hdr.
func updateLoopEntry(cur, hdr *State) {
	cur1, hdr1 := cur, hdr
	if t := loopEntryOf(cur); t != nil {
		cur1 = t
	}
	if t := loopEntryOf(hdr); t != nil {
		hdr1 = t
	}
	if hdr1.branches != 0 && hdr1.dfsDepth <= cur1.dfsDepth {
		cur.loopEntry = hdr
		hdr.usedLoopEntry = true
	}
}

// pathDone counts a finished path of st and of its ancestors that are then
// finished too (update_branch_counts).
func pathDone(st *State) {
	for st != nil {
		st.branches--
		if st.branches == 0 && st.parent != nil && st.loopEntry != nil {
			updateLoopEntry(st.parent, st.loopEntry)
		}
		if st.branches != 0 {
			break
		}
		st = st.parent
	}
}
