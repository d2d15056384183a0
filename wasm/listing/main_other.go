//go:build !wasip1

package main

// main tells those who ran it what it is for.
func main() {
	println("listing: build with go run ./wasm/build -package ./wasm/listing -o FILE, see go doc skep/wasm/listing")
}
