//go:build wasip1

package main

import (
	"skep/jit/portable"
	"skep/wasm/fullspeed"
	"skep/wasm/link"
	"skep/wasm/reactor"
)

// The context of the code stays where it is for good: the code knows its
// address.
var (
	context portable.Context
	engine  = fullspeed.Engine{Linker: link.Linker{}, Context: &context}
)

func init() { reactor.Serve(engine.Handle) }

// main is never run: the module is a reactor.
func main() {}
