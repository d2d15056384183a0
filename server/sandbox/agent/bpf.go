//go:build linux

package main

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Raw bpf(2): the oracle needs the kernel's own errno, log level and log, which every loader library changes by retrying.
// Attribute layouts follow include/uapi/linux/bpf.h; each struct ends where the oldest kernel we run would still
// accept zeroes.

const (
	cmdMapCreate   = 0
	cmdMapLookup   = 1
	cmdMapUpdate   = 2
	cmdMapDelete   = 3
	cmdMapNextKey  = 4
	cmdProgLoad    = 5
	cmdProgTestRun = 10
	cmdObjInfo     = 15
	cmdBTFLoad     = 18
	cmdMapFreeze   = 22
)

type mapCreateAttr struct {
	Type, KeySize, ValueSize, MaxEntries, Flags uint32
	InnerFD, NUMANode                           uint32
	Name                                        [16]byte
	IfIndex, BTFFD, KeyTypeID, ValueTypeID      uint32
	VmlinuxValueTypeID                          uint32
	Extra                                       uint64
}

type mapElemAttr struct {
	FD    uint32
	_     uint32
	Key   unsafe.Pointer
	Value unsafe.Pointer // or the next key
	Flags uint64
}

type progLoadAttr struct {
	Type, InsnCnt      uint32
	Insns, License     unsafe.Pointer
	LogLevel, LogSize  uint32
	LogBuf             unsafe.Pointer
	KernVersion, Flags uint32
	Name               [16]byte
	IfIndex            uint32
	ExpectedAttachType uint32
	BTFFD              uint32
	FuncInfoRecSize    uint32
	FuncInfo           unsafe.Pointer
	FuncInfoCnt        uint32
	LineInfoRecSize    uint32
	LineInfo           unsafe.Pointer
	LineInfoCnt        uint32
	AttachBTFID        uint32
	AttachFD           uint32
	CoreReloCnt        uint32
	FDArray            unsafe.Pointer
	CoreRelos          unsafe.Pointer
	CoreReloRecSize    uint32
	LogTrueSize        uint32 // since 6.4
}

type testRunAttr struct {
	FD, Ret           uint32
	DataIn, DataOut   uint32 // sizes
	Data, DataOutPtr  unsafe.Pointer
	Repeat, Duration  uint32
	CtxIn, CtxOut     uint32 // sizes
	Ctx, CtxOutPtr    unsafe.Pointer
	Flags, CPU, Batch uint32
	_                 uint32
}

type btfLoadAttr struct {
	BTF, Log             unsafe.Pointer
	Size, LogSize, Level uint32
	TrueSize             uint32
}

type infoAttr struct {
	FD, Len uint32
	Info    unsafe.Pointer
}

// bpf is the system call. attr points to one of the structs above.
func bpf(cmd uintptr, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		r, _, e := unix.Syscall(unix.SYS_BPF, cmd, uintptr(attr), size)
		// A load interrupted by the Go scheduler's signal reports EAGAIN; the program itself is not at fault.
		if e == unix.EAGAIN && cmd == cmdProgLoad || e == unix.EINTR {
			continue
		}
		if e != 0 {
			return -1, e
		}
		return int(r), nil
	}
}

// ptr is a slice's address as the kernel wants it. The fields that hold it are typed pointers, so the collector sees them
// and a moving stack updates them.
func ptr(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Pointer(unsafe.SliceData(b))
}

func objName(s string) (n [16]byte) {
	copy(n[:15], s)
	return n
}

func mapCreate(a *mapCreateAttr) (int, error) {
	return bpf(cmdMapCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

func mapUpdate(fd int, key, value []byte, flags uint64) error {
	a := mapElemAttr{FD: uint32(fd), Key: ptr(key), Value: ptr(value), Flags: flags}
	_, err := bpf(cmdMapUpdate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

func mapLookup(fd int, key, value []byte) error {
	a := mapElemAttr{FD: uint32(fd), Key: ptr(key), Value: ptr(value)}
	_, err := bpf(cmdMapLookup, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

func mapDelete(fd int, key []byte) error {
	a := mapElemAttr{FD: uint32(fd), Key: ptr(key)}
	_, err := bpf(cmdMapDelete, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

func mapNextKey(fd int, key, next []byte) error {
	a := mapElemAttr{FD: uint32(fd), Key: ptr(key), Value: ptr(next)}
	_, err := bpf(cmdMapNextKey, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

func mapFreeze(fd int) error {
	a := mapElemAttr{FD: uint32(fd)}
	_, err := bpf(cmdMapFreeze, unsafe.Pointer(&a), 4)
	return err
}

func progLoad(a *progLoadAttr) (int, error) {
	return bpf(cmdProgLoad, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

func testRun(a *testRunAttr) error {
	_, err := bpf(cmdProgTestRun, unsafe.Pointer(a), unsafe.Sizeof(*a))
	return err
}

func btfLoad(blob []byte) (int, error) {
	a := btfLoadAttr{BTF: ptr(blob), Size: uint32(len(blob))}
	fd, err := bpf(cmdBTFLoad, unsafe.Pointer(&a), 28)
	return fd, err
}

// objInfo fills info from the object behind fd and returns how many bytes the kernel knows.
func objInfo(fd int, info []byte) (int, error) {
	a := infoAttr{FD: uint32(fd), Len: uint32(len(info)), Info: ptr(info)}
	_, err := bpf(cmdObjInfo, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return int(a.Len), err
}

func ioctl(f *os.File, req, arg uintptr) error {
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), req, arg); e != 0 {
		return e
	}
	return nil
}

// addEntropy is the RNDADDENTROPY ioctl: struct rand_pool_info{entropy_count in bits, buf_size, buf}.
func addEntropy(f *os.File, req uintptr, e []byte) error {
	buf := make([]byte, 8+len(e))
	*(*int32)(unsafe.Pointer(&buf[0])) = int32(len(e) * 8)
	*(*int32)(unsafe.Pointer(&buf[4])) = int32(len(e))
	copy(buf[8:], e)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), req, uintptr(unsafe.Pointer(&buf[0]))); e != 0 {
		return e
	}
	return nil
}
