package compile

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_X86_64
	firstForeign = 0x40000000 // __X32_SYSCALL_BIT
	multiarch    = "x86_64-linux-gnu"
)

// targetMacros choose the register names of libbpf's bpf_tracing.h, and keep
// headers like linux/icmp.h from looking for a 32-bit C library.
var targetMacros = []string{"-D__TARGET_ARCH_x86", "-D__x86_64__"}
