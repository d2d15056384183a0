package sandbox

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// The machine. q35 in every mode: one snapshot path for KVM and TCG.
const (
	guestRAM = "256M"

	// cmdline is measured: each word saves boot time under emulation or makes a lesson possible. Single mitigations
	// are off, not mitigations=off: that one also tells the verifier that unprivileged programs need no Spectre
	// sanitising (bpf_bypass_spec_v1), and its verdicts would not be the ones that users of a real system get.
	// tsc=reliable is left out because the calibration under emulation can be wrong by a factor of four.
	cmdline = "quiet panic=-1 nopti spectre_v2=off spec_store_bypass_disable=off retbleed=off nokaslr no_timer_check" +
		" cryptomgr.notests rcupdate.rcu_expedited=1 audit=0 8250.nr_uarts=1 console=ttyS0 lsm=capability,bpf"
)

// File descriptors that QEMU inherits, in order from 3.
const (
	fdChannel = 3 + iota
	fdConsole
	fdQMP
	fdTTY
	fdRAM
	fdState
)

// accel is the QEMU accelerator.
type accel string

const (
	accelTCG accel = "tcg,tb-size=64"
	accelKVM accel = "kvm"
)

// machineArgs is the part of the command line that decides what a snapshot can be restored on: it is part of the
// template's key. shared says whether guest memory is written through to the file behind fdRAM.
func machineArgs(a accel, shared bool) []string {
	share := "off"
	if shared {
		share = "on"
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-accel", string(a),
		"-smp", "1", "-m", guestRAM,
		"-object", fmt.Sprintf("memory-backend-file,id=ram,size=%s,mem-path=/proc/self/fd/%d,share=%s", guestRAM, fdRAM, share),
		"-M", "q35,memory-backend=ram,usb=off,vmport=off,sata=off,smbus=off",
		"-chardev", fmt.Sprintf("socket,id=channel,fd=%d", fdChannel),
		"-chardev", fmt.Sprintf("socket,id=console,fd=%d", fdConsole),
		"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", fdQMP),
		"-chardev", fmt.Sprintf("socket,id=tty,fd=%d", fdTTY),
		"-serial", "chardev:console",
		"-mon", "chardev=qmp,mode=control",
		"-device", "virtio-serial-pci,disable-legacy=on",
		"-device", "virtserialport,chardev=channel,name=skep.0",
		"-device", "virtserialport,chardev=tty,name=skep.tty",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
	}
	cpu := cpuTCG
	if a == accelKVM {
		cpu = "host"
	}
	return append(args, "-cpu", cpu)
}

// cpuTCG is a processor without CMPXCHG16B, for which a kernel then has code of its own. QEMU 7.2 emulates it wrongly:
// the flags come out as if the last instruction that set them had been another one, which leaves half of a pointer in
// EFLAGS. Nobody sees that until an interrupt in the next few instructions saves them and returns to them: with NT or TF
// among them the kernel's memory allocator, which uses the instruction most, ends in a fault that makes no sense.
const cpuTCG = "qemu64,-cx16"

// bootArgs starts the kernel; cloneArgs waits for a snapshot instead.
func bootArgs(vmlinux, initrd string) []string {
	return []string{"-kernel", vmlinux, "-initrd", initrd, "-append", cmdline}
}

func cloneArgs() []string { return []string{"-incoming", "defer"} }

// qemu finds QEMU and its version, once a process.
var qemu = sync.OnceValues(func() (qemuInfo, error) {
	if runtime.GOOS != "linux" {
		return qemuInfo{}, errors.New("the sandbox needs a Linux host")
	}
	path, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return qemuInfo{}, fmt.Errorf("qemu-system-x86_64: %w; install it (Debian: apt-get install qemu-system-x86)", ErrNotInstalled)
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return qemuInfo{}, fmt.Errorf("qemu-system-x86_64 --version: %w", err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return qemuInfo{path, strings.TrimPrefix(line, "QEMU emulator version ")}, nil
})

type qemuInfo struct{ path, version string }
