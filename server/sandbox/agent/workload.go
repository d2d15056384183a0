//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// target is the small program with the known symbol target_fn that exec and call run (the host writes it, target.go).
const target = "/bin/utarget"

// verbs are the operations of a lab's trace. Each does one repetition and returns text to show.
var verbs = map[string]func(s *proto.Step) (string, error){
	"exec":    execStep,
	"call":    callStep,
	"fork":    func(s *proto.Step) (string, error) { return "", start(s, target) },
	"open":    openStep,
	"read":    readStep,
	"write":   writeStep,
	"unlink":  func(s *proto.Step) (string, error) { return "", unix.Unlink(s.Path) },
	"rename":  func(s *proto.Step) (string, error) { return "", unix.Rename(s.Path, s.To) },
	"chmod":   func(s *proto.Step) (string, error) { return "", unix.Chmod(s.Path, s.Mode) },
	"mkdir":   func(s *proto.Step) (string, error) { return "", unix.Mkdir(s.Path, or(s.Mode, 0o755)) },
	"mount":   mountStep,
	"umount":  func(s *proto.Step) (string, error) { return "", unix.Unmount(s.Path, 0) },
	"mmap":    mmapStep,
	"connect": connectStep,
	"udp":     udpStep,
	"packet":  packetStep,
	"spin":    spinStep,
	"sleep": func(s *proto.Step) (string, error) {
		time.Sleep(time.Duration(s.MS) * time.Millisecond)
		return "", nil
	},
	"kill": killStep,
	"net":  func(*proto.Step) (string, error) { return "", makeNet() },
}

func or(n, def uint32) uint32 {
	if n == 0 {
		return def
	}
	return n
}

// workload does the steps in order. A step that fails is a result, not an error: programs deny things.
func (a *agent) workload(p proto.WorkloadParams) (any, error) {
	var out []proto.StepResult
	for i := range p.Steps {
		s := &p.Steps[i]
		f, ok := verbs[s.Verb]
		if !ok {
			return nil, fmt.Errorf("step %d: verb %q is unknown", i, s.Verb)
		}
		if s.NS == "peer" || s.Verb == "packet" && s.Iface == "" {
			if err := makeNet(); err != nil {
				return nil, err
			}
		}
		r := proto.StepResult{Verb: s.Verb}
		begin := time.Now()
		for range max(s.Count, 1) {
			text, err := asStep(s, f)
			if text != "" {
				r.Text = text
			}
			if err == nil {
				r.OK++
				continue
			}
			r.Error = err.Error()
			if e := errnoOf(err); e != 0 {
				if r.Errnos == nil {
					r.Errnos = map[string]int{}
				}
				r.Errnos[unix.ErrnoName(unix.Errno(e))]++
			}
		}
		r.US = since(begin)
		out = append(out, r)
	}
	return out, nil
}

// asStep runs one repetition on a thread of its own with the step's name, network namespace and user: all three belong to
// a thread, and the thread is thrown away.
func asStep(s *proto.Step, f func(*proto.Step) (string, error)) (text string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		comm := s.Comm
		if comm == "" {
			comm = "skep"
		}
		if name, err := unix.BytePtrFromString(comm); err == nil {
			unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0)
		}
		if s.NS == "peer" {
			var ns *os.File
			if ns, err = os.Open(peerNS); err != nil {
				return
			}
			defer ns.Close()
			if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return
			}
		}
		if s.UID != 0 {
			// The raw call changes this thread only.
			if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(s.UID), uintptr(s.UID), uintptr(s.UID)); e != 0 {
				err = e
				return
			}
		}
		text, err = f(s)
	}()
	<-done
	return text, err
}

// ensure makes a copy of the test program where a trace names a program that the guest lacks.
func ensure(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	b, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	os.MkdirAll(filepath.Dir(path), 0o755)
	return os.WriteFile(path, b, 0o755)
}

// start runs a program to its end; its exit code is not an error.
func start(s *proto.Step, path string) error {
	_, err := output(s, path)
	return err
}

func output(s *proto.Step, path string) (string, error) {
	var out bytes.Buffer
	cmd := exec.Command(path, s.Args...)
	cmd.Stdout, cmd.Stderr = &limitWriter{&out, 64 << 10}, &limitWriter{&out, 64 << 10}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return out.String(), err
}

type limitWriter struct {
	w io.Writer
	n int
}

func (l *limitWriter) Write(b []byte) (int, error) {
	if n := min(l.n, len(b)); n > 0 {
		l.w.Write(b[:n])
		l.n -= n
	}
	return len(b), nil
}

func execStep(s *proto.Step) (string, error) {
	path := s.Path
	if path == "" {
		path = "/bin/true"
	}
	if err := ensure(path); err != nil {
		return "", err
	}
	return output(s, path)
}

// callStep runs the test program, which calls target_fn once for each of its arguments.
func callStep(s *proto.Step) (string, error) {
	if len(s.Args) == 0 {
		s.Args = []string{"1"}
	}
	return output(s, target)
}

