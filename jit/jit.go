// Package jit compiles eBPF programs.
//
//	code, err := jit.Compile(&jit.Program{Insns: insns}, jit.AMD64, jit.Facts{}, jit.Options{})
//	// code.Text is machine code, code.Notes says what was made of which instruction
//
// The targets: amd64 and arm64, run by package native, and WebAssembly, run by
// package portable on any engine for it. Package engine has both ways alike.
//
// What the code may assume of memory is in the facts: without any, each
// access is checked as the interpreter checks it, but for those to the frame
// and to what a lookup has just returned, which the compiler knows by itself;
// with a program that the verifier accepted, none is. Either way no access can leave the
// arena's reserved span: see packages amd64 and arm64, and Target of package wasm.
//
// Read next: package ir for the passes, amd64, arm64 and wasm for the code,
// native and portable for running it.
package jit

import (
	"skep/jit/amd64"
	"skep/jit/arm64"
	"skep/jit/contract"
	"skep/jit/ir"
	"skep/jit/wasm"
)

// The input and the notes are those of package ir.
type (
	Program = ir.Program
	Const   = ir.Const
	Map     = ir.Map
	Array   = ir.Array
	Hash    = ir.Hash
	Key     = ir.Key

	HashLayout = ir.HashLayout
	Facts      = ir.Facts
	Options    = ir.Options
	Note       = ir.Note
	NoteKind   = ir.NoteKind
	Error      = ir.Error
)

// Kinds of notes.
const (
	NoteFusion  = ir.NoteFusion
	NoteDropped = ir.NoteDropped
	NoteInline  = ir.NoteInline
	NoteHost    = ir.NoteHost
)

// Arch is an architecture that code is made for.
type Arch uint8

const (
	AMD64 Arch = 1 + iota
	WASM
	ARM64
)

var archNames = [...]string{"unknown", "amd64", "wasm", "arm64"}

func (a Arch) String() string {
	if int(a) < len(archNames) {
		return archNames[a]
	}
	return archNames[0]
}

// Target is an architecture, what its processor has and where its memory is.
type Target struct {
	Arch  Arch
	AMD64 amd64.Features
	ARM64 arm64.Features
	WASM  wasm.Target
}

// Code is a compiled program.
type Code struct {
	Target Target
	Text   []byte // machine code, or a module
	// Offset is where the code of each slot begins in Text; -1 for a slot that
	// has none of its own: the second half of a wide instruction, an
	// instruction that a fusion covered.
	Offset []int32
	Notes  []Note

	Native   *contract.Code // what package native needs of code for a processor
	Portable *wasm.Code     // what package portable needs of code for WebAssembly
}

// Compile makes code of a program. The error is an *Error.
func Compile(p *Program, t Target, f Facts, o Options) (*Code, error) {
	u, err := ir.Build(p, f, o)
	if err != nil {
		return nil, err
	}
	c := &Code{Target: t, Notes: u.Notes, Offset: make([]int32, len(p.Insns))}
	var offset []int32 // by op
	switch t.Arch {
	case AMD64:
		c.Native, err = amd64.Lower(u, t.AMD64)
	case ARM64:
		c.Native, err = arm64.Lower(u, t.ARM64)
	case WASM:
		c.Portable, err = wasm.Lower(u, t.WASM)
		if err == nil {
			c.Text, offset = c.Portable.Text, c.Portable.Offset
		}
	default:
		err = &Error{Slot: -1, Msg: "no code generator for " + t.Arch.String()}
	}
	if t.Arch != WASM {
		defer u.Release()
	}
	if err != nil {
		return nil, err
	}
	if c.Native != nil {
		c.Text, offset = c.Native.Text, c.Native.Offset
	}
	for slot, op := range u.Dense {
		c.Offset[slot] = -1
		if op >= 0 {
			c.Offset[slot] = offset[op]
		}
	}
	return c, nil
}
