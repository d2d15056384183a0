package native

// enter runs native code from ctx until it leaves, with the base of gs at the
// arena if the context says so. The size of its frame is zero and Go's stack is
// not used: rsp is that of the context meanwhile.
//
//go:noescape
func enter(ctx *context)

func cpuid(eax, ecx uint32) (a, b, c, d uint32)
