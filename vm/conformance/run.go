// Package conformance runs the bpf_conformance test suite: a file a test, with
// a program, the memory it gets and the result it must have.
//
//	for _, r := range conformance.Run(os.DirFS("testdata"), "interp", conformance.Interpreter) {
//		fmt.Println(r.File, r.OK, r.Err)
//	}
//
// Files in a folder named negative must be refused, at whatever stage: when
// read, assembled, loaded or run, or by giving another result than the file
// says. Upstream's own runner skips 45 of them.
package conformance

import (
	"errors"
	"io/fs"
	"sort"
	"strconv"
	"strings"

	"skep/vm"
	"skep/vm/isa"
)

// Engine loads a program and runs it with r1 at a copy of mem and r2 its
// length. It returns r0, or the error of loading or running it.
type Engine func(prog []isa.Insn, mem []byte) (uint64, error)

// Result is what came of one file.
type Result struct {
	File   string // path below the root
	OK     bool   // it passed, or was refused if it must be
	Engine string
	Err    string // why it did not pass, or how it was refused
}

// Run runs all *.data files below the root of fsys, in the order of their
// paths. The error is one of reading the folder.
func Run(fsys fs.FS, name string, run Engine) ([]Result, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".data") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	out := make([]Result, 0, len(files))
	for _, path := range files {
		text, err := fs.ReadFile(fsys, path)
		if err == nil {
			err = Test(string(text), run)
		}
		r := Result{File: path, OK: err == nil, Engine: name}
		if err != nil {
			r.Err = err.Error()
		}
		if negative(path) {
			r.OK = !r.OK
			if err == nil {
				r.Err = "it passed, and must not"
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func negative(path string) bool {
	for _, dir := range strings.Split(path, "/") {
		if dir == "negative" {
			return true
		}
	}
	return false
}

// Test runs one file; nil is a pass.
func Test(text string, run Engine) error {
	f, err := Parse(text)
	if err != nil {
		return err
	}
	got, err := run(f.Insns, f.Mem)
	switch {
	case f.Fails && err == nil:
		return errors.New("r0 is " + hex(got) + ", an error was expected")
	case f.Fails && err.Error() == f.Error:
		return nil
	case err != nil:
		return err
	case got != f.Result:
		return errors.New("r0 is " + hex(got) + ", want " + hex(f.Result))
	}
	return nil
}

func hex(v uint64) string { return "0x" + strconv.FormatUint(v, 16) }

// budget bounds a run: the longest test takes a few thousand instructions.
const budget = 1 << 20

// Interpreter is the engine of package vm.
func Interpreter(prog []isa.Insn, mem []byte) (uint64, error) {
	m, err := vm.New(vm.Config{NoHistory: true})
	if err != nil {
		return 0, err
	}
	if _, err := m.Load(&vm.Program{Insns: prog}); err != nil {
		return 0, err
	}
	in := vm.Input{Ctx: mem, R2: uint64(len(mem))}
	if mem == nil {
		in.Ctx = []byte{}
	}
	if err := m.Reset(in); err != nil {
		return 0, err
	}
	switch m.Run(budget) {
	case vm.StopExit:
		return m.Reg(isa.R0), nil
	case vm.StopFault:
		return 0, m.Fault()
	}
	return 0, errors.New("it did not end within a million instructions")
}
