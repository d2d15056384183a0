// Command verify is the verifier for the browser, a second WebAssembly module
// that the page loads when there is something to verify:
//
//	go run ./wasm/build -package ./wasm/verify -o verify.wasm
//
// It is a reactor with the three exports of package wasm and frames of package
// wasm/protocol, of which it answers VerifyHello and Verify.
//
// Read next: wasm/verdict, then web/src/engine/verdict.ts for the page's side.
package main
