//go:build wasip1

package main

import (
	"skep/verifier"
)

//go:wasmexport skep_call
func skepCall(n uint32) uint32 {
	r, _ := verifier.Verify(&verifier.Program{}, verifier.Config{LogLevel: 2})
	return uint32(len(r.Log))
}
func main() {}
