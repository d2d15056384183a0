package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"skep/jit"
	"skep/vm"
	"skep/vm/conformance"
	"skep/vm/isa"
)

func runConformance(_ context.Context, sh *shell, args []string) int {
	fs := sh.flags("conformance", "[--json] DIR | -plugin [MEMORY]",
		"Runs every *.data file of an unpacked bpf_conformance test folder. With -plugin it is\na plugin of upstream's runner: program as hex on standard input, memory as hex in\nthe argument, r0 as hex on standard output.")
	asJSON := fs.Bool("json", false, "a line of JSON a file")
	plugin := fs.Bool("plugin", false, "be a plugin of the upstream runner")
	engine := fs.String("engine", "interp", "engine: "+strings.Join(engineNames(), ", "))
	rest, code, ok := parse(fs, args)
	switch {
	case !ok:
		return code
	case !*plugin && len(rest) != 1:
		return sh.broken("conformance", errors.New("one folder DIR is needed"))
	}
	runner, err := conformanceRunner(*engine)
	if err != nil {
		return sh.broken("conformance", err)
	}
	if *plugin {
		return sh.plugin(rest, runner)
	}
	results, err := conformance.Run(os.DirFS(rest[0]), *engine, runner)
	if err != nil {
		return sh.broken("conformance", err)
	}
	if len(results) == 0 {
		return sh.broken("conformance", fmt.Errorf("%s: no *.data files below it", rest[0]))
	}
	passed := 0
	for _, r := range results {
		if r.OK {
			passed++
		}
		if *asJSON {
			sh.out.Write(marshal(struct {
				File   string `json:"file"`
				OK     bool   `json:"ok"`
				Engine string `json:"engine"`
				Error  string `json:"error,omitempty"`
			}{r.File, r.OK, r.Engine, r.Err}))
		} else if !r.OK {
			fmt.Fprintf(sh.out, "FAIL %s: %s\n", r.File, r.Err)
		}
	}
	if !*asJSON {
		fmt.Fprintf(sh.out, "%d of %d files pass (%s)\n", passed, len(results), *engine)
	}
	if passed < len(results) {
		return exitRejected
	}
	return exitOK
}

// conformanceBudget ends tests that do not.
const conformanceBudget = 1 << 20

// conformanceRunner runs a test's program in an engine: mem is the context, its
// length in r2.
func conformanceRunner(name string) (func(prog []isa.Insn, mem []byte) (uint64, error), error) {
	e, err := openEngine(name)
	if err != nil || e == nil {
		return conformance.Interpreter, err
	}
	return func(prog []isa.Insn, mem []byte) (uint64, error) {
		m, err := vm.New(vm.Config{Span: e.Span, NoHistory: true})
		if err != nil {
			return 0, err
		}
		defer clear(m.Arena().Buf)
		if _, err := m.Load(&vm.Program{Insns: prog}); err != nil {
			return 0, err
		}
		c, err := compileRun(e, m, jit.Facts{}, jit.Options{})
		if err != nil {
			return 0, err
		}
		defer c.close()
		if err := m.Reset(vm.Input{Ctx: append([]byte{}, mem...), R2: uint64(len(mem))}); err != nil {
			return 0, err
		}
		r0, fault, ended := c.run(conformanceBudget)
		if fault == nil && !ended {
			fault = fmt.Errorf("it did not end within %d instructions", conformanceBudget)
		}
		return r0, fault
	}, nil
}

// plugin speaks the protocol of bpf_conformance's runner. Flags of the runner
// that do not concern an engine are passed over.
func (sh *shell) plugin(args []string, run func([]isa.Insn, []byte) (uint64, error)) int {
	var mem []byte
	for _, a := range args {
		b, err := unhex(a)
		if err != nil {
			return sh.broken("conformance", fmt.Errorf("memory: %w", err))
		}
		mem = append(mem, b...)
	}
	text, err := io.ReadAll(io.LimitReader(bufio.NewReader(sh.in), 32<<20))
	if err != nil {
		return sh.broken("conformance", err)
	}
	b, err := unhex(string(text))
	if err != nil {
		return sh.broken("conformance", fmt.Errorf("program: %w", err))
	}
	insns, err := isa.DecodeAll(b)
	if err != nil {
		return sh.broken("conformance", err)
	}
	r0, err := run(insns, mem)
	if err != nil {
		fmt.Fprintln(sh.err, err)
		return exitRejected
	}
	fmt.Fprintf(sh.out, "%x\n", r0)
	return exitOK
}

func unhex(s string) ([]byte, error) { return hex.DecodeString(strings.Join(strings.Fields(s), "")) }
