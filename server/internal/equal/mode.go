package main

import (
	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/arm64"
)

// mode is a way to compile.
type mode struct {
	name    string
	facts   bool // with the verifier's: accepted programs only
	options jit.Options
	plain   bool // as for a processor without BMI2 or LSE
}

// modes of native code. A program is compiled in one of those with checks and,
// when it is accepted, in one of those without.
var nativeModes = []mode{
	{name: "safe"},
	{name: "safe, blinded", options: jit.Options{Blind: 1}},
	{name: "safe, unfused", options: jit.Options{NoFusion: true, NoInline: true}},
	{name: "safe, old processor", plain: true},
	{name: "facts", facts: true},
	{name: "facts, blinded", facts: true, options: jit.Options{Blind: 1}},
	{name: "facts, unfused", facts: true, options: jit.Options{NoFusion: true, NoInline: true}},
	{name: "facts, old processor", facts: true, plain: true},
}

// modes of WebAssembly.
var wasmModes = []mode{
	{name: "safe"},
	{name: "safe, unfused", options: jit.Options{NoFusion: true, NoInline: true}},
	{name: "facts", facts: true},
	{name: "facts, unfused", facts: true, options: jit.Options{NoFusion: true, NoInline: true}},
}

// modes of the module that the page has.
var pageModes = []mode{{name: "safe"}, {name: "facts", facts: true}}

// modesOf are the modes in which program p is run: every mode has its turn.
func modesOf(all []mode, p *Program) []*mode {
	var out []*mode
	for _, facts := range [...]bool{false, true} {
		var of []*mode
		for i := range all {
			if all[i].facts == facts {
				of = append(of, &all[i])
			}
		}
		if !facts || p.Accepted {
			out = append(out, of[p.N/int64(len(kinds))%int64(len(of))])
		}
	}
	return out
}

func (m *mode) target(t jit.Target) jit.Target {
	if m.plain {
		t.AMD64, t.ARM64 = amd64.Features{}, arm64.Features{}
	}
	return t
}
