package machine

import (
	"strconv"

	"skep/jit/ir"
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/isa"
)

// known listens to a verification for what let the compiler leave out a check:
// what the register was known to be that an access is made through, or that
// divides.
type known struct {
	insns   []isa.Insn
	printer *verifier.Printer
	facts   []fact // by slot
}

// fact is what was known at an instruction.
type fact struct {
	reg   verifier.RegState // where it was first come to
	text  string
	other bool // on another path something else was known
}

func newKnown(p *verifier.Program, kernel *btf.Spec) *known {
	return &known{
		insns: p.Insns, facts: make([]fact, len(p.Insns)),
		printer: verifier.NewPrinter(p.Maps, func(handle, id uint32) string { return verifier.TypeName(p, kernel, handle, id) }),
	}
}

// Trace is called for each step of the verification.
func (k *known) Trace(e *verifier.Event) {
	if e.Kind != verifier.EventStep || e.Insn >= len(k.insns) || e.State.Speculative() {
		return
	}
	n := subject(k.insns[e.Insn])
	if n < 0 {
		return
	}
	f := &k.facts[e.Insn]
	frames := e.State.Frames()
	r := &frames[len(frames)-1].Regs[n]
	switch {
	case f.text == "":
		f.reg = *r
		f.text = "R" + strconv.Itoa(n) + "=" + k.printer.Value(len(frames)-1, r)
	case !f.other:
		f.other = !f.reg.SameValue(r)
	}
}

// at is what was known at a slot, in the words of the log; "" for nothing.
func (k *known) at(slot int) string {
	if k == nil || slot < 0 || slot >= len(k.facts) {
		return ""
	}
	f := &k.facts[slot]
	if f.other {
		return f.text + " on one path, enough on the others too"
	}
	return f.text
}

// subject is the register that the proof of an instruction's safety is about;
// -1 for instructions without a check.
func subject(in isa.Insn) int {
	switch in.Op & 7 {
	case isa.ClassLDX:
		return int(in.Src)
	case isa.ClassST, isa.ClassSTX:
		return int(in.Dst)
	}
	row := isa.Lookup(in)
	if row != nil && ir.IsDiv(row.Kind) && row.Form != isa.FormDstImm {
		return int(in.Src)
	}
	return -1
}
