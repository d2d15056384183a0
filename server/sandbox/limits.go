package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Limits bound one VM. A zero field is no limit.
type Limits struct {
	Wall   time.Duration // from the start of the job
	CPU    time.Duration // of the QEMU process, from the start of the job
	Output int64         // bytes from the guest, both ports
}

// JobLimits are the limits of one student's job. Both times are needed: wall time alone punishes jobs on a busy host, CPU
// time alone never ends a guest that sleeps. Output holds two verifier logs of the largest size and a map dump.
var JobLimits = Limits{Wall: 10 * time.Second, CPU: 4 * time.Second, Output: 4 << 20}

// SessionLimits are the limits of an interactive terminal.
var SessionLimits = Limits{Wall: 15 * time.Minute, CPU: 2 * time.Minute, Output: 64 << 20}

// Limit starts the clocks of a job.
func (vm *VM) Limit(l Limits) {
	vm.mu.Lock()
	defer vm.mu.Unlock()
	if vm.end != nil {
		return
	}
	vm.outputBase.Store(vm.output.Load())
	vm.limits.Store(&l)
	if vm.timer != nil {
		vm.timer.Stop()
		vm.timer = nil
	}
	if l.Wall > 0 {
		vm.timer = time.AfterFunc(l.Wall, func() { vm.finish(&End{ReasonWall, l.Wall.String()}) })
	}
	if l.CPU > 0 {
		base, _ := cpuTime(vm.cmd.Process.Pid)
		go vm.watchCPU(&l, base)
	}
}

// watchCPU polls the process's CPU time, which has a resolution of 10 ms.
func (vm *VM) watchCPU(l *Limits, base time.Duration) {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-vm.ended:
			return
		case <-t.C:
		}
		if vm.limits.Load() != l {
			return
		}
		if used, err := cpuTime(vm.cmd.Process.Pid); err == nil && used-base > l.CPU {
			vm.finish(&End{ReasonCPU, l.CPU.String()})
			return
		}
	}
}

// cpuTime is the user and system time of a process and its threads.
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(b, []byte(") ")) // the name may hold anything
	f := bytes.Fields(rest)
	if !ok || len(f) < 13 {
		return 0, errors.New("stat: cut")
	}
	var u, s int64
	fmt.Sscan(string(f[11]), &u)
	fmt.Sscan(string(f[12]), &s)
	return time.Duration(u+s) * (time.Second / 100), nil
}

// CPUTime is what the VM's process has used so far.
func (vm *VM) CPUTime() time.Duration {
	d, _ := cpuTime(vm.cmd.Process.Pid)
	return d
}

// countingReader counts the guest's output and ends the VM at its limit, before a frame is complete.
type countingReader struct {
	r  io.Reader
	vm *VM
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if err := c.vm.count(n); err != nil {
		return 0, err
	}
	return n, err
}

func (vm *VM) count(n int) error {
	total := vm.output.Add(int64(n))
	if l := vm.limits.Load(); l != nil && l.Output > 0 && total-vm.outputBase.Load() > l.Output {
		vm.finish(&End{ReasonOutput, fmt.Sprintf("%d bytes", l.Output)})
		return vm.end
	}
	return nil
}
