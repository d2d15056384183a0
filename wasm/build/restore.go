package main

import (
	"bytes"
	"encoding/binary"
)

// Three of the runtime's tables follow from others: ftab and the entry of each
// struct _func count the functions, findfunctab has sixteen buckets for each
// function because WebAssembly's are 64 KiB of program counter apart. Numbers
// that count do not compress. fold replaces them by zeros and differences, and
// a function of fifty instructions in front of _initialize puts them back.

// folded is where the tables are and how much of them was folded: addresses
// in linear memory.
type folded struct {
	ftab    int // struct functab of each function: entry, offset of its _func
	funcs   int // what those offsets count from
	first   int // the first _func
	nfunc   int
	buckets int // findfunctab
	n       int // how many of its buckets hold a function's number, a sixteenth of their own
}

const (
	nfuncdata  = 43 // of struct _func
	bucketSize = 20 // struct findfuncbucket
	perFunc    = 16 // buckets for a function
)

// fold works on an image whose tables are cleared.
func fold(image []byte) (folded, error) {
	h, err := findHeader(image)
	if err != nil {
		return folded{}, err
	}
	at := h.at + h.functions
	f := folded{ftab: at, funcs: at, first: at + int(le.Uint32(image[at+4:])), nfunc: h.nfunc}
	if f.buckets = findBuckets(image, h); f.buckets < 0 {
		return folded{}, errTables
	}
	for f.n < perFunc*h.nfunc {
		b := image[f.buckets+bucketSize*f.n:]
		if len(b) < bucketSize || le.Uint32(b) != uint32(f.n/perFunc) {
			break
		}
		f.n++
	}
	whole := bytes.Clone(image)
	for i := range f.n {
		clear(image[f.buckets+bucketSize*i:][:4])
	}
	last := uint32(0)
	for i := range h.nfunc {
		row := image[f.ftab+8*i:]
		fn := image[f.funcs+int(le.Uint32(row[4:])):]
		entry := le.Uint32(fn)
		le.PutUint32(fn, entry-last)
		clear(row[:8])
		last = entry
	}
	again := bytes.Clone(image)
	f.unfold(again)
	if !bytes.Equal(whole, again) {
		return folded{}, errTables
	}
	return f, nil
}

// findBuckets is the address of findfunctab, which struct moduledata has
// behind the header and six slices; -1 when there is none.
func findBuckets(image []byte, h header) int {
	var want [16]byte
	le.PutUint64(want[:], uint64(h.at))
	le.PutUint64(want[8:], uint64(h.at+h.names))
	const field = 8 * (1 + 6*3)
	i := bytes.Index(image, want[:])
	if i < 0 || i+field+8 > len(image) {
		return -1
	}
	if at := le.Uint64(image[i+field:]); at < uint64(len(image)) {
		return int(at)
	}
	return -1
}

// unfold is what the module does at its start, here as the proof that it
// gives the same bytes.
func (f folded) unfold(image []byte) {
	e, at := uint32(0), f.first
	for i := range f.nfunc {
		if at+funcSize > len(image) {
			return
		}
		e += le.Uint32(image[at:])
		le.PutUint32(image[at:], e)
		le.PutUint32(image[f.ftab+8*i:], e)
		le.PutUint32(image[f.ftab+8*i+4:], uint32(at-f.funcs))
		at += (funcSize + 7 + 4*(int(le.Uint32(image[at+npcdata:]))+int(image[at+nfuncdata]))) &^ 7
	}
	for i := range f.n {
		le.PutUint32(image[f.buckets+bucketSize*i:], uint32(i/perFunc))
	}
}

// Opcodes of the function (WebAssembly core specification 5.4).
const (
	opLoop     = 0x03
	opBrIf     = 0x0d
	opCall     = 0x10
	localGet   = 0x20
	localSet   = 0x21
	localTee   = 0x22
	i32Load    = 0x28
	i32Load8U  = 0x2d
	i32Store   = 0x36
	i32LtU     = 0x49
	i32Add     = 0x6a
	i32Sub     = 0x6b
	i32And     = 0x71
	i32Shl     = 0x74
	i32ShrU    = 0x76
	blockEmpty = 0x40
	typeI32    = 0x7f
)

