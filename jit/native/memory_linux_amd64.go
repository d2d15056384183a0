package native

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"skep/jit"
	"skep/jit/amd64"
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

// Target is this machine.
func Target() (jit.Target, error) {
	return jit.Target{Arch: jit.AMD64, AMD64: amd64.Features{BMI2: hasBMI2, GS: hasGS}}, nil
}

var (
	hasBMI2 = func() bool { _, b, _, _ := cpuid(7, 0); return b>>8&1 != 0 }()
	hasGS   = fsgsbase()
)

// fsgsbase reports whether wrgsbase may be used: the processor has it, and
// the kernel says so in AT_HWCAP2.
func fsgsbase() bool {
	_, b, _, _ := cpuid(7, 0)
	if b&1 == 0 {
		return false
	}
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return false
	}
	const atHwcap2 = 26
	for ; len(auxv) >= 16; auxv = auxv[16:] {
		if *(*uint64)(unsafe.Pointer(&auxv[0])) == atHwcap2 {
			return *(*uint64)(unsafe.Pointer(&auxv[8]))&2 != 0
		}
	}
	return false
}

// Program is code in executable memory.
type Program struct {
	code *amd64.Code
	mem  []byte
}

// Load copies code into memory of its own, which is writable until it is
// executable.
func Load(c *jit.Code) (*Program, error) {
	if c.Native == nil {
		return nil, errors.New("native: the code is for " + c.Target.Arch.String())
	}
	f := c.Target.AMD64
	if f.BMI2 && !hasBMI2 || f.GS && !hasGS {
		return nil, errors.New("native: the code is for a processor with more instructions than this one")
	}
	size := (len(c.Text) + 4095) &^ 4095
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, os.NewSyscallError("native: mmap of code", err)
	}
	copy(mem, c.Text)
	if err := syscall.Mprotect(mem, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		syscall.Munmap(mem)
		return nil, os.NewSyscallError("native: mprotect of code", err)
	}
	return &Program{code: c.Native, mem: mem}, nil
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
