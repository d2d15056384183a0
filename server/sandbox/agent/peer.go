//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// The network of the labs: veth0 (10.0.0.1, fd00::1) here, veth1 (10.0.0.2, fd00::2) in a network namespace of its own, "peer".
const peerNS = "/run/peer-ns"

// inPeer runs f on a thread in the peer's network namespace. The thread dies with its goroutine, because it is never unlocked.
func inPeer(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		ns, err := os.Open(peerNS)
		if err == nil {
			defer ns.Close()
			if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
				err = f()
			}
		}
		done <- err
	}()
	return <-done
}

// makeNet builds the pair once.
func makeNet() error {
	if _, err := os.Stat(peerNS); err == nil {
		return nil
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			if err = os.WriteFile(peerNS, nil, 0o600); err == nil {
				err = unix.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), peerNS, "", unix.MS_BIND, "")
			}
		}
		done <- err
	}()
	if err := <-done; err != nil {
		os.Remove(peerNS)
		return fmt.Errorf("net: namespace: %w", err)
	}
	ns, err := os.Open(peerNS)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := addVeth("veth0", "veth1", int(ns.Fd())); err != nil {
		return fmt.Errorf("net: veth: %w", err)
	}
	for _, step := range []error{
		addAddr("veth0", "10.0.0.1/24"), addAddr("veth0", "fd00::1/64"), linkUp("veth0"),
		inPeer(func() error {
			for _, f := range []func() error{
				func() error { return linkUp("lo") },
				func() error { return addAddr("veth1", "10.0.0.2/24") },
				func() error { return addAddr("veth1", "fd00::2/64") },
				func() error { return linkUp("veth1") },
			} {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		}),
	} {
		if step != nil {
			return fmt.Errorf("net: %w", step)
		}
	}
	return nil
}
