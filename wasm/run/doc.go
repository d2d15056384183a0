// Command run is the engine with its compiler, a module that the page loads
// when a program is first to run at full speed:
//
//	go run ./wasm/build -package ./wasm/run -o run.wasm
//
// It is a reactor with the three exports of package wasm, and those of package
// link. It answers everything that engine.wasm does, so that what a run left is
// looked at like what a step left.
//
// Read next: wasm/runner, then web/src/jit/run.ts for the page's side.
package main
