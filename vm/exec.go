package vm

import "unsafe"

//go:generate go run ./internal/genexec

// reg is the register at byte offset o of the file at rp.
func reg(rp unsafe.Pointer, o uint8) *uint64 { return (*uint64)(unsafe.Add(rp, uintptr(o))) }

// reg32 is its lower half. Every host that Go builds this for is little endian.
func reg32(rp unsafe.Pointer, o uint8) *uint32 { return (*uint32)(unsafe.Add(rp, uintptr(o))) }

// engine is what exec keeps besides the next instruction. It is in memory and
// not in variables because the compiler would write all of them to the stack
// at each instruction, for the sake of the calls in the loop.
type engine struct {
	base  unsafe.Pointer // op 0 of the program
	mem   unsafe.Pointer // offset 0 of the arena
	stk   uint64         // lowest address of the current frame
	start uintptr        // where the current straight run began
	bias  uintptr        // where op 0 would be if the run lay in an array of ops
	fuel  int64
}

// count books the straight run up to and with the instruction at ip, and
// leaves its number in cpu.pc.
func (m *Machine) count(ip unsafe.Pointer) {
	x := &m.x
	n := int64(uintptr(ip)-x.start)/opSize + 1
	x.fuel -= n
	m.steps += uint64(n)
	m.cpu.pc = uint64(uintptr(ip)-x.bias) / opSize
}
