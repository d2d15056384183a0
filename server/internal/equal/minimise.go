package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"skep/vm/asm"
	"skep/vm/isa"
)

// write makes a difference small and writes it down: the program as assembly,
// and what was wrong.
func (o *options) write(r runner, engine string, c Case, d *Difference) error {
	small, text := minimise(r, c.Program, d)
	insns, err := isa.DecodeAll(small.Insns)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s, program %d, %s: %s\n", engine, small.N, d.Mode, d.Text)
	fmt.Fprintf(&b, "# made small: %s\n", text)
	fmt.Fprintf(&b, "# type %s, accepted %v, packet %x\n", small.Type, small.Accepted, small.Packet)
	for i := range small.Maps {
		fmt.Fprintf(&b, "# map %d: %+v\n", i, small.Maps[i])
	}
	for pc := 0; pc < len(insns); pc++ {
		b.Write(asm.AppendKernel(fmt.Appendf(nil, "%d: ", pc), insns, pc, nil))
		b.WriteByte('\n')
		if insns[pc].IsWide() {
			pc++
		}
	}
	fmt.Fprintf(&b, "# %x\n", small.Insns)
	name := filepath.Join(o.dir, fmt.Sprintf("differ-%s-%d.txt", engine, small.N))
	os.Stderr.Write(b.Bytes())
	return os.WriteFile(name, b.Bytes(), 0o644)
}

// nop stands for an instruction that does not matter: it keeps the slots where
// they are.
var nop = isa.EncodeAll([]isa.Insn{{Op: isa.ClassJMP | isa.JmpA}})

// minimise puts nops in the place of instructions as long as the engine
// differs in the same mode.
func minimise(r runner, p *Program, d *Difference) (*Program, string) {
	best, text := p, d.Text
	for changed := true; changed; {
		changed = false
		for at := len(best.Insns) - 8; at >= 0; at -= 8 {
			n := 8
			if in := isa.Decode(best.Insns[at:]); in.IsWide() {
				n = 16
			}
			if bytes.Equal(best.Insns[at:at+8], nop) || at+n > len(best.Insns) {
				continue
			}
			try := *best
			try.Insns = slices.Concat(best.Insns[:at], bytes.Repeat(nop, n/8), best.Insns[at+n:])
			if got := differsIn(r, &try, d.Mode); got != "" {
				best, text, changed = &try, got, true
			}
		}
	}
	return best, text
}

// differsIn is how the engine differs for p in a mode, "" for not at all. A
// program that stops being accepted loses the modes that need that.
func differsIn(r runner, p *Program, mode string) string {
	v, err := p.forVerifier()
	if err != nil || p.verify(v) != nil {
		return ""
	}
	want, err := interpret(p)
	if err != nil {
		return ""
	}
	differences, err := r.run([]Case{{p, want}})
	if err != nil {
		return ""
	}
	for _, d := range differences {
		if d.Mode == mode {
			return d.Text
		}
	}
	return ""
}
