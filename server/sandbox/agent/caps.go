//go:build linux

package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// capsOf are the effective capabilities of a privilege. The permitted set stays full, so that the thread can come back.
func capsOf(p proto.Privilege) (uint64, error) {
	switch p {
	case proto.Root:
		return ^uint64(0), nil
	case proto.CapBPF:
		return 1<<unix.CAP_BPF | 1<<unix.CAP_NET_ADMIN, nil
	case proto.Unprivileged:
		return 0, nil
	}
	return 0, fmt.Errorf("privilege %q: unknown, want cap_bpf or unprivileged", p)
}

// as runs f on a thread with the effective capabilities of p. A thread whose capabilities cannot be restored is
// left locked, so that it dies with its goroutine's end.
func as(p proto.Privilege, f func()) error {
	if p == proto.Root {
		f()
		return nil
	}
	want, err := capsOf(p)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var old [2]unix.CapUserData
	if err := unix.Capget(&hdr, &old[0]); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("capget: %w", err)
	}
	cut := old
	cut[0].Effective &= uint32(want)
	cut[1].Effective &= uint32(want >> 32)
	if err := unix.Capset(&hdr, &cut[0]); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("capset: %w", err)
	}
	f()
	if err := unix.Capset(&hdr, &old[0]); err != nil {
		return fmt.Errorf("capset back: %w", err)
	}
	runtime.UnlockOSThread()
	return nil
}
