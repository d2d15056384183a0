package verifier

import "skep/vm/hook"

// privStack is how a function gets its stack (enum priv_stack_mode): from a
// separate place per CPU, or from the caller's.
type privStack uint8

const (
	privUnknown privStack = iota
	privNone
	privAdaptive
)

const privStackMin = 64 // BPF_PRIV_STACK_MIN_SIZE

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// privStackMode is bpf_enable_priv_stack, with the amd64 JIT.
func (e *env) privStackMode() privStack {
	switch e.prog.Type {
	case hook.Kprobe, hook.Tracepoint, hook.PerfEvent, hook.RawTracepoint:
		return privAdaptive
	case hook.Tracing:
		if e.attachType() != hook.TraceIter {
			return privAdaptive
		}
	}
	return privNone
}

// checkMaxStackDepth bounds the stack of all call chains.
func (e *env) checkMaxStackDepth() errno {
	mode := privUnknown
	n := len(e.subprogs) - 1
	for i := range n {
		if e.subprogs[i].hasTailCall {
			mode = privNone
			break
		}
	}
	if mode == privUnknown {
		mode = e.privStackMode()
	}
	for i := n - 1; i >= 0; i-- {
		if i == 0 || e.subprogs[i].isAsyncCB {
			if err := e.checkChain(i, i == 0 && mode == privAdaptive); err != 0 {
				return err
			}
		}
	}
	return 0
}

// checkChain follows the calls of a function depth first, without recursion
// (check_max_stack_depth_subprog).
func (e *env) checkChain(idx int, priv bool) errno {
	var retInsn, retProg [maxFrames]int
	depth, frame := 0, 0
	tailReachable := false
	i := e.subprogs[idx].start
	if !priv {
		e.subprogs[idx].privStack = privNone
	}
	for enter := true; ; {
		if enter {
			if err := e.enterChain(idx, frame, &retProg, &depth, priv); err != 0 {
				return err
			}
			enter = false
		}
		end := e.subprogEnd(idx)
		for ; i < end; i++ {
			in := e.insns[i]
			if e.isThrow(i) {
				cb := e.subprogs[idx].isCB
				for j := 0; j < frame && !cb; j++ {
					cb = e.subprogs[retProg[j]].isCB
				}
				if cb {
					e.logf("bpf_throw kfunc (insn %d) cannot be called from callback subprog %d\n", i, idx)
					return einval
				}
			}
			if !isPseudoCall(in) && !isPseudoFunc(in) {
				continue
			}
			to := i + int(in.Imm) + 1
			sub := e.findSubprog(to)
			if sub < 0 {
				return efault
			}
			s := &e.subprogs[sub]
			if s.isAsyncCB {
				if s.hasTailCall {
					e.logs("verifier bug. subprog has tail_call and async cb\n")
					return efault
				}
				if !isPseudoCall(in) {
					continue
				}
				if s.isExceptionCB {
					e.logf("insn %d cannot call exception cb directly\n", i)
					return einval
				}
			}
			retInsn[frame], retProg[frame] = i+1, idx
			i, idx = to, sub
			if !priv {
				s.privStack = privNone
			}
			tailReachable = tailReachable || s.hasTailCall
			frame++
			if frame >= maxFrames {
				e.logf("the call stack of %d frames is too deep !\n", frame)
				return e2big
			}
			enter = true
			break
		}
		if enter {
			continue
		}
		if tailReachable {
			for j := range frame {
				if e.subprogs[retProg[j]].isExceptionCB {
					e.logs("cannot tail call within exception cb\n")
					return einval
				}
				e.subprogs[retProg[j]].tailReachable = true
			}
		}
		if frame == 0 {
			return 0
		}
		if e.subprogs[idx].privStack != privAdaptive {
			depth -= roundUp(e.subprogs[idx].stackDepth, 16)
		}
		frame--
		i, idx = retInsn[frame], retProg[frame]
	}
}

