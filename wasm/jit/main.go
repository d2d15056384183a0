//go:build wasip1

package main

import (
	"unsafe"

	"skep/jit/portable"
	"skep/wasm/fullspeed"
	"skep/wasm/link"
	"skep/wasm/protocol"
)

// What linear memory addresses are known of stays where it is: two buffers,
// until the next call, and the context of the code, for good.
var (
	request []byte
	reply   []byte
	context portable.Context
	engine  = fullspeed.Engine{Linker: link.Linker{}, Context: &context}
)

// keep is how large a buffer may be to be used for the next call too.
const keep = 1 << 20

// skepRequest makes room for a request of n bytes and returns its address; 0
// when n is more than any request may have.
//
//go:wasmexport skep_request
func skepRequest(n uint32) uint32 {
	if n > protocol.MaxFrame {
		return 0
	}
	if uint32(cap(request)) < max(n, 1) {
		request = make([]byte, max(n, 4096))
	}
	request = request[:n]
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(request))))
}

// skepCall answers the request of n bytes and returns the length of the reply,
// which lies at skepReply until the next call.
//
//go:wasmexport skep_call
func skepCall(n uint32) uint32 {
	if cap(reply) > keep {
		reply = nil
	}
	reply = engine.Handle(reply[:0], request[:min(n, uint32(len(request)))])
	if cap(request) > keep {
		request = nil
	}
	return uint32(len(reply))
}

// skepReply is the address of the reply.
//
//go:wasmexport skep_reply
func skepReply() uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(reply))))
}

func main() {}
