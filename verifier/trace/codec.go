package trace

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// encoder writes the wire forms of schema.
type encoder struct{ buf []byte }

func (w *encoder) byte(b uint8) { w.buf = append(w.buf, b) }

// U32, Z32, U64, Z64, Bool and Str write the forms u, z, U, Z, bool and str.
func (w *encoder) U32(v uint32) { w.buf = binary.AppendUvarint(w.buf, uint64(v)) }
func (w *encoder) Z32(v int32)  { w.U32(uint32(v<<1) ^ uint32(v>>31)) }
func (w *encoder) U64(v uint64) { w.buf = binary.AppendUvarint(w.buf, v) }
func (w *encoder) Z64(v int64)  { w.U64(uint64(v<<1) ^ uint64(v>>63)) }

func (w *encoder) Bool(v bool) {
	if v {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (w *encoder) Str(s string) {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	w.U32(uint32(len(s)))
	w.buf = append(w.buf, s...)
}

var (
	errShort  = errors.New("trace: ends too early")
	errNumber = errors.New("trace: a number is too large")
	errFlag   = errors.New("trace: a flag is neither 0 nor 1")
	errWord   = errors.New("trace: a word is not known")
	errFields = errors.New("trace: a record has fields that are not known")
	errText   = errors.New("trace: a text is not UTF-8")
)

// decoder reads the wire forms of schema. After the first mistake it yields
// zeroes, and err says what it was.
type decoder struct {
	buf []byte
	err error
}

func (r *decoder) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.buf = nil
}

func (r *decoder) byte() uint8 {
	if len(r.buf) == 0 {
		r.fail(errShort)
		return 0
	}
	b := r.buf[0]
	r.buf = r.buf[1:]
	return b
}

// U64 and the others read what the methods of that name of encoder wrote.
func (r *decoder) U64() uint64 {
	v, n := binary.Uvarint(r.buf)
	if n <= 0 {
		if n < 0 {
			r.fail(errNumber)
		} else {
			r.fail(errShort)
		}
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

func (r *decoder) U32() uint32 {
	v := r.U64()
	if v > math.MaxUint32 {
		r.fail(errNumber)
		return 0
	}
	return uint32(v)
}

func (r *decoder) Z32() int32 {
	u := r.U32()
	return int32(u>>1) ^ -int32(u&1)
}

func (r *decoder) Z64() int64 {
	u := r.U64()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *decoder) Bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail(errFlag)
	}
	return b == 1
}

func (r *decoder) enum(n int) uint8 {
	b := r.byte()
	if int(b) >= n {
		r.fail(errWord)
		return 0
	}
	return b
}

func (r *decoder) mask(fields int) uint32 {
	m := r.U32()
	if m>>fields != 0 {
		r.fail(errFields)
		return 0
	}
	return m
}

func (r *decoder) Str() string {
	n := r.count(1)
	if r.err != nil {
		return ""
	}
	s := string(r.buf[:n])
	r.buf = r.buf[n:]
	if !utf8.ValidString(s) {
		r.fail(errText)
		return ""
	}
	return s
}

// count is that of a list whose elements take size bytes at least, so that it
// cannot lie about more memory than a constant times the bytes there are.
func (r *decoder) count(size int) int {
	n := r.U32()
	if uint64(n)*uint64(size) > uint64(len(r.buf)) {
		r.fail(errShort)
		return 0
	}
	return int(n)
}
