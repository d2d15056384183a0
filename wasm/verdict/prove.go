package verdict

import (
	"slices"

	"skep/verifier"
	"skep/vm/maps"
	"skep/wasm/proof"
	"skep/wasm/protocol"
)

// Prove verifies a program for a compiler. Without facts the program is not
// accepted, or nothing can be said of it.
func Prove(q *protocol.Prove) *protocol.Proved {
	l, cfg, v := prepare(q.Source, q.Program, &q.Options)
	if v != nil {
		return &protocol.Proved{}
	}
	cpus := min(max(q.CPUs, 1), 1<<16)
	cfg.Facts, cfg.CPUs, cfg.LogLevel = true, int(cpus), 0
	res, err := verifier.Verify(l.Program, *cfg)
	if err != nil || res.Verdict != verifier.Accepted || res.Facts == nil {
		return &protocol.Proved{}
	}
	f := proof.Pack(res.Facts, l.Program.Insns, cpus)
	// Whoever shares a map of programs may tail call it from a function.
	if slices.ContainsFunc(l.Program.Maps, func(m verifier.MapInfo) bool { return m.Type == maps.ProgArray }) {
		f.Alone = false
	}
	return &protocol.Proved{Facts: f}
}
