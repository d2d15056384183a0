package verifier

// Flags of a history entry.
const (
	histStackAccess = 1 << iota // the instruction spilled or filled a slot
	histDstStack                // its destination is a stack pointer
	histSrcStack                // its source is
)

// histEntry notes what going back from an instruction needs to know and the
// instruction does not say (struct bpf_insn_hist_entry).
type histEntry struct {
	insn   int32
	prev   int32 // instruction before it on the path
	flags  uint8
	frame  uint8 // of histStackAccess
	slot   uint8
	linked linkedRegs
}

// linkedReg is a register or slot whose range is tied to others by an ID.
type linkedReg struct {
	frame uint8
	index uint8 // register, or slot
	isReg bool
}

const maxLinked = 6 // LINKED_REGS_MAX

type linkedRegs struct {
	n   uint8
	reg [maxLinked]linkedReg
}

// pushHistory adds to the history of the current path; several notes about one
// instruction share an entry (push_insn_history).
func (e *env) pushHistory(flags uint8, access uint16) {
	h := e.histSlot()
	h.flags |= flags
	if flags&histStackAccess != 0 {
		h.frame, h.slot = uint8(access>>8), uint8(access)
	}
	h.linked.n = 0
}

func (e *env) pushLinked(l *linkedRegs) { e.histSlot().linked = *l }

// histSlot is the entry of the current instruction.
func (e *env) histSlot() *histEntry {
	if e.curHist >= 0 {
		return &e.hist[e.curHist]
	}
	st := e.cur
	if st.histEnd < len(e.hist) {
		e.hist[st.histEnd] = histEntry{}
	} else {
		e.hist = append(e.hist, histEntry{})
	}
	h := &e.hist[st.histEnd]
	// The kernel keeps 20 bits of prev.
	h.insn, h.prev = int32(e.insnIdx), int32(uint32(e.prevInsn)&(1<<20-1))
	e.curHist = st.histEnd
	st.histEnd++
	return h
}

// stackAccess packs which slot of which frame an instruction used.
func stackAccess(frame uint32, spi int) uint16 { return uint16(frame)<<8 | uint16(spi&0x3f) }

// histAt is the entry of an instruction at the end of start..end, nil when it
// has none.
func (e *env) histAt(start, end, insn int) *histEntry {
	if end > start && int(e.hist[end-1].insn) == insn {
		return &e.hist[end-1]
	}
	return nil
}

// prevOnPath is the instruction before insn on the path of st, whose history
// is start..*end; false at the path's beginning (get_prev_insn_idx).
func (e *env) prevOnPath(st *State, insn, start int, end *int) (int, bool) {
	n := *end - start
	if insn == st.firstInsn {
		if n == 0 || n == 1 && int(e.hist[start].insn) == insn {
			return 0, false
		}
	}
	if n > 0 && int(e.hist[*end-1].insn) == insn {
		*end--
		return int(e.hist[*end].prev), true
	}
	return insn - 1, true
}
