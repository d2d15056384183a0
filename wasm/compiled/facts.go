package compiled

import (
	"skep/jit"
	"skep/verifier"
)

// Facts is what the verifier has proved, for the compiler: nothing when f is
// nil, as of a program that was not accepted.
func Facts(f *verifier.Facts) jit.Facts {
	if f == nil {
		return jit.Facts{}
	}
	out := jit.Facts{
		Accepted: true, Checked: f.Checked, NonZero: f.NonZero, Narrow: f.Narrow,
		Always: f.Always, Never: f.Never, Dead: f.Dead, Alone: f.Alone,
	}
	for _, k := range f.Keys {
		out.Keys = append(out.Keys, jit.Key(k))
	}
	return out
}
