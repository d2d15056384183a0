//go:build linux

package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

func haltCPU()

// interruptsOff asks for the rights to switch interrupts off, does it, and loops. Since 5.5 the kernel grants port rights only and
// skips cli, so this is a plain spin there.
func interruptsOff() error {
	runtime.LockOSThread()
	if _, _, e := unix.RawSyscall(unix.SYS_IOPL, 3, 0, 0); e != 0 {
		return e
	}
	haltCPU()
	return nil
}