// enterChain adds the stack of a function to that of its callers.
func (e *env) enterChain(idx, frame int, callers *[maxFrames]int, depth *int, priv bool) errno {
	s := &e.subprogs[idx]
	if s.hasLdAbs {
		in := s.isCB
		for j := 0; j < frame && !in; j++ {
			in = e.subprogs[callers[j]].isCB
		}
		if in {
			e.logs("cannot use BPF_LD_[ABS|IND] within callback\n")
			return einval
		}
	}
	if idx != 0 && s.hasTailCall && *depth >= 256 {
		e.logf("tail_calls are not allowed when call stack of previous frames is %d bytes. Too large\n", *depth)
		return eacces
	}
	own := roundUp(s.stackDepth, 16) // the JIT's frames
	if priv && s.privStack == privUnknown && own >= privStackMin {
		s.privStack = privAdaptive
	}
	if s.privStack == privAdaptive {
		if own > maxStack {
			e.logf("stack size of subprog %d is %d. Too large\n", idx, own)
			return eacces
		}
		return 0
	}
	*depth += own
	if *depth > maxStack {
		e.logf("combined stack size of %d calls is %d. Too large\n", frame+1, *depth)
		return eacces
	}
	return 0
}

// optimizeLoops adds the stack that inlined bpf_loop and may_goto take
// (optimize_bpf_loop, do_misc_fixups).
func (e *env) optimizeLoops() errno {
	for s := 0; s+1 < len(e.subprogs); s++ {
		sub := &e.subprogs[s]
		loop, may := false, false
		for i := sub.start; i < e.subprogEnd(s); i++ {
			in := e.insns[i]
			loop = loop || isHelperCall(in) && in.Imm == fnLoop && e.aux[i].loopInline
			may = may || isMayGoto(in) && e.aux[i].seen != 0
		}
		if loop {
			sub.stackDepth = roundUp(sub.stackDepth, regSize) + 3*regSize
		}
		if may {
			sub.stackDepth += regSize
		}
	}
	for i, in := range e.insns {
		if isKfuncCall(in) && in.Imm == 0 && (e.aux[i].seen != 0 || !e.bpfCapable) {
			e.logs("invalid kernel function call not eliminated in verifier pass\n")
			return einval
		}
	}
	// Masked tail calls of the unprivileged.
	for i, in := range e.insns {
		if isHelperCall(in) && in.Imm == fnTailCall && e.aux[i].callMapPoison && !e.bypassSpecV1 {
			e.logs("tail_call abusing map_ptr\n")
			return einval
		}
	}
	return 0
}

// removeDeadCode finds the functions that opt_remove_dead_code drops.
func (e *env) removeDeadCode() errno {
	if !e.bpfCapable {
		return 0
	}
	for s := 1; s+1 < len(e.subprogs); s++ {
		dead := true
		for i := e.subprogs[s].start; i < e.subprogEnd(s) && dead; i++ {
			dead = e.aux[i].seen == 0
		}
		e.subprogs[s].dead = dead
	}
	return 0
}

// fixupCallArgs refuses a program that takes the address of a function that was
// dropped, unless what moved to its place is a function: the kernel gives up
// without a word (jit_subprogs). One function is not looked through for others.
func (e *env) fixupCallArgs() errno {
	live := 0
	for s := range len(e.subprogs) - 1 {
		if !e.subprogs[s].dead {
			live++
		}
	}
	if !e.bpfCapable || live == 1 {
		return 0
	}
	for s := 1; s+1 < len(e.subprogs); s++ {
		if e.subprogs[s].dead && e.addressTaken(s) && !e.functionMovesTo(e.subprogs[s].start) {
			return efault
		}
	}
	return 0
}

// addressTaken reports whether an instruction that is reached loads the address
// of a function.
func (e *env) addressTaken(s int) bool {
	for pc, in := range e.insns {
		if isPseudoFunc(in) && e.aux[pc].seen != 0 && pc+int(in.Imm)+1 == e.subprogs[s].start {
			return true
		}
	}
	return false
}

// functionMovesTo reports whether a function begins where target is after the
// instructions that no path reaches are gone. They go run by run, and what is
// behind a run moves up; a target in a run stays (bpf_adj_delta_to_imm).
func (e *env) functionMovesTo(target int) bool {
	var moved []int // where functions begin, in their order
	gone, s := 0, 0
	for i := 0; i < len(e.insns); i++ {
		from := i
		for i < len(e.insns) && e.aux[i].seen == 0 {
			i++
		}
		if n := i - from; n > 0 {
			if target >= i-gone {
				target -= n
			}
			gone += n
		}
		for s+1 < len(e.subprogs) && e.subprogs[s].start <= i {
			if e.subprogs[s].start == i && !e.subprogs[s].dead {
				moved = append(moved, i-gone)
			}
			s++
		}
	}
	for _, start := range moved {
		if start == target {
			return true
		}
	}
	return false
}
