// Package session is the engine's side of the protocol: a Session is one
// program with one input, moved about in by steps and looked at in views. It
// has no WebAssembly in it, so it is tested natively; package wasm adds the
// exports.
//
//	var e session.Engine
//	reply := e.Handle(nil, frame) // what a Worker does
//
//	s := session.New()            // the same without frames
//	loaded := s.Load(protocol.WireSource{Text: "r0 = 2\nexit"})
//	started := s.Start(protocol.WireInput{Text: "eth"}, session.DefaultOptions(), nil)
//	moved := s.Move(protocol.MovementStep, 1, protocol.WireWatch{}, 1000)
//
// Read next: source.go (programs in), run.go (events), move.go (movements),
// view.go (what a step looks like), cpus.go (runs on several CPUs).
package session

import (
	"skep/vm/packet"
	"skep/wasm/protocol"
)

// Version of the engine, shown in the page.
const Version = "0.1.0"

// Kernel is the reference for helpers, program types and words.
const Kernel = "6.12"

// MaxSessions bounds the sessions of one module: a page has a handful.
const MaxSessions = 64

// Engine answers frames. The zero value is ready.
type Engine struct {
	sessions map[uint32]*Session
}

// Handle answers one request frame and appends the reply frame to dst. It
// never panics for any bytes: what goes wrong inside is answered as Failed.
func (e *Engine) Handle(dst, frame []byte) (reply []byte) {
	var h protocol.Header
	defer func() {
		if r := recover(); r != nil {
			// The session is in an unknown state; drop it and say so.
			delete(e.sessions, h.Session)
			reply = protocol.Reply(dst, h.Session, failed("the engine has a defect: "+panicText(r), "reload the page; please report what you did"))
		}
	}()
	h, m, err := protocol.ParseRequest(frame)
	if err != nil {
		return protocol.Reply(dst, h.Session, failed(err.Error(), ""))
	}
	return protocol.Reply(dst, h.Session, e.answer(h.Session, m))
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

func failed(msg, hint string) *protocol.Failed {
	return &protocol.Failed{Problem: problem(protocol.WhereEngine, msg, hint)}
}

// answer dispatches a request.
func (e *Engine) answer(id uint32, m protocol.Message) protocol.Message {
	switch m := m.(type) {
	case *protocol.Hello:
		return &protocol.Welcome{Version: Version, Kernel: Kernel}
	case *protocol.Check:
		return &protocol.Problems{Problems: Check(m.Text)}
	case *protocol.Packets:
		return Packets(m.Input)
	case *protocol.ToPcap:
		pkts := make([]packet.Packet, len(m.Packets))
		for i, b := range m.Packets {
			pkts[i].Data = b
		}
		return &protocol.Blob{Bytes: packet.AppendPcap(nil, pkts)}
	case *protocol.Hooks:
		return &protocol.HookList{Hooks: Hooks()}
	case *protocol.Exec:
		return Exec(m)
	case *protocol.Close:
		delete(e.sessions, id)
		return &protocol.Done{}
	}
	s := e.sessions[id]
	if s == nil {
		if len(e.sessions) >= MaxSessions {
			return failed("too many sessions are open", "close some: at most 64 programs can be stepped at once")
		}
		if e.sessions == nil {
			e.sessions = make(map[uint32]*Session)
		}
		s = New()
		e.sessions[id] = s
	}
	return s.answer(m)
}

func (s *Session) answer(m protocol.Message) protocol.Message {
	switch m := m.(type) {
	case *protocol.Load:
		return s.Load(m.Source)
	case *protocol.Describe:
		return s.Describe(int(m.Program))
	case *protocol.Choose:
		return s.Choose(int(m.Program))
	case *protocol.Start:
		return s.Start(m.Input, m.Options, m.Maps)
	case *protocol.Breakpoints:
		s.SetBreakpoints(m.PCs)
		return &protocol.Done{}
	case *protocol.LLVMText:
		return &protocol.Texts{Texts: s.LLVMText()}
	case *protocol.ListTypes:
		return s.ListTypes(m)
	case *protocol.DefineType:
		return s.DefineType(m)
	}
	if reply := s.answerCPUs(m); reply != nil {
		return reply
	}
	if s.machine == nil {
		return failed("nothing is running yet", "load a program and start it with an input first")
	}
	switch m := m.(type) {
	case *protocol.Move:
		return s.Move(m.Movement, m.N, m.Watch, m.Slice)
	case *protocol.Continue:
		return s.Continue(m.Slice)
	case *protocol.Cancel:
		return s.Cancel()
	case *protocol.Look:
		return s.moved()
	case *protocol.LastWrite:
		return &protocol.Wrote{Provenance: s.LastWrite(m.Watch)}
	case *protocol.MapEntries:
		return &protocol.EntryList{Entries: s.MapEntries(int(m.Map), int(m.From), int(m.Count))}
	case *protocol.Memory:
		return &protocol.Blob{Bytes: s.Memory(m.Region)}
	case *protocol.Firings:
		return s.Firings()
	case *protocol.OutputPcap:
		return &protocol.Blob{Bytes: s.OutputPcap(m.Dropped)}
	}
	return failed("this engine does not know that request", "reload the page")
}
