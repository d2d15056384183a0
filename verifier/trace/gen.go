//go:build ignore

// Command gen writes zrecord.go and web/src/trace/zrecord.ts from the tables
// of verifier/trace/schema.
package main

import (
	"go/format"
	"log"
	"os"

	"skep/verifier/trace/schema"
)

func main() {
	if mistake := schema.Check(); mistake != "" {
		log.Fatal(mistake)
	}
	for file, text := range map[string][]byte{"zrecord.go": schema.Go(), "../ztrace.go": schema.Engine()} {
		text, err := format.Source(text)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	if err := os.WriteFile("../../web/src/trace/zrecord.ts", schema.TypeScript(), 0o644); err != nil {
		log.Fatal(err)
	}
}
