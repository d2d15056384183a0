//go:build linux

// Package bpf is the bpf(2) system call and nothing else: those who measure a kernel need its own errno, log level and
// log, which every loader library changes by retrying, and no program loaded but their own, which a library's feature
// probes are not. The agent uses it in the guest; package kernelbench on the host, for programs that are part of skep.
//
// Attribute layouts follow include/uapi/linux/bpf.h; each struct ends where the oldest kernel we run would still
// accept zeroes.
package bpf

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// MapCreateAttr are the parameters of BPF_MAP_CREATE.
type MapCreateAttr struct {
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

// ProgLoadAttr are the parameters of BPF_PROG_LOAD.
type ProgLoadAttr struct {
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

// TestRunAttr are the parameters of BPF_PROG_TEST_RUN; the kernel writes Ret, Duration (ns of one repetition, rounded
// down), DataOut and CtxOut.
type TestRunAttr struct {
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

// Ptr is a slice's address as the kernel wants it. The fields that hold it are typed pointers, so the collector sees them
// and a moving stack updates them.
func Ptr(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Pointer(unsafe.SliceData(b))
}

// ObjName is a name as the kernel keeps it: 15 bytes.
func ObjName(s string) (n [16]byte) {
	copy(n[:15], s)
	return n
}

// MapCreate returns the descriptor of a new map.
func MapCreate(a *MapCreateAttr) (int, error) {
	return bpf(cmdMapCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// MapUpdate writes one element; flags are BPF_ANY and its like.
func MapUpdate(fd int, key, value []byte, flags uint64) error {
	a := mapElemAttr{FD: uint32(fd), Key: Ptr(key), Value: Ptr(value), Flags: flags}
	_, err := bpf(cmdMapUpdate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// MapLookup reads the element of a key into value.
func MapLookup(fd int, key, value []byte) error {
	a := mapElemAttr{FD: uint32(fd), Key: Ptr(key), Value: Ptr(value)}
	_, err := bpf(cmdMapLookup, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// MapDelete removes the element of a key.
func MapDelete(fd int, key []byte) error {
	a := mapElemAttr{FD: uint32(fd), Key: Ptr(key)}
	_, err := bpf(cmdMapDelete, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// MapNextKey writes the key that follows into next; without a key, the first. ENOENT is the end.
func MapNextKey(fd int, key, next []byte) error {
	a := mapElemAttr{FD: uint32(fd), Key: Ptr(key), Value: Ptr(next)}
	_, err := bpf(cmdMapNextKey, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// MapFreeze forbids user space to write the map.
func MapFreeze(fd int) error {
	a := mapElemAttr{FD: uint32(fd)}
	_, err := bpf(cmdMapFreeze, unsafe.Pointer(&a), 4)
	return err
}

// ProgLoad verifies a program and returns its descriptor.
func ProgLoad(a *ProgLoadAttr) (int, error) {
	return bpf(cmdProgLoad, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// TestRun runs a loaded program over the data and context of a.
func TestRun(a *TestRunAttr) error {
	_, err := bpf(cmdProgTestRun, unsafe.Pointer(a), unsafe.Sizeof(*a))
	return err
}

// BTFLoad returns the descriptor of a type blob.
func BTFLoad(blob []byte) (int, error) {
	a := btfLoadAttr{BTF: Ptr(blob), Size: uint32(len(blob))}
	fd, err := bpf(cmdBTFLoad, unsafe.Pointer(&a), 28)
	return fd, err
}

// ObjInfo fills info from the object behind fd and returns how many bytes the kernel knows.
func ObjInfo(fd int, info []byte) (int, error) {
	a := infoAttr{FD: uint32(fd), Len: uint32(len(info)), Info: Ptr(info)}
	_, err := bpf(cmdObjInfo, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return int(a.Len), err
}
