package native

// enter runs native code from ctx until it leaves. The size of its frame is
// zero, and Go's stack is not touched meanwhile: rsp stays, the code has a
// stack pointer of its own.
//
//go:noescape
func enter(ctx *context)

// flush cleans the data cache and empties the instruction cache of the bytes
// from start to end.
func flush(start, end uintptr)
