//go:build !wasip1

package main

import "skep/wasm/reactor"

func main() { reactor.Usage("wasm") }
