//go:build !wasip1

package main

// main tells those who ran it what it is for.
func main() {
	println("wasm: build with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared, see go doc skep/wasm")
}
