package helper

// Memory as helpers use it. An access that the machine refuses ends the
// helper: it panics with a fault, which Run turns into its error. That keeps
// the many functions here short, in the source and in the page's engine,
// which pays for each error check with bytes.

// fault is a wrong use of a helper that the verifier would have refused.
type fault string

func (f fault) Error() string { return string(f) }

// stop carries the error of a helper from where it happened to Run.
type stop struct{ err error }

// peek is a view of memory, valid until the next call on e.
func peek(e Env, addr uint64, n int) []byte {
	if n == 0 {
		return nil // addr may be NULL
	}
	b, err := e.Read(addr, n)
	if err != nil {
		panic(stop{err})
	}
	return b
}

// touch makes sure that n bytes are there, before memory is made for them.
func touch(e Env, addr uint64, n int) { peek(e, addr, n) }

// read copies n bytes, so that they outlive later calls on e.
//
//go:noinline
func read(e Env, addr uint64, n int) []byte {
	return append([]byte(nil), peek(e, addr, n)...)
}

//go:noinline
func write(e Env, addr uint64, b []byte) {
	if len(b) == 0 {
		return
	}
	if err := e.Write(addr, b); err != nil {
		panic(stop{err})
	}
}

//go:noinline
func word32(e Env, addr uint64) uint32 { return le.Uint32(peek(e, addr, 4)) }

//go:noinline
func word(e Env, addr uint64) uint64 { return le.Uint64(peek(e, addr, 8)) }

//go:noinline
func writeWord32(e Env, addr uint64, v uint32) {
	var b [4]byte
	le.PutUint32(b[:], v)
	write(e, addr, b[:])
}

//go:noinline
func writeWord(e Env, addr, v uint64) {
	var b [8]byte
	le.PutUint64(b[:], v)
	write(e, addr, b[:])
}
