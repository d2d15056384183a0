package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"skep/server/sandbox"
	"skep/server/sandbox/proto"
	"skep/server/sandbox/sandboxtest"
)

// attacks is the hostile-guest table: what a student with root in the guest does, and how the host names it.
var attacks = []struct {
	name   string
	want   []sandbox.Reason
	detail string
}{
	{"panic", []sandbox.Reason{sandbox.ReasonPanic}, "sysrq triggered crash"},
	{"exit", []sandbox.Reason{sandbox.ReasonPanic}, "Attempted to kill init"},
	{"spin", []sandbox.Reason{sandbox.ReasonCPU}, ""},
	{"cli", []sandbox.Reason{sandbox.ReasonCPU}, ""},
	{"flood", []sandbox.Reason{sandbox.ReasonOutput}, ""},
	{"console", []sandbox.Reason{sandbox.ReasonCPU}, ""},
	{"fork", []sandbox.Reason{sandbox.ReasonCPU, sandbox.ReasonPanic}, ""},
	{"memory", []sandbox.Reason{sandbox.ReasonPanic, sandbox.ReasonCPU}, ""},
	{"reboot", []sandbox.Reason{sandbox.ReasonReset}, ""},
	{"poweroff", []sandbox.Reason{sandbox.ReasonPowerOff}, ""},
	{"length", []sandbox.Reason{sandbox.ReasonFrame}, "length 4294967295"},
	{"type", []sandbox.Reason{sandbox.ReasonFrame}, "type"},
	{"json", []sandbox.Reason{sandbox.ReasonFrame}, "head"},
	{"unasked", []sandbox.Reason{sandbox.ReasonFrame}, "nobody asked"},
	{"slow", []sandbox.Reason{sandbox.ReasonWall}, ""},
	{"half", []sandbox.Reason{sandbox.ReasonWall}, ""},
	{"sleep", []sandbox.Reason{sandbox.ReasonWall}, ""},
}

func TestHostileGuest(t *testing.T) {
	versions := []string{"6.12"}
	if os.Getenv("SKEP_SLOW") == "1" {
		versions = append(versions, "6.1")
	}
	for _, version := range versions {
		c := sandboxtest.Require(t, version)
		c.VM(t).Close() // builds the template outside of the measured part
		for _, a := range attacks {
			t.Run(version+"/"+a.name, func(t *testing.T) {
				limits := sandbox.Limits{Wall: 40 * time.Second, CPU: 1500 * time.Millisecond, Output: 1 << 20}
				if len(a.want) == 1 && a.want[0] == sandbox.ReasonWall {
					limits.Wall = 1500 * time.Millisecond
				}
				vm, err := c.Manager.Acquire(t.Context(), sandbox.Job{Kernel: version, Owner: "mallory", Limits: limits})
				if err != nil {
					t.Fatal(err)
				}
				defer vm.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				vm.Call(ctx, proto.MethodHostile, proto.NameParams{Name: a.name}, nil)
				select {
				case <-vm.Ended():
				case <-ctx.Done():
					t.Fatal("the VM outlived every limit")
				}
				end := vm.End()
				ok := false
				for _, r := range a.want {
					ok = ok || r == end.Reason
				}
				if !ok || !strings.Contains(end.Detail, a.detail) {
					t.Errorf("%s: %q (%v)\n%s", end.Reason, end.Detail, end, vm.Console())
				}
				t.Log(end)
				vm.Close()
				if err := vm.Gone(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestNothingIsLeft runs jobs in a row and at once and compares the host before and after.
func TestNothingIsLeft(t *testing.T) {
	row, once := 10, 6
	if os.Getenv("SKEP_SLOW") == "1" {
		row, once = 500, 20
	}
	c := sandboxtest.Require(t, "6.12")
	job := func() error {
		vm, err := c.Manager.Acquire(t.Context(), sandbox.Job{Owner: fmt.Sprint(time.Now().UnixNano())})
		if err != nil {
			return err
		}
		defer vm.Close()
		return vm.Ping(t.Context(), []byte("hello"))
	}
	if err := job(); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	for range row {
		if err := job(); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range once {
		wg.Go(func() {
			if err := job(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for range 100 { // readers close their sockets a moment after the process is gone
		if openFiles(t) <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d descriptors before, %d after", before, openFiles(t))
}

func openFiles(t *testing.T) int {
	t.Helper()
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}

// TestNothingReachesTheNextJob leaves traces in one VM and looks for them in the next.
func TestNothingReachesTheNextJob(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	first := c.VM(t)
	steps := []proto.Step{{Verb: "write", Path: "/tmp/secret", Data: []byte("secret")}, {Verb: "mount", Path: "/tmp/m"}}
	if _, err := first.Workload(t.Context(), steps...); err != nil {
		t.Fatal(err)
	}
	if err := first.Sysctl(t.Context(), "kernel/hostname", "mallory"); err != nil {
		t.Fatal(err)
	}
	second := c.VM(t)
	for _, vm := range []*sandbox.VM{second} {
		r, err := vm.Workload(t.Context(), proto.Step{Verb: "open", Path: "/tmp/secret"}, proto.Step{Verb: "open", Path: "/tmp/m"}, proto.Step{Verb: "read", Path: "/proc/sys/kernel/hostname"})
		if err != nil {
			t.Fatal(err)
		}
		if r[0].Errnos["ENOENT"] != 1 || r[1].Errnos["ENOENT"] != 1 || r[2].Text != "skep\n" {
			t.Errorf("traces of another job: %+v", r)
		}
	}
	// Clones must not share the template's randomness either.
	random := func(vm *sandbox.VM) string {
		r, err := vm.Workload(t.Context(), proto.Step{Verb: "read", Path: "/proc/sys/kernel/random/uuid"})
		if err != nil {
			t.Fatal(err)
		}
		return r[0].Text
	}
	if a, b := random(second), random(c.VM(t)); a == b || len(a) < 36 {
		t.Errorf("two clones drew the same random UUID %q", a)
	}
}

func TestEndOfClosedVM(t *testing.T) {
	vm := sandboxtest.Require(t, "6.12").VM(t)
	vm.Close()
	var end *sandbox.End
	if err := vm.Ping(t.Context(), nil); !errors.As(err, &end) || end.Reason != sandbox.ReasonClosed {
		t.Errorf("ping: %v, want closed", err)
	}
	if _, err := vm.Maps(t.Context(), ""); !errors.As(err, &end) {
		t.Errorf("maps: %v, want an end", err)
	}
}
