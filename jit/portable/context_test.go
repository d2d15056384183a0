package portable

import (
	"testing"
	"unsafe"

	"skep/jit/wasm"
	"skep/jit/window"
)

// The context is where the code thinks it is.
func TestContext(t *testing.T) {
	var c Context
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"regs", unsafe.Offsetof(c.regs), wasm.CtxRegs},
		{"fuel", unsafe.Offsetof(c.fuel), wasm.CtxFuel},
		{"exit", unsafe.Offsetof(c.exit), wasm.CtxExit},
		{"reason", unsafe.Offsetof(c.reason), wasm.CtxReason},
		{"loops", unsafe.Offsetof(c.loops), wasm.CtxLoops},
		{"addr", unsafe.Offsetof(c.addr), wasm.CtxAddr},
		{"floor", unsafe.Offsetof(c.floor), wasm.CtxFloor},
		{"top", unsafe.Offsetof(c.top), wasm.CtxTop},
		{"null", unsafe.Offsetof(c.null), wasm.CtxNull},
		{"cpu", unsafe.Offsetof(c.cpu), wasm.CtxCPU},
		{"frames", unsafe.Offsetof(c.frames), wasm.CtxFrames},
		{"frame.op", unsafe.Offsetof(c.frames[0].op), wasm.FrameOp},
		{"frame.loops", unsafe.Offsetof(c.frames[0].loops), wasm.FrameLoops},
		{"frame", unsafe.Sizeof(c.frames[0]), wasm.FrameSize},
		{"windows", unsafe.Offsetof(c.windows), wasm.CtxWindows},
		{"begin", unsafe.Offsetof(c.begin), wasm.CtxBegin},
		{"window", unsafe.Sizeof(c.windows[0]), window.Size},
		{"size", unsafe.Sizeof(c), wasm.CtxSize},
	} {
		if f.got != f.want {
			t.Errorf("%s is at %d, the code has it at %d", f.name, f.got, f.want)
		}
	}
}
