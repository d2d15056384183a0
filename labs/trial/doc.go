// Package trial tries a submission on an exercise in the simulator: it
// verifies the programs, runs the exercise's trace over them and lets the
// grade block judge. Page and server do it with the same code.
//
//	res := trial.Run(trial.Submission{Text: asm}, trial.Exercise{Trace: ex.Trace, Grade: ex.Grade})
//	res.Report.Passed()
//
// A real kernel's outcome goes through the same grade.Judge; what differs is
// only who tells it what happened.
//
// Read next: submission.go, then run.go.
package trial
