package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// bootTimeout bounds a cold start: 3 to 5 CPU seconds under emulation, many times that on a busy host.
const bootTimeout = 90 * time.Second

const guestRAMBytes = 256 << 20

// initrdFile writes the kernel's initrd to the cache under its hash.
func (k *Kernel) initrdFile(ctx context.Context) (path, hash string, err error) {
	b, err := k.initrd(ctx)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(b)
	hash = hex.EncodeToString(sum[:])
	path = filepath.Join(filepath.Dir(k.dir), "initrd-"+k.Version+"-"+hash[:12]+".cpio")
	if _, err := os.Stat(path); err == nil {
		return path, hash, nil
	}
	if err := writeFile(path, b, 0o644); err != nil {
		return "", "", err
	}
	// Older agents' archives are never used again.
	old, _ := filepath.Glob(filepath.Join(filepath.Dir(k.dir), "initrd-"+k.Version+"-*.cpio"))
	for _, o := range old {
		if st, err := os.Stat(o); o != path && err == nil && time.Since(st.ModTime()) > time.Hour {
			os.Remove(o)
		}
	}
	return path, hash, nil
}

// Boot starts the kernel from nothing, without a snapshot. The caller closes the VM.
func Boot(ctx context.Context, k *Kernel) (*VM, error) {
	a, err := pickAccel(ctx, k)
	if err != nil {
		return nil, err
	}
	vm, ram, err := bootWith(ctx, k, a)
	if err != nil {
		return nil, err
	}
	ram.Close()
	return vm, nil
}

// bootWith boots with that accelerator and returns the guest's memory too. A cold boot runs our own code
// only, so it is not jailed; QEMU's seccomp filter is on in every mode.
func bootWith(ctx context.Context, k *Kernel, a accel) (*VM, *os.File, error) {
	initrd, _, err := k.initrdFile(ctx)
	if err != nil {
		return nil, nil, err
	}
	ram, err := memfd("skep-ram-"+k.Version, guestRAMBytes)
	if err != nil {
		return nil, nil, err
	}
	args := append(machineArgs(a, true), bootArgs(k.Vmlinux(), initrd)...)
	vm, err := launch(ctx, k, LevelSeccomp, args, 0, ram, nil)
	if err != nil {
		ram.Close()
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	if err := vm.ready(ctx); err != nil {
		ram.Close()
		return nil, nil, err
	}
	return vm, ram, nil
}

// accelProbe remembers what worked.
var accelProbe struct {
	sync.Mutex
	chosen accel
	why    string
}

// pickAccel chooses KVM only when a kernel really boots under it: the device may exist and still not work, as
// inside many virtual machines. SKEP_ACCEL=tcg or kvm decides by hand.
func pickAccel(ctx context.Context, k *Kernel) (accel, error) {
	accelProbe.Lock()
	defer accelProbe.Unlock()
	if accelProbe.chosen != "" {
		return accelProbe.chosen, nil
	}
	choose := func(a accel, why string) (accel, error) {
		accelProbe.chosen, accelProbe.why = a, why
		return a, nil
	}
	switch os.Getenv("SKEP_ACCEL") {
	case "tcg":
		return choose(accelTCG, "SKEP_ACCEL=tcg")
	case "kvm":
		return choose(accelKVM, "SKEP_ACCEL=kvm")
	}
	if err := openKVM(); err != nil {
		return choose(accelTCG, err.Error())
	}
	probe := probeFile()
	if b, err := os.ReadFile(probe); err == nil {
		word, why, _ := strings.Cut(string(b), "\n")
		if a := accel(word); a == accelKVM || a == accelTCG {
			return choose(a, why)
		}
	}
	pctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	a, why := accelKVM, "a kernel booted under KVM"
	vm, ram, err := bootWith(pctx, k, accelKVM)
	if err == nil {
		vm.Close()
		ram.Close()
	} else if ctx.Err() != nil {
		return "", ctx.Err()
	} else {
		msg := strings.Join(strings.Fields(err.Error()), " ")
		a, why = accelTCG, "KVM does not boot a kernel here: "+msg[:min(len(msg), 200)]
	}
	writeFile(probe, []byte(string(a)+"\n"+why), 0o644)
	return choose(a, why)
}

// probeFile remembers the probe's result until the host reboots or QEMU changes.
func probeFile() string {
	cache, err := CacheDir()
	if err != nil {
		return os.DevNull
	}
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	q, _ := qemu()
	sum := sha256.Sum256([]byte(string(id) + q.version))
	return filepath.Join(cache, "accel-"+hex.EncodeToString(sum[:6]))
}
