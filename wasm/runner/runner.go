// Package runner is the session engine with a compiler: it answers all that
// package session does, and runs the events of a session at full speed, as
// WebAssembly made of their programs. That code works in the memory of the
// session's machine, which the views are made of: nothing is copied.
//
// An [Engine] answers frames; package run of wasm/run is it as a module, and
// web/src/jit/run.ts the page's side.
//
// Read next: run.go (a run in slices), package session's Outside.
package runner

import (
	"skep/jit/portable"
	"skep/wasm/protocol"
	"skep/wasm/reactor"
	"skep/wasm/session"
)

// Page is what a module needs of the page around it.
type Page interface {
	portable.Linker
	// Now is a clock in ns.
	Now() uint64
}

// Engine answers frames.
type Engine struct {
	session.Engine
	Page Page

	runs map[uint32]*run // by session
	idle []span          // of runs that are no more
}

// Handle answers one request frame and appends the reply frame to dst. It never
// panics for any bytes: what goes wrong inside is answered as Failed.
func (e *Engine) Handle(dst, frame []byte) (reply []byte) {
	h, err := protocol.ParseHeader(frame)
	if err != nil {
		return reactor.Failed(dst, h.Session, err.Error(), "")
	}
	defer func() {
		if recover() != nil {
			e.drop(h.Session)
			e.Forget(h.Session)
			reply = reactor.Failed(dst, h.Session, "the compiler, or the code that it made, has a defect", "please report the program")
		}
	}()
	var m protocol.Encoder
	switch h.ID {
	case protocol.IDFullStart:
		q := new(protocol.FullStart)
		if err = protocol.ParseOne(frame, q); err == nil {
			m = e.start(h.Session, q)
		}
	case protocol.IDFullRun:
		q := new(protocol.FullRun)
		if err = protocol.ParseOne(frame, q); err == nil && e.runs[h.Session] != nil {
			m = e.runs[h.Session].goOn(q)
		}
	case protocol.IDFullMeasure:
		q := new(protocol.FullMeasure)
		if err = protocol.ParseOne(frame, q); err == nil && e.runs[h.Session] != nil {
			m = e.measure(h.Session, q)
		}
	case protocol.IDMove, protocol.IDContinue, protocol.IDCancel, protocol.IDLook, protocol.IDLastWrite:
		if e.runs[h.Session] == nil {
			return e.Engine.Handle(dst, frame)
		}
	default:
		reply = e.Engine.Handle(dst, frame)
		if r := e.runs[h.Session]; r != nil && (h.ID == protocol.IDClose || r.out.Over()) {
			e.drop(h.Session)
		}
		return reply
	}
	switch {
	case err != nil:
		return reactor.Failed(dst, h.Session, err.Error(), "")
	case m == nil:
		return reactor.Failed(dst, h.Session, "the session is not one that this can be asked of", "a session runs at full speed or is stepped: start it anew")
	}
	return protocol.PackOne(dst, h.Session, m)
}

// drop ends the run of a session, if it has one.
func (e *Engine) drop(id uint32) {
	r := e.runs[id]
	if r == nil {
		return
	}
	r.close()
	e.idle = append(e.idle, r.span)
	delete(e.runs, id)
}
