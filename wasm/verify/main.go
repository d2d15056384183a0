//go:build wasip1

package main

import (
	"skep/wasm/reactor"
	"skep/wasm/verdict"
)

var server verdict.Server

func init() { reactor.Serve(server.Handle) }

// main is never run: the module is a reactor.
func main() {}
