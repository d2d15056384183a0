//go:build !wasip1

package reactor

// Usage tells whoever ran a module's package natively what it is for: pkg is
// its folder.
func Usage(pkg string) {
	println(pkg + ": build it with go run ./wasm/build -package ./" + pkg + " -o FILE, see go doc skep/" + pkg)
}
