//go:build wasip1

package reactor

import (
	"unsafe"

	"skep/wasm/protocol"
)

// The two buffers are global: linear memory must stay where the page was told
// it is until the next call.
var (
	handle  func(dst, frame []byte) []byte
	request []byte
	reply   []byte
)

// keep is how large a buffer may be to be used for the next call too.
const keep = 1 << 20

// Serve lets h answer the module's requests: it appends the reply frame to dst.
// To be called by an init function of package main.
func Serve(h func(dst, frame []byte) []byte) { handle = h }

// skepRequest makes room for a request of n bytes and returns its address.
// Calling it once more before skepCall gives the same room anew. Address 0: n
// is more than any request may have.
//
//go:wasmexport skep_request
func skepRequest(n uint32) unsafe.Pointer {
	if n > protocol.MaxFrame {
		return nil
	}
	if request == nil || int(n) > cap(request) {
		request = make([]byte, max(n, 4096))
	}
	request = request[:n]
	return unsafe.Pointer(unsafe.SliceData(request))
}

// skepCall answers the request of n bytes and returns the length of the reply,
// which lies at skepReply until the next call.
//
//go:wasmexport skep_call
func skepCall(n uint32) uint32 {
	if cap(reply) > keep {
		reply = nil
	}
	reply = handle(reply[:0], request[:min(n, uint32(len(request)))])
	if cap(request) > keep {
		request = nil
	}
	return uint32(len(reply))
}

// skepReply is the address of the reply.
//
//go:wasmexport skep_reply
func skepReply() unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(reply))
}
