package native

import (
	"skep/jit"
	"skep/jit/amd64"
)

const arch = jit.AMD64

// Target is this machine.
func Target() (jit.Target, error) {
	return jit.Target{Arch: arch, AMD64: amd64.Features{BMI2: hasBMI2, GS: hasGS}}, nil
}

var (
	hasBMI2 = func() bool { _, b, _, _ := cpuid(7, 0); return b>>8&1 != 0 }()
	hasGS   = fsgsbase()
)

// fsgsbase reports whether wrgsbase may be used: the processor has it, and
// the kernel says so in AT_HWCAP2.
func fsgsbase() bool {
	const atHwcap2 = 26
	_, b, _, _ := cpuid(7, 0)
	return b&1 != 0 && auxv(atHwcap2)&2 != 0
}

// runs reports whether this machine has what code for t uses.
func runs(t jit.Target) bool {
	return (!t.AMD64.BMI2 || hasBMI2) && (!t.AMD64.GS || hasGS)
}

// synchronize is for processors whose instruction cache does not see writes.
func synchronize(code []byte) {}

// returnTo makes addr the place that the function which is entered next
// returns to.
func (r *Runner) returnTo(addr uint64) { r.push(addr) }
