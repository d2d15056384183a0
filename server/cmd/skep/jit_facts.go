package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"skep/jit"
	"skep/verifier"
	"skep/wasm/compiled"
)

// factsVerify is the value of --facts that asks the verifier.
const factsVerify = "verify"

const factsHelp = "leave out the checks that are proved needless: a `FILE` that skep verify -facts has written, or the word verify for what the verifier proves now"

// factsFile is a file of facts: the fields of verifier.Facts, by the slots of
// instructions. What is not there is not known.
type factsFile struct {
	Accepted bool       `json:"accepted"`           // no access is checked but those below
	Checked  []int      `json:"checked,omitempty"`  // accesses that are checked all the same
	NonZero  []int      `json:"non_zero,omitempty"` // divisions whose divisor is not zero
	Narrow   []int      `json:"narrow,omitempty"`   // unsigned 64-bit divisions of 32-bit numbers
	Always   []int      `json:"always,omitempty"`   // conditional jumps that are always taken
	Never    []int      `json:"never,omitempty"`    // and that never are
	Dead     []int      `json:"dead,omitempty"`     // instructions that nothing leads to
	Keys     []factsKey `json:"keys,omitempty"`     // lookups in arrays by a constant
	Index    []int      `json:"index,omitempty"`    // lookups in arrays by an index that is there
	Alone    bool       `json:"alone"`              // no function of the program makes a tail call
}

type factsKey struct {
	Slot int    `json:"slot"`
	Key  uint32 `json:"key"`
}

// factsOf is the file of what was proved: nothing of a refused program.
func factsOf(f *verifier.Facts) *factsFile {
	if f == nil {
		return new(factsFile)
	}
	out := &factsFile{
		Accepted: true, Checked: f.Checked, NonZero: f.NonZero, Narrow: f.Narrow,
		Always: f.Always, Never: f.Never, Dead: f.Dead, Index: f.Index, Alone: f.Alone,
	}
	for _, k := range f.Keys {
		out.Keys = append(out.Keys, factsKey(k))
	}
	return out
}

// compiler is the file as the compiler takes it.
func (f *factsFile) compiler() (jit.Facts, error) {
	v := &verifier.Facts{
		Checked: f.Checked, NonZero: f.NonZero, Narrow: f.Narrow,
		Always: f.Always, Never: f.Never, Dead: f.Dead, Index: f.Index, Alone: f.Alone,
	}
	for _, list := range [...][]int{v.Checked, v.NonZero, v.Narrow, v.Always, v.Never, v.Dead, v.Index} {
		slices.Sort(list)
	}
	for _, slot := range v.Always {
		if slices.Contains(v.Never, slot) {
			return jit.Facts{}, fmt.Errorf("the jump at instruction %d is both always and never taken", slot)
		}
	}
	for _, k := range f.Keys {
		v.Keys = append(v.Keys, verifier.ConstKey(k))
	}
	slices.SortFunc(v.Keys, func(a, b verifier.ConstKey) int { return a.Slot - b.Slot })
	out := compiled.Facts(v)
	out.Accepted = f.Accepted
	return out, nil
}

func readFacts(name string, b []byte) (jit.Facts, error) {
	var f factsFile
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	var out jit.Facts
	if err == nil {
		out, err = f.compiler()
	}
	if err != nil {
		return jit.Facts{}, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

func writeFacts(name string, f *verifier.Facts) error {
	return os.WriteFile(name, marshal(factsOf(f)), 0o644)
}

// facts is what --facts says of a program: nothing for "", what the verifier
// proves for the word verify, else what is in a file. Of a program that the
// verifier refuses nothing is known, which is told. They hold on a machine of at
// most that many CPUs.
func (sh *shell) facts(verb, flag string, p *verifier.Program, cpus int) (jit.Facts, error) {
	switch flag {
	case "":
		return jit.Facts{}, nil
	case factsVerify:
		res, err := verifier.Verify(p, verifier.Config{KernelBTF: kernelBTF(), Facts: true, CPUs: cpus})
		if err != nil {
			return jit.Facts{}, err
		}
		if res.Facts == nil {
			fmt.Fprintf(sh.err, "skep %s: the verifier does not accept it, so that every check stays: %s%s\n", verb, res.Message, res.Feature)
		}
		return compiled.Facts(res.Facts), nil
	}
	b, err := sh.read(flag)
	if err != nil {
		return jit.Facts{}, err
	}
	return readFacts(flag, b)
}

var errFactsOfOne = errors.New("-facts writes what is proved of one program: name it with -prog")
