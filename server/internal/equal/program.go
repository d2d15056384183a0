package main

import (
	"context"
	"errors"
	"fmt"

	"skep/jit"
	"skep/jit/ir"
	"skep/verifier"
	"skep/verifier/progen"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/compiled"
)

// kinds are what programs are generated as, by turns.
var kinds = [...]progen.Config{
	{},
	{Rich: true, Bad: 0.02},
	{Callbacks: true},
	{Snippets: 6},
	{Rich: true, Callbacks: true},
	{Bad: 0.1},
	{Unprivileged: true},
	{NoCalls: true, Snippets: 12},
}

// Program is a generated program, loadable anywhere.
type Program struct {
	N        int64 // its number: kind and seed follow
	Pure     bool  // what it does depends on nothing but its input
	Type     string
	Insns    []byte
	Maps     []maps.Spec // with what is in them at the start
	Funcs    []progen.Func
	Packet   []byte
	Accepted bool // by the verifier
	Facts    jit.Facts
}

// errLong is a program whose verification takes too long for what it is worth.
var errLong = errors.New("the verification takes too many instructions")

// errBroken is a program that no engine takes: an instruction is none, which the
// verifier does not see where no path leads, or writes to r10.
var errBroken = errors.New("it is not to be compiled")

// maxVerify is how many instructions a verification may take, about.
const maxVerify = 20 << 10

// brief is a context that ends when it has been asked often enough: the
// verifier asks once in 1,024 instructions.
type brief struct {
	context.Context
	left int
}

func (b *brief) Err() error {
	if b.left--; b.left < 0 {
		return errLong
	}
	return nil
}

// generate makes program n and has it verified.
func generate(n int64, pure bool) (*Program, error) {
	p := &Program{N: n, Pure: pure}
	cfg := p.config()
	cfg.Seed = n
	g := progen.New(cfg)
	p.Type, p.Insns, p.Funcs, p.Packet = g.Type, isa.EncodeAll(g.Insns), g.Funcs, g.Data
	if err := p.fill(g); err != nil {
		return nil, err
	}
	v, err := p.forVerifier()
	if err != nil {
		return nil, err
	}
	if err := p.verify(v); err != nil {
		return nil, err
	}
	if _, err := ir.Build(&ir.Program{Insns: v.Insns}, ir.Facts{}, ir.Options{}); err != nil {
		return nil, errBroken
	}
	return p, nil
}

// config is what the program was generated as.
func (p *Program) config() progen.Config {
	c := kinds[p.N%int64(len(kinds))]
	c.Harmless = p.Pure
	return c
}

// forVerifier is the program as a loader hands it to the verifier.
func (p *Program) forVerifier() (*verifier.Program, error) {
	typ, ok := hook.ByName(p.Type)
	if !ok {
		return nil, fmt.Errorf("there is no program type %q", p.Type)
	}
	insns, err := isa.DecodeAll(p.Insns)
	if err != nil {
		return nil, err
	}
	v := &verifier.Program{Type: typ, GPL: true, Insns: insns}
	for i := range p.Maps {
		s := &p.Maps[i]
		v.Maps = append(v.Maps, verifier.MapInfo{Name: s.Name, Type: s.Type, KeySize: s.KeySize, ValueSize: s.ValueSize, MaxEntries: s.MaxEntries})
	}
	if p.config().Callbacks {
		if v.BTF, v.FuncInfo, err = (&progen.Program{Funcs: p.Funcs}).Describe(); err != nil {
			return nil, err
		}
		v.FuncInfoSize = progen.FuncInfoSize
	}
	return v, nil
}

func (p *Program) verify(v *verifier.Program) error {
	cfg := verifier.Config{Facts: true, Context: &brief{context.Background(), maxVerify >> 10}}
	switch {
	case p.Pure: // neither addresses nor stack that was never written are seen
		cfg.Privilege = verifier.CapBPF
	case p.config().Unprivileged:
		cfg.Privilege = verifier.Unprivileged
	}
	res, err := verifier.Verify(v, cfg)
	if err != nil {
		return errLong
	}
	p.Accepted = res.Verdict == verifier.Accepted
	p.Facts = compiled.Facts(res.Facts)
	return nil
}

// machine makes a machine with the program, in span unless that is nil.
func (p *Program) machine(span []byte) (*vm.Machine, error) {
	typ, ok := hook.ByName(p.Type)
	if !ok {
		return nil, fmt.Errorf("there is no program type %q", p.Type)
	}
	insns, err := isa.DecodeAll(p.Insns)
	if err != nil {
		return nil, err
	}
	m, err := vm.New(vm.Config{Span: span, Maps: p.Maps, Seed: 1, NoHistory: true})
	if err != nil {
		return nil, err
	}
	_, err = m.Load(&vm.Program{Type: typ, License: "GPL", Insns: insns})
	return m, err
}

// input is what the program runs over.
func (p *Program) input() vm.Input { return vm.Input{Packet: p.Packet} }
