// Package reactor makes a main package a module that a page, or wazero, asks
// with frames of package wasm/protocol: it holds the three exports that package
// wasm describes and their two buffers. All that is left to package main is
// whom to ask:
//
//	var server verdict.Server
//
//	func init() { reactor.Serve(server.Handle) }
//
//	func main() {} // a reactor's is never run
//
// A module that knows a few messages only has [Answer] and [Reply] for its
// Handle. They work natively, so it is tested without WebAssembly.
package reactor
