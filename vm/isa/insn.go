// Package isa is the eBPF instruction set, once: a table with a row for each
// instruction form of RFC 9669 and of Linux, and the 8-byte encoding.
//
// Assembler, disassembler, interpreter, verifier, the JITs and the reference
// page all range over [Table]; a test in each of them fails when it lacks a
// row. Adding an instruction is one row here, and then red tests that say
// where work is left.
//
//	insn := isa.Decode([]byte{0xb7, 0, 0, 0, 42, 0, 0, 0})
//	row := isa.Lookup(insn) // row.Name == "mov", row.Kind == isa.KindMov64Imm
//
// Read next: table.go, then vm/asm for the texts of an instruction.
package isa

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// Size is the length of one instruction slot in bytes. A wide instruction
// (lddw) takes two slots.
const Size = 8

// Registers. R10 is the read-only frame pointer.
const (
	R0 = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10

	NumRegs = 11
)

// Insn is one 8-byte slot of a program (RFC 9669 section 3.1).
//
//	opcode:8  dst:4 src:4  offset:16 (signed)  imm:32 (signed)
//
// The second slot of a wide instruction holds the high half of its 64-bit
// immediate in Imm and zero everywhere else.
type Insn struct {
	Op       uint8
	Dst, Src uint8 // 0..15 in the encoding; legal are 0..10
	Off      int16
	Imm      int32
}

// Decode reads the slot in b[:8], little endian. It panics when b is shorter.
func Decode(b []byte) Insn {
	_ = b[7]
	return Insn{
		Op:  b[0],
		Dst: b[1] & 0x0f,
		Src: b[1] >> 4,
		Off: int16(binary.LittleEndian.Uint16(b[2:])),
		Imm: int32(binary.LittleEndian.Uint32(b[4:])),
	}
}

// Append appends the slot's eight bytes to b, little endian.
func (i Insn) Append(b []byte) []byte {
	b = append(b, i.Op, i.Dst&0x0f|i.Src<<4)
	b = binary.LittleEndian.AppendUint16(b, uint16(i.Off))
	return binary.LittleEndian.AppendUint32(b, uint32(i.Imm))
}

// ErrLength is returned by DecodeAll for a length that is no multiple of 8.
var ErrLength = errors.New("program length is not a multiple of 8 bytes")

// DecodeAll reads a whole program of len(b)/8 slots. It checks only the
// length: what the slots mean is the business of [Lookup].
func DecodeAll(b []byte) ([]Insn, error) {
	if len(b)%Size != 0 {
		return nil, &LengthError{Len: len(b)}
	}
	insns := make([]Insn, len(b)/Size)
	for i := range insns {
		insns[i] = Decode(b[i*Size:])
	}
	return insns, nil
}

// LengthError says how many bytes a truncated program has. It unwraps to
// [ErrLength].
type LengthError struct{ Len int }

func (e *LengthError) Error() string {
	return ErrLength.Error() + ": " + strconv.Itoa(e.Len) + " bytes, the last instruction has " +
		strconv.Itoa(e.Len%Size) + " of 8"
}

func (e *LengthError) Unwrap() error { return ErrLength }

// EncodeAll is the inverse of [DecodeAll].
func EncodeAll(insns []Insn) []byte {
	b := make([]byte, 0, len(insns)*Size)
	for _, i := range insns {
		b = i.Append(b)
	}
	return b
}

// Imm64 joins the immediates of the two slots of a wide instruction.
func Imm64(lo, hi Insn) uint64 { return uint64(uint32(hi.Imm))<<32 | uint64(uint32(lo.Imm)) }

// Wide makes the two slots of an lddw with the given pseudo source.
func Wide(dst, pseudo uint8, v uint64) [2]Insn {
	return [2]Insn{
		{Op: ClassLD | ModeImm | SizeDW, Dst: dst, Src: pseudo, Imm: int32(uint32(v))},
		{Imm: int32(uint32(v >> 32))},
	}
}

// IsWide reports whether the instruction takes two slots.
func (i Insn) IsWide() bool { return i.Op == ClassLD|ModeImm|SizeDW }

// Class is the low three bits of the opcode.
func (i Insn) Class() uint8 { return i.Op & 0x07 }

// Width is the size field of a load or store opcode: SizeW, SizeH, SizeB or
// SizeDW. [Insn.Bytes] is the same in bytes.
func (i Insn) Width() uint8 { return i.Op & 0x18 }

// Mode is the mode field of a load or store opcode.
func (i Insn) Mode() uint8 { return i.Op & 0xe0 }

// ALUOp is the operation field of an arithmetic opcode.
func (i Insn) ALUOp() uint8 { return i.Op & 0xf0 }

// JmpOp is the operation field of a jump opcode.
func (i Insn) JmpOp() uint8 { return i.Op & 0xf0 }

// Source is SrcK or SrcX for arithmetic and jumps.
func (i Insn) Source() uint8 { return i.Op & 0x08 }

// Bytes is how many bytes a load or store touches: 1, 2, 4 or 8.
func (i Insn) Bytes() int {
	switch i.Width() {
	case SizeB:
		return 1
	case SizeH:
		return 2
	case SizeW:
		return 4
	}
	return 8
}
