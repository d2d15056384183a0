// Package sandbox runs eBPF programs on real Linux kernels inside throw-away QEMU virtual machines.
//
// A guest is one of Debian's own kernels, an initrd and one static Go program as PID 1 (package agent). It has no
// network device, no disk and no shared folder: one virtio-serial port carries frames (package proto), a second one a
// terminal. Each kernel is booted once, frozen in sealed memory (Template) and cloned copy-on-write, one clone a job,
// killed when the job ends. The guest is the attacker: everything it sends is bounded and classified.
//
//	m, err := sandbox.NewManager(sandbox.Config{})
//	defer m.Close()
//	vm, err := m.Acquire(ctx, "6.12", "alice")
//	defer vm.Close()
//	v, err := vm.Load(ctx, prog) // verdict, log, counters, test run
//
// Read next: kernel.go (what is installed where), machine.go (the QEMU command line), template.go (snapshots),
// manager.go (pool and queue), batch.go (the differential-testing oracle).
package sandbox