func openStep(s *proto.Step) (string, error) {
	fd, err := unix.Open(s.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return "", err
}

func readStep(s *proto.Step) (string, error) {
	fd, err := unix.Open(s.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	n, err := unix.Read(fd, buf)
	return string(buf[:max(n, 0)]), err
}

func writeStep(s *proto.Step) (string, error) {
	fd, err := unix.Open(s.Path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, or(s.Mode, 0o644))
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, s.Data)
	return "", err
}

func mountStep(s *proto.Step) (string, error) {
	if err := os.MkdirAll(s.Path, 0o755); err != nil {
		return "", err
	}
	return "", unix.Mount("tmpfs", s.Path, "tmpfs", 0, "")
}

func mmapStep(*proto.Step) (string, error) {
	b, err := unix.Mmap(-1, 0, 1<<16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return "", err
	}
	b[0] = 1
	return "", unix.Munmap(b)
}

// stepAddr is the step's address; the default is on lo.
func stepAddr(s *proto.Step, port string) string {
	if s.Addr == "" {
		return "127.0.0.1:" + port
	}
	if !strings.Contains(s.Addr, ":") {
		return s.Addr + ":" + port
	}
	return s.Addr
}

// listenNS runs listen where the address lives: 10.0.0.2 is the peer's.
func listenNS(addr string, listen func() error) error {
	if host, _, _ := net.SplitHostPort(addr); host == "10.0.0.2" || host == "fd00::2" {
		if err := makeNet(); err != nil {
			return err
		}
		return inPeer(listen)
	}
	// A new goroutine leaves the step's thread, which may be in the peer's namespace.
	done := make(chan error)
	go func() { done <- listen() }()
	return <-done
}

// connectStep makes one TCP connection to a listener of ours, sends the data and waits until it has been read. Raw sockets keep
// every system call on this thread.
func connectStep(s *proto.Step) (string, error) {
	addr := stepAddr(s, "8080")
	var l net.Listener
	err := listenNS(addr, func() (err error) {
		l, err = net.Listen("tcp", addr)
		return err
	})
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.EADDRINUSE) {
		return "", fmt.Errorf("listen: %w", err)
	}
	got := make(chan int64, 1)
	if l != nil {
		defer l.Close()
		go func() {
			c, err := l.Accept()
			if err != nil {
				got <- 0
				return
			}
			n, _ := io.Copy(io.Discard, c)
			c.Close()
			got <- n
		}()
	}
	fd, err := dial(unix.SOCK_STREAM, addr)
	if err != nil {
		return "", err
	}
	if len(s.Data) > 0 {
		_, err = unix.Write(fd, s.Data)
	}
	unix.Close(fd)
	if l != nil && err == nil {
		select {
		case <-got:
		case <-time.After(2 * time.Second):
		}
	}
	return "", err
}

// dial connects a blocking socket.
func dial(typ int, addr string) (int, error) {
	ua, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return -1, err
	}
	family, sa := unix.AF_INET6, unix.Sockaddr(nil)
	if ip := ua.IP.To4(); ip != nil {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: ua.Port, Addr: [4]byte(ip)}
	} else {
		sa = &unix.SockaddrInet6{Port: ua.Port, Addr: [16]byte(ua.IP.To16())}
	}
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	tv := unix.NsecToTimeval(int64(2 * time.Second)) // bounds connect too
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
	if err := unix.Connect(fd, sa); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// udpStep sends one datagram to a socket that receives it.
func udpStep(s *proto.Step) (string, error) {
	addr := stepAddr(s, "9999")
	var c net.PacketConn
	err := listenNS(addr, func() (err error) {
		c, err = net.ListenPacket("udp", addr)
		return err
	})
	if err == nil {
		defer c.Close()
	}
	fd, err := dial(unix.SOCK_DGRAM, addr)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	data := s.Data
	if len(data) == 0 {
		data = []byte("skep")
	}
	if _, err = unix.Write(fd, data); err == nil && c != nil {
		c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		c.ReadFrom(make([]byte, 2048))
	}
	return "", err
}

// packetStep sends a raw frame: out of the named interface, or by default out of veth1, so that it arrives on veth0.
func packetStep(s *proto.Step) (string, error) {
	send := func() error {
		name := s.Iface
		if name == "" {
			name = "veth1"
		}
		i, err := ifindex(name)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, s.Data, 0, &unix.SockaddrLinklayer{Ifindex: i, Protocol: htons(unix.ETH_P_ALL)})
	}
	if s.Iface == "" {
		return "", inPeer(send)
	}
	return "", send()
}

func spinStep(s *proto.Step) (string, error) {
	for end := time.Now().Add(time.Duration(s.MS) * time.Millisecond); time.Now().Before(end); {
	}
	return "", nil
}

// killStep starts a sleeping child and signals it.
func killStep(s *proto.Step) (string, error) {
	cmd := exec.Command(target, "-pause")
	cmd.Env = []string{}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	sig := unix.SIGTERM
	if s.Sig != 0 {
		sig = unix.Signal(s.Sig)
	}
	err := unix.Kill(cmd.Process.Pid, sig)
	cmd.Process.Kill()
	cmd.Wait()
	return "", err
}
