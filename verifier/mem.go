package verifier

import (
	"encoding/binary"

	"skep/vm/hook"
	"skep/vm/isa"
)

const maxPacketOff = 0xffff // MAX_PACKET_OFF

// checkAlign is check_ptr_alignment.
func (e *env) checkAlign(r *RegState, off, size int, strict bool) errno {
	strict = strict || e.strictAlign
	what := ""
	switch r.Type {
	case PtrToPacket, PtrToPacketMeta:
		if !strict || size == 1 {
			return 0
		}
		// NET_IP_ALIGN as if the architecture needed it: 2.
		t := r.VarOff.Add(TnumConst(uint64(int64(2 + int(r.Off) + off))))
		if !t.Aligned(uint64(size)) {
			e.logf("misaligned packet access off %d+%s+%d+%d size %d\n", 2, r.VarOff, r.Off, off, size)
			return eacces
		}
		return 0
	case PtrToFlowKeys:
		what = "flow keys "
	case PtrToMapKey:
		what = "key "
	case PtrToMapValue:
		what = "value "
	case PtrToCtx:
		what = "context "
	case PtrToStack:
		what, strict = "stack ", true
	case PtrToSocket:
		what = "sock "
	case PtrToSockCommon:
		what = "sock_common "
	case PtrToTCPSock:
		what = "tcp_sock "
	case PtrToXDPSock:
		what = "xdp_sock "
	case PtrToArena:
		return 0
	}
	if !strict || size == 1 {
		return 0
	}
	if t := r.VarOff.Add(TnumConst(uint64(int64(int(r.Off) + off)))); !t.Aligned(uint64(size)) {
		e.logf("misaligned %saccess off %s+%d+%d size %d\n", what, r.VarOff, r.Off, off, size)
		return eacces
	}
	return 0
}

// checkMem is check_mem_access: a load or store of size bytes at off of the
// pointer in ptr. value is the register loaded or stored, -1 for none; pc the
// instruction.
func (e *env) checkMem(pc, ptr, off, size int, kind accessKind, value int, strict, sx bool) errno {
	r := &e.regs()[ptr]
	if err := e.checkAlign(r, off, size, strict); err != 0 {
		return err
	}
	off += int(r.Off)
	var err errno
	switch base := r.Type.Base(); {
	case r.Type == PtrToMapKey:
		if kind == writeAccess {
			e.logf("write to change key R%d not allowed\n", ptr)
			return eacces
		}
		err = e.checkRegion(ptr, off, size, e.mapOf(r.mapHandle()).KeySize, false)
		if err == 0 && value >= 0 {
			e.setUnknown(&e.regs()[value])
		}
	case r.Type == PtrToMapValue:
		err = e.checkMapValue(pc, ptr, off, size, kind, value, sx)
	case base == PtrToMem:
		err = e.checkMemory(ptr, off, size, kind, value)
	case r.Type == PtrToCtx:
		err = e.checkCtx(pc, ptr, off, size, kind, value, sx)
	case r.Type == PtrToStack:
		if err = e.checkStackBounds(ptr, off, size, accessDirect, kind); err != 0 {
			return err
		}
		if kind == readAccess {
			err = e.stackRead(ptr, off, size, value)
		} else {
			err = e.stackWrite(ptr, off, size, value, pc)
		}
	case r.Type.isPkt():
		if kind == writeAccess && !e.mayAccessPacket(nil, kind) {
			e.logs("cannot write into packet\n")
			return eacces
		}
		if err = e.checkLeak(value, kind, "packet"); err != 0 {
			return err
		}
		err = e.checkPacket(ptr, off, size, false)
		e.loaded(err, kind, value)
	case r.Type == PtrToFlowKeys:
		if err = e.checkLeak(value, kind, "flow keys"); err != 0 {
			return err
		}
		if size < 0 || off < 0 || off+size > hook.FlowKeysSize {
			e.logf("invalid access to flow keys off=%d size=%d\n", off, size)
			return eacces
		}
		e.loaded(0, kind, value)
	case r.Type.isSock():
		if kind == writeAccess {
			e.logf("R%d cannot write into %s\n", ptr, r.Type)
			return eacces
		}
		err = e.checkSock(ptr, off, size)
		e.loaded(err, readAccess, value)
	case r.Type == PtrToTPBuffer:
		err = e.checkBuffer("tracepoint", ptr, off, size)
		e.loaded(err, kind, value)
	case base == PtrToBTFID && !r.Type.MayBeNull():
		err = e.checkBTFAccess(ptr, off, size, kind, value)
	case r.Type == ConstPtrToMap:
		err = e.checkMapStruct(ptr, off, size, kind, value)
	case base == PtrToBuf && !r.Type.MayBeNull():
		rdonly := r.Type&MemRdonly != 0
		if rdonly && kind == writeAccess {
			e.logf("R%d cannot write into %s\n", ptr, r.Type)
			return eacces
		}
		err = e.checkBuffer(bufWord(rdonly), ptr, off, size)
		if rdonly {
			kind = readAccess
		}
		e.loaded(err, kind, value)
	case r.Type == PtrToArena:
		e.loaded(0, kind, value)
	default:
		e.logf("R%d invalid mem access '%s'\n", ptr, r.Type)
		return eacces
	}
	if err == 0 && size < regSize && value >= 0 && kind == readAccess {
		if v := &e.regs()[value]; v.Type == ScalarValue {
			if sx {
				v.coerceSX(size)
			} else {
				v.coerce(size)
			}
		}
	}
	return err
}

