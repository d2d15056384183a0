// Command wasm is the engine for the browser: the virtual machine, assembler,
// object reader and packet tools in one WebAssembly module, with three exports.
//
//	go run ./wasm/build -o web/dist/engine.wasm
//
// The result is a reactor: whoever instantiates it calls _initialize once and
// then, for each request,
//
//	at := skep_request(n)   // room for n bytes in linear memory
//	n  := skep_call(n)      // answers the frame that was put there
//	at := skep_reply()      // n bytes of reply, valid until the next call
//
// The frames are those of package wasm/protocol. It imports ten functions of
// wasi_snapshot_preview1 (web/src/engine/wasi.ts has them in 80 lines) and
// nothing else: no files, no network, no clock that a program could see.
//
// # Why a reactor and not GOOS=js
//
// The call costs the same, the file is a seventh smaller, and the very same
// bytes load in wazero: TestSameModuleInWazero runs the conformance suite
// through them on the server's side.
//
// # Why slices
//
// V8 compiles a WebAssembly function to its best tier only between calls of
// it, and a Worker that is inside the module cannot hear a pause button. So a
// request for a long movement carries a number of instructions after which it
// answers with progress; the page asks for the next slice. Between slices, and
// every few thousand instructions inside of them, the garbage collector gets
// its turn.
//
// # Size
//
// The engine's budget is 0.8 MB after brotli, of which the Go run time takes
// 0.42. No package here may import fmt, encoding/json, reflect, regexp, debug/*
// or text/template (tests hold it), and wasm/build turns inlining off outside
// the interpreter and clears the tables that only tracebacks use.
//
// Read next: wasm/reactor (the exports), wasm/session, then web/src/engine/api.ts for the page's side.
package main
