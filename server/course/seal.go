package course

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
)

// choice is what a seal of an option holds.
type choice struct {
	Right bool   `json:"right"`
	Why   string `json:"why"`
}

// seal makes v unreadable in a page's source; src/lab/seal.ts opens it, with
// the same word, once a student has answered.
//
// What it protects: who looks at the source of the page, or at what it
// received, sees no answers. What not: who runs the page's own code on it. No
// page that judges answers without a server can keep them from such a reader,
// a question of four options even less: they would try all four. What counts,
// programs with their hidden cases, is graded by the server.
func seal(word string, v any) string {
	b, _ := json.Marshal(v) // strings, numbers and booleans always marshal
	h := fnv.New32a()
	h.Write([]byte(word))
	s := h.Sum32()
	for i := range b {
		// The generator mulberry32, a byte a step.
		s += 0x6d2b79f5
		x := (s ^ s>>15) * (s | 1)
		x ^= x + (x^x>>7)*(x|61)
		b[i] ^= byte(x ^ x>>14)
	}
	return base64.StdEncoding.EncodeToString(b)
}
