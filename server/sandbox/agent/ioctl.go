//go:build linux

package main

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
