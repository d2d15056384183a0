package vm

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"skep/vm/arena"
	"skep/vm/hook"
	"skep/vm/isa"
)

// outcome is how a rare instruction ended.
type outcome uint8

const (
	rareNext  outcome = iota // go on
	rareTaken                // jump
	rareJump                 // jump as m.jump says
	rareExit                 // the program ends
	rareFault
)

// maxLoops is how often one may_goto budget falls through: BPF_MAX_LOOPS.
const maxLoops = 8 << 20

// rare does the instructions that loops seldom hold, so that exec stays small.
func (m *Machine) rare(in *op) outcome {
	rp := unsafe.Pointer(&m.cpu.r)
	dst := reg(rp, in.dst)
	switch in.kind {
	case isa.KindSDiv64Imm:
		*dst = uint64(sdiv64(int64(*dst), int64(in.imm)))
	case isa.KindSDiv64Reg:
		*dst = uint64(sdiv64(int64(*dst), int64(*reg(rp, in.src))))
	case isa.KindSMod64Imm:
		*dst = uint64(smod64(int64(*dst), int64(in.imm)))
	case isa.KindSMod64Reg:
		*dst = uint64(smod64(int64(*dst), int64(*reg(rp, in.src))))
	case isa.KindDiv32Imm:
		*dst = uint64(div32(uint32(*dst), uint32(in.imm)))
	case isa.KindDiv32Reg:
		*dst = uint64(div32(uint32(*dst), *reg32(rp, in.src)))
	case isa.KindMod32Imm:
		*dst = uint64(mod32(uint32(*dst), uint32(in.imm)))
	case isa.KindMod32Reg:
		*dst = uint64(mod32(uint32(*dst), *reg32(rp, in.src)))
	case isa.KindSDiv32Imm:
		*dst = uint64(uint32(sdiv32(int32(*dst), int32(in.imm))))
	case isa.KindSDiv32Reg:
		*dst = uint64(uint32(sdiv32(int32(*dst), int32(*reg(rp, in.src)))))
	case isa.KindSMod32Imm:
		*dst = uint64(uint32(smod32(int32(*dst), int32(in.imm))))
	case isa.KindSMod32Reg:
		*dst = uint64(uint32(smod32(int32(*dst), int32(*reg(rp, in.src)))))
	case isa.KindMovSX8To32:
		*dst = uint64(uint32(int32(int8(*reg(rp, in.src)))))
	case isa.KindMovSX16To32:
		*dst = uint64(uint32(int32(int16(*reg(rp, in.src)))))
	case isa.KindNeg32:
		*dst = uint64(-uint32(*dst))
	case isa.KindLE32:
		*dst = uint64(uint32(*dst))
	case isa.KindLE64:
	case isa.KindBE32, isa.KindSwap32:
		*dst = uint64(bits.ReverseBytes32(uint32(*dst)))
	case isa.KindBE64, isa.KindSwap64:
		*dst = bits.ReverseBytes64(*dst)
	case isa.KindSwap16:
		*dst = uint64(bits.ReverseBytes16(uint16(*dst)))
	case isa.KindAddrSpaceCast:
		// Arena memory has one address here: user and kernel view are equal.
		*dst = *reg(rp, in.src)
	case isa.KindMayGoto:
		f := &m.cpu.frames[m.cpu.depth]
		if f.loops >= maxLoops {
			return rareTaken
		}
		f.loops++
	case isa.KindGotox:
		t, ok := m.code.funcOp(*dst)
		if !ok {
			m.raiseMsg(CodeFunc, "gotox to a value that is no instruction of this program")
			return rareFault
		}
		m.jump = t
		return rareJump
	case isa.KindLdAbsB, isa.KindLdAbsH, isa.KindLdAbsW, isa.KindLdIndB, isa.KindLdIndH, isa.KindLdIndW:
		return m.loadPacket(in)
	case isa.KindLdxSXB, isa.KindLdxSXH, isa.KindLdxSXW:
		return m.loadSigned(in)
	case opFrame:
		m.raiseMsg(CodeFrame, "frame pointer is read only: r10 cannot be written")
		return rareFault
	case opDead:
		m.raiseMsg(CodeDead, "the instruction has a reserved field set, and its program was said to be verified")
		return rareFault
	case opEnd:
		m.raiseMsg(CodeEnd, "the program ran past its last instruction: it must end with exit")
		return rareFault
	default:
		return m.atomic(in)
	}
	return rareNext
}

