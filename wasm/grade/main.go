//go:build wasip1

package main

import (
	"skep/wasm/grader"
	"skep/wasm/reactor"
)

func init() { reactor.Serve(grader.Handle) }

// main is never run: the module is a reactor.
func main() {}
