package native

import (
	"testing"
	"unsafe"

	"skep/jit/amd64"
	"skep/jit/window"
)

// The context is where generated code and assembly think it is.
func TestContext(t *testing.T) {
	var c context
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"regs", unsafe.Offsetof(c.regs), amd64.CtxRegs},
		{"goSP", unsafe.Offsetof(c.goSP), amd64.CtxSP},
		{"goBP", unsafe.Offsetof(c.goBP), amd64.CtxBP},
		{"stack", unsafe.Offsetof(c.stack), amd64.CtxStack},
		{"resume", unsafe.Offsetof(c.resume), amd64.CtxResume},
		{"fuel", unsafe.Offsetof(c.fuel), amd64.CtxFuel},
		{"exit", unsafe.Offsetof(c.exit), amd64.CtxExit},
		{"reason", unsafe.Offsetof(c.reason), amd64.CtxReason},
		{"base", unsafe.Offsetof(c.base), amd64.CtxBase},
		{"floor", unsafe.Offsetof(c.floor), amd64.CtxFloor},
		{"addr", unsafe.Offsetof(c.addr), amd64.CtxAddr},
		{"code", unsafe.Offsetof(c.code), amd64.CtxCode},
		{"top", unsafe.Offsetof(c.top), amd64.CtxTop},
		{"loops", unsafe.Offsetof(c.loops), amd64.CtxLoops},
		{"bottom", unsafe.Offsetof(c.bottom), amd64.CtxBottom},
		{"windows", unsafe.Offsetof(c.windows), amd64.CtxWindows},
		{"window", unsafe.Sizeof(c.windows[0]), window.Size},
		{"size", unsafe.Sizeof(c), amd64.CtxSize},
	} {
		if f.got != f.want {
			t.Errorf("%s is at %d, the generated code has it at %d", f.name, f.got, f.want)
		}
	}
}
