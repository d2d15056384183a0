package sandbox

import "fmt"

// Reason classifies how a VM ended.
type Reason string

// Reasons. The student sees End.Error.
const (
	ReasonClosed   Reason = "closed"       // by us, after the job
	ReasonPanic    Reason = "panic"        // the guest's kernel crashed
	ReasonReset    Reason = "reset"        // the guest rebooted without a panic
	ReasonPowerOff Reason = "power off"    // the guest switched itself off
	ReasonWall     Reason = "wall limit"   // the job took too long
	ReasonCPU      Reason = "cpu limit"    // the job used too much processor time
	ReasonOutput   Reason = "output limit" // the job wrote too much
	ReasonFrame    Reason = "bad frame"    // the guest broke the protocol
	ReasonQEMU     Reason = "qemu"         // QEMU itself failed
)

// End is the error of every call on a VM that is no longer there.
type End struct {
	Reason Reason
	Detail string // the panic line, the limit, or the decoder's complaint
}

func (e *End) Error() string {
	switch e.Reason {
	case ReasonPanic:
		return "your program crashed the kernel: " + e.Detail
	case ReasonReset:
		return "the virtual machine rebooted"
	case ReasonPowerOff:
		return "the virtual machine was switched off"
	case ReasonWall, ReasonCPU, ReasonOutput:
		return fmt.Sprintf("the virtual machine was stopped at its %s: %s", e.Reason, e.Detail)
	case ReasonFrame:
		return "the virtual machine was stopped: it sent " + e.Detail
	case ReasonClosed:
		return "the virtual machine has been closed"
	}
	return "the virtual machine ended: " + e.Detail
}
