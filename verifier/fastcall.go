package verifier

import (
	"math"

	"skep/vm/helper"
	"skep/vm/isa"
)

const callerSaved = 1<<6 - 1 // r0 to r5

// isSpill64 and isFill64 are an 8-byte store of a register to the stack and
// the load of one.
func isSpill64(i isa.Insn) bool {
	return i.Op == isa.ClassSTX|isa.ModeMem|isa.SizeDW && i.Dst == isa.R10
}

func isFill64(i isa.Insn) bool {
	return i.Op == isa.ClassLDX|isa.ModeMem|isa.SizeDW && i.Src == isa.R10
}

// inlinedByJIT reports whether the amd64 JIT or the verifier replaces a call of
// the helper by instructions that spare the other registers.
func inlinedByJIT(id int32) bool { return id == fnGetSmpProcessorID }

// markFastcallPatterns finds spills and fills around calls of helpers that do
// not clobber all of r0 to r5.
func (e *env) markFastcallPatterns() errno {
	for s := 0; s+1 < len(e.subprogs); s++ {
		lowest := int16(0)
		for i := e.subprogs[s].start; i < e.subprogEnd(s); i++ {
			if in := e.insns[i]; isSpill64(in) {
				lowest = min(lowest, in.Off)
			}
		}
		for i := e.subprogs[s].start; i < e.subprogEnd(s); i++ {
			if isCall(e.insns[i]) {
				e.markFastcall(s, i, lowest)
			}
		}
	}
	return 0
}

func (e *env) markFastcall(s, pc int, lowest int16) {
	call := e.insns[pc]
	clobbered := uint32(callerSaved)
	inline := false
	if isHelperCall(call) {
		p := e.helperProto(call.Imm)
		if p == nil {
			return
		}
		clobbered = 0
		if p.Ret != helper.RetVoid {
			clobbered |= 1
		}
		for i, a := range p.Args {
			if a != helper.ArgDontcare {
				clobbered |= 2 << i
			}
		}
		inline = p.Flags.Has(helper.AllowFastcall) && inlinedByJIT(call.Imm)
	}
	if isKfuncCall(call) {
		clobbered, inline = e.kfuncFastcall(pc)
	}
	if clobbered == callerSaved {
		return
	}
	expected := ^clobbered & callerSaved
	off := int(lowest)
	i := 1
	for ; i <= 6; i, off = i+1, off+regSize {
		if pc-i < 0 || pc+i >= len(e.insns) || e.aux[pc-i+1].jumpTarget || e.aux[pc+i].jumpTarget {
			break
		}
		stx, ldx := e.insns[pc-i], e.insns[pc+i]
		if !isSpill64(stx) || !isFill64(ldx) || stx.Src != ldx.Dst || 1<<stx.Src&expected == 0 ||
			int(stx.Off) != off || int(ldx.Off) != off {
			break
		}
		expected &^= 1 << stx.Src
		e.aux[pc-i].fastcall, e.aux[pc+i].fastcall = true, true
	}
	if i == 1 {
		return
	}
	sub := &e.subprogs[s]
	if inline {
		e.aux[pc].fastcallSpills = uint8(i - 1)
	} else {
		sub.keepFastcall = true
	}
	sub.fastcallOff = min(sub.fastcallOff, int(int16(off)))
}

// checkFastcallContract drops the patterns of a function when something else
// uses their part of the stack (check_fastcall_stack_contract).
func (e *env) checkFastcallContract(f *FuncState, pc, off int) {
	sub := &e.subprogs[f.Subprog]
	if sub.fastcallOff <= off || e.aux[pc].fastcall {
		return
	}
	sub.fastcallOff = math.MinInt16
	for i := sub.start; i < e.subprogEnd(f.Subprog); i++ {
		e.aux[i].fastcall, e.aux[i].fastcallSpills = false, 0
	}
}

// removeFastcallSpills lowers the stack depth of functions whose spills the
// kernel removes (remove_fastcall_spills_fills).
func (e *env) removeFastcallSpills() errno {
	for s := 0; s+1 < len(e.subprogs); s++ {
		sub := &e.subprogs[s]
		modified := false
		for i := sub.start; i < e.subprogEnd(s); i++ {
			modified = modified || e.aux[i].fastcallSpills > 0
		}
		if modified && !sub.keepFastcall {
			sub.stackDepth = -sub.fastcallOff
		}
	}
	return 0
}
