package sandbox

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
)

func shellVerb(ctx context.Context, fs *flag.FlagSet, args []string, std streams) error {
	kernel := fs.String("kernel", DefaultKernel, "kernel `version`")
	if err := parse(fs, args); err != nil {
		return err
	}
	m, err := NewManager(Config{Kernels: []string{*kernel}, Warm: -1, MaxVMs: 1})
	if err != nil {
		return err
	}
	defer m.Close()
	vm, err := m.Acquire(ctx, Job{Kernel: *kernel, Owner: "shell", Trusted: true, Limits: SessionLimits})
	if err != nil {
		return err
	}
	rows, cols := uint16(24), uint16(80)
	in, raw := std.in.(*os.File)
	if raw {
		if restore, err := makeRaw(in); err == nil {
			defer restore()
			if r, c := windowSize(in); r > 0 {
				rows, cols = r, c
			}
		} else {
			raw = false
		}
	}
	s, err := OpenSession(ctx, vm, rows, cols)
	if err != nil {
		vm.Close()
		return err
	}
	defer s.Close()
	if raw {
		defer onResize(func() { s.Resize(windowSize(in)) })()
	}
	go io.Copy(s, std.in)
	screen := make(chan struct{})
	go func() {
		defer close(screen)
		io.Copy(std.out, s)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-screen:
	case <-s.Done():
	}
	if e := vm.End(); e != nil && e.Reason != ReasonClosed && e.Reason != ReasonPowerOff {
		return e
	}
	fmt.Fprint(std.out, "\r\n")
	return nil
}
