// Package jit compiles eBPF programs.
//
//	code, err := jit.Compile(&jit.Program{Insns: insns}, jit.AMD64, jit.Facts{}, jit.Options{})
//	// code.Text is machine code, code.Notes says what was made of which instruction
//
// What the code may assume of memory is in the facts: without any, each
// access is checked as the interpreter checks it; with a program that the
// verifier accepted, none is. Either way no access can leave the arena's
// reserved span: see package amd64.
//
// Read next: package ir for the passes, amd64 for the code, native for running
// it.
package jit

import (
	"skep/jit/amd64"
	"skep/jit/ir"
)

// The input and the notes are those of package ir.
type (
	Program  = ir.Program
	Const    = ir.Const
	Array    = ir.Array
	Facts    = ir.Facts
	Options  = ir.Options
	Note     = ir.Note
	NoteKind = ir.NoteKind
	Error    = ir.Error
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
)

func (a Arch) String() string {
	if a == AMD64 {
		return "amd64"
	}
	return "unknown"
}

// Target is an architecture and what its processor has.
type Target struct {
	Arch  Arch
	AMD64 amd64.Features
}

// Code is a compiled program.
type Code struct {
	Target Target
	Text   []byte // machine code
	// Offset is where the code of each slot begins in Text; -1 for a slot that
	// has none of its own: the second half of a wide instruction, an
	// instruction that a fusion covered.
	Offset []int32
	Notes  []Note

	Native *amd64.Code // what package native needs of code for amd64
}

// Compile makes code of a program. The error is an *Error.
func Compile(p *Program, t Target, f Facts, o Options) (*Code, error) {
	u, err := ir.Build(p, f, o)
	if err != nil {
		return nil, err
	}
	if t.Arch != AMD64 {
		return nil, &Error{Slot: -1, Msg: "no code generator for " + t.Arch.String()}
	}
	n, err := amd64.Lower(u, t.AMD64)
	if err != nil {
		return nil, err
	}
	c := &Code{Target: t, Text: n.Text, Notes: n.Notes, Native: n, Offset: make([]int32, len(p.Insns))}
	for slot, op := range n.Dense {
		c.Offset[slot] = -1
		if op >= 0 {
			c.Offset[slot] = n.Offset[op]
		}
	}
	return c, nil
}
