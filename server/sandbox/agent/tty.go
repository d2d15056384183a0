//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// terminal is the master side of the one shell; nil before the first.
var terminal *os.File

// shell starts a shell on a new pty and joins it with the port skep.tty. When the shell exits, an event says so.
func (a *agent) shell(p proto.ShellParams) (any, error) {
	if terminal != nil {
		return nil, errors.New("shell: runs already")
	}
	port, err := openPort("skep.tty")
	if err != nil {
		return nil, err
	}
	master, slave, err := openPTY()
	if err != nil {
		port.Close()
		return nil, fmt.Errorf("shell: pty: %w", err)
	}
	if len(p.Argv) == 0 {
		p.Argv = []string{"/bin/sh", "-l"}
	}
	cmd := exec.Command(p.Argv[0], p.Argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Dir = "/root"
	cmd.Env = append(os.Environ(), "PS1=\\w # ", "ENV=/etc/profile")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	terminal = master
	resizeTTY(proto.ResizeMsg{Rows: p.Rows, Cols: p.Cols})
	err = cmd.Start()
	slave.Close()
	if err != nil {
		terminal = nil
		master.Close()
		port.Close()
		return nil, fmt.Errorf("shell: %w", err)
	}
	go io.Copy(master, port)
	go func() {
		io.Copy(port, master)
		cmd.Wait()
		a.w.Send(proto.Event, proto.EventMsg{Kind: "exit", Source: "shell", NS: monotonic(), Text: cmd.ProcessState.String()})
	}()
	return nil, nil
}

// openPTY returns both ends of a new pseudo terminal.
func openPTY() (master, slave *os.File, err error) {
	m, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	if err = unix.IoctlSetPointerInt(m, unix.TIOCSPTLCK, 0); err == nil {
		var n int
		if n, err = unix.IoctlGetInt(m, unix.TIOCGPTN); err == nil {
			slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
		}
	}
	if err != nil {
		unix.Close(m)
		return nil, nil, err
	}
	return os.NewFile(uintptr(m), "ptmx"), slave, nil
}

func resizeTTY(m proto.ResizeMsg) error {
	if terminal == nil || m.Rows == 0 || m.Cols == 0 {
		return nil
	}
	return unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: m.Rows, Col: m.Cols})
}
