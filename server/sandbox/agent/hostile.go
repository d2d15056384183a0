//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// hostile does what a student with root could do to the machine. The isolation tests ask for it; there is no reason to hide it,
// because a student's own program can do all of it too.
func (a *agent) hostile(p proto.NameParams) (any, error) {
	switch p.Name {
	case "panic":
		return nil, os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0)
	case "exit":
		os.Exit(3)
	case "spin": // real-time priority on the only CPU
		runtime.LockOSThread()
		unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 99}, 0)
		//lint:ignore SA5002 spinning is the attack
		for {
		}
	case "cli":
		return nil, interruptsOff()
	case "flood":
		junk := make([]byte, 32<<10)
		for {
			a.w.Send(proto.Event, proto.EventMsg{Kind: "flood", Data: junk})
		}
	case "console":
		f, err := os.OpenFile("/dev/console", os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		for {
			fmt.Fprintln(f, "all work and no play makes the console a dull device")
		}
	case "fork":
		forkBomb()
	case "memory":
		os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0)
		for {
			b, err := unix.Mmap(-1, 0, 16<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
			if err != nil {
				continue
			}
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
		}
	case "reboot":
		return nil, unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	case "poweroff":
		return nil, unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case "length":
		a.raw([]byte{0xff, 0xff, 0xff, 0xff})
	case "type":
		return nil, a.w.Write('?', nil)
	case "json":
		return nil, a.w.Write(proto.Result, []byte("\x04\x00\x00\x00{{{{"))
	case "unasked":
		return nil, a.w.Send(proto.Verdict, proto.VerdictMsg{ID: "x"})
	case "slow": // a frame of a megabyte, one byte at a time
		a.raw([]byte{0, 0, 16, 0, 'r'})
		for {
			a.raw([]byte{0})
			time.Sleep(50 * time.Millisecond)
		}
	case "half": // a frame that never ends
		a.raw([]byte{0, 0, 16, 0, 'r', 1, 2, 3})
	case "sleep":
		time.Sleep(time.Hour)
	default:
		return nil, fmt.Errorf("attack %q: unknown", p.Name)
	}
	return nil, nil
}

// raw writes bytes to the channel past the framing.
func (a *agent) raw(b []byte) { a.port.Write(b) }

// forkBomb starts processes that start processes.
func forkBomb() {
	for {
		attr := &os.ProcAttr{Files: []*os.File{nil, nil, nil}}
		os.StartProcess("/proc/self/exe", []string{"agent", "bomb"}, attr)
	}
}

// helper is what the agent's program does when it is not PID 1.
func helper(args []string) int {
	if len(args) == 1 && args[0] == "bomb" {
		forkBomb()
	}
	fmt.Fprintln(os.Stderr, "agent: PID 1 of a sandbox guest; it does nothing elsewhere")
	return 2
}
