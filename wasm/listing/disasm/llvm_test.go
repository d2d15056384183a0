package disasm_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/arm64"
	"skep/jit/workload"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/conformance"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/compiled"
	"skep/wasm/listing/disasm"
)

// programs are those of the workloads and of bpf_conformance.
func programs(t *testing.T) []*jit.Program {
	t.Helper()
	var all []*jit.Program
	for _, w := range workload.All() {
		res := asm.Assemble(w.Text, asm.Options{})
		m, err := vm.New(vm.Config{NoHistory: true, Maps: []maps.Spec{
			workload.MapCounts:   {Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64},
			workload.MapHash:     {Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 256},
			workload.MapBackends: {Name: "backends", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 16},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Load(&vm.Program{Type: hook.SchedCls, License: "GPL", Insns: res.Insns}); err != nil {
			t.Fatal(err)
		}
		all = append(all, compiled.Program(m, 0))
	}
	_, err := conformance.Run(os.DirFS("../../../vm/conformance/testdata"), "collect", func(prog []isa.Insn, _ []byte) (uint64, error) {
		all = append(all, &jit.Program{Insns: prog})
		return 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// code hands each program's code to f, made in every way there is.
func code(t *testing.T, targets []jit.Target, f func(text []byte)) {
	t.Helper()
	n := 0
	for _, p := range programs(t) {
		for _, target := range targets {
			for _, facts := range []jit.Facts{{}, {Accepted: true, Alone: true}} {
				for _, o := range []jit.Options{{}, {NoFusion: true, NoInline: true}, {Blind: 12345}} {
					c, err := jit.Compile(p, target, facts, o)
					if err != nil {
						continue // those that must be refused
					}
					n++
					f(c.Text)
				}
			}
		}
	}
	if n < 300*len(targets)*6 {
		t.Fatalf("only %d programs were compiled", n)
	}
}

// TestLLVM: every instruction of every program reads as LLVM reads it.
func TestLLVM(t *testing.T) {
	llvm, err := exec.LookPath("llvm-mc-19")
	if err != nil {
		if os.Getenv("SKEP_CI") == "1" {
			t.Fatal("llvm-mc-19 is missing: make setup installs it")
		}
		t.Skip("llvm-mc-19 is not there to compare with: make setup installs it")
	}
	for _, c := range []struct {
		name    string
		args    []string
		targets []jit.Target
		read    func([]byte, int) disasm.Insn
	}{
		{"amd64", []string{"-triple=x86_64", "-mattr=+bmi2", "-output-asm-variant=1"},
			[]jit.Target{{Arch: jit.AMD64}, {Arch: jit.AMD64, AMD64: amd64.Features{BMI2: true, GS: true}}}, disasm.AMD64},
		{"arm64", []string{"-triple=aarch64", "-mattr=+lse"},
			[]jit.Target{{Arch: jit.ARM64}, {Arch: jit.ARM64, ARM64: arm64.Features{LSE: true}}}, disasm.ARM64},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours := map[string]string{} // by bytes
			var order []string
			code(t, c.targets, func(text []byte) {
				for at := 0; at < len(text); {
					// Far from 0, so that no address is negative.
					in := c.read(text[at:], 0)
					raw := string(text[at : at+in.Size])
					if _, had := ours[raw]; !had {
						ours[raw] = in.Text
						order = append(order, raw)
					}
					at += in.Size
				}
			})
			var input bytes.Buffer
			for _, raw := range order {
				for _, b := range []byte(raw) {
					input.WriteString("0x" + hex.EncodeToString([]byte{b}) + " ")
				}
				input.WriteByte('\n')
			}
			cmd := exec.Command(llvm, append([]string{"-disassemble"}, c.args...)...)
			cmd.Stdin = &input
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil || stderr.Len() > 0 {
				t.Fatalf("llvm-mc: %v\n%.2000s", err, stderr.String())
			}
			var theirs []string
			for line := range strings.Lines(string(out)) {
				switch line = strings.TrimSpace(line); {
				case line == "" || strings.HasPrefix(line, "."):
				case len(theirs) > 0 && theirs[len(theirs)-1] == "lock": // on a line of its own
					theirs[len(theirs)-1] += " " + line
				default:
					theirs = append(theirs, line)
				}
			}
			if len(theirs) != len(order) {
				t.Fatalf("llvm-mc reads %d instructions, we read %d", len(theirs), len(order))
			}
			wrong := 0
			for i, raw := range order {
				if got, want := same(ours[raw], len(raw), c.name), same(theirs[i], 0, c.name); got != want {
					if wrong++; wrong <= 20 {
						t.Errorf("%x: %q, llvm %q", raw, ours[raw], theirs[i])
					}
				}
			}
			t.Logf("%d different instructions, %d not as LLVM reads them", len(order), wrong)
		})
	}
}

var (
	numbers = regexp.MustCompile(`-?\b(0x[0-9a-f]+|\d+)\b`)
	byOne   = regexp.MustCompile(`^((?:shl|shr|sar|rol) \w+)$`)
	swapped = regexp.MustCompile(`^xchg (rcx), (\w+)$`)
	moved   = regexp.MustCompile(`^orr (\w+), [wx]zr, `)
	jumps   = regexp.MustCompile(`^(j\w+|call|bl?|b\.\w+|cbn?z|adrp)\b`)
)

// same brings a text to a form that both share. size is that of an instruction
// of ours, whose jumps are absolute, from 0; LLVM's are relative to its end, or
// on arm64 to its beginning.
func same(s string, size int, arch string) string {
	s, _, _ = strings.Cut(s, "//")
	s = strings.ReplaceAll(strings.Join(strings.Fields(strings.ReplaceAll(s, "\t", " ")), " "), "#", "")
	s = byOne.ReplaceAllString(s, "$1, 1")
	s = swapped.ReplaceAllString(s, "xchg $2, $1")
	s = moved.ReplaceAllString(s, "mov $1, ")
	jump := jumps.MatchString(s)
	s = numbers.ReplaceAllStringFunc(s, func(n string) string {
		v, err := strconv.ParseInt(n, 0, 64)
		if err != nil {
			u, _ := strconv.ParseUint(n, 0, 64)
			v = int64(u)
		}
		switch { // constants of 8, 16 and 32 bits are signed or not
		case v>>31 == 1:
			v = int64(int32(v))
		case v>>7 == 1 && strings.Contains(s, "byte ptr"):
			v = int64(int8(v))
		case strings.Contains(s, "word ptr") && !strings.Contains(s, "dword") && !strings.Contains(s, "qword") && v>>15 == 1:
			v = int64(int16(v))
		}
		if jump && arch == "amd64" {
			v -= int64(size)
		}
		return strconv.FormatInt(v, 10)
	})
	return strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), "+-", "-")
}
