//go:build linux

// Command agent is PID 1 of a sandbox guest. It mounts what BPF needs, loads the kernel's modules, opens the
// virtio-serial port skep.0 and answers the frames of package proto until the host kills the machine.
//
// It runs with every privilege in a machine that belongs to the student, so it trusts nobody and protects nothing:
// the boundary is QEMU and the jail around it.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"skep/server/sandbox/proto"
)

func main() {
	// Words of the kernel command line arrive as arguments, so only the process number says who we are.
	if os.Getpid() != 1 {
		os.Exit(helper(os.Args[1:]))
	}
	start := time.Now()
	debug.SetGCPercent(400) // emulated CPU time is dearer than memory
	debug.SetMemoryLimit(96 << 20)
	problems := setup()
	port, err := openPort("skep.0")
	if err != nil {
		for _, p := range problems {
			fmt.Fprintln(os.Stderr, "agent:", p)
		}
		fatal(err)
	}
	a := &agent{port: port, w: proto.NewWriter(port), btf: map[string]*btfBlob{}, kept: map[string]*loaded{},
		links: map[string]*attached{}, streams: map[string]func(){}}
	hello := proto.HelloMsg{Version: proto.Version, Kernel: release(), Problems: problems,
		Features: features(), UptimeMS: uptime().Milliseconds(), SetupMS: time.Since(start).Milliseconds()}
	if err := a.w.Send(proto.Hello, hello); err != nil {
		fatal(err)
	}
	fatal(a.serve(proto.NewReader(port, proto.MaxFrame)))
}

// fatal ends the machine: without a channel there is nothing left to do, and the host waits for the end.
func fatal(err error) {
	fmt.Fprintln(os.Stderr, "agent:", err)
	syscall.Sync()
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	os.Exit(1)
}
