package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"skep/server/sandbox"
	"skep/vm/asm"
	"skep/vm/isa"
	"skep/wasm/listing/disasm"
)

func runSandbox(ctx context.Context, sh *shell, args []string) int {
	jit := sandbox.Verb{Name: "jit", Args: "[--kernel V] [--prog NAME] FILE", About: "print the code that a kernel compiles a program to", Run: sh.sandboxJIT}
	return sandbox.Command(ctx, args, sh.in, sh.out, sh.err, jit)
}

// sandboxJIT lists a program like skep jit, as a kernel compiles it: each
// instruction, what the verifier made of it, and the code.
func (sh *shell) sandboxJIT(ctx context.Context, fs *flag.FlagSet, args []string) error {
	kernel := fs.String("kernel", sandbox.DefaultKernel, "kernel `version`")
	name := fs.String("prog", "", "`name` of the program in the object; the first otherwise")
	asJSON := fs.Bool("json", false, "a line of JSON an instruction")
	files, _, ok := parse(fs, args)
	if !ok || len(files) != 1 {
		return sandbox.ErrUsage
	}
	p, err := sh.loadProgram(ctx, files[0], *name)
	if err != nil {
		return err
	}
	m, err := sandbox.NewManager(sandbox.Config{Kernels: []string{*kernel}, Warm: -1, MaxVMs: 1})
	if err != nil {
		return err
	}
	defer m.Close()
	vm, err := m.Oracle(ctx, *kernel)
	if err != nil {
		return err
	}
	defer vm.Close()
	prog, err := sandbox.RecordOf(p).Resolve(vm.Kernel, nil)
	if err != nil {
		return err
	}
	d, v, err := vm.Dump(ctx, prog)
	switch {
	case err != nil:
		return err
	case d == nil:
		return errors.New(strings.TrimSpace("the kernel refuses it: " + v.Error + "\n" + v.Log))
	case d.Slots == nil:
		return errors.New("the kernel does not say which code is of which instruction")
	}
	lines, err := dumpListing(p.Insns, d)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if *asJSON {
			sh.out.Write(marshal(l))
		} else {
			sh.printCode(l)
		}
	}
	return nil
}

// kindXlated is a note that quotes an instruction of the verifier's making.
const kindXlated = "xlated"

// dumpListing puts what a kernel made of each instruction beside it, code with
// its offset in the function. An instruction without code is one that the
// verifier found to be dead.
func dumpListing(insns []isa.Insn, d *sandbox.Dump) ([]jitLine, error) {
	xlated, err := isa.DecodeAll(d.Xlated)
	if err != nil {
		return nil, fmt.Errorf("the kernel's instructions: %w", err)
	}
	lines := make([]jitLine, len(insns))
	for slot := range lines {
		lines[slot] = jitLine{Slot: slot, Text: asm.KernelText(insns, slot, nil)}
	}
	for pc := 0; pc < len(xlated); pc++ {
		l := &lines[d.Slots[pc]]
		l.Notes = append(l.Notes, jitNote{kindXlated, asm.KernelText(xlated, pc, nil)})
		if xlated[pc].IsWide() {
			pc++
		}
	}
	for _, f := range d.Functions {
		for i, at := range f.Lines {
			end := len(f.Code)
			if i+1 < len(f.Lines) {
				end = f.Lines[i+1][0]
			}
			l := &lines[at[1]]
			l.Bytes += fmt.Sprintf("%x", []byte(f.Code[at[0]:end]))
			for n := at[0]; n < end; {
				in := disasm.AMD64(f.Code[n:end], n)
				l.Code = append(l.Code, fmt.Sprintf("%3x: %s", n, in.Text))
				n += in.Size
			}
		}
	}
	var shown []jitLine
	for slot := 0; slot < len(insns); slot++ {
		l := lines[slot]
		if len(l.Notes) == 1 && l.Notes[0].Text == l.Text {
			l.Notes = nil // as it was
		}
		shown = append(shown, l)
		if insns[slot].IsWide() {
			slot++
		}
	}
	return shown, nil
}
