//go:build !wasip1

package main

// main tells those who ran it what it is for.
func main() {
	println("grade: build with go run ./wasm/build -package ./wasm/grade -o FILE, see go doc skep/wasm/grade")
}
