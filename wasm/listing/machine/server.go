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

import "skep/wasm/protocol"

// Server answers the requests of one page. It keeps the program that it
// loaded last with its verdict: whoever looks at it tries targets and options
// in turn.
type Server struct{ last *loaded }

// Handle answers one request frame and appends the reply frame to dst. It
// never panics for any bytes: what goes wrong inside is answered as Failed.
func (s *Server) Handle(dst, frame []byte) (reply []byte) {
	h, err := protocol.ParseHeader(frame)
	if err != nil {
		return failed(dst, h.Session, err.Error(), "")
	}
	defer func() {
		if r := recover(); r != nil {
			text, _ := r.(string)
			if e, ok := r.(error); ok {
				text = e.Error()
			}
			reply = failed(dst, h.Session, "the compiler has a defect: "+text, "please report the program")
		}
	}()
	m, err := s.answer(h.ID, frame)
	if err != nil {
		return failed(dst, h.Session, err.Error(), "")
	}
	return protocol.PackOne(dst, h.Session, m)
}

func (s *Server) answer(id uint16, frame []byte) (protocol.Encoder, error) {
	switch id {
	case protocol.IDCodeHello:
		return &protocol.CodeWelcome{Kernel: kernelName}, protocol.ParseOne(frame, &protocol.CodeHello{})
	case protocol.IDDisassemble:
		q := new(protocol.Disassemble)
		if err := protocol.ParseOne(frame, q); err != nil {
			return nil, err
		}
		return Disassemble(q), nil
	}
	q := new(protocol.Compile)
	if err := protocol.ParseOne(frame, q); err != nil {
		return nil, err
	}
	return s.Compile(q), nil
}

func failed(dst []byte, session uint32, msg, hint string) []byte {
	return protocol.PackOne(dst, session, &protocol.Failed{
		Problem: protocol.Problem{Where: protocol.WhereEngine, Message: msg, Hint: hint, Offset: -1},
	})
}