func bufWord(rdonly bool) string {
	if rdonly {
		return "rdonly"
	}
	return "rdwr"
}

// loaded makes the register of a successful load unknown.
func (e *env) loaded(err errno, kind accessKind, value int) {
	if err == 0 && kind == readAccess && value >= 0 {
		e.setUnknown(&e.regs()[value])
	}
}

// checkLeak refuses to store a pointer where others can read it.
func (e *env) checkLeak(value int, kind accessKind, where string) errno {
	if kind == writeAccess && value >= 0 && e.isPointer(value) {
		e.logf("R%d leaks addr into %s\n", value, where)
		return eacces
	}
	return 0
}

// inMemory checks a constant offset (__check_mem_access).
func (e *env) inMemory(regno int, off int64, size int, limit uint32, zeroOK bool) errno {
	off = int64(int32(off))
	if off >= 0 && (size > 0 || size == 0 && zeroOK) && uint64(off)+uint64(size) <= uint64(limit) {
		return 0
	}
	r := &e.regs()[regno]
	switch r.Type {
	case PtrToMapKey:
		e.logf("invalid access to map key, key_size=%d off=%d size=%d\n", int32(limit), off, size)
	case PtrToMapValue:
		e.logf("invalid access to map value, value_size=%d off=%d size=%d\n", int32(limit), off, size)
	case PtrToPacket, PtrToPacketMeta, PtrToPacketEnd:
		e.logf("invalid access to packet, off=%d size=%d, R%d(id=%d,off=%d,r=%d)\n", off, size, regno, int32(r.ID), off, int32(limit))
	default:
		e.logf("invalid access to memory, mem_size=%u off=%d size=%d\n", limit, off, size)
	}
	return eacces
}

// checkRegion checks the lowest and the highest place that an access may reach
// (check_mem_region_access).
func (e *env) checkRegion(regno, off, size int, limit uint32, zeroOK bool) errno {
	r := &e.regs()[regno]
	if lo := r.SMin + int64(off); r.SMin < 0 && (r.SMin == -1<<63 || !fitS32(lo) || lo < 0) {
		e.logf("R%d min value is negative, either use unsigned index or do a if (index >=0) check.\n", regno)
		return eacces
	}
	if err := e.inMemory(regno, r.SMin+int64(off), size, limit, zeroOK); err != 0 {
		e.logf("R%d min value is outside of the allowed memory range\n", regno)
		return err
	}
	if r.UMax >= maxVarOff {
		e.logf("R%d unbounded memory access, make sure to bounds check any such access\n", regno)
		return eacces
	}
	if err := e.inMemory(regno, int64(r.UMax)+int64(off), size, limit, zeroOK); err != 0 {
		e.logf("R%d max value is outside of the allowed memory range\n", regno)
		return err
	}
	return 0
}

