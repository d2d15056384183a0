package vm

import (
	"slices"

	"skep/vm/arena"
	"skep/vm/isa"
)

// windows is the last window that an access fell in, as the interpreter wants
// it: an access of size n at a is inside when a-lo < n1, n2, n4 or n8, with
// each bound zero when the window is too short for the size.
type windows struct {
	lo             uint64
	n1, n2, n4, n8 uint64
}

func (w *windows) set(v arena.Window) {
	n := uint64(v.Len)
	w.lo, w.n1 = uint64(v.Base), n
	w.n2, w.n4, w.n8 = 0, 0, 0
	if n >= 2 {
		w.n2 = n - 1
	}
	if n >= 4 {
		w.n4 = n - 3
	}
	if n >= 8 {
		w.n8 = n - 7
	}
}

// forgetWindows drops the cached windows: after anything that may move a
// packet's borders, close a record or map memory.
func (m *Machine) forgetWindows() {
	if m.rd.n1|m.wr.n1 != 0 {
		m.rd, m.wr = windows{}, windows{}
	}
}

// forgetBelow forgets windows into stack frames below addr: those of functions
// that have returned, whose memory a dangling pointer must not reach.
func (m *Machine) forgetBelow(addr uint64) {
	low := uint64(m.top) - maxFrames*FrameStride
	if m.rd.lo < addr && m.rd.lo >= low || m.wr.lo < addr && m.wr.lo >= low {
		m.forgetWindows()
	}
}

// window finds the window that [addr, addr+n) lies in with the permission.
func (m *Machine) window(addr uint64, n uint32, perm arena.Perm) (arena.Window, bool) {
	if addr>>32 != 0 {
		return arena.Window{}, false
	}
	r := m.arena.Find(uint32(addr))
	if r == nil || r.Perm&perm == 0 && r.Windower == nil {
		return arena.Window{}, false
	}
	w := r.Window(uint32(addr))
	return w, w.Perm&perm != 0 && w.Contains(uint32(addr), n)
}

// reach is the slow path of an access: it finds the window and caches it, or
// makes the fault and returns false.
//
//go:noinline
func (m *Machine) reach(addr uint64, n uint32, perm arena.Perm) bool {
	w, ok := m.window(addr, n, perm)
	if !ok {
		m.accessFault(addr, n, perm == arena.Write)
		return false
	}
	if w.Perm&arena.Read != 0 {
		m.rd.set(w)
	}
	if w.Perm&arena.Write != 0 {
		m.wr.set(w)
	}
	return true
}

// forgive goes on after a load that missed, with zero, where the verifier has
// made it one that may (Program.Probe).
func (m *Machine) forgive(in *op) bool {
	row := in.own.Row()
	if m.fault == nil || m.fault.Write || row == nil || row.Form != isa.FormLoad {
		return false
	}
	if _, ok := slices.BinarySearch(m.code.prog.Probe, m.PC()); !ok {
		return false
	}
	m.cpu.r[in.dst/8] = 0
	m.cpu.status, m.fault = running, nil
	m.cpu.pc++
	return true
}

// stackBase is the lowest address of the current frame.
func (m *Machine) stackBase() uint64 {
	return uint64(m.stackTop) - m.cpu.depth*FrameStride - FrameSize
}
