package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// Limits bound one VM. A zero field is no limit.
type Limits struct {
	Wall   time.Duration // from the start of the job
	CPU    time.Duration // of the QEMU process, from the start of the job
	Output int64         // bytes from the guest, both ports
}

// JobLimits are the limits of one student's job. Both times are needed: wall time alone punishes jobs on a busy host, CPU
// time alone never ends a guest that sleeps.
var JobLimits = Limits{Wall: 10 * time.Second, CPU: 4 * time.Second, Output: 1 << 20}

// SessionLimits are the limits of an interactive terminal.
var SessionLimits = Limits{Wall: 15 * time.Minute, CPU: 2 * time.Minute, Output: 64 << 20}

// VM is one running guest. Its methods are safe for concurrent use; calls run one after the other in the guest.
type VM struct {
	Kernel *Kernel
	Level  Level // isolation of the QEMU process
	Hello  proto.HelloMsg

	cmd     *exec.Cmd
	stderr  *bytes.Buffer
	channel net.Conn
	tty     net.Conn
	qmp     *qmp
	console *console
	r       *proto.Reader
	w       *proto.Writer

	mu      sync.Mutex
	loads   []chan<- loadReply // in the order they were sent
	calls   map[uint64]chan<- proto.ResultMsg
	nextID  uint64
	pongs   []chan<- []byte
	events  func(proto.EventMsg)
	btfSent map[string]bool

	output  atomic.Int64 // bytes from both ports
	limits  atomic.Pointer[Limits]
	cpuBase atomic.Int64
	timer   *time.Timer
	end     *End
	ended   chan struct{} // closed when end is set
	exited  chan struct{} // closed when QEMU is gone
	onClose func()
}

type loadReply struct {
	v   *Verdict
	err error
}

// socketpair returns our end as a connection and QEMU's end as a file to inherit.
func socketpair(name string) (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name+"-qemu")
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// launch starts QEMU with the four sockets, the guest's memory and optionally a snapshot's device state.
func launch(ctx context.Context, k *Kernel, level Level, args []string, ram, state *os.File) (*VM, error) {
	vm := &VM{Kernel: k, Level: level, stderr: &bytes.Buffer{}, calls: map[uint64]chan<- proto.ResultMsg{}, btfSent: map[string]bool{},
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
	cmd, err := level.command(ctx, args)
	if err == nil {
		cmd.ExtraFiles = extra
		cmd.Stderr = &limitedBuffer{buf: vm.stderr, max: 16 << 10}
		err = cmd.Start()
	}
	closeAll()
	if err != nil {
		for _, c := range conns {
			c.Close()
		}
		return nil, fmt.Errorf("qemu: %w", err)
	}
	vm.cmd, vm.channel, vm.tty = cmd, conns[0], conns[3]
	vm.console, vm.qmp = newConsole(conns[1]), newQMP(conns[2])
	vm.r, vm.w = proto.NewReader(&countingReader{vm.channel, vm}, 0), proto.NewWriter(vm.channel)
	go func() {
		vm.cmd.Wait()
		close(vm.exited)
		<-vm.ended
		for _, c := range conns {
			c.Close()
		}
	}()
	return vm, nil
}

// limitedBuffer keeps the first max bytes.
type limitedBuffer struct {
	buf *bytes.Buffer
	max int
}

func (l *limitedBuffer) Write(b []byte) (int, error) {
	if n := l.max - l.buf.Len(); n > 0 {
		l.buf.Write(b[:min(n, len(b))])
	}
	return len(b), nil
}

// countingReader counts the guest's output and ends the VM at its limit, before a frame is complete.
type countingReader struct {
	r  io.Reader
	vm *VM
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if err := c.vm.count(n); err != nil {
		return 0, err
	}
	return n, err
}

func (vm *VM) count(n int) error {
	total := vm.output.Add(int64(n))
	if l := vm.limits.Load(); l != nil && l.Output > 0 && total > l.Output {
		vm.finish(&End{ReasonOutput, fmt.Sprintf("%d bytes", l.Output)})
		return vm.end
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
	s := bytes.TrimSpace(vm.stderr.Bytes())
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
		if s := bytes.TrimSpace(vm.stderr.Bytes()); len(s) > 0 {
			return ": " + string(s)
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

// Limit starts the clocks of a job.
func (vm *VM) Limit(l Limits) {
	vm.mu.Lock()
	defer vm.mu.Unlock()
	if vm.end != nil {
		return
	}
	if l.Output > 0 {
		l.Output += vm.output.Load()
	}
	vm.limits.Store(&l)
	if vm.timer != nil {
		vm.timer.Stop()
		vm.timer = nil
	}
	if l.Wall > 0 {
		vm.timer = time.AfterFunc(l.Wall, func() { vm.finish(&End{ReasonWall, l.Wall.String()}) })
	}
	if l.CPU > 0 {
		base, _ := cpuTime(vm.cmd.Process.Pid)
		go vm.watchCPU(&l, base)
	}
}

// watchCPU polls the process's CPU time, which has a resolution of 10 ms.
func (vm *VM) watchCPU(l *Limits, base time.Duration) {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-vm.ended:
			return
		case <-t.C:
		}
		if vm.limits.Load() != l {
			return
		}
		if used, err := cpuTime(vm.cmd.Process.Pid); err == nil && used-base > l.CPU {
			vm.finish(&End{ReasonCPU, l.CPU.String()})
			return
		}
	}
}

// cpuTime is the user and system time of a process and its threads.
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(b, []byte(") ")) // the name may hold anything
	f := bytes.Fields(rest)
	if !ok || len(f) < 13 {
		return 0, errors.New("stat: cut")
	}
	var u, s int64
	fmt.Sscan(string(f[11]), &u)
	fmt.Sscan(string(f[12]), &s)
	return time.Duration(u+s) * (time.Second / 100), nil
}

// CPUTime is what the VM's process has used so far.
func (vm *VM) CPUTime() time.Duration {
	d, _ := cpuTime(vm.cmd.Process.Pid)
	return d
}

// Seed gives a clone its own time and randomness.
func (vm *VM) Seed() error {
	e := make([]byte, 32)
	rand.Read(e)
	return vm.w.Send(proto.Seed, proto.SeedMsg{UnixNano: time.Now().UnixNano(), Entropy: e})
}

// Ping measures the way to the agent and back.
func (vm *VM) Ping(ctx context.Context, payload []byte) error {
	ch := make(chan []byte, 1)
	vm.mu.Lock()
	if vm.end != nil {
		vm.mu.Unlock()
		return vm.end
	}
	vm.pongs = append(vm.pongs, ch)
	err := vm.w.Write(proto.Ping, payload)
	vm.mu.Unlock()
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
	vm.mu.Lock()
	if vm.end != nil {
		vm.mu.Unlock()
		return nil, vm.end
	}
	vm.mu.Unlock()
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

// OnEvent sets who gets ring buffer records, trace lines and samples. f runs in the reader's goroutine and must not block.
func (vm *VM) OnEvent(f func(proto.EventMsg)) {
	vm.mu.Lock()
	defer vm.mu.Unlock()
	vm.events = f
}
