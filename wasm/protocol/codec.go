package protocol

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// Writer appends values in wire form to Buf. Its methods and those of Reader
// are not inlined: there are a thousand calls, each a few bytes of WebAssembly
// and not a hundred.
type Writer struct{ Buf []byte }

//go:noinline
func (w *Writer) U8(v uint8) { w.Buf = append(w.Buf, v) }

//go:noinline
func (w *Writer) U16(v uint16) { w.Buf = binary.LittleEndian.AppendUint16(w.Buf, v) }

//go:noinline
func (w *Writer) U32(v uint32) { w.Buf = binary.LittleEndian.AppendUint32(w.Buf, v) }

//go:noinline
func (w *Writer) I32(v int32) { w.U32(uint32(v)) }

//go:noinline
func (w *Writer) U64(v uint64) { w.Buf = binary.LittleEndian.AppendUint64(w.Buf, v) }

//go:noinline
func (w *Writer) Bool(v bool) {
	if v {
		w.U8(1)
	} else {
		w.U8(0)
	}
}

//go:noinline
func (w *Writer) Str(v string) {
	w.U32(uint32(len(v)))
	w.Buf = append(w.Buf, v...)
}

//go:noinline
func (w *Writer) Bytes(v []byte) {
	w.U32(uint32(len(v)))
	w.Buf = append(w.Buf, v...)
}

var (
	errCut   = errors.New("frame: cut short inside a field")
	errBool  = errors.New("frame: a bool is neither 0 nor 1")
	errEnum  = errors.New("frame: a value outside of its list of words")
	errCount = errors.New("frame: a list claims more elements than the frame has bytes for")
	errUTF8  = errors.New("frame: a text is not UTF-8")
)

// Reader takes values from a frame. The first error sticks, and from then on
// every value is zero and every list empty. Memory is bounded by the frame:
// a count that the rest of the frame cannot hold is refused before anything
// is allocated.
type Reader struct {
	buf []byte
	err error
}

// NewReader reads from b, which is not changed.
func NewReader(b []byte) *Reader { return &Reader{buf: b} }

// Err is the first error.
func (r *Reader) Err() error { return r.err }

// Rest is how many bytes have not been read.
func (r *Reader) Rest() int { return len(r.buf) }

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.buf = nil
}

func (r *Reader) take(n int) []byte {
	if n < 0 || n > len(r.buf) {
		r.fail(errCut)
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

//go:noinline
func (r *Reader) U8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

//go:noinline
func (r *Reader) U16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

//go:noinline
func (r *Reader) U32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

//go:noinline
func (r *Reader) I32() int32 { return int32(r.U32()) }

//go:noinline
func (r *Reader) U64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

//go:noinline
func (r *Reader) Bool() bool {
	v := r.U8()
	if v > 1 {
		r.fail(errBool)
	}
	return v == 1
}

// Enum reads one of n words.
//
//go:noinline
func (r *Reader) Enum(n int) uint8 {
	v := r.U8()
	if int(v) >= n {
		r.fail(errEnum)
		return 0
	}
	return v
}

// Count reads the number of elements of a list, each at least size bytes.
//
//go:noinline
func (r *Reader) Count(size int) int {
	n := r.U32()
	if uint64(n)*uint64(size) > uint64(len(r.buf)) {
		r.fail(errCount)
		return 0
	}
	return int(n)
}

//go:noinline
func (r *Reader) Str() string {
	b := r.take(int(r.U32()))
	if !utf8.Valid(b) {
		r.fail(errUTF8)
		return ""
	}
	return string(b)
}

// Bytes returns a copy.
//
//go:noinline
func (r *Reader) Bytes() []byte {
	n := r.U32()
	if n > MaxFrame {
		r.fail(errCut)
		return nil
	}
	return append([]byte(nil), r.take(int(n))...)
}
