package verifier

import "testing"

// TraceProgram is a program of the corpus for the tests of package trace,
// which cannot be imported here.
type TraceProgram struct {
	ID, Level, Log  string // the kernel's
	Program         *Program
	Config          Config
	Processed, Kept int
}

// EachCorpus calls f for each program of the corpus.
func EachCorpus(t testing.TB, f func(*TraceProgram)) {
	c := loadCorpus(t)
	for _, r := range c.records {
		p, err := c.program(r)
		if err != nil {
			t.Fatal(err)
		}
		tp := &TraceProgram{ID: r.ID, Level: r.Level, Log: r.Kernel.Log, Program: p, Config: Config{LogLevel: r.LogLevel, LogMax: 256 << 20, KernelBTF: kernelBTF()}, Processed: r.Kernel.InsnsProcessed, Kept: r.Kernel.TotalStates}
		if !r.privileged() {
			tp.Config.Privilege = Unprivileged
		}
		f(tp)
	}
}

// MaskedLog is a log without what says nothing about the program.
func MaskedLog(s string) string { return masked(s) }
