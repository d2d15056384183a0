package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"skep/server/sandbox/proto"
)

// Seed gives a clone its own time and randomness.
func (vm *VM) Seed() error {
	e := make([]byte, 32)
	rand.Read(e)
	return vm.w.Send(proto.Seed, proto.SeedMsg{UnixNano: time.Now().UnixNano(), Entropy: e})
}

// Ping measures the way to the agent and back.
func (vm *VM) Ping(ctx context.Context, payload []byte) error {
	ch := make(chan []byte, 1)
	vm.send.Lock()
	vm.mu.Lock()
	if vm.end != nil {
		vm.mu.Unlock()
		vm.send.Unlock()
		return vm.end
	}
	vm.pongs = append(vm.pongs, ch)
	vm.mu.Unlock()
	err := vm.w.Write(proto.Ping, payload)
	vm.send.Unlock()
	if err != nil {
		return vm.wrap(err)
	}
	select {
	case b, ok := <-ch:
		if !ok {
			return vm.end
		}
		if !bytes.Equal(b, payload) {
			vm.finish(&End{ReasonFrame, "a pong unlike its ping"})
			return vm.end
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wrap prefers the VM's end over a broken pipe.
func (vm *VM) wrap(err error) error {
	select {
	case <-vm.ended:
		return vm.end
	case <-time.After(600 * time.Millisecond):
		return err
	}
}

// start sends a program and returns where its verdict will arrive. Verdicts arrive in the order of the calls.
func (vm *VM) start(p *Program) (<-chan loadReply, error) {
	ch := make(chan loadReply, 1)
	vm.send.Lock()
	defer vm.send.Unlock()
	for hash, blob := range p.blobs {
		if !vm.btfSent[hash] {
			if len(vm.btfSent) >= 200 { // the agent holds 256 and forgets all at once
				clear(vm.btfSent)
			}
			if err := vm.w.Send(proto.BTF, proto.BTFMsg{Hash: hash}, blob); err != nil {
				return nil, vm.wrap(err)
			}
			vm.btfSent[hash] = true
		}
	}
	vm.mu.Lock()
	if vm.end != nil {
		vm.mu.Unlock()
		return nil, vm.end
	}
	vm.loads = append(vm.loads, ch)
	vm.mu.Unlock()
	if err := vm.w.Send(proto.Load, &p.Program); err != nil {
		return nil, vm.wrap(err)
	}
	return ch, nil
}

// Load verifies a program and runs it when p.Run is set. A refusal by the verifier is a Verdict, not an error; the error
// is an *End when the VM ended.
func (vm *VM) Load(ctx context.Context, p *Program) (*Verdict, error) {
	ch, err := vm.start(p)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-ch:
		return r.v, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Call runs one of the agent's methods; params and result are JSON.
func (vm *VM) Call(ctx context.Context, method string, params, result any, blob ...[]byte) error {
	j, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	ch := make(chan proto.ResultMsg, 1)
	vm.mu.Lock()
	if vm.end != nil {
		vm.mu.Unlock()
		return vm.end
	}
	vm.nextID++
	id := vm.nextID
	vm.calls[id] = ch
	vm.mu.Unlock()
	if err := vm.w.Send(proto.Call, proto.CallMsg{ID: id, Method: method, Params: j}, blob...); err != nil {
		return vm.wrap(err)
	}
	select {
	case m, ok := <-ch:
		if !ok {
			return vm.end
		}
		if m.Error != "" {
			return &CallError{Method: method, Errno: m.Errno, Text: printable(m.Error)}
		}
		if result == nil || len(m.Result) == 0 {
			return nil
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			return fmt.Errorf("%s: %w: %w", method, proto.ErrFrame, err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// CallError is the guest's refusal of a call.
type CallError struct {
	Method string
	Errno  int // of the kernel, 0 when the agent refused
	Text   string
}

func (e *CallError) Error() string { return e.Method + ": " + e.Text }
