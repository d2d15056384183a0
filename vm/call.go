package vm

import (
	"strconv"

	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/isa"
)

// enter calls the function at op target of the current program; ret is the op
// that runs after it.
func (m *Machine) enter(kind, ret, target uint64) bool {
	c := &m.cpu
	if c.depth == maxFrames-1 {
		m.raiseMsg(CodeDepth, "the call is "+strconv.Itoa(maxFrames+1)+" functions deep, the limit is "+strconv.Itoa(maxFrames))
		m.placeFault()
		return false
	}
	f := &c.frames[c.depth]
	f.ret = c.prog<<32 | ret
	f.kind = kind
	copy(f.saved[:], c.r[isa.R6:isa.R10])
	c.depth++
	c.frames[c.depth].loops = 0
	c.r[isa.R10] -= FrameStride
	c.pc = target
	return true
}

// leave returns from the current function. It reports whether the same
// program goes on at cpu.pc; false also when the run ended or a helper called
// back again.
func (m *Machine) leave() bool {
	c := &m.cpu
	if c.depth == 0 {
		c.status = exited
		return false
	}
	c.depth--
	f := &c.frames[c.depth]
	copy(c.r[isa.R6:isa.R10], f.saved[:])
	c.r[isa.R10] = uint64(m.top) - c.depth*FrameStride
	m.forgetBelow(c.r[isa.R10] - FrameSize)
	prog := f.ret >> 32
	c.pc = f.ret & 0xffffffff
	same := prog == c.prog
	if !same {
		c.prog = prog
		m.setCode(int(prog))
	}
	if f.kind == frameCallback {
		f.call.Returned = c.r[isa.R0]
		f.call.Round++
		m.call = f.call
		c.pc-- // the call itself, should it fault; invoke moves on
		return m.invoke() && same
	}
	return same
}

// callHelper does a call instruction at cpu.pc. It reports whether the
// program goes on at the next op, which it sets cpu.pc to; false when the run
// stopped or control went elsewhere.
func (m *Machine) callHelper(in *op) bool {
	c := &m.cpu
	if in.imm == mapLookupElem && in.kind == isa.KindCallHelper && m.lookupElem() {
		return true
	}
	m.call = helper.Call{ID: int(int32(in.imm))}
	call := &m.call
	copy(call.Args[:], c.r[isa.R1:isa.R6])
	switch in.kind {
	case isa.KindCallReg:
		v := c.r[in.dst/8]
		if v > 1<<31-1 {
			m.raiseMsg(CodeHelper, "callx with 0x"+strconv.FormatUint(v, 16)+", which is no helper number")
			m.placeFault()
			return false
		}
		call.ID = int(v)
	case isa.KindCallKfunc:
		name := m.kfuncName(int32(in.imm))
		if call.ID = helper.KfuncID(name); !helper.Simulated(call.ID) {
			m.raise(&Fault{Code: CodeKfunc, Map: -1, From: -1, Helper: call.ID, Msg: "kernel function " + name + " is not simulated"})
			m.placeFault()
			return false
		}
	}
	return m.invoke()
}

const mapLookupElem = 1

// lookupElem is bpf_map_lookup_elem without the ceremony of a Call: programs
// call nothing as often. It reports false, having done nothing, for whatever
// is not plain, so that the helper itself makes the fault.
func (m *Machine) lookupElem() bool {
	c := &m.cpu
	mp := m.maps.ByPtr(c.r[isa.R1])
	if mp == nil {
		return false
	}
	n, addr := mp.KeySize(), c.r[isa.R2]
	if n == 0 || n > FrameSize {
		return false
	}
	if addr-m.stackBase() > uint64(FrameSize-n) {
		if _, ok := m.window(addr, n, arena.Read); !ok {
			return false
		}
	}
	v := mp.Lookup(m.arena.Bytes(uint32(addr), n), m.cpuNo)
	if !m.cfg.NoHistory {
		call := helper.Call{ID: mapLookupElem, R0: v}
		copy(call.Args[:], c.r[isa.R1:isa.R6])
		m.noteCall(&call, int(c.prog), c.pc, false)
	}
	if v == 0 {
		c.nullBy, c.nullPC = mapLookupElem, uint64(m.code.slot[c.pc])
	}
	c.r[isa.R0] = v
	c.pc++
	return true
}

func (m *Machine) kfuncName(id int32) string {
	for _, k := range m.code.prog.Kfuncs {
		if k.ID == id {
			return k.Name
		}
	}
	return "#" + strconv.Itoa(int(id))
}

// invoke runs the helper of m.call, from its start or after a callback.
func (m *Machine) invoke() bool {
	c, call := &m.cpu, &m.call
	if !helper.Simulated(call.ID) {
		msg := helperName(call.ID) + " is not simulated"
		if helper.Lookup(call.ID) == nil {
			msg = "there is no helper " + strconv.Itoa(call.ID)
		}
		m.raise(&Fault{Code: CodeHelper, Map: -1, From: -1, Helper: call.ID, Msg: msg})
		m.placeFault()
		return false
	}
	scratch := c.scratch
	if call.Round > 0 {
		scratch = c.frames[c.depth].scratch
	}
	prog, pc := c.prog, c.pc
	m.jumped = false
	m.forgetWindows()
	err := helper.Run((*env)(m), call)
	m.forgetWindows()
	if err != nil {
		m.helperFault(call, err)
		return false
	}
	if m.jumped { // a tail call or bpf_throw: it does not return
		m.noteCall(call, int(prog), pc, true)
		c.scratch = scratch
		return false
	}
	if call.Callback != 0 {
		op, ok := m.code.funcOp(call.Callback)
		if !ok {
			m.raiseMsg(CodeFunc, helperName(call.ID)+" was given a callback that is no function of this program")
			m.placeFault()
			return false
		}
		fr := &c.frames[c.depth]
		fr.call, fr.scratch = *call, scratch
		if m.enter(frameCallback, pc+1, uint64(op)) {
			copy(c.r[isa.R1:isa.R6], call.CallbackArgs[:])
		}
		return false
	}
	c.scratch = scratch
	c.r[isa.R0] = call.R0
	if call.R0 == 0 {
		c.nullBy, c.nullPC = uint64(call.ID), uint64(m.code.slot[pc])
	}
	c.pc = pc + 1
	m.noteCall(call, int(prog), pc, false)
	return true
}

// helperFault stops at a helper that failed: a fault of memory or a message.
func (m *Machine) helperFault(call *helper.Call, err error) {
	f, ok := err.(*Fault)
	if !ok {
		f = &Fault{Code: CodeHelper, Map: -1, From: -1, Msg: helperName(call.ID) + ": " + err.Error()}
	}
	if f.Helper == 0 {
		f.Helper = call.ID
	}
	m.raise(f)
	m.placeFault()
}
