package real

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"skep/server/sandbox"
)

// session is one job of a visitor, from the first message to the end of its machine.
type session struct {
	s                *Service
	token            string
	visitor, address string
	do               string
	h                *history
	ctx              context.Context
	cancel           context.CancelCauseFunc
	requests         chan Request // of a session that runs
	typed            chan []byte
	done             chan struct{} // closed when the job is over

	mu     sync.Mutex
	reader int         // number of the present socket
	timer  *time.Timer // ends the session when no socket comes back
}

// endError is an end that the page has a screen for.
type endError struct{ code, text string }

func (e *endError) Error() string { return e.text }

// start begins a session after the visitor's bounds.
func (s *Service) start(req Request, visitor, address string) (*session, error) {
	run := map[string]func(*session, Request) error{doConfirm: (*session).confirm, doLive: (*session).live, doTerminal: (*session).terminal}[req.Do]
	if run == nil {
		return nil, &endError{codeBad, "do: there are confirm, live and terminal"}
	}
	x, err := s.open(req, visitor, address)
	if err != nil {
		return nil, err
	}
	go func() {
		defer s.close(x)
		x.send(Message{Is: isHello, Token: x.token, ReconnectMS: x.window().Milliseconds()})
		err := x.guarded(func() error { return run(x, req) })
		close(x.done) // before the page hears of it and starts the next one
		x.send(s.endMessage(x.cause(err)))
		x.h.end()
		x.linger()
	}()
	return x, nil
}

// open makes a session after the visitor's bounds. The caller closes done when the job is over, and calls close.
func (s *Service) open(req Request, visitor, address string) (*session, error) {
	if s.cfg.Manager == nil {
		return nil, &endError{codeNone, s.cfg.Why.Error()}
	}
	if req.Do != doTerminal {
		if err := req.Source.check(); err != nil {
			return nil, &endError{codeSource, err.Error()}
		}
	}
	x := &session{s: s, token: randomName(), visitor: visitor, address: address, do: req.Do, h: newHistory(),
		requests: make(chan Request, 16), typed: make(chan []byte, 64), done: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancelCause(context.Background())
	if err := s.admit(x, req.Replace); err != nil {
		x.cancel(nil)
		return nil, err
	}
	return x, nil
}

// close forgets a session.
func (s *Service) close(x *session) {
	x.cancel(nil)
	s.mu.Lock()
	delete(s.sessions, x.token)
	s.mu.Unlock()
	s.running.Done()
}

// cause is why a job ended: what cancelled it, when that is so.
func (x *session) cause(err error) error {
	if cause := context.Cause(x.ctx); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return cause
	}
	return err
}

// guarded turns a panic, which a hostile program may have found, into an error of this session alone.
func (x *session) guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			x.s.cfg.Log.Error("panic", "session", x.do, "value", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = &endError{codeInternal, "something broke on the server; its log has the details"}
		}
	}()
	return f()
}

// admit adds a session if the bounds allow it, after the end of the visitor's other one where that is asked for. The
// caller calls running.Done at its end.
func (s *Service) admit(x *session, replace bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		var mine *session
		all, near, long := 0, 0, 0
		for _, o := range s.sessions {
			if o.over() {
				continue
			}
			all++
			if o.visitor == x.visitor && (o.do == doJIT) == (x.do == doJIT) { // a dump is asked for beside whatever runs
				mine = o
			}
			if o.address == x.address {
				near++
			}
			if o.long() {
				long++
			}
		}
		switch {
		case s.isClosed():
			return &endError{codeGone, errStopping.Error()}
		case mine != nil && replace:
			mine.cancel(&endError{codeReplaced, "you started something else in another place"})
			s.mu.Unlock()
			<-mine.done
			s.mu.Lock()
			continue
		case mine != nil:
			return &endError{codeMine, "you have a virtual machine already; end it first, or let this one take its place"}
		case all >= s.cfg.MaxSession:
			return &endError{codeFull, "this server serves as many visitors as it can; try again in a minute"}
		case near >= s.cfg.MaxAddress:
			return &endError{codeFull, "many sessions come from your network address already; try again in a minute"}
		case x.long() && long >= s.cfg.MaxLong:
			return &endError{codeLong, "all machines for live runs and terminals are taken; confirming a program still works"}
		}
		s.sessions[x.token] = x
		s.running.Add(1)
		return nil
	}
}

// long says that the session lasts as long as somebody uses it.
func (x *session) long() bool { return x.do == doLive || x.do == doTerminal }

func (x *session) over() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}

