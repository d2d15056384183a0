package verdict

import (
	"skep/wasm/protocol"
	"skep/wasm/reactor"
)

// Server answers the requests of one page. It keeps the trace that was asked
// for last.
type Server struct{ trace *tracing }

// Handle answers one request frame and appends the reply frame to dst. It
// never panics for any bytes: what goes wrong inside is answered as Failed.
func (s *Server) Handle(dst, frame []byte) []byte {
	return reactor.Answer(dst, frame, "the verifier", s.answer)
}

func (s *Server) answer(id uint16, frame []byte) (protocol.Encoder, error) {
	switch id {
	case protocol.IDVerifyHello:
		return reactor.Reply(frame, new(protocol.VerifyHello), welcome)
	case protocol.IDTraceStart:
		q := new(protocol.TraceStart)
		if err := protocol.ParseOne(frame, q); err != nil {
			return nil, err
		}
		s.forget()
		t, err := newTracing(q)
		if err != nil {
			return nil, err
		}
		s.trace = t
		return s.more()
	case protocol.IDTraceMore:
		if err := protocol.ParseOne(frame, new(protocol.TraceMore)); err != nil {
			return nil, err
		}
		return s.more()
	case protocol.IDTraceStop:
		return reactor.Reply(frame, new(protocol.TraceStop), s.stop)
	case protocol.IDTraceBytes:
		return reactor.Reply(frame, new(protocol.TraceBytes), s.part)
	case protocol.IDProve:
		return reactor.Reply(frame, new(protocol.Prove), Prove)
	}
	return reactor.Reply(frame, new(protocol.Verify), Verify)
}

func welcome(*protocol.VerifyHello) *protocol.VerifyWelcome {
	return &protocol.VerifyWelcome{Kernel: Kernel}
}

func (s *Server) stop(*protocol.TraceStop) *protocol.TraceProgress {
	s.forget()
	return new(protocol.TraceProgress)
}

// more works on the trace; one that failed is forgotten.
func (s *Server) more() (protocol.Encoder, error) {
	t := s.trace
	if t == nil {
		return &protocol.TraceProgress{}, nil
	}
	t.more()
	if t.err != nil {
		s.trace = nil
		return nil, t.err
	}
	return t.progress(), nil
}

func (s *Server) forget() {
	if s.trace != nil {
		s.trace.stop()
		s.trace = nil
	}
}

func (s *Server) part(q *protocol.TraceBytes) *protocol.TracePart {
	if s.trace == nil || uint64(q.Offset) >= uint64(s.trace.size) {
		return &protocol.TracePart{}
	}
	return &protocol.TracePart{Bytes: s.trace.part(int(q.Offset), int(min(q.Length, maxPart)))}
}
