// Package sandbox runs eBPF programs on real Linux kernels inside throw-away QEMU virtual machines.
//
// A guest is one of Debian's own kernels, an initrd and one static Go program as PID 1 (package agent). It has no
// network device, no disk and no shared folder: one virtio-serial port carries frames (package proto), a second one a
// terminal. Each kernel is booted once, frozen in sealed memory (Template) and cloned copy-on-write, one clone a job,
// killed when the job ends. The guest is the attacker: everything it sends is bounded and classified.
//
//	m, err := sandbox.NewManager(sandbox.Config{})
//	defer m.Close()
//	vm, err := m.Acquire(ctx, sandbox.Job{Kernel: "6.12", Owner: "alice"}) // fair queue, limits running
//	defer vm.Close()
//	p, err := record.Resolve(vm.Kernel, nil)
//	v, err := vm.Load(ctx, p)      // verdict, log, counters, test run
//	_, err = vm.Attach(ctx, ...)   // any hook; then vm.Workload, vm.Maps, vm.Stream, vm.JIT
//	d, v, err := vm.Dump(ctx, p)   // the kernel's machine code, instruction by instruction
//
// Why the kernel is not started from its bzImage: unpacking it under emulation costs 1.3 CPU seconds of 4.5.
// Why mitigations=off is not on its command line, although it boots faster: the verifier reads it too, and would then
// accept unprivileged programs that real systems refuse.
// Why a virtio-serial port and not vsock or a serial line: it needs no device node, no rights and no address, works in an
// empty network namespace, and loses nothing in a snapshot.
// Why a clone is never used twice: nothing of one student's job may reach the next, and a new one costs a tenth of a second.
// Why QEMU's jail is a program of its own (package jail): no Go program that imports the sandbox has to recognise itself as a child.
//
// Read next: kernel.go (what is installed where), machine.go (the QEMU command line), template.go (snapshots),
// manager.go (pool and queue), batch.go (the differential-testing oracle), dump.go.
package sandbox
