package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What the host side asks of Linux: sealed memory files, namespaces, limits. host_other.go lets skep build elsewhere.

// memfd is an anonymous file in memory of that size.
func memfd(name string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memfd: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, fmt.Errorf("memfd: %w", err)
	}
	return f, nil
}

// seal makes a memory file unchangeable for everyone, for ever.
func seal(f *os.File) error {
	var err error
	for range 50 { // a killed QEMU's mapping may live a moment longer
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
		if !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// reopen is a read-only descriptor of the same file with an offset of its own.
func reopen(f *os.File) (*os.File, error) { return os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd())) }

func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX) }

// dataExtent finds the next stretch of a sparse file that is not a hole; io.EOF when there is none.
func dataExtent(f *os.File, off int64) (start, end int64, err error) {
	start, err = unix.Seek(int(f.Fd()), off, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return 0, 0, io.EOF
	}
	if err == nil {
		end, err = unix.Seek(int(f.Fd()), start, unix.SEEK_HOLE)
	}
	return start, end, err
}

// fdRights is the control message that passes f over a unix socket.
func fdRights(f *os.File) []byte { return unix.UnixRights(int(f.Fd())) }

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

// openKVM tries the device; that it opens does not mean that it works.
func openKVM() error {
	fd, err := unix.Open("/dev/kvm", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/kvm: %w", err)
	}
	return unix.Close(fd)
}

// rlimits of a jailed QEMU. Memory: 256 MiB of guest, 64 MiB of translated code, libraries and thread stacks.
var rlimits = map[int]uint64{
	unix.RLIMIT_CORE:   0,
	unix.RLIMIT_FSIZE:  0,
	unix.RLIMIT_NOFILE: 64,
	unix.RLIMIT_AS:     1600 << 20,
}

const rlimitCPU = unix.RLIMIT_CPU

// nobody is the uid and gid that QEMU gets on the host.
const nobody = 65534

// attributes of the process that becomes QEMU. At every level it dies with us.
func (l Level) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	switch l {
	case LevelUID:
		a.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	case LevelFull:
		// uid 0 inside is nobody outside, or ourselves when we are not root and may map nothing else.
		a.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
		uid, gid := os.Getuid(), os.Getgid()
		if uid == 0 {
			uid, gid = nobody, nobody
			// Without it the child keeps an unmapped uid and loses its capabilities at exec.
			a.GidMappingsEnableSetgroups = true
			a.Credential = &syscall.Credential{Uid: 0, Gid: 0}
		}
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return a
}

// makeRaw switches a terminal to raw mode, as cfmakeraw(3) does.
func makeRaw(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, errors.New("not a terminal")
	}
	t := *old
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &t); err != nil {
		return nil, err
	}
	return func() { unix.IoctlSetTermios(fd, unix.TCSETS, old) }, nil
}

// windowSize is the terminal's size; 0, 0 when it has none.
func windowSize(f *os.File) (rows, cols uint16) {
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return ws.Row, ws.Col
}

// onResize calls f whenever the terminal changes its size.
func onResize(f func()) (stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGWINCH)
	go func() {
		for range ch {
			f()
		}
	}()
	return func() { signal.Stop(ch); close(ch) }
}
