package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"skep/server/sandbox/proto"
)

// VM is one running guest. Its methods are safe for concurrent use; calls run one after the other in the guest.
type VM struct {
	Kernel *Kernel
	Level  Level // isolation of the QEMU process
	Hello  proto.HelloMsg

	cmd     *exec.Cmd
	stderr  limited
	channel net.Conn
	tty     net.Conn
	qmp     *qmp
	console *console
	r       *proto.Reader
	w       *proto.Writer

	send    sync.Mutex // orders what is sent with what is awaited; never held by the reader
	btfSent map[string]bool

	mu     sync.Mutex
	loads  []chan<- loadReply // in the order they were sent
	calls  map[uint64]chan<- proto.ResultMsg
	nextID uint64
	pongs  []chan<- []byte
	events func(proto.EventMsg)

	output     atomic.Int64 // bytes from both ports
	outputBase atomic.Int64 // of them before the job
	limits     atomic.Pointer[Limits]
	timer      *time.Timer
	end        *End
	ended      chan struct{} // closed when end is set
	exited     chan struct{} // closed when QEMU is gone
	onClose    func()
}

type loadReply struct {
	v   *Verdict
	err error
}

// launch starts QEMU with the four sockets, the guest's memory and optionally a snapshot's device state.
func launch(ctx context.Context, k *Kernel, level Level, args []string, cpuSeconds uint64, ram, state *os.File) (*VM, error) {
	vm := &VM{Kernel: k, Level: level, calls: map[uint64]chan<- proto.ResultMsg{}, btfSent: map[string]bool{},
		ended: make(chan struct{}), exited: make(chan struct{})}
	var files []*os.File
	var conns []net.Conn
	closeAll := func() {
		for _, f := range files {
			f.Close()
		}
	}
	for _, name := range []string{"channel", "console", "qmp", "tty"} {
		c, f, err := socketpair(name)
		if err != nil {
			closeAll()
			for _, c := range conns {
				c.Close()
			}
			return nil, err
		}
		conns, files = append(conns, c), append(files, f)
	}
	extra := append(append([]*os.File{}, files...), ram)
	if state != nil {
		extra = append(extra, state)
	}
	g, err := newGroup()
	if err == nil {
		err = vm.exec(ctx, g, args, cpuSeconds, extra)
	}
	closeAll()
	if err != nil {
		g.remove()
		for _, c := range conns {
			c.Close()
		}
		return nil, fmt.Errorf("qemu: %w", err)
	}
	vm.channel, vm.tty = conns[0], conns[3]
	vm.console, vm.qmp = newConsole(conns[1]), newQMP(conns[2])
	vm.r, vm.w = proto.NewReader(&countingReader{vm.channel, vm}, 0), proto.NewWriter(vm.channel)
	go func() {
		vm.cmd.Wait()
		g.remove()
		close(vm.exited)
		<-vm.ended
		for _, c := range conns {
			c.Close()
		}
	}()
	return vm, nil
}

// exec starts the process that becomes QEMU, inside its cgroups.
func (vm *VM) exec(ctx context.Context, g *group, args []string, cpuSeconds uint64, extra []*os.File) (err error) {
	if vm.cmd, err = vm.Level.command(ctx, args, cpuSeconds, extra); err != nil {
		return err
	}
	vm.cmd.Stderr = &vm.stderr
	g.prepare(vm.cmd.SysProcAttr)
	if err := startProcess(vm.cmd); err != nil {
		return err
	}
	if err := g.add(vm.cmd.Process.Pid); err != nil {
		vm.cmd.Process.Kill()
		vm.cmd.Wait()
		return err
	}
	return nil
}

// ready waits for the agent's first frame and starts dispatching.
func (vm *VM) ready(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { vm.channel.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	f, err := vm.r.Next()
	if err == nil && f.Type != proto.Hello {
		err = fmt.Errorf("%w: %v before hello", proto.ErrFrame, f.Type)
	}
	if err == nil {
		_, err = proto.Split(f.Payload, &vm.Hello)
	}
	if err == nil && vm.Hello.Version != proto.Version {
		err = fmt.Errorf("agent speaks version %d, want %d", vm.Hello.Version, proto.Version)
	}
	if err != nil {
		vm.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer in time: %w", ctx.Err())
		}
		return fmt.Errorf("boot %s: %w%s", vm.Kernel.Version, err, vm.excuse())
	}
	go vm.dispatch()
	return nil
}

// excuse is what QEMU or the guest's console said, for error texts.
func (vm *VM) excuse() string {
	<-vm.exited
	s := []byte(strings.TrimSpace(vm.stderr.String()))
	if len(s) == 0 {
		c := vm.console.String()
		s = bytes.TrimSpace([]byte(printable(c[max(0, len(c)-600):])))
	}
	if len(s) == 0 {
		return ""
	}
	return "\n" + string(s)
}

// dispatch hands the guest's frames to those who wait for them until the channel ends.
func (vm *VM) dispatch() {
	engine := "kernel " + vm.Kernel.Release
	for {
		f, err := vm.r.Next()
		if err == nil {
			err = vm.frame(f, engine)
		}
		if err != nil {
			vm.finish(vm.classify(err))
			return
		}
	}
}

