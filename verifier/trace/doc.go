// Package trace keeps a verification step by step, in a compact form from
// which any state is rebuilt without verifying again.
//
//	rec := trace.NewRecorder(prog, 0)
//	cfg.Tracer = rec
//	res, err := verifier.Verify(prog, cfg)
//	b := rec.Bytes(trace.Describe("prog", prog, &cfg, nil), res, names)
//	t, err := trace.Parse(b)
//	s := t.After(t.Steps() - 1) // the state that the last step left
//
// # Steps and paths
//
// A step is an arrival at an instruction: there are as many as the kernel
// counts processed instructions. It may be checked, pruned (a checkpoint covers
// its state: the path ends) or stopped (a limit, an endless loop). A path is a
// stretch of steps that is walked at once; all paths make a tree, in which a
// step queues others that are walked later. The steps that lead to a point are
// those of its path and of each ancestor up to the step that queued the next:
// [Trace.Chain].
//
// # States and reasons
//
// Each step holds what it changed, by place, with the reason and the places
// that the new content came from: following them leads across spills, calls
// and registers that share an id to where a value was born. The first step of
// a path holds what the step that queued it changed for it, as Arrived.
//
// # Size
//
// A step takes 16 to 25 bytes on average. Every 256 steps there is a whole
// state, so that going to any step reads a chunk of that many at most. A
// recorder bounds what it keeps: of a longer walk the middle is forgotten, but
// never paths and counters.
//
// The wire form is described once, in package schema, for this reader and the
// page's (web/src/trace).
//
// Read next: schema/table.go (the records), recorder.go, why.go (reasons),
// follow.go (a run inside the tree).
package trace