func div32(a, b uint32) uint32 {
	if b == 0 {
		return 0
	}
	return a / b
}

func mod32(a, b uint32) uint32 {
	if b == 0 {
		return a
	}
	return a % b
}

// Go defines the smallest integer divided by -1 as itself with remainder 0,
// as RFC 9669 does.
func sdiv64(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func smod64(a, b int64) int64 {
	if b == 0 {
		return a
	}
	return a % b
}

func sdiv32(a, b int32) int32 {
	if b == 0 {
		return 0
	}
	return a / b
}

func smod32(a, b int32) int32 {
	if b == 0 {
		return a
	}
	return a % b
}

// access is the address and size that a load or store of any kind touches,
// and the permission it needs; zero size for other instructions.
func (c *cpu) access(in *op) (addr uint64, n uint32, perm arena.Perm) {
	i := in.own
	size := func(b, h, w isa.Kind) uint32 {
		switch i {
		case b:
			return 1
		case h:
			return 2
		case w:
			return 4
		}
		return 8
	}
	dst := c.r[in.dst/8] + uint64(int64(in.off))
	src := c.r[in.src/8] + uint64(int64(in.off))
	switch {
	case i >= isa.KindLdxB && i <= isa.KindLdxDW:
		return src, size(isa.KindLdxB, isa.KindLdxH, isa.KindLdxW), arena.Read
	case i >= isa.KindLdxSXB && i <= isa.KindLdxSXW:
		return src, size(isa.KindLdxSXB, isa.KindLdxSXH, isa.KindLdxSXW), arena.Read
	case i >= isa.KindLoadAcqB && i <= isa.KindLoadAcqDW:
		return src, size(isa.KindLoadAcqB, isa.KindLoadAcqH, isa.KindLoadAcqW), arena.Read
	case i >= isa.KindStB && i <= isa.KindStDW:
		return dst, size(isa.KindStB, isa.KindStH, isa.KindStW), arena.Write
	case i >= isa.KindStxB && i <= isa.KindStxDW:
		return dst, size(isa.KindStxB, isa.KindStxH, isa.KindStxW), arena.Write
	case i >= isa.KindStoreRelB && i <= isa.KindStoreRelDW:
		return dst, size(isa.KindStoreRelB, isa.KindStoreRelH, isa.KindStoreRelW), arena.Write
	case i >= isa.KindAtomicAdd64 && i <= isa.KindAtomicCmpxchg64:
		return dst, 8, arena.Write
	case i >= isa.KindAtomicAdd32 && i <= isa.KindAtomicCmpxchg32:
		return dst, 4, arena.Write
	}
	return 0, 0, 0
}

// loadSigned is the sign-extending loads.
func (m *Machine) loadSigned(in *op) outcome {
	a, n, _ := m.cpu.access(in)
	if !m.reach(a, n, arena.Read) {
		return rareFault
	}
	b := m.arena.Bytes(uint32(a), n)
	var v int64
	switch n {
	case 1:
		v = int64(int8(b[0]))
	case 2:
		v = int64(int16(binary.LittleEndian.Uint16(b)))
	default:
		v = int64(int32(binary.LittleEndian.Uint32(b)))
	}
	m.cpu.r[in.dst/8] = uint64(v)
	return rareNext
}

// atomic is the atomic operations, load-acquire and store-release. One program
// runs at a time, so plain reads and writes are atomic enough.
func (m *Machine) atomic(in *op) outcome {
	a, n, perm := m.cpu.access(in)
	if n == 0 {
		m.raiseMsg(CodeEnd, "unknown instruction")
		return rareFault
	}
	if !m.reach(a, n, perm) {
		return rareFault
	}
	b := m.arena.Bytes(uint32(a), n)
	get := func() uint64 {
		switch n {
		case 1:
			return uint64(b[0])
		case 2:
			return uint64(binary.LittleEndian.Uint16(b))
		case 4:
			return uint64(binary.LittleEndian.Uint32(b))
		}
		return binary.LittleEndian.Uint64(b)
	}
	put := func(v uint64) {
		switch n {
		case 1:
			b[0] = byte(v)
		case 2:
			binary.LittleEndian.PutUint16(b, uint16(v))
		case 4:
			binary.LittleEndian.PutUint32(b, uint32(v))
		default:
			binary.LittleEndian.PutUint64(b, v)
		}
	}
	src := &m.cpu.r[in.src/8]
	old, v := get(), *src
	k := in.kind
	if k >= isa.KindAtomicAdd32 && k <= isa.KindAtomicCmpxchg32 {
		k -= isa.KindAtomicAdd32 - isa.KindAtomicAdd64
	}
	switch k {
	case isa.KindLoadAcqB, isa.KindLoadAcqH, isa.KindLoadAcqW, isa.KindLoadAcqDW:
		m.cpu.r[in.dst/8] = old
	case isa.KindStoreRelB, isa.KindStoreRelH, isa.KindStoreRelW, isa.KindStoreRelDW:
		put(v)
	case isa.KindAtomicAdd64:
		put(old + v)
	case isa.KindAtomicOr64:
		put(old | v)
	case isa.KindAtomicAnd64:
		put(old & v)
	case isa.KindAtomicXor64:
		put(old ^ v)
	case isa.KindAtomicFetchAdd64:
		put(old + v)
		*src = old
	case isa.KindAtomicFetchOr64:
		put(old | v)
		*src = old
	case isa.KindAtomicFetchAnd64:
		put(old & v)
		*src = old
	case isa.KindAtomicFetchXor64:
		put(old ^ v)
		*src = old
	case isa.KindAtomicXchg64:
		put(v)
		*src = old
	case isa.KindAtomicCmpxchg64:
		want := m.cpu.r[isa.R0]
		if n == 4 {
			want = uint64(uint32(want))
		}
		if old == want {
			put(v)
		}
		m.cpu.r[isa.R0] = old
	default:
		m.raiseMsg(CodeEnd, "unknown instruction")
		return rareFault
	}
	return rareNext
}

// Offsets of LD_ABS and LD_IND below which the packet is counted from
// elsewhere than its data.
const (
	skfNetOff = -0x100000 // SKF_NET_OFF: the network header
	skfLLOff  = -0x200000 // SKF_LL_OFF: the link-layer header
)

// loadPacket is LD_ABS and LD_IND: a big endian load from the packet of the
// context into r0. Outside the packet the program ends with 0.
func (m *Machine) loadPacket(in *op) outcome {
	off := int64(int32(in.imm))
	n := uint64(1) << (in.kind - isa.KindLdAbsB)
	if in.kind >= isa.KindLdIndB {
		n = uint64(1) << (in.kind - isa.KindLdIndB)
		off = int64(int32(m.cpu.r[in.src/8])) + off
		off = int64(int32(off))
	}
	p := m.cpu.packet
	if p.Limit == 0 {
		m.raiseMsg(CodeState, "a load from the packet in a run without one")
		return rareFault
	}
	// All in offsets from data.
	net, low := int64(p.NetOffset(m.code.prog.Type)), int64(0)
	switch {
	case off >= 0:
	case off >= skfNetOff:
		off += net - skfNetOff
		low = net
	case off >= skfLLOff:
		off += net - hook.EthernetLen - skfLLOff
		low = net - hook.EthernetLen
	}
	if off < low || off+int64(n) > int64(p.Len()) || int64(p.Data)+off < int64(p.Room) {
		m.cpu.r[isa.R0] = 0
		return rareExit
	}
	b := m.arena.Bytes(uint32(int64(p.Data)+off), uint32(n))
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	m.cpu.r[isa.R0] = v
	return rareNext
}
