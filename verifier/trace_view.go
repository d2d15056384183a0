package verifier

import "skep/vm/btf"

// Marks of a register, as Live gives them.
const (
	LiveRead32  = liveRead32
	LiveRead64  = liveRead64
	LiveWritten = liveWritten
	LiveDone    = liveDone
)

// Live are the liveness marks, a bit set of LiveRead32 and so on.
func (r *RegState) Live() uint8 { return r.live }

// SetLive sets the liveness marks of a register that belongs to no state.
func (r *RegState) SetLive(marks uint8) { r.live = marks }

// SameValue reports whether the registers hold the same, whatever their marks.
func (r *RegState) SameValue(o *RegState) bool {
	return r.RegHead == o.RegHead && r.Bounds == o.Bounds && r.ID == o.ID && r.RefObjID == o.RefObjID && r.FrameNo == o.FrameNo
}

// Same is SameValue with the marks.
func (r *RegState) Same(o *RegState) bool {
	return r.live == o.live && r.Precise == o.Precise && r.SameValue(o)
}

// InCallback and InAsyncCallback report that a helper, or the kernel later,
// called the function of the frame.
func (f *FuncState) InCallback() bool      { return f.inCallback }
func (f *FuncState) InAsyncCallback() bool { return f.inAsyncCallback }

// Held is what a path holds besides registers and stack.
type Held struct {
	LockMap, LockID, Preempt   uint32
	RCU, Sleeping, Speculative bool
}

// Held tells of locks and critical sections.
func (s *State) Held() Held {
	return Held{s.lockMap, s.lockID, s.preempt, s.rcuLock, s.sleeping, s.speculative}
}

// Printer writes states as the log does, without a verification: MapInfo and
// TypeName tell the names that it needs.
type Printer struct{ e env }

// NewPrinter makes a Printer for programs with such maps.
func NewPrinter(maps []MapInfo, typeName func(handle, id uint32) string) *Printer {
	p := &Printer{}
	p.e.maps = make([]mapState, len(maps))
	for i := range maps {
		p.e.maps[i].MapInfo = &maps[i]
	}
	p.e.typeName = typeName
	return p
}

// AppendFrame writes all of a frame that is set, as print_verifier_state does:
// " R1=ctx() R10=fp0\n".
func (p *Printer) AppendFrame(dst []byte, f *FuncState, callback, async bool) []byte {
	c := *f
	c.inCallback, c.inAsyncCallback = callback, async
	return p.e.appendState(dst, &c, ^uint32(0), ^uint64(0))
}

// Value is a register of a frame as the log writes it.
func (p *Printer) Value(frame int, r *RegState) string {
	if r.Type == NotInit {
		return ""
	}
	return string(p.e.appendReg(nil, uint32(frame), r))
}

// TypeName is the name of a type that a register of p points to, by the BTF
// handle and id of the register.
func TypeName(p *Program, kernel *btf.Spec, handle, id uint32) string {
	e := env{btfs: []*btf.Spec{p.BTF, kernel}}
	return e.btfTypeName(handle, id)
}