// checkMapAccess checks an access to a map's value, and keeps it off special
// fields (check_map_access).
func (e *env) checkMapAccess(regno, off, size int, zeroOK bool, src accessSrc) errno {
	r := &e.regs()[regno]
	m := e.mapOf(r.mapHandle())
	if err := e.checkRegion(regno, off, size, m.ValueSize, zeroOK); err != 0 {
		return err
	}
	if m.rec == nil {
		return 0
	}
	for i := range m.rec.fields {
		f := &m.rec.fields[i]
		if r.SMin+int64(off) >= int64(f.off+f.size) || uint64(f.off) >= r.UMax+uint64(int64(off+size)) {
			continue
		}
		if f.kind&fieldKptr == 0 {
			e.logf("%s cannot be accessed directly by load/store\n", f.kind.String())
			return eacces
		}
		at := uint64(int64(off)) + r.VarOff.Value
		switch {
		case src != accessDirect:
			e.logs("kptr cannot be accessed indirectly by helper\n")
		case !r.VarOff.IsConst():
			e.logs("kptr access cannot have variable offset\n")
		case uint64(f.off) != at:
			e.logf("kptr access misaligned expected=%u off=%llu\n", f.off, int64(at))
		case size != 8:
			e.logs("kptr access size must be BPF_DW\n")
		default:
			continue
		}
		return eacces
	}
	return 0
}

// checkMapFlags is check_map_access_type.
func (e *env) checkMapFlags(regno, off, size int, kind accessKind) errno {
	m := e.mapOf(e.regs()[regno].mapHandle())
	if kind == writeAccess && !m.canWrite() {
		e.logf("write into map forbidden, value_size=%d off=%d size=%d\n", int32(m.ValueSize), off, size)
		return eacces
	}
	if kind == readAccess && !m.canRead() {
		e.logf("read from map forbidden, value_size=%d off=%d size=%d\n", int32(m.ValueSize), off, size)
		return eacces
	}
	return 0
}

func (e *env) checkMapValue(pc, ptr, off, size int, kind accessKind, value int, sx bool) errno {
	r := &e.regs()[ptr]
	if err := e.checkLeak(value, kind, "map"); err != 0 {
		return err
	}
	if err := e.checkMapFlags(ptr, off, size, kind); err != 0 {
		return err
	}
	if err := e.checkMapAccess(ptr, off, size, false, accessDirect); err != 0 {
		return err
	}
	m := e.mapOf(r.mapHandle())
	if r.VarOff.IsConst() {
		if f := m.rec.find(uint32(off)+uint32(r.VarOff.Value), fieldKptr); f != nil {
			return e.checkMapKptr(m, f, pc, value)
		}
	}
	if kind != readAccess || value < 0 {
		return 0
	}
	v := &e.regs()[value]
	if r.VarOff.IsConst() && m.constant() {
		if supported, _ := m.directValue(0); supported {
			n, err := m.load(off+int(r.VarOff.Value), size, sx)
			if err != 0 {
				return err
			}
			v.Type = ScalarValue
			v.setKnown(n)
			return 0
		}
	}
	e.setUnknown(v)
	return 0
}

// load reads a constant map (bpf_map_direct_read).
func (m *MapInfo) load(off, size int, sx bool) (uint64, errno) {
	if _, err := m.directValue(uint32(off)); err != 0 {
		return 0, err
	}
	var b [8]byte
	if off >= 0 && off < len(m.Data) {
		copy(b[:size], m.Data[off:])
	}
	v := binary.LittleEndian.Uint64(b[:])
	if sx && size < 8 {
		v = uint64(sext(int64(v), size))
	}
	return v, 0
}

