//go:build wasip1

package main

import (
	"skep/wasm/link"
	"skep/wasm/reactor"
	"skep/wasm/runner"
)

var engine = runner.Engine{Page: link.Linker{}}

func init() { reactor.Serve(engine.Handle) }

// main is never run: the module is a reactor.
func main() {}
