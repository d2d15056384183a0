// Package disasm names machine instructions: those that the compilers of
// package jit emit, and those of the kernel's.
//
//	in := disasm.AMD64(code, 0x40) // code lies at offset 0x40
//	// in.Text is "jae 0x15c", in.Size 6, in.To 0x15c
//
// amd64 is in Intel's syntax as objdump and llvm-objdump write it, arm64 in
// GNU's, WebAssembly in the words of its text format.
package disasm

import (
	"encoding/binary"
	"strconv"

	"skep/jit/wasm"
)

// Insn is an instruction of a machine.
type Insn struct {
	Text string
	Size int // bytes, at least 1
	To   int // offset that a jump or call leads to, -1 for none
}

// WASM is the first instruction of code, which is not empty.
func WASM(code []byte) Insn {
	text, n := wasm.Text(code)
	if n == 0 {
		return unknown(code)
	}
	return Insn{text, n, -1}
}

// unknown is a byte that no instruction begins with.
func unknown(code []byte) Insn { return Insn{".byte 0x" + hex(uint64(code[0])), 1, -1} }

func hex(v uint64) string { return strconv.FormatUint(v, 16) }

// number is a constant: small ones as people write them, others hexadecimal.
func number(v int64) string {
	switch {
	case v >= 0:
		return natural(uint64(v))
	case v > -10:
		return strconv.FormatInt(v, 10)
	}
	return "-0x" + hex(-uint64(v))
}

func natural(v uint64) string {
	if v < 10 {
		return strconv.FormatUint(v, 10)
	}
	return "0x" + hex(v)
}

func word(code []byte) uint32 { return binary.LittleEndian.Uint32(code) }