func (e *env) checkMemory(ptr, off, size int, kind accessKind, value int) errno {
	r := &e.regs()[ptr]
	rdonly := r.Type&MemRdonly != 0
	if r.Type.MayBeNull() {
		e.logf("R%d invalid mem access '%s'\n", ptr, r.Type)
		return eacces
	}
	if kind == writeAccess && rdonly {
		e.logf("R%d cannot write into %s\n", ptr, r.Type)
		return eacces
	}
	if err := e.checkLeak(value, kind, "mem"); err != 0 {
		return err
	}
	err := e.checkRegion(ptr, off, size, r.memSize(), false)
	if err == 0 && value >= 0 && (kind == readAccess || rdonly) {
		e.setUnknown(&e.regs()[value])
	}
	return err
}

// checkPtrOff refuses pointers that were moved (__check_ptr_off_reg).
func (e *env) checkPtrOff(r *RegState, regno int, fixedOK bool) errno {
	if r.Off < 0 {
		e.logf("negative offset %s ptr R%d off=%d disallowed\n", r.Type, regno, r.Off)
		return eacces
	}
	if !fixedOK && r.Off != 0 {
		e.logf("dereference of modified %s ptr R%d off=%d disallowed\n", r.Type, regno, r.Off)
		return eacces
	}
	if !r.VarOff.Is(0) {
		e.logf("variable %s access var_off=%s disallowed\n", r.Type, r.VarOff)
		return eacces
	}
	return 0
}

// checkCtx is an access to the context.
func (e *env) checkCtx(pc, ptr, off, size int, kind accessKind, value int, sx bool) errno {
	r := &e.regs()[ptr]
	if err := e.checkLeak(value, kind, "ctx"); err != 0 {
		return err
	}
	if err := e.checkPtrOff(r, ptr, false); err != 0 {
		return err
	}
	what, ok := hook.Access(hook.Program{Type: e.prog.Type, Attach: e.attachType(), CapBPF: e.bpfCapable}, off, size, kind == writeAccess, sx)
	if e.prog.Type == hook.LSM {
		// For these the kernel asks BTF alone, and that about stores too.
		what, ok = hook.LoadByBTF, true
	}
	var byBTF RegState
	retval := false
	if ok && what == hook.LoadByBTF {
		byBTF, retval, ok = e.ctxByBTF(off, size)
	}
	if !ok {
		e.logf("invalid bpf_context access off=%d size=%d\n", off, size)
		e.printLine(pc, "; ")
		return eacces
	}
	if kind != readAccess || value < 0 {
		return 0
	}
	v := &e.regs()[value]
	t := ctxTypes[what]
	switch what {
	case hook.LoadByBTF:
		t = byBTF.Type
	case hook.LoadSkBuff, hook.LoadNFHookState:
		name := "sk_buff"
		if what == hook.LoadNFHookState {
			name = "nf_hook_state"
		}
		id := e.kernelStruct(name)
		if id == 0 {
			return e.notModelled("kernel pointer in the context")
		}
		byBTF.setBTF(btfKernel, uint32(id))
	}
	if t == ScalarValue {
		e.setUnknown(v)
		if retval && !e.voidTarget() {
			rr := e.lsmRange()
			v.clampS32(rr.min, rr.max)
			v.clampS64(int64(rr.min), int64(rr.max))
			v.sync()
			return e.sanity(v, "s32_range")
		}
		return 0
	}
	v.setKnown(0)
	if t.MayBeNull() {
		v.ID = e.newID()
	}
	v.subregDef = notSubreg
	if t.Base() == PtrToBTFID {
		v.setBTF(byBTF.btfHandle(), byBTF.btfID())
	}
	v.Type = t
	return 0
}

