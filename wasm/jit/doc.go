// Command jit is the full-speed engine for the browser, a WebAssembly module
// that the page loads when a program is to run rather than to be stepped:
//
//	go run ./wasm/build -package ./wasm/jit -o jit.wasm
//
// It is a reactor with the three exports of package wasm and frames of package
// wasm/fullspeed. It compiles a program to a module, which the page links to
// this one's memory and to its exports skep_host and skep_reach: code and
// engine call each other without JavaScript in between.
//
// Read next: wasm/fullspeed, then web/src/jit/fullspeed.ts for the page's side.
package main
