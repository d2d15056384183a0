//go:build wasip1

package main

import (
	"skep/wasm/reactor"
	"skep/wasm/session"
)

var engine session.Engine

func init() { reactor.Serve(engine.Handle) }

// main is never run: the module is a reactor.
func main() {}
