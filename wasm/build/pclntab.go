package main

import (
	"bytes"
	"errors"
	"slices"
)

// header is struct pcHeader of runtime/symtab.go: a magic number, and the
// places of the tables relative to it.
type header struct {
	at                                  int // where it is in memory
	nfunc                               int
	names, units, files, pcs, functions int
}

// magic is pcHeader's first eight bytes: Go 1.20's number, two zeros, the
// instruction size 1 and the pointer size 8 of wasm.
var magic = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

var errTables = errors.New("the tables of the runtime are not where Go 1.20 to 1.26 have them")

func findHeader(image []byte) (header, error) {
	at := -1
	for from := 0; ; {
		i := bytes.Index(image[from:], magic)
		if i < 0 {
			break
		}
		i += from
		if h := readHeader(image, i); h.valid(len(image)) {
			if at >= 0 {
				return header{}, errTables
			}
			at = i
		}
		from = i + 1
	}
	if at < 0 {
		return header{}, errTables
	}
	return readHeader(image, at), nil
}

func readHeader(image []byte, at int) header {
	if at+72 > len(image) {
		return header{}
	}
	word := func(i int) int { return int(le.Uint64(image[at+8+8*i:]) & 0xffffffff) }
	return header{at: at, nfunc: word(0), names: word(3), units: word(4), files: word(5), pcs: word(6), functions: word(7)}
}

// valid: the tables follow each other in the linker's order.
func (h header) valid(size int) bool {
	return h.nfunc > 0 && h.nfunc < 1<<20 && h.names >= 72 && h.names < h.units && h.units <= h.files && h.files < h.pcs &&
		h.pcs < h.functions && h.at+h.functions+8*h.nfunc < size
}

// Fields of struct _func (runtime/runtime2.go), byte offsets.
const (
	nameOff   = 4
	pcspOff   = 16
	pcfileOff = 20
	pclnOff   = 24
	npcdata   = 28
	cuOff     = 32
	lineOff   = 36
	funcSize  = 44
)

// unneeded are the PCDATA tables (internal/abi/symtab.go) that WebAssembly can
// do without: it has no asynchronous preemption, which asks for unsafe points,
// and inlining and live arguments are for tracebacks.
var unneeded = [4]bool{0: true, 2: true, 3: true} // UnsafePoint, InlTreeIndex, ArgLiveIndex

// clearTables clears lines, files and names of the pclntab in a memory image.
func clearTables(image []byte) error {
	h, err := findHeader(image)
	if err != nil {
		return err
	}
	names := image[h.at+h.names : h.at+h.units]
	files := image[h.at+h.files : h.at+h.pcs]
	units := image[h.at+h.units : h.at+h.files]
	pcs := image[h.at+h.pcs : h.at+h.functions]
	funcs := image[h.at+h.functions:]

	usedPC := make([]bool, len(pcs))
	usedName := make([]bool, len(names))
	for i := range h.nfunc {
		off := int(le.Uint32(funcs[8*i+4:]))
		if off+funcSize > len(funcs) {
			return errTables
		}
		f := funcs[off:]
		name := int(le.Uint32(f[nameOff:]))
		if name < 0 || name >= len(names) {
			return errTables
		}
		if n := bytes.IndexByte(names[name:], 0); n > 0 && slices.Contains(system, string(names[name:name+n])) {
			mark(usedName[name : name+n+1])
		} else {
			clear(f[nameOff : nameOff+4]) // "" is at 0
		}
		n := int(le.Uint32(f[npcdata:]))
		if n > 64 || off+funcSize+4*n > len(funcs) {
			return errTables
		}
		tables := []uint32{le.Uint32(f[pcspOff:])}
		for j := range n {
			at := f[funcSize+4*j:]
			if j < len(unneeded) && unneeded[j] {
				clear(at[:4])
				continue
			}
			tables = append(tables, le.Uint32(at))
		}
		for _, t := range tables {
			if err := markPCs(pcs, usedPC, t); err != nil {
				return err
			}
		}
		clear(f[pcfileOff : pclnOff+4]) // 0 is "no table": file and line unknown
		clear(f[cuOff : lineOff+4])
	}
	wipe(pcs, usedPC)
	wipe(names, usedName)
	clear(files)
	clear(units)
	return nil
}

// system are the functions that the runtime starts as goroutines of its own.
// It knows such a goroutine by the name of its function, which begins with
// "runtime." (isSystemGoroutine), and does not count it as the program's.
var system = []string{
	"runtime.forcegchelper", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcBgMarkWorker",
	"runtime.runFinalizers", "runtime.runCleanups", "runtime.runfinq",
}

func mark(used []bool) {
	for i := range used {
		used[i] = true
	}
}

// wipe clears the bytes that nobody uses.
func wipe(b []byte, used []bool) {
	for i := range b {
		if !used[i] {
			b[i] = 0
		}
	}
}

// markPCs marks the table of values by program counter at offset off of
// pctab: pairs of a value delta and a pc delta, ended by a value delta of 0
// that is not the first (runtime.step).
func markPCs(pcs []byte, used []bool, off uint32) error {
	if off == 0 {
		return nil
	}
	i := int(off)
	varint := func() (v uint32, ok bool) {
		for s := 0; s < 35; s += 7 {
			if i >= len(pcs) {
				return 0, false
			}
			c := pcs[i]
			used[i] = true
			i++
			v |= uint32(c&0x7f) << s
			if c < 0x80 {
				return v, true
			}
		}
		return 0, false
	}
	for first := true; ; first = false {
		v, ok := varint()
		if !ok {
			return errTables
		}
		if v == 0 && !first {
			return nil
		}
		if _, ok := varint(); !ok {
			return errTables
		}
	}
}
