// Package grading grades submissions of labs where it counts: on the server,
// and on a real kernel.
//
// Simulator runs labs/trial. Kernel loads the same submission into a sandbox
// VM, does the same trace with real operations and tells the same grade.Judge.
// What a kernel cannot show (which CPU, how many instructions ran) is skipped
// there, see grade.Blind.
package grading
