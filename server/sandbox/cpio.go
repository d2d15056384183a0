package sandbox

import (
	"bytes"
	"fmt"
)

// cpioWriter writes the "newc" archive that the kernel unpacks as its first root file system
// (Documentation/driver-api/early-userspace/buffer-format.rst). Archives are reproducible: owner 0, time 0,
// inode numbers by order.
type cpioWriter struct {
	buf bytes.Buffer
	ino int
}

// File modes of cpio entries, from stat(2).
const (
	modeDir     = 0o040000
	modeFile    = 0o100000
	modeSymlink = 0o120000
	modeChar    = 0o020000
)

func (w *cpioWriter) entry(name string, mode uint32, major, minor uint32, body []byte) {
	w.ino++
	nlink := 1
	if mode&0o170000 == modeDir {
		nlink = 2
	}
	fmt.Fprintf(&w.buf, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		w.ino, mode, 0, 0, nlink, 0, len(body), 0, 0, major, minor, len(name)+1, 0)
	w.buf.WriteString(name)
	w.buf.WriteByte(0)
	w.pad()
	w.buf.Write(body)
	w.pad()
}

func (w *cpioWriter) pad() {
	for w.buf.Len()%4 != 0 {
		w.buf.WriteByte(0)
	}
}

func (w *cpioWriter) dir(name string) { w.entry(name, modeDir|0o755, 0, 0, nil) }
func (w *cpioWriter) file(name string, perm uint32, body []byte) {
	w.entry(name, modeFile|perm, 0, 0, body)
}
func (w *cpioWriter) symlink(name, to string) { w.entry(name, modeSymlink|0o777, 0, 0, []byte(to)) }
func (w *cpioWriter) char(name string, perm, major, minor uint32) {
	w.entry(name, modeChar|perm, major, minor, nil)
}

// bytes ends the archive.
func (w *cpioWriter) bytes() []byte {
	w.entry("TRAILER!!!", 0, 0, 0, nil)
	for w.buf.Len()%512 != 0 {
		w.buf.WriteByte(0)
	}
	return w.buf.Bytes()
}
