// Command listing shows what machine code is made of a program, for the
// browser: a WebAssembly module that the page loads when the view of the
// machine code is opened:
//
//	go run ./wasm/build -package ./wasm/listing -o listing.wasm
//
// It is a reactor with the three exports of package wasm and frames of package
// wasm/protocol, of which it answers CodeHello, Compile and Disassemble. It has
// a verifier of its own, for the facts, and disassemblers for amd64, arm64 and
// WebAssembly.
//
// Read next: wasm/listing/machine, then web/src/machine/client.ts for the
// page's side.
package main
