// Package grade reads the grade block of a lab and judges what a program did.
//
//	spec, errs := grade.Parse(block)
//	j := spec.Begin()
//	j.Verdict(verdict)      // once for each verification
//	j.Event(event, maps)    // after each event of the trace
//	report := j.End(final)  // a finding a rule, with what was expected and got
//
// The same rules judge a run in the simulator and one on a real kernel: both
// fill in an Outcome's parts, and only the filler knows which world it was.
// There is one evaluator, so the two graders cannot disagree about what a rule
// means, only about what happened.
//
// The block has a rule a line:
//
//	verify: accept
//	verify: reject class=null-deref line~="v->"
//	counts[u32 1000] == 4                  weight=3
//	after 2: len(counts) == 1
//	never: counts[*] > events(exec)
//	race: lost_updates(counts) == 0
//	limit: insns_processed < 200           weight=0 badge=lean
//	hidden: exec uid=65534 => counts[u32 65534] == 1
//
// Nothing here allocates by the size a submission chooses: outcomes are
// bounded by who fills them in.
//
// Read next: spec.go for rules, expr.go for what they may say, judge.go.
package grade
