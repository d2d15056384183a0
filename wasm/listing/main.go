//go:build wasip1

package main

import (
	"skep/wasm/listing/machine"
	"skep/wasm/reactor"
)

var server machine.Server

func init() { reactor.Serve(server.Handle) }

// main is never run: the module is a reactor.
func main() {}