// lingerLeast is time for a socket to send what is left.
const lingerLeast = 5 * time.Second

// linger keeps what was said for a page that comes back.
func (x *session) linger() {
	t := time.NewTimer(max(x.window(), lingerLeast)) // the last messages may be on their way
	defer t.Stop()
	for {
		x.h.mu.Lock()
		read, change := x.h.sent == x.h.first+len(x.h.frames), x.h.change
		x.h.mu.Unlock()
		if read {
			return
		}
		select {
		case <-change:
		case <-t.C:
			return
		case <-x.s.stopping:
			return
		}
	}
}

// resume finds a visitor's session.
func (s *Service) resume(token, visitor string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions[token]
	if x == nil || x.visitor != visitor {
		return nil, &endError{codeGone, "that session is over"}
	}
	return x, nil
}

// attach makes a socket the session's reader; an earlier one gets nothing more.
func (x *session) attach(seen int) (id int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reader++
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
	x.h.attach(seen)
	return x.reader
}

// detach says that a socket is gone. Without another one the session ends: at once when there is nothing to come back
// to, else after the window.
func (x *session) detach(id int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if id != x.reader {
		return
	}
	x.h.detach()
	gone := &endError{codeGone, "the page was away for too long"}
	if x.window() == 0 {
		x.cancel(gone)
		return
	}
	x.timer = time.AfterFunc(x.window(), func() { x.cancel(gone) })
}

// window is how long the session lives without a socket.
func (x *session) window() time.Duration {
	if !x.long() {
		return 0
	}
	return max(0, x.s.cfg.Reconnect)
}

// send queues a message for the page.
func (x *session) send(m Message) {
	b, err := json.Marshal(m)
	if err != nil { // only what we made ourselves is in it
		x.s.cfg.Log.Error("real: message", "is", m.Is, "error", err)
		return
	}
	x.h.add(frame{b: b})
}

// endMessage says how a session ended, in a code that the page has a screen for.
func (s *Service) endMessage(err error) Message {
	m := Message{Is: isEnd, Code: codeDone}
	if err == nil {
		return m
	}
	m.Text = err.Error()
	var known *endError
	var busy *sandbox.BusyError
	var end *sandbox.End
	switch {
	case errors.As(err, &known):
		m.Code = known.code
	case errors.As(err, &busy):
		m.Code, m.WaitMS = codeFull, busy.Estimate.Milliseconds()
		m.Text = fmt.Sprintf("all virtual machines are busy and the queue is full (%d waiting); try again in about %v", busy.Waiting, max(busy.Estimate, time.Second).Round(time.Second))
		if busy.Owner {
			m.Text = "you have as many jobs waiting as one visitor may have; let one finish first"
		}
	case errors.Is(err, sandbox.ErrLevel):
		m.Code = codeLevel
	case errors.As(err, &end):
		m.Code, m.Text = strings.ReplaceAll(string(end.Reason), " ", "-"), end.Error()
	case errors.Is(err, errStopping):
		m.Code = codeGone
	default:
		s.cfg.Log.Error("real", "error", err)
		m.Code, m.Text = codeInternal, "the virtual machine could not be used; the server's log says why"
	}
	return m
}

// acquire waits for a machine and tells the page its place meanwhile.
func (x *session) acquire(kernel string, l sandbox.Limits) (*sandbox.VM, error) {
	t, err := x.s.cfg.Manager.Enqueue(sandbox.Job{Kernel: kernel, Owner: x.visitor, Limits: l})
	if err != nil {
		return nil, err
	}
	type got struct {
		vm  *sandbox.VM
		err error
	}
	ch := make(chan got, 1)
	go func() {
		vm, err := t.Wait(x.ctx)
		ch <- got{vm, err}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := -1
	for {
		if ahead, wait := t.Position(); ahead != last || ahead > 0 {
			last = ahead
			x.send(Message{Is: isQueue, Kernel: kernel, Ahead: ahead, WaitMS: wait.Milliseconds()})
		}
		select {
		case g := <-ch:
			if g.err != nil {
				return nil, g.err
			}
			x.send(Message{Is: isStarted, Kernel: kernel, Release: g.vm.Kernel.Release, WallMS: l.Wall.Milliseconds(), CPUMS: l.CPU.Milliseconds()})
			return g.vm, nil
		case r := <-x.requests: // nothing can be asked of a machine that is not there
			if r.Do == doStop {
				x.cancel(&endError{codeCancelled, "stopped"})
			}
		case <-tick.C:
		}
	}
}