// ctxTypes is what a load from the context yields, by hook.Loaded.
var ctxTypes = [...]RegType{
	hook.LoadScalar:           ScalarValue,
	hook.LoadPkt:              PtrToPacket,
	hook.LoadPktMeta:          PtrToPacketMeta,
	hook.LoadPktEnd:           PtrToPacketEnd,
	hook.LoadSock:             PtrToSocket,
	hook.LoadSockOrNull:       PtrToSocket | PtrMaybeNull,
	hook.LoadSockCommonOrNull: PtrToSockCommon | PtrMaybeNull,
	hook.LoadFlowKeys:         PtrToFlowKeys,
	hook.LoadTPBuffer:         PtrToTPBuffer,
	hook.LoadSkBuff:           PtrToBTFID | PtrTrusted,
	hook.LoadNFHookState:      PtrToBTFID | PtrTrusted,
	hook.LoadByBTF:            PtrToBTFID,
}

// mayAccessPacket is may_access_direct_pkt_data; meta is of a helper call.
func (e *env) mayAccessPacket(meta *callMeta, kind accessKind) bool {
	switch e.prog.Type {
	case hook.LwtIn, hook.LwtOut, hook.LwtSeg6local, hook.SkReuseport, hook.FlowDissector, hook.CgroupSkb:
		if kind == writeAccess {
			return false
		}
	case hook.SchedCls, hook.SchedAct, hook.XDP, hook.LwtXmit, hook.SkSkb, hook.SkMsg:
	case hook.CgroupSockopt:
		return true
	default:
		return false
	}
	return meta == nil || meta.pktAccess
}

// checkPacket is check_packet_access.
func (e *env) checkPacket(regno, off, size int, zeroOK bool) errno {
	r := &e.regs()[regno]
	if r.SMin < 0 {
		e.logf("R%d min value is negative, either use unsigned index or do a if (index >=0) check.\n", regno)
		return eacces
	}
	err := einval
	if r.pktRange() >= 0 {
		err = e.inMemory(regno, int64(off), size, uint32(r.pktRange()), zeroOK)
	}
	if err != 0 {
		e.logf("R%d offset is outside of the packet\n", regno)
	}
	return err
}

// checkSock is check_sock_access.
func (e *env) checkSock(regno, off, size int) errno {
	r := &e.regs()[regno]
	if r.SMin < 0 {
		e.logf("R%d min value is negative, either use unsigned index or do a if (index >=0) check.\n", regno)
		return eacces
	}
	ok := false
	switch r.Type {
	case PtrToSockCommon:
		ok = hook.SockAccess(off, size, true)
	case PtrToSocket:
		ok = hook.SockAccess(off, size, false)
	case PtrToTCPSock:
		ok = hook.TCPSockAccess(off, size)
	case PtrToXDPSock:
		ok = hook.XDPSockAccess(off, size)
	}
	if !ok {
		e.logf("R%d invalid %s access off=%d size=%d\n", regno, r.Type, off, size)
		return eacces
	}
	return 0
}

// checkBuffer is __check_buffer_access.
func (e *env) checkBuffer(what string, regno, off, size int) errno {
	r := &e.regs()[regno]
	if off < 0 {
		e.logf("R%d invalid %s buffer access: off=%d, size=%d\n", regno, what, off, size)
		return eacces
	}
	if !r.VarOff.Is(0) {
		e.logf("R%d invalid variable buffer offset: off=%d, var_off=%s\n", regno, off, r.VarOff)
		return eacces
	}
	return 0
}

// checkLoad1 is a load (check_load_mem).
func (e *env) checkLoad1(in isa.Insn) errno {
	if err := e.checkReg(int(in.Src), srcOp); err != 0 {
		return err
	}
	if err := e.checkReg(int(in.Dst), dstOpNoMark); err != 0 {
		return err
	}
	t := e.regs()[in.Src].Type
	if err := e.checkMem(e.insnIdx, int(in.Src), int(in.Off), in.Bytes(), readAccess, int(in.Dst), false, in.Mode() == isa.ModeMemSX); err != 0 {
		return err
	}
	if err := e.savePtrType(t, true); err != 0 {
		return err
	}
	return e.sanity(&e.regs()[in.Dst], "ldx")
}

