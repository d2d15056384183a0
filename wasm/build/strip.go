package main

import (
	"encoding/binary"
	"errors"
)

// A third of a compressed Go module is its pclntab: for each function the
// tables from program counter to file and line, and the names. The runtime
// needs the stack maps and frame sizes among them; lines, files and names are
// for people who read a panic. The linker's -s and -w leave them in. Clearing
// them moves no address, so nothing has to be relocated, and zeros compress to
// nothing. Names of package runtime stay: the runtime looks at them.
//
// Why not TinyGo: it lacks the collector and parts of the library that the
// engine uses. The layout is that of Go 1.20 to 1.26 (runtime/symtab.go); a
// module of another one is refused.

// strip returns the module with its tables cleared or folded (restore.go) and
// its data segments joined. Go's linker begins a new segment after eight zeros: tens of thousands
// of them, whose headers do not compress, while zeros do.
func strip(module []byte) ([]byte, error) {
	secs, err := sections(module)
	if err != nil {
		return nil, err
	}
	if err := empty(secs); err != nil {
		return nil, err
	}
	for i := range secs {
		s := &secs[i]
		if s.id != dataSection {
			continue
		}
		image, err := memory(s.body)
		if err != nil {
			return nil, err
		}
		if err := clearTables(image); err != nil {
			return nil, err
		}
		clearPowers(image)
		f, err := fold(image)
		if err != nil {
			return nil, err
		}
		s.body = segments(image)
		if err := f.inFront(secs); err != nil {
			return nil, err
		}
	}
	out := append([]byte{}, module[:8]...)
	for _, s := range secs {
		if s.id == dataCountSection || s.id == customSection {
			continue // of these two only memory.init, which Go does not use, would need the first
		}
		out = append(out, s.id)
		out = binary.AppendUvarint(out, uint64(len(s.body)))
		out = append(out, s.body...)
	}
	return out, nil
}

// Section numbers and opcodes (WebAssembly core specification 5.5 and 5.4).
const (
	customSection    = 0
	importSection    = 2 // Go imports functions only
	functionSection  = 3
	exportSection    = 7
	codeSection      = 10
	dataSection      = 11
	dataCountSection = 12

	opUnreachable = 0x00
	opEnd         = 0x0b
	i32Const      = 0x41
)

// section is a part of a module.
type section struct {
	id   byte
	body []byte
}

func sections(b []byte) ([]section, error) {
	if len(b) < 8 || string(b[:4]) != "\x00asm" {
		return nil, errModule
	}
	r := &reader{b: b, pos: 8}
	var all []section
	for r.pos < len(b) {
		s := section{id: r.byte()}
		s.body = r.take(r.uleb())
		if r.bad {
			return nil, errModule
		}
		all = append(all, s)
	}
	return all, nil
}

// memory is what a data section puts into linear memory, from address 0.
func memory(body []byte) ([]byte, error) {
	const limit = 256 << 20
	var image []byte
	d := &reader{b: body}
	for n := d.uleb(); n > 0 && !d.bad; n-- {
		if d.uleb() != 0 || d.byte() != i32Const {
			return nil, errModule
		}
		addr := uint32(d.sleb())
		if d.byte() != opEnd {
			return nil, errModule
		}
		data := d.take(d.uleb())
		end := uint64(addr) + uint64(len(data))
		if d.bad || end > limit {
			return nil, errModule
		}
		if end > uint64(len(image)) {
			image = append(image, make([]byte, end-uint64(len(image)))...)
		}
		copy(image[addr:], data)
	}
	if d.bad || len(image) == 0 {
		return nil, errModule
	}
	return image, nil
}

// segments is the data section of a memory image: a new segment begins only
// behind a page of zeros.
func segments(image []byte) []byte {
	const page = 4096
	var list []byte
	count := 0
	for at := 0; at < len(image); {
		if image[at] == 0 {
			at++
			continue
		}
		end, zeros := at, 0
		for i := at; i < len(image) && zeros < page; i++ {
			if image[i] == 0 {
				zeros++
			} else {
				end, zeros = i+1, 0
			}
		}
		list = append(list, 0, i32Const)
		list = appendSleb(list, int64(at))
		list = append(list, opEnd)
		list = binary.AppendUvarint(list, uint64(end-at))
		list = append(list, image[at:end]...)
		count++
		at = end
	}
	return append(binary.AppendUvarint(nil, uint64(count)), list...)
}

func appendSleb(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// reader reads a module's numbers; after an error it reads zeros.
type reader struct {
	b   []byte
	pos int
	bad bool
}

func (r *reader) byte() byte {
	if r.pos >= len(r.b) {
		r.bad = true
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

// uleb and sleb read LEB128 (WebAssembly core specification 5.2.2).
func (r *reader) uleb() (v uint64) {
	for s := 0; s < 64; s += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << s
		if c < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

func (r *reader) sleb() (v int64) {
	for s := 0; s < 64; s += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << s
		if c < 0x80 {
			if c&0x40 != 0 {
				v |= -1 << (s + 7)
			}
			return v
		}
	}
	r.bad = true
	return 0
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)-r.pos) {
		r.bad = true
		return nil
	}
	r.pos += int(n)
	return r.b[r.pos-int(n) : r.pos]
}

var errModule = errors.New("not a WebAssembly module that Go's linker wrote")

var le = binary.LittleEndian
