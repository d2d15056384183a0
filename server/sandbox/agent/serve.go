//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"skep/server/sandbox/proto"
)

// agent is the state of the guest's only server. Loads and calls run one after the other in serve's goroutine, so
// that results are deterministic; events come from their own goroutines through the writer's lock.
type agent struct {
	port    *os.File
	w       *proto.Writer
	btf     map[string]*btfBlob
	kept    map[string]*loaded
	links   map[string]*attached
	streams map[string]func()
	log     []byte // buffer for verifier logs, mapped once
}

func (a *agent) serve(r *proto.Reader) error {
	for {
		f, err := r.Next()
		if err != nil {
			return err
		}
		if err := a.frame(f); err != nil {
			if err := a.w.Send(proto.Fault, proto.ErrorMsg{Error: err.Error()}); err != nil {
				return err
			}
		}
	}
}

func (a *agent) frame(f proto.Frame) error {
	switch f.Type {
	case proto.Ping:
		return a.w.Write(proto.Pong, f.Payload)
	case proto.Seed:
		var m proto.SeedMsg
		if _, err := proto.Split(f.Payload, &m); err != nil {
			return err
		}
		return seed(m)
	case proto.BTF:
		var m proto.BTFMsg
		blob, err := proto.Split(f.Payload, &m)
		if err != nil {
			return err
		}
		a.addBTF(m.Hash, blob)
		return nil
	case proto.Load:
		var p proto.Program
		if _, err := proto.Split(f.Payload, &p); err != nil {
			return err
		}
		return a.verdict(&p)
	case proto.Call:
		var m proto.CallMsg
		blob, err := proto.Split(f.Payload, &m)
		if err != nil {
			return err
		}
		return a.call(m, blob)
	case proto.Resize:
		var m proto.ResizeMsg
		if _, err := proto.Split(f.Payload, &m); err != nil {
			return err
		}
		return resizeTTY(m)
	}
	return fmt.Errorf("frame %v: unknown type", f.Type)
}

// seed sets the clock and stirs the random pool: after a restore both are copies of the template's.
func seed(m proto.SeedMsg) error {
	ts := unix.NsecToTimespec(m.UnixNano)
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	if len(m.Entropy) == 0 {
		return nil
	}
	f, err := os.OpenFile("/dev/urandom", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("entropy: %w", err)
	}
	defer f.Close()
	const rndAddEntropy, rndReseedCRNG = 0x40085203, 0x5207 // include/uapi/linux/random.h
	if err := addEntropy(f, rndAddEntropy, m.Entropy); err != nil {
		return fmt.Errorf("entropy: %w", err)
	}
	if err := ioctl(f, rndReseedCRNG, 0); err != nil {
		return fmt.Errorf("entropy: reseed: %w", err)
	}
	return nil
}

// run runs a program to its end.
func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// since is the time passed in microseconds.
func since(t time.Time) int64 { return time.Since(t).Microseconds() }

// errnoOf is the kernel's error number in err, or 0.
func errnoOf(err error) int {
	var e unix.Errno
	if errors.As(err, &e) {
		return int(e)
	}
	return 0
}
