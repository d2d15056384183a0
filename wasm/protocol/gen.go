//go:build ignore

// Command gen writes zmsg.go and web/src/engine/zprotocol.ts from the tables
// of wasm/protocol/schema.
package main

import (
	"go/format"
	"log"
	"os"

	"skep/wasm/protocol/schema"
)

func main() {
	if mistake := schema.Check(); mistake != "" {
		log.Fatal(mistake)
	}
	text, err := format.Source(schema.Go())
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("zmsg.go", text, 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("../../web/src/engine/zprotocol.ts", schema.TypeScript(), 0o644); err != nil {
		log.Fatal(err)
	}
}
