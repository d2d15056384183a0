package trace

import (
	"slices"

	"skep/verifier"
	"skep/vm/isa"
)

// DefaultLimit is how many bytes of steps a Recorder keeps unless told.
const DefaultLimit = 64 << 20

// Bounds of a chunk: what a reader goes through to find a step, and what it
// may have to hold.
const (
	chunkSteps = 256
	chunkBytes = 64 << 10
	maxChunk   = 512 << 10 // a step alone may be larger than chunkBytes
)

// Recorder keeps a verification as a trace. It is a verifier.Tracer:
//
//	rec := trace.NewRecorder(prog, 0)
//	cfg.Tracer = rec
//	res, err := verifier.Verify(prog, cfg)
//	bytes := rec.Bytes(trace.Describe(prog, cfg), res)
//
// It holds at most its limit of bytes of steps, and then forgets the oldest
// but the first quarter: the paths and counters are always whole.
type Recorder struct {
	insns []isa.Insn
	limit int

	last    shadow // the state after what was written
	steps   uint32 // begun so far
	open    bool   // the step of number steps-1 is not written yet
	isPrune bool
	cur     Step
	insn    int // its slot
	prev    int // slot of the step before it in the chunk

	paths    []Path
	path     int  // the one that is walked
	starting bool // its first step is still to come
	set      bool // bounds were set by hand since the last step
	arrived  []Change
	pending  []pendingPath

	checkpoints []Checkpoint
	numbers     map[*verifier.State]uint32
	types       map[uint64]struct{} // BTF handle<<32 | id, seen in registers

	chunks  []chunk
	buf     encoder // of the chunk that grows
	inChunk int
	total   int // bytes of all chunks
	head    int // chunks at the front that are never dropped
	gone    int // chunks dropped, those behind head
	scratch encoder
	why     reasoner
	locs    []uint32 // scratch of why
}

type chunk struct {
	first, steps uint32
	data         []byte
}

// pendingPath is a path that was queued.
type pendingPath struct {
	Path
	state   *verifier.State // until it is explained
	arrived []Change
}

// NewRecorder makes a recorder for one verification of p that keeps at most
// limit bytes of steps, 0 for DefaultLimit.
func NewRecorder(p *verifier.Program, limit int) *Recorder {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Recorder{insns: p.Insns, limit: limit, numbers: map[*verifier.State]uint32{}, types: map[uint64]struct{}{}}
}

// Steps is how many steps there are so far.
func (r *Recorder) Steps() uint32 { return r.steps }

// Trace takes an event of the verifier.
func (r *Recorder) Trace(ev *verifier.Event) {
	switch ev.Kind {
	case verifier.EventEntry:
		r.begin(pendingPath{Path: Path{Kind: PathKindEntry, Parent: -1, Insn: uint32(ev.Insn)}})
		clear(r.numbers)
	case verifier.EventStep:
		r.arrive(ev)
	case verifier.EventSet:
		r.finish(ev.State)
		r.set = true
	case verifier.EventPush:
		r.pending = append(r.pending, pendingPath{
			Path:  Path{Parent: int32(r.path), At: r.steps - 1, Insn: uint32(ev.Insn)},
			state: ev.State,
		})
	case verifier.EventPop:
		if n := len(r.pending); n > 0 {
			p := r.pending[n-1]
			r.pending = r.pending[:n-1]
			r.begin(p)
		}
	case verifier.EventPrune:
		r.arrive(ev)
		r.isPrune = true
		r.cur.Kind = StepKindPruned
		r.cur.Covered = append(r.cur.Covered[:0], r.covered(ev.Other))
	case verifier.EventCover:
		r.finish(ev.State)
		r.last.clearMarks()
		n := uint32(len(r.checkpoints))
		r.checkpoints = append(r.checkpoints, Checkpoint{Step: r.steps})
		r.numbers[ev.State] = n
		r.cur.Checkpoint = true
	case verifier.EventMark:
		r.mark(ev)
	case verifier.EventBack:
		r.back(ev)
	case verifier.EventCheck:
		r.check(ev)
	case verifier.EventNoFact:
		r.cur.NoFacts = append(r.cur.NoFacts, NoFact{ev.NoFact, ev.Way, uint32(ev.Reg), ev.Num})
	case verifier.EventExit:
		r.finish(ev.State)
		end := PathEndExit
		if r.isPrune {
			end = PathEndPruned
		}
		r.endPath(end)
	case verifier.EventEnd:
		r.end(ev)
	}
}

