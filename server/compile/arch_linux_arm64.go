package compile

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	firstForeign = 0xffffffff // there is no second ABI
	multiarch    = "aarch64-linux-gnu"
)
