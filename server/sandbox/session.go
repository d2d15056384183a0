package sandbox

import (
	"context"
	"sync"

	"skep/server/sandbox/proto"
)

// Session is a terminal in a VM: what is written to it is typed, what is read from it is the screen. It ends with the shell, the
// VM, or Close, which ends the VM too.
type Session struct {
	vm   *VM
	once sync.Once
	over chan struct{}
}

// OpenSession starts a shell in the VM. The VM should have been acquired with SessionLimits.
func OpenSession(ctx context.Context, vm *VM, rows, cols uint16) (*Session, error) {
	s := &Session{vm: vm, over: make(chan struct{})}
	vm.mu.Lock()
	before := vm.events
	vm.events = func(e proto.EventMsg) {
		if e.Kind == "exit" && e.Source == "shell" {
			s.end()
		}
		if before != nil {
			before(e)
		}
	}
	vm.mu.Unlock()
	if err := vm.Call(ctx, proto.MethodShell, proto.ShellParams{Rows: rows, Cols: cols}, nil); err != nil {
		return nil, err
	}
	go func() {
		<-vm.ended
		s.end()
	}()
	return s, nil
}

func (s *Session) end() { s.once.Do(func() { close(s.over) }) }

// Read reads what the terminal shows. It fails with the VM's *End when the VM ends.
func (s *Session) Read(b []byte) (int, error) {
	n, err := s.vm.tty.Read(b)
	if cerr := s.vm.count(n); cerr != nil {
		return n, cerr
	}
	if err != nil {
		if e := s.vm.End(); e != nil {
			return n, e
		}
	}
	return n, err
}

// Write types.
func (s *Session) Write(b []byte) (int, error) {
	n, err := s.vm.tty.Write(b)
	if err != nil {
		if e := s.vm.End(); e != nil {
			return n, e
		}
	}
	return n, err
}

// Resize tells the guest the size of the screen.
func (s *Session) Resize(rows, cols uint16) error {
	return s.vm.w.Send(proto.Resize, proto.ResizeMsg{Rows: rows, Cols: cols})
}

// Done is closed when the shell has exited or the VM has ended.
func (s *Session) Done() <-chan struct{} { return s.over }

// VM is the machine behind the terminal, for loading and attaching beside it.
func (s *Session) VM() *VM { return s.vm }

// Close ends the VM.
func (s *Session) Close() error {
	s.end()
	return s.vm.Close()
}
