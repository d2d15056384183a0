package sandbox

import (
	"skep/server/sandbox/proto"
	"skep/vm/hook"
)

// testRunKind says what BPF_PROG_TEST_RUN wants of a program type (measured on 6.1 and 6.12).
type testRunKind int

const (
	runNever  testRunKind = iota
	runPacket             // data in, data out
	runPlain              // neither data nor context needed
)

func testRunOf(progType uint32) testRunKind {
	switch hook.ProgType(progType) {
	case hook.SocketFilter, hook.SchedCls, hook.SchedAct, hook.XDP, hook.CgroupSkb, hook.LwtIn, hook.LwtOut, hook.LwtXmit, hook.FlowDissector, hook.LwtSeg6local:
		return runPacket
	case hook.RawTracepoint, hook.Syscall, hook.Tracing:
		return runPlain
	}
	return runNever
}

// DefaultRun is a run over the 64 zero bytes that the kernel's own tests use; nil when the type has none.
func DefaultRun(p *Program) *proto.Run {
	switch testRunOf(p.Type) {
	case runPacket:
		return &proto.Run{Data: make([]byte, 64), Maps: true}
	case runPlain:
		return &proto.Run{Maps: true}
	}
	return nil
}
