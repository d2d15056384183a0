//go:build !wasip1

package main

// main tells those who ran it what it is for.
func main() {
	println("run: build with go run ./wasm/build -package ./wasm/run -o FILE, see go doc skep/wasm/run")
}