// checkStore is a store of a register (check_store_reg).
func (e *env) checkStore(in isa.Insn) errno {
	if err := e.checkReg(int(in.Src), srcOp); err != 0 {
		return err
	}
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	t := e.regs()[in.Dst].Type
	if err := e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), writeAccess, int(in.Src), false, false); err != 0 {
		return err
	}
	return e.savePtrType(t, false)
}

func (e *env) checkStoreImm(in isa.Insn) errno {
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	t := e.regs()[in.Dst].Type
	if err := e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), writeAccess, -1, false, false); err != 0 {
		return err
	}
	return e.savePtrType(t, false)
}

// savePtrType demands that an instruction accesses the same kind of memory on
// all paths, where the kernel rewrites the access (save_aux_ptr_type).
func (e *env) savePtrType(t RegType, trustMismatch bool) errno {
	p := &e.aux[e.insnIdx].ptrType
	switch {
	case *p == NotInit:
		*p = t
	case t != *p && (!mismatchOK(t) || !mismatchOK(*p)):
		if trustMismatch && t.Base() == PtrToBTFID && p.Base() == PtrToBTFID {
			*p = PtrToBTFID | PtrUntrusted
			return 0
		}
		e.logs("same insn cannot be used with different pointers\n")
		return einval
	}
	return 0
}

func mismatchOK(t RegType) bool {
	switch t.Base() {
	case PtrToCtx, PtrToSocket, PtrToSockCommon, PtrToTCPSock, PtrToXDPSock, PtrToBTFID, PtrToArena:
		return false
	}
	return true
}

// checkAtomic is check_atomic.
func (e *env) checkAtomic(in isa.Insn) errno {
	switch in.Imm &^ isa.AtomicFetch {
	case isa.OpAdd, isa.OpAnd, isa.OpOr, isa.OpXor:
	default:
		if in.Imm != isa.AtomicXchg && in.Imm != isa.AtomicCmpxchg {
			e.logf("BPF_ATOMIC uses invalid atomic opcode %02x\n", in.Imm)
			return einval
		}
	}
	if in.Width() != isa.SizeW && in.Width() != isa.SizeDW {
		e.logs("invalid atomic operand size\n")
		return einval
	}
	if err := e.checkReg(int(in.Src), srcOp); err != 0 {
		return err
	}
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	cmpxchg := in.Imm == isa.AtomicCmpxchg
	if cmpxchg {
		if err := e.checkReg(0, srcOp); err != 0 {
			return err
		}
		if err := e.checkLeak(0, writeAccess, "mem"); err != 0 {
			return err
		}
	}
	if err := e.checkLeak(int(in.Src), writeAccess, "mem"); err != 0 {
		return err
	}
	if t := e.regs()[in.Dst].Type; t == PtrToCtx || t.isPkt() || t == PtrToFlowKeys || t.isSock() {
		e.logf("BPF_ATOMIC stores into R%d %s is not allowed\n", in.Dst, t)
		return eacces
	}
	load := -1
	if in.Imm&isa.AtomicFetch != 0 {
		load = int(in.Src)
		if cmpxchg {
			load = 0
		}
		if err := e.checkReg(load, dstOp); err != 0 {
			return err
		}
	}
	// Checked once without a destination, so that a leak is seen, and then
	// with it.
	err := e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), readAccess, -1, true, false)
	if err == 0 && load >= 0 {
		err = e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), readAccess, load, true, false)
	}
	if err != 0 {
		return err
	}
	if err := e.savePtrType(e.regs()[in.Dst].Type, false); err != 0 {
		return err
	}
	return e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), writeAccess, -1, true, false)
}
