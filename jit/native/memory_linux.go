//go:build linux && (amd64 || arm64)

package native

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"unsafe"

	"skep/jit"
	"skep/jit/contract"
	"skep/vm/isa"
)

// reserved is the address space of a span: what 32 bits reach, and a page for
// the access that begins at its last byte.
const reserved = 1<<32 + 1<<16

// Span is memory for an arena: a reservation of 4 GiB, of which the first part
// is the arena's. The rest is memory too, shared zero pages until written: a
// program that was wrongly taken for proved can waste it and do no more.
type Span struct {
	mem   []byte
	limit int
}

// NewSpan reserves the memory of an arena of at most limit bytes.
func NewSpan(limit int) (*Span, error) {
	if limit < 1<<17 || limit > 1<<32-1 {
		return nil, errors.New("native: an arena is between 128 KiB and 4 GiB large")
	}
	mem, err := syscall.Mmap(-1, 0, reserved, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, os.NewSyscallError("native: mmap of the arena", err)
	}
	return &Span{mem: mem, limit: limit}, nil
}

// Bytes is the memory, for vm.Config.Span.
func (s *Span) Bytes() []byte { return s.mem[:s.limit:s.limit] }

// Close gives the memory back. No machine may use it any more.
func (s *Span) Close() error {
	if s.mem == nil {
		return nil
	}
	err := syscall.Munmap(s.mem)
	s.mem = nil
	return err
}

func (s *Span) base() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s.mem))) }

// Program is code in executable memory.
type Program struct {
	code  *contract.Code
	mem   []byte
	start uint64 // address of the first op
	few   bool   // it begins with nothing but r1 and r10
}

// Load copies code into memory of its own, which is writable until it is
// executable.
func Load(c *jit.Code) (*Program, error) {
	if c.Native == nil || c.Target.Arch != arch {
		return nil, errors.New("native: the code is for " + c.Target.Arch.String())
	}
	if !runs(c.Target) {
		return nil, errors.New("native: the code is for a processor with more instructions than this one")
	}
	size := (len(c.Text) + 4095) &^ 4095
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, os.NewSyscallError("native: mmap of code", err)
	}
	copy(mem, c.Text)
	synchronize(mem)
	if err := syscall.Mprotect(mem, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		syscall.Munmap(mem)
		return nil, os.NewSyscallError("native: mprotect of code", err)
	}
	p := &Program{code: c.Native, mem: mem, few: c.Native.In&^(1<<isa.R1|1<<isa.R10) == 0}
	p.start = p.base() + uint64(p.code.Offset[0])
	return p, nil
}

// Close frees the code. No runner may use it any more.
func (p *Program) Close() error {
	if p.mem == nil {
		return nil
	}
	err := syscall.Munmap(p.mem)
	p.mem = nil
	return err
}

func (p *Program) base() uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(p.mem)))) }

// auxv is an entry of the vector that the kernel hands a process, 0 when it
// cannot be read.
func auxv(tag uint64) uint64 {
	b, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return 0
	}
	for ; len(b) >= 16; b = b[16:] {
		if binary.NativeEndian.Uint64(b) == tag {
			return binary.NativeEndian.Uint64(b[8:])
		}
	}
	return 0
}
