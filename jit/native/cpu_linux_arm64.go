package native

import (
	"unsafe"

	"skep/jit"
	"skep/jit/arm64"
)

const arch = jit.ARM64

// Target is this machine.
func Target() (jit.Target, error) {
	return jit.Target{Arch: arch, ARM64: arm64.Features{LSE: hasLSE}}, nil
}

// hasLSE: HWCAP_ATOMICS in AT_HWCAP.
var hasLSE = auxv(16)>>8&1 != 0

// runs reports whether this machine has what code for t uses.
func runs(t jit.Target) bool { return !t.ARM64.LSE || hasLSE }

// synchronize makes what was written to code what is executed from it.
func synchronize(code []byte) {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(code)))
	flush(start, start+uintptr(len(code)))
}

// returnTo makes addr the place that the function which is entered next
// returns to. The code there takes the caller's own from the stack again.
func (r *Runner) returnTo(addr uint64) {
	r.push(r.ctx.link)
	r.ctx.link = addr
}