func (vm *VM) frame(f proto.Frame, engine string) error {
	vm.mu.Lock()
	defer vm.mu.Unlock()
	switch f.Type {
	case proto.Verdict:
		if len(vm.loads) == 0 {
			return fmt.Errorf("%w: verdict that nobody asked for", proto.ErrFrame)
		}
		v, err := decodeVerdict(f.Payload, engine)
		if err != nil {
			return err
		}
		vm.loads[0] <- loadReply{v, nil}
		vm.loads = vm.loads[1:]
	case proto.Result:
		var m proto.ResultMsg
		if _, err := proto.Split(f.Payload, &m); err != nil {
			return err
		}
		ch, ok := vm.calls[m.ID]
		if !ok {
			return fmt.Errorf("%w: result of call %d that nobody made", proto.ErrFrame, m.ID)
		}
		delete(vm.calls, m.ID)
		ch <- m
	case proto.Pong:
		if len(vm.pongs) == 0 {
			return fmt.Errorf("%w: pong without ping", proto.ErrFrame)
		}
		vm.pongs[0] <- f.Payload
		vm.pongs = vm.pongs[1:]
	case proto.Event:
		var m proto.EventMsg
		if _, err := proto.Split(f.Payload, &m); err != nil {
			return err
		}
		if vm.events != nil {
			vm.events(m)
		}
	case proto.Fault:
		var m proto.ErrorMsg
		if _, err := proto.Split(f.Payload, &m); err != nil {
			return err
		}
		return fmt.Errorf("%w: agent: %s", proto.ErrFrame, printable(m.Error))
	default:
		return fmt.Errorf("%w: type %v", proto.ErrFrame, f.Type)
	}
	return nil
}

// classify finds out why the channel ended.
func (vm *VM) classify(err error) *End {
	var end *End
	if errors.As(err, &end) {
		return end
	}
	if errors.Is(err, proto.ErrFrame) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return &End{ReasonFrame, err.Error()}
	}
	reason := vm.qmp.shutdownReason(400 * time.Millisecond)
	select { // let the console's last bytes arrive
	case <-vm.console.done:
	case <-time.After(100 * time.Millisecond):
	}
	if line := vm.console.panicLine(); line != "" {
		return &End{ReasonPanic, line}
	}
	switch reason {
	case "guest-reset":
		return &End{ReasonReset, reason}
	case "guest-shutdown":
		return &End{ReasonPowerOff, reason}
	case "guest-panic":
		return &End{ReasonPanic, "no message on the console"}
	}
	return &End{ReasonQEMU, err.Error() + vm.lastWords()}
}

func (vm *VM) lastWords() string {
	select {
	case <-vm.exited:
		if s := strings.TrimSpace(vm.stderr.String()); s != "" {
			return ": " + s
		}
		return ": " + vm.cmd.ProcessState.String()
	default:
		return ""
	}
}

// finish records the first end, kills QEMU and wakes everyone who waits.
func (vm *VM) finish(e *End) {
	vm.mu.Lock()
	if vm.end != nil {
		vm.mu.Unlock()
		return
	}
	vm.end = e
	if vm.timer != nil {
		vm.timer.Stop()
	}
	close(vm.ended)
	loads, calls, pongs := vm.loads, vm.calls, vm.pongs
	vm.loads, vm.calls, vm.pongs = nil, map[uint64]chan<- proto.ResultMsg{}, nil
	onClose := vm.onClose
	vm.mu.Unlock()
	vm.cmd.Process.Kill()
	vm.channel.SetDeadline(time.Unix(1, 0))
	for _, ch := range loads {
		ch <- loadReply{nil, e}
	}
	for _, ch := range calls {
		close(ch)
	}
	for _, ch := range pongs {
		close(ch)
	}
	if onClose != nil {
		onClose()
	}
}

// Close kills the VM and waits until its process is gone.
func (vm *VM) Close() error {
	vm.finish(&End{ReasonClosed, ""})
	<-vm.exited
	return nil
}

// Ended is closed when the VM is over; End says why.
func (vm *VM) Ended() <-chan struct{} { return vm.ended }

// End is why the VM is over, nil while it runs.
func (vm *VM) End() *End {
	select {
	case <-vm.ended:
		return vm.end
	default:
		return nil
	}
}

// Console is the end of the guest's console with control characters replaced.
func (vm *VM) Console() string { return printable(vm.console.String()) }

// OnEvent sets who gets ring buffer records, trace lines and samples. f runs in the reader's goroutine and must not block.
func (vm *VM) OnEvent(f func(proto.EventMsg)) {
	vm.mu.Lock()
	defer vm.mu.Unlock()
	vm.events = f
}

// Gone checks that nothing is left of a closed VM's process; for tests and the health page.
func (vm *VM) Gone() error {
	select {
	case <-vm.exited:
	default:
		return errors.New("QEMU still runs")
	}
	if err := vm.cmd.Process.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("QEMU's process is not reaped: %w", err)
	}
	return nil
}