// begin takes up a path.
func (r *Recorder) begin(p pendingPath) {
	p.First, p.End = r.steps, PathEndOpen
	r.path = len(r.paths)
	r.paths = append(r.paths, p.Path)
	r.arrived = p.arrived
	r.starting = true
}

func (r *Recorder) endPath(end PathEnd) {
	p := &r.paths[r.path]
	p.End, p.Steps = end, r.steps-p.First
}

// arrive begins the step of an event, whose state is the one that the step
// before has left, or that of a new path.
func (r *Recorder) arrive(ev *verifier.Event) {
	r.finish(ev.State)
	if r.inChunk == 0 {
		r.prev = -1
		r.keyframe()
	}
	r.cur.Jump = int32(ev.Insn - r.prev - 1)
	r.insn, r.prev = ev.Insn, ev.Insn
	r.isPrune = false
	r.cur.Kind = StepKindChecked
	if r.starting {
		r.paths[r.path].Speculative = ev.State.Speculative()
	}
	if r.starting || r.set {
		reason := ReasonUnknown
		if r.set {
			reason = ReasonWhatIf
		} else if r.paths[r.path].Parent < 0 {
			reason = ReasonEntry
		}
		r.cur.Before = r.delta(r.cur.Before.Changes[:0], ev.State, func(c *Change, _ Loc) { c.Reason = reason })
		r.adopt(ev.State, r.cur.Before)
	}
	r.cur.Arrived, r.arrived = r.arrived, nil
	r.starting, r.set = false, false
	r.steps++
	r.open = true
}

// finish writes the step that is open; after is the state that it left.
func (r *Recorder) finish(after *verifier.State) {
	if !r.open {
		return
	}
	r.open = false
	if !r.isPrune && r.cur.Kind == StepKindChecked && after != nil {
		r.reasonAbout()
		r.explainQueued()
		r.why.pushed, r.why.locs = false, r.locs[:0]
		r.cur.After = r.delta(r.cur.After.Changes[:0], after, func(c *Change, loc Loc) { r.why.explain(c, loc, after) })
		r.noteWritten(after)
		r.locs = r.why.locs
		r.adopt(after, r.cur.After)
	}
	r.scratch.buf = r.scratch.buf[:0]
	r.cur.put(&r.scratch)
	r.buf.U32(uint32(len(r.scratch.buf)))
	r.buf.buf = append(r.buf.buf, r.scratch.buf...)
	r.inChunk++
	if r.inChunk >= chunkSteps || len(r.buf.buf) >= chunkBytes {
		r.closeChunk()
	}
	c := &r.cur
	*c = Step{
		Covered: c.Covered[:0], Checks: c.Checks[:0], NoFacts: c.NoFacts[:0], Marks: c.Marks[:0], Back: c.Back[:0],
		Before: Delta{Changes: c.Before.Changes[:0]}, After: Delta{Changes: c.After.Changes[:0]},
	}
}

// noteWritten adds the place that the open step wrote when it holds the same
// as before.
func (r *Recorder) noteWritten(after *verifier.State) {
	w := r.why.written()
	if w < 0 || Loc(w).Frame() >= len(after.Frames()) || Loc(w).Slot() >= len(after.Frames()[Loc(w).Frame()].Stack) {
		return
	}
	for i := range r.cur.After.Changes {
		if r.cur.After.Changes[i].Loc == uint32(w) {
			return
		}
	}
	var c Change
	change(after, Loc(w), &c)
	r.why.explain(&c, Loc(w), after)
	if c.Reason != ReasonMark {
		r.cur.After.Changes = append(r.cur.After.Changes, c)
	}
}

