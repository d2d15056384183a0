package verifier

import (
	"skep/vm/helper"
	"skep/vm/isa"
)

// Marks of an instruction during the walk of the control flow graph.
const (
	fallthroughEdge = 1
	branchEdge      = 2
	discovered      = 0x10
	explored        = 0x20
)

// cfgWalk is the state of checkCFG.
type cfgWalk struct {
	*env
	state []uint8
	stack []int32
}

// checkCFG walks the control flow graph depth first without recursion. It
// finds unreachable instructions and, for users without CAP_BPF, loops; and
// marks the instructions where states may be compared.
func (e *env) checkCFG() errno {
	w := &cfgWalk{env: e, state: make([]uint8, len(e.insns)), stack: make([]int32, 0, min(len(e.insns), 1024))}
	roots := []int{0}
	if e.exCB != 0 {
		roots = append(roots, e.subprogs[e.exCB].start)
	}
	steps := 0
	for _, r := range roots {
		w.state[r] = discovered
		w.stack = append(w.stack[:0], int32(r))
		for len(w.stack) > 0 {
			if steps++; steps&1023 == 0 {
				if err := e.yield(); err != 0 {
					return err
				}
			}
			t := int(w.stack[len(w.stack)-1])
			more, err := w.visit(t)
			if err != 0 {
				return err
			}
			if !more {
				w.state[t] = explored
				w.stack = w.stack[:len(w.stack)-1]
			}
		}
	}
	for i := 0; i < len(e.insns); i++ {
		if w.state[i] != explored {
			e.logf("unreachable insn %d\n", i)
			return einval
		}
		if e.insns[i].IsWide() {
			if w.state[i+1] != 0 {
				e.logf("jump into the middle of ldimm64 insn %d\n", i)
				return einval
			}
			i++
		}
	}
	return 0
}

// visit explores the next edge out of t; more reports whether there was one.
func (w *cfgWalk) visit(t int) (more bool, err errno) {
	in := w.insns[t]
	if isPseudoFunc(in) {
		return w.visitCall(t, true)
	}
	if c := in.Class(); c != isa.ClassJMP && c != isa.ClassJMP32 {
		return w.edge(t, t+w.size(t), fallthroughEdge)
	}
	switch in.JmpOp() {
	case isa.JmpExit:
		return false, 0
	case isa.JmpCall:
		if isHelperCall(in) {
			if asyncCallback(in.Imm) {
				w.aux[t].prunePoint = true
			}
			if syncCallback(in.Imm) {
				a := &w.aux[t]
				a.callsCallback, a.forceCheckpoint, a.prunePoint, a.jmpPoint = true, true, true, true
			}
			if p := helper.Lookup(int(in.Imm)); p != nil && p.Flags.Has(helper.MayChangePacket) {
				w.subprogs[w.subprogAt(t)].changesPkt = true
			}
		}
		if isKfuncCall(in) {
			w.kfuncMarks(t)
		}
		return w.visitCall(t, in.Src == isa.PseudoCall)
	case isa.JmpA:
		if in.Source() != isa.SrcK {
			return false, einval
		}
		to := t + int(in.Off) + 1
		if in.Class() == isa.ClassJMP32 {
			to = t + int(in.Imm) + 1
		}
		more, err = w.edge(t, to, fallthroughEdge)
		if more || err != 0 {
			return more, err
		}
		a := &w.aux[to]
		a.prunePoint, a.jmpPoint, a.jumpTarget = true, true, true
		return false, 0
	}
	w.aux[t].prunePoint = true
	if isMayGoto(in) {
		w.aux[t].forceCheckpoint = true
	}
	more, err = w.edge(t, t+1, fallthroughEdge)
	if more || err != 0 {
		return more, err
	}
	return w.edge(t, t+int(in.Off)+1, branchEdge)
}

func (w *cfgWalk) size(t int) int {
	if w.insns[t].IsWide() {
		return 2
	}
	return 1
}

// visitCall explores a call or the load of a function's address.
func (w *cfgWalk) visitCall(t int, callee bool) (more bool, err errno) {
	next := t + w.size(t)
	more, err = w.edge(t, next, fallthroughEdge)
	if more || err != 0 {
		return more, err
	}
	w.aux[next].prunePoint, w.aux[next].jmpPoint = true, true
	if callee {
		to := t + int(w.insns[t].Imm) + 1
		w.aux[t].prunePoint = true
		if w.subprogs[w.subprogAt(to)].changesPkt {
			w.subprogs[w.subprogAt(t)].changesPkt = true
		}
		return w.edge(t, to, branchEdge)
	}
	return false, 0
}

// edge explores the edge from t to to (push_insn).
func (w *cfgWalk) edge(t, to int, kind uint8) (more bool, err errno) {
	if w.state[t] >= discovered|kind {
		return false, 0
	}
	if to < 0 || to >= len(w.insns) {
		w.printLine(t, string(appendf(nil, "%d: ", t)))
		w.logf("jump out of range from insn %d to %d\n", t, to)
		return false, einval
	}
	if kind == branchEdge {
		a := &w.aux[to]
		a.prunePoint, a.jmpPoint, a.jumpTarget = true, true, true
	}
	switch {
	case w.state[to] == 0:
		w.state[t] = discovered | kind
		w.state[to] = discovered
		if len(w.stack) >= len(w.insns) {
			return false, e2big
		}
		w.stack = append(w.stack, int32(to))
		return true, 0
	case w.state[to]&0xf0 == discovered:
		if w.bpfCapable {
			return false, 0
		}
		w.printLine(t, string(appendf(nil, "%d: ", t)))
		w.printLine(to, string(appendf(nil, "%d: ", to)))
		w.logf("back-edge from insn %d to %d\n", t, to)
		return false, einval
	}
	w.state[t] = discovered | kind
	return false, 0
}
