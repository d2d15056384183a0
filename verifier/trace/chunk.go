package trace

// keyframe begins a chunk with the whole state that its first step follows.
func (r *Recorder) keyframe() {
	var d Delta
	h := Head{Held: wireHeld(r.last.held)}
	for i := range r.last.n {
		f := &r.last.frames[i]
		h.Frames = append(h.Frames, f.head)
		for j := range f.regs {
			if !f.regs[j].Same(&unsetReg) {
				d.Changes = append(d.Changes, Change{Loc: uint32(RegLoc(i, j)), Reg: wireReg(&f.regs[j])})
			}
		}
		for j := range f.stack {
			if s := &f.stack[j]; s.Types != unsetSlot.Types || !s.Reg.Same(&unsetReg) {
				d.Changes = append(d.Changes, Change{Loc: uint32(SlotLoc(i, j)), Bytes: packBytes(s.Types), Reg: wireReg(&s.Reg)})
			}
		}
		if len(f.refs) > 0 {
			c := Change{Loc: uint32(refsLoc(i))}
			for _, ref := range f.refs {
				c.Refs = append(c.Refs, Ref{ref.ID, uint32(ref.Insn)})
			}
			d.Changes = append(d.Changes, c)
		}
	}
	d.Head = []Head{h}
	d.put(&r.buf)
	r.chunks = append(r.chunks, chunk{first: r.steps})
}

// closeChunk puts the chunk that grows away, and forgets old ones when there
// are too many.
func (r *Recorder) closeChunk() {
	if r.inChunk == 0 {
		return
	}
	c := &r.chunks[len(r.chunks)-1]
	c.steps = uint32(r.inChunk)
	c.data = append([]byte(nil), r.buf.buf...)
	r.buf.buf = r.buf.buf[:0]
	r.inChunk = 0
	r.total += len(c.data)
	if r.total <= r.limit/4 {
		r.head = len(r.chunks)
	}
	for r.total > r.limit && r.head+r.gone < len(r.chunks)-1 {
		old := &r.chunks[r.head+r.gone]
		r.total -= len(old.data)
		old.data = nil
		r.gone++
	}
}
