package runner

import "skep/jit/wasm"

// span is memory for a machine: buf has a power of two of bytes, and wasm.Guard
// more before and behind it.
type span struct {
	buf  []byte
	used int // bytes that may not be zero
}

const (
	leastSpan = 4 << 20 // bytes
	maxSpan   = 128 << 20
	maxIdle   = 2
)

// take finds or makes a span for a machine that had n bytes when it started,
// cleared.
func (e *Engine) take(n int) span {
	size := leastSpan
	for size < 2*n+leastSpan && size < maxSpan {
		size *= 2
	}
	for i, s := range e.idle {
		if len(s.buf) >= size {
			e.idle = append(e.idle[:i], e.idle[i+1:]...)
			s.clear()
			return s
		}
	}
	if len(e.idle) > maxIdle {
		e.idle = nil
	}
	return span{buf: make([]byte, size+2*wasm.Guard)[wasm.Guard:][:size]}
}

func (s *span) clear() {
	clear(s.buf[:s.used])
	s.used = 0
}

// arena is the part that a machine may have: the rest is what addresses that
// were cut by the mask may reach.
func (s *span) arena() []byte {
	n := len(s.buf) - wasm.Guard
	return s.buf[:n:n]
}