// reasonAbout prepares to explain what the open step does.
func (r *Recorder) reasonAbout() {
	w := &r.why
	w.in, w.before, w.frame = r.insns[r.insn], &r.last, r.last.n-1
	if w.in.Class() == isa.ClassLD && w.in.Mode() == isa.ModeImm && r.insn+1 < len(r.insns) {
		w.wide = int64(r.insns[r.insn+1].Imm)<<32 | int64(uint32(w.in.Imm))
	}
}

// explainQueued explains the paths that the open step queued: their states are
// as they will be walked, and the state before is still at hand.
func (r *Recorder) explainQueued() {
	r.why.pushed = true
	for i := len(r.pending) - 1; i >= 0 && r.pending[i].state != nil; i-- {
		p := &r.pending[i]
		p.Kind = r.pathKind(p)
		r.why.locs = nil // what is kept with the path is its own
		d := r.delta(nil, p.state, func(c *Change, loc Loc) { r.why.explain(c, loc, p.state) })
		p.arrived, p.state = d.Changes, nil
	}
}

func (r *Recorder) pathKind(p *pendingPath) PathKind {
	in := r.why.in
	frames := p.state.Frames()
	switch {
	case p.state.Speculative() && !r.last.held.Speculative:
		return PathKindSpeculative
	case in.Class() != isa.ClassJMP && in.Class() != isa.ClassJMP32:
		return PathKindFork
	case in.JmpOp() == isa.JmpCond:
		return PathKindMayGoto
	case in.JmpOp() != isa.JmpCall:
		return PathKindBranch
	case len(frames) > r.last.n:
		return PathKindCallback
	case frames[len(frames)-1].InAsyncCallback() && int(p.Insn) != r.insn+1:
		return PathKindAsync
	}
	return PathKindIterator
}

// delta is what differs between the shadow and a state. Changes go into buf.
func (r *Recorder) delta(buf []Change, st *verifier.State, reason func(*Change, Loc)) Delta {
	d := Delta{Changes: buf}
	if r.last.headDiffers(st) {
		d.Head = []Head{headsOf(st)}
	}
	r.last.each(st, func(loc Loc) {
		var c Change
		change(st, loc, &c)
		reason(&c, loc)
		r.noteType(c.Reg.Type, c.Reg.A, c.Reg.B, c.Bytes)
		d.Changes = append(d.Changes, c)
	})
	return d
}

// adopt makes the shadow what the state is; d is what differs.
func (r *Recorder) adopt(st *verifier.State, d Delta) {
	if len(d.Head) > 0 {
		r.last.reshape(st)
	}
	for i := range d.Changes {
		r.last.take(st, Loc(d.Changes[i].Loc))
	}
}

func headsOf(st *verifier.State) Head {
	var h Head
	for _, f := range st.Frames() {
		h.Frames = append(h.Frames, headOf(f))
	}
	h.Held = wireHeld(st.Held())
	return h
}

func wireHeld(h verifier.Held) Held {
	return Held{h.LockMap, h.LockID, h.RCU, h.Preempt, h.Sleeping, h.Speculative}
}

// noteType remembers a type whose name a reader will want.
func (r *Recorder) noteType(t, a, b uint32, bytes uint64) {
	if base := verifier.RegType(t).Base(); base == verifier.PtrToBTFID || bytes&15 == uint64(SlotByteIter) {
		r.types[uint64(a)<<32|uint64(b)] = struct{}{}
	}
}

func (r *Recorder) end(ev *verifier.Event) {
	if !ev.Refused && !ev.Stopped {
		return
	}
	r.stop(ev)
	r.why.refused = true
	if ev.Refused && r.open && !slices.ContainsFunc(r.cur.Checks, func(c Check) bool { return c.Failed }) && ev.Check.Failed {
		r.check(ev)
	}
	r.finish(ev.State)
	if ev.Stopped {
		r.endPath(PathEndStopped)
	} else {
		r.endPath(PathEndRejected)
	}
}

// stop begins the step of an instruction that is counted, and not checked.
func (r *Recorder) stop(ev *verifier.Event) {
	if uint32(ev.Processed) > r.steps && ev.State != nil {
		r.arrive(ev)
		r.cur.Kind = StepKindStopped
	}
}
