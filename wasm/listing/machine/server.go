// Package machine answers what code is made of a program: it loads and verifies
// a source as package verdict does, compiles it for a target, and names each
// machine instruction beside the one that it was made of. There is no
// WebAssembly in it, so it is tested natively; package wasm/listing adds the
// exports.
//
//	c := new(machine.Server).Compile(&protocol.Compile{Source: protocol.WireSource{Text: "exit"}, Arch: protocol.ArchAmd64, Facts: true})
//	// c.Groups[0].Insns[0].Text is what amd64 does for "exit"
//
// Read next: compile.go, group.go for which code is whose, known.go for what
// allowed a check to go.
package machine

import (
	"skep/wasm/protocol"
	"skep/wasm/reactor"
)

// Server answers the requests of one page. It keeps the program that it
// loaded last with its verdict: whoever looks at it tries targets and options
// in turn.
type Server struct{ last *loaded }

// Handle answers one request frame and appends the reply frame to dst. It
// never panics for any bytes: what goes wrong inside is answered as Failed.
func (s *Server) Handle(dst, frame []byte) []byte {
	return reactor.Answer(dst, frame, "the compiler", s.answer)
}

func (s *Server) answer(id uint16, frame []byte) (protocol.Encoder, error) {
	switch id {
	case protocol.IDCodeHello:
		return reactor.Reply(frame, new(protocol.CodeHello), welcome)
	case protocol.IDDisassemble:
		return reactor.Reply(frame, new(protocol.Disassemble), Disassemble)
	}
	return reactor.Reply(frame, new(protocol.Compile), s.Compile)
}

func welcome(*protocol.CodeHello) *protocol.CodeWelcome {
	return &protocol.CodeWelcome{Kernel: kernelName}
}
