package verdict

import (
	"skep/wasm/protocol"
)

// Server answers the requests of one page. It keeps the trace that was asked
// for last.
type Server struct{ trace *tracing }

// Handle answers one request frame and appends the reply frame to dst. It
// never panics for any bytes: what goes wrong inside is answered as Failed.
func (s *Server) Handle(dst, frame []byte) (reply []byte) {
	h, err := protocol.ParseHeader(frame)
	if err != nil {
		return failed(dst, h.Session, err.Error(), "")
	}
	defer func() {
		if r := recover(); r != nil {
			reply = failed(dst, h.Session, "the verifier has a defect: "+panicText(r), "please report the program")
		}
	}()
	m, err := s.answer(h.ID, frame)
	if err != nil {
		return failed(dst, h.Session, err.Error(), "")
	}
	return protocol.PackOne(dst, h.Session, m)
}

func panicText(r any) string {
	switch r := r.(type) {
	case error:
		return r.Error()
	case string:
		return r
	}
	return "unknown panic"
}

func (s *Server) answer(id uint16, frame []byte) (protocol.Encoder, error) {
	switch id {
	case protocol.IDVerifyHello:
		return &protocol.VerifyWelcome{Kernel: Kernel}, protocol.ParseOne(frame, &protocol.VerifyHello{})
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
		if err := protocol.ParseOne(frame, &protocol.TraceMore{}); err != nil {
			return nil, err
		}
		return s.more()
	case protocol.IDTraceStop:
		s.forget()
		return &protocol.TraceProgress{}, protocol.ParseOne(frame, &protocol.TraceStop{})
	case protocol.IDTraceBytes:
		q := new(protocol.TraceBytes)
		if err := protocol.ParseOne(frame, q); err != nil {
			return nil, err
		}
		return s.part(q), nil
	}
	q := new(protocol.Verify)
	if err := protocol.ParseOne(frame, q); err != nil {
		return nil, err
	}
	return Verify(q), nil
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

func failed(dst []byte, session uint32, msg, hint string) []byte {
	return protocol.PackOne(dst, session, &protocol.Failed{
		Problem: protocol.Problem{Where: protocol.WhereEngine, Message: msg, Hint: hint, Offset: -1},
	})
}
