// Command grade is the grader for the browser and for the server: machine,
// verifier and simulated world in one WebAssembly module that is loaded by the
// pages of labs, and by wazero where a grade counts:
//
//	go run ./wasm/build -package ./wasm/grade -o grade.wasm
//
// It is a reactor with the three exports of package wasm and frames of package
// wasm/protocol, of which it answers GradeHello, Grade and Predict.
//
// Read next: wasm/grader.
package main