// body is the function: unfold, then call the function that was exported.
func (f folded) body(then uint64) []byte {
	const left, at, row, entry = 0, 1, 2, 3 // locals; the second loop has its bucket in row
	var b []byte
	op := func(code ...byte) { b = append(b, code...) }
	num := func(v int) { b = appendSleb(append(b, i32Const), int64(v)) }
	mem := func(code byte, off int) { b = binary.AppendUvarint(append(b, code, 0), uint64(off)) }

	op(1, 4, typeI32) // four locals
	num(f.nfunc)
	op(localSet, left)
	num(f.first)
	op(localSet, at)
	num(f.ftab)
	op(localSet, row)
	op(opLoop, blockEmpty)
	{
		op(localGet, at, localGet, at)
		mem(i32Load, 0)
		op(localGet, entry, i32Add, localTee, entry)
		mem(i32Store, 0)
		op(localGet, row, localGet, entry)
		mem(i32Store, 0)
		op(localGet, row, localGet, at)
		num(f.funcs)
		op(i32Sub)
		mem(i32Store, 4)
		op(localGet, row)
		num(8)
		op(i32Add, localSet, row)
		op(localGet, at, localGet, at)
		mem(i32Load, npcdata)
		op(localGet, at)
		mem(i32Load8U, nfuncdata)
		op(i32Add)
		num(2)
		op(i32Shl)
		num(funcSize + 7)
		op(i32Add)
		num(-8)
		op(i32And, i32Add, localSet, at)
		op(localGet, left)
		num(1)
		op(i32Sub, localTee, left, opBrIf, 0, opEnd)
	}
	num(f.buckets)
	op(localSet, row)
	op(opLoop, blockEmpty)
	{
		op(localGet, row, localGet, left)
		num(4)
		op(i32ShrU)
		mem(i32Store, 0)
		op(localGet, row)
		num(bucketSize)
		op(i32Add, localSet, row)
		op(localGet, left)
		num(1)
		op(i32Add, localTee, left)
		num(f.n)
		op(i32LtU, opBrIf, 0, opEnd)
	}
	op(opCall)
	b = binary.AppendUvarint(b, then)
	op(opEnd)
	return append(binary.AppendUvarint(nil, uint64(len(b))), b...)
}

// inFront adds the function to a module's sections and has it exported in
// place of _initialize, whose type it takes.
func (f folded) inFront(secs []section) error {
	imports, defined := uint64(0), uint64(0)
	var function, export, code *section
	for i := range secs {
		s := &secs[i]
		r := &reader{b: s.body}
		switch s.id {
		case importSection:
			if imports = r.uleb(); r.bad {
				return errModule
			}
		case functionSection:
			function, defined = s, r.uleb()
		case exportSection:
			export = s
		case codeSection:
			code = s
		}
	}
	if function == nil || export == nil || code == nil {
		return errModule
	}
	old, err := replaceExport(export, "_initialize", imports+defined)
	if err != nil {
		return err
	}
	types := &reader{b: function.body}
	types.uleb()
	typ := uint64(0)
	for range old - imports + 1 {
		typ = types.uleb()
	}
	if old < imports || types.bad {
		return errModule
	}
	appendTo(function, binary.AppendUvarint(nil, typ))
	appendTo(code, f.body(old))
	return nil
}

// replaceExport gives an exported function another number and returns the one
// that it had.
func replaceExport(s *section, name string, to uint64) (uint64, error) {
	r := &reader{b: s.body}
	for n := r.uleb(); n > 0 && !r.bad; n-- {
		found := string(r.take(r.uleb())) == name
		kind := r.byte()
		at := r.pos
		old := r.uleb()
		if found && kind == 0 && !r.bad {
			tail := s.body[r.pos:]
			s.body = append(binary.AppendUvarint(bytes.Clone(s.body[:at]), to), tail...)
			return old, nil
		}
	}
	return 0, errModule
}

// appendTo adds an element to a section that is a vector.
func appendTo(s *section, elem []byte) {
	r := &reader{b: s.body}
	n := r.uleb()
	s.body = append(append(binary.AppendUvarint(nil, n+1), s.body[r.pos:]...), elem...)
}
