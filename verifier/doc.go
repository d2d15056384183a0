// Package verifier decides whether the kernel would accept a program, and says
// so in the kernel's words.
//
// It mirrors kernel/bpf/verifier.c of Linux 6.12 as Debian ships it: the same
// walk over all paths, the same ranges and pruning, and so the same verdict,
// errno, counters and log. A feature that it does not cover is a verdict of
// its own, never a guess.
//
//	res, err := verifier.Verify(&verifier.Program{
//		Type:  hook.XDP,
//		GPL:   true,
//		Insns: insns,
//	}, verifier.Config{LogLevel: verifier.LogLevel2 | verifier.LogStats})
//	if res.Verdict == verifier.Rejected {
//		print(res.Log)
//	}
//
// Read next: stages.go for the order of the checks, state.go for what is known
// at a point of a path, check.go for the walk, prune.go for when a path ends
// because another one covers it, facts.go for what a compiler may rely on.
package verifier
