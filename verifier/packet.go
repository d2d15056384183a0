package verifier

import (
	"skep/vm/hook"
)

const maxPacketOff = 0xffff // MAX_PACKET_OFF

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
		e.traceCheck(CheckKindPacket, regno, r.SMin+int64(off), int64(off+size), int64(r.pktRange()), true)
		return eacces
	}
	err := einval
	if r.pktRange() >= 0 {
		err = e.inMemory(regno, int64(off), size, uint32(r.pktRange()), zeroOK)
	}
	e.traceCheck(CheckKindPacket, regno, int64(off), int64(off+size), int64(r.pktRange()), err != 0)
	if err != 0 {
		e.logf("R%d offset is outside of the packet\n", regno)
	}
	return err
}
