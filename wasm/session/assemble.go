package session

import (
	"skep/vm/asm"
	vmsource "skep/vm/source"
	"skep/wasm/protocol"
)

// Assemble reads assembly text in whichever dialect it is written in, as Load
// does. With problems there is no result.
func Assemble(text string) (*asm.Result, []protocol.Problem) {
	res, _ := vmsource.Assemble(text)
	if len(res.Errors) > 0 {
		return nil, asmProblems(text, res.Errors)
	}
	return res, nil
}

// AsmProblems places errors of package asm.
func AsmProblems(text string, errs []asm.Error) []protocol.Problem { return asmProblems(text, errs) }

// ObjectProblem places an error of package object.
func ObjectProblem(err error) protocol.Problem { return objectProblem(err) }
