package compile

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	firstForeign = 0xffffffff // there is no second ABI
	multiarch    = "aarch64-linux-gnu"
)

// targetMacros choose the register names of libbpf's bpf_tracing.h, and keep
// headers like linux/icmp.h from looking for a 32-bit C library.
var targetMacros = []string{"-D__TARGET_ARCH_arm64", "-D__aarch64__"}
