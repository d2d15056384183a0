package helper

// A dynptr is 16 bytes of the program's stack: address of the data, size with
// type and read-only bit, offset (struct bpf_dynptr_kern).
type dynptr struct {
	data         uint64
	size, offset uint32
	kind         uint8
	rdonly       bool
}

const (
	dynptrLocal   = 1
	dynptrRingbuf = 2
	dynptrSkb     = 3
	dynptrXDP     = 4
	dynptrMax     = 1<<24 - 1 // DYNPTR_MAX_SIZE
)

func readDynptr(e Env, addr uint64) dynptr {
	b := peek(e, addr, 16)
	w := le.Uint32(b[8:])
	return dynptr{
		data: le.Uint64(b), size: w & dynptrMax, offset: le.Uint32(b[12:]),
		kind: uint8(w >> 28 & 7), rdonly: w>>31 != 0,
	}
}

func writeDynptr(e Env, addr uint64, d dynptr) {
	var b [16]byte
	le.PutUint64(b[0:], d.data)
	w := d.size | uint32(d.kind)<<28
	if d.rdonly {
		w |= 1 << 31
	}
	le.PutUint32(b[8:], w)
	le.PutUint32(b[12:], d.offset)
	write(e, addr, b[:])
}

// inside checks a range of the dynptr: bpf_dynptr_check_off_len.
func (d dynptr) inside(off, n uint32) bool {
	return n <= d.size && off <= d.size-n
}

func dynptrFromMem(e Env, c *Call) {
	n := c.u32(2)
	ret := int64(0)
	switch {
	case n > dynptrMax:
		ret = e2big
	case c.Args[2] != 0:
		ret = einval
	}
	d := dynptr{data: c.Args[0], size: n, kind: dynptrLocal}
	if ret != 0 {
		d = dynptr{}
	}
	c.set(ret)
	writeDynptr(e, c.Args[3], d)
}

func ringbufReserveDynptr(e Env, c *Call) {
	r := ringArg(e, c)
	n := c.u32(2)
	d, ret := dynptr{}, int64(0)
	switch {
	case c.Args[2] != 0:
		ret = einval
	case n > dynptrMax:
		ret = e2big
	default:
		if rec := r.Reserve(uint64(n)); rec != 0 {
			d = dynptr{data: rec, size: n, kind: dynptrRingbuf}
		} else {
			ret = einval
		}
	}
	c.set(ret)
	writeDynptr(e, c.Args[3], d)
}

func ringbufSubmitDynptr(e Env, c *Call) { endDynptr(e, c, Ring.Submit) }

func ringbufDiscardDynptr(e Env, c *Call) { endDynptr(e, c, Ring.Discard) }

func endDynptr(e Env, c *Call, end func(Ring, uint64, uint64)) {
	d := readDynptr(e, c.Args[0])
	c.set(0)
	if d.data == 0 {
		return
	}
	r := recordAt(e, d.data)
	end(r, d.data, c.Args[1])
	writeDynptr(e, c.Args[0], dynptr{})
}

// dynptrRead: (dst, len, dynptr, offset, flags).
func dynptrRead(e Env, c *Call) {
	d := readDynptr(e, c.Args[2])
	n, off := c.u32(2), c.u32(4)
	switch {
	case d.data == 0 || c.Args[4] != 0:
		c.set(einval)
		return
	case !d.inside(off, n):
		c.set(e2big)
		return
	}
	switch d.kind {
	case dynptrSkb, dynptrXDP:
		loadPacket(e, c, uint64(d.offset+off), c.Args[0], n)
		return
	}
	b := read(e, d.data+uint64(d.offset+off), int(n))
	c.set(0)
	write(e, c.Args[0], b)
}

// dynptrWrite: (dynptr, offset, src, len, flags).
func dynptrWrite(e Env, c *Call) {
	d := readDynptr(e, c.Args[0])
	off, n := c.u32(2), c.u32(4)
	switch {
	case d.data == 0 || d.rdonly:
		c.set(einval)
		return
	case !d.inside(off, n):
		c.set(e2big)
		return
	case c.Args[4] != 0 && d.kind != dynptrSkb:
		c.set(einval)
		return
	}
	switch d.kind {
	case dynptrSkb:
		storePacket(e, c, uint64(d.offset+off), c.Args[2], n, c.Args[4])
		return
	case dynptrXDP:
		storePacket(e, c, uint64(d.offset+off), c.Args[2], n, 0)
		return
	}
	b := read(e, c.Args[2], int(n))
	c.set(0)
	write(e, d.data+uint64(d.offset+off), b)
}

// dynptrData: (dynptr, offset, len), the address of a slice or NULL.
func dynptrData(e Env, c *Call) {
	d := readDynptr(e, c.Args[0])
	c.R0 = 0
	local := d.kind == dynptrLocal || d.kind == dynptrRingbuf
	if d.data != 0 && local && !d.rdonly && d.inside(c.u32(2), c.u32(3)) {
		c.R0 = d.data + uint64(d.offset+c.u32(2))
	}
}

// kptrXchg swaps the pointer at R1 with R2.
func kptrXchg(e Env, c *Call) {
	b := peek(e, c.Args[0], 8)
	c.R0 = le.Uint64(b)
	var w [8]byte
	le.PutUint64(w[:], c.Args[1])
	write(e, c.Args[0], w[:])
}
