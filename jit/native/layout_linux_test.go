//go:build linux && (amd64 || arm64)

package native

import (
	"testing"
	"unsafe"

	"skep/jit/contract"
	"skep/jit/window"
)

// The context is where generated code and assembly think it is.
func TestContext(t *testing.T) {
	var c context
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"regs", unsafe.Offsetof(c.Regs), contract.CtxRegs},
		{"program", unsafe.Offsetof(c.Prog), contract.CtxState},
		{"goSP", unsafe.Offsetof(c.goSP), contract.CtxSP},
		{"goBP", unsafe.Offsetof(c.goBP), contract.CtxBP},
		{"stack", unsafe.Offsetof(c.stack), contract.CtxStack},
		{"resume", unsafe.Offsetof(c.resume), contract.CtxResume},
		{"fuel", unsafe.Offsetof(c.fuel), contract.CtxFuel},
		{"exit", unsafe.Offsetof(c.exit), contract.CtxExit},
		{"reason", unsafe.Offsetof(c.reason), contract.CtxReason},
		{"base", unsafe.Offsetof(c.base), contract.CtxBase},
		{"floor", unsafe.Offsetof(c.floor), contract.CtxFloor},
		{"addr", unsafe.Offsetof(c.addr), contract.CtxAddr},
		{"code", unsafe.Offsetof(c.code), contract.CtxCode},
		{"top", unsafe.Offsetof(c.top), contract.CtxTop},
		{"loops", unsafe.Offsetof(c.loops), contract.CtxLoops},
		{"bottom", unsafe.Offsetof(c.bottom), contract.CtxBottom},
		{"link", unsafe.Offsetof(c.link), contract.CtxLink},
		{"null", unsafe.Offsetof(c.null), contract.CtxNull},
		{"windows", unsafe.Offsetof(c.windows), contract.CtxWindows},
		{"window", unsafe.Sizeof(c.windows[0]), window.Size},
		{"cpu", unsafe.Offsetof(c.cpu), contract.CtxCPU},
		{"size", unsafe.Sizeof(c), contract.CtxSize},
	} {
		if f.got != f.want {
			t.Errorf("%s is at %d, the generated code has it at %d", f.name, f.got, f.want)
		}
	}
}
