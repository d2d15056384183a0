package real

import (
	"context"
	"fmt"
	"slices"
	"time"

	"skep/server/sandbox"
)

// terminal is a shell in a machine of its own.
func (x *session) terminal(req Request) error {
	version := req.Kernel
	if version == "" {
		version = sandbox.DefaultKernel
	}
	if !slices.ContainsFunc(x.s.cfg.Manager.Kernels(), func(k *sandbox.Kernel) bool { return k.Version == version }) {
		return &endError{codeBad, fmt.Sprintf("kernel %q: this server has none", version)}
	}
	vm, err := x.acquire(version, x.s.cfg.Terminal)
	if err != nil {
		return err
	}
	defer vm.Close()
	rows, cols := screen(req)
	sh, err := sandbox.OpenSession(x.ctx, vm, rows, cols)
	if err != nil {
		return err
	}
	defer sh.Close()
	screenEnded := make(chan struct{})
	go func() {
		defer close(screenEnded)
		x.show(sh)
	}()
	idle := newIdle(x.s.cfg.Idle, x.s.cfg.IdleWarn)
	defer idle.timer.Stop()
	for {
		select {
		case <-x.ctx.Done():
			return context.Cause(x.ctx)
		case <-screenEnded:
			return x.shellEnd(vm)
		case <-sh.Done():
			return x.shellEnd(vm)
		case b := <-x.typed:
			if _, err := sh.Write(b); err != nil {
				return err
			}
			if idle.touched() {
				x.send(Message{Is: isIdle})
			}
		case r := <-x.requests:
			switch r.Do {
			case doStop:
				return nil
			case doResize:
				rows, cols := screen(r)
				if err := sh.Resize(rows, cols); err != nil {
					return err
				}
			}
		case <-idle.timer.C:
			left := idle.due()
			if left <= 0 {
				return &endError{codeIdle, fmt.Sprintf("nothing was typed for %v", x.s.cfg.Idle)}
			}
			x.send(Message{Is: isIdle, LeftMS: left.Milliseconds()})
		}
	}
}

// shellEnd says why there is no shell any more. A machine that crashes closes its terminal a moment before its end is known.
func (x *session) shellEnd(vm *sandbox.VM) error {
	select {
	case <-vm.Ended():
		return vm.End()
	case <-x.ctx.Done():
		return context.Cause(x.ctx)
	case <-time.After(time.Second):
		return &endError{codeShellEnd, "the shell has ended"}
	}
}

// screen is the size of the page's terminal within reason.
func screen(r Request) (rows, cols uint16) {
	bound := func(n, def uint16) uint16 {
		if n == 0 {
			return def
		}
		return min(max(n, 2), 500)
	}
	return bound(r.Rows, 24), bound(r.Cols, 80)
}

// show sends what the terminal shows, no faster than the page takes it.
func (x *session) show(sh *sandbox.Session) {
	b := make([]byte, 16<<10)
	for {
		n, err := sh.Read(b)
		if n > 0 {
			x.h.add(frame{binary: true, b: slices.Clone(b[:n])})
		}
		if err != nil || x.h.room(x.ctx) != nil {
			return
		}
	}
}

// idleClock warns before it ends.
type idleClock struct {
	after, warn time.Duration
	last        time.Time
	warned      bool
	timer       *time.Timer
}

func newIdle(after, warn time.Duration) *idleClock {
	warn = min(warn, after)
	return &idleClock{after: after, warn: warn, last: time.Now(), timer: time.NewTimer(after - warn)}
}

// touched says that somebody typed, and whether there was a warning before.
func (c *idleClock) touched() (wasWarned bool) {
	wasWarned = c.warned
	c.last, c.warned = time.Now(), false
	c.timer.Reset(c.after - c.warn)
	return wasWarned
}

// due is called when the timer fires: how long is left, after which it fires again.
func (c *idleClock) due() time.Duration {
	left := c.after - time.Since(c.last)
	if c.warned {
		return 0
	}
	c.warned = true
	c.timer.Reset(max(left, time.Millisecond))
	return max(left, time.Millisecond)
}
