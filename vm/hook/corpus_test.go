package hook_test

import (
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"skep/vm/hook"
	"skep/vm/isa"
)

var (
	refused = regexp.MustCompile(`^invalid bpf_context access off=(-?\d+) size=(\d+)$`)
	exitRE  = regexp.MustCompile(`^At program exit the register R[01] has .* should have been in \[(-?\d+), (-?\d+)\]$`)
	insnRE  = regexp.MustCompile(`^(\d+): \(([0-9a-f]{2})\)`)
)

// TestAccessCorpus: what the kernel's own test programs do to their contexts.
// Accesses at the beginning of accepted programs, where R1 is known to be the
// context, are allowed; those that the kernel names in a rejection are not.
func TestAccessCorpus(t *testing.T) {
	loads, stores, denials := 0, 0, 0
	for sc := data(t, "verifier-corpus-6.12.jsonl.gz"); sc.Scan(); {
		var r struct {
			ID         string
			Type       string          `json:"prog_type"`
			Attach     json.RawMessage `json:"expected_attach_type"`
			Privileged *bool
			Insns      string
			Kernel     struct {
				OK  bool
				Log string
			}
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		typ, ok := hook.ByName(r.Type)
		if !ok {
			t.Errorf("%s: no program type %q", r.ID, r.Type)
			continue
		}
		p := hook.Program{Type: typ, CapBPF: r.Privileged == nil || *r.Privileged}
		if len(r.Attach) > 0 {
			n, err := strconv.Atoi(strings.Trim(string(r.Attach), `"`))
			if err != nil {
				t.Fatalf("%s: attach type %s", r.ID, r.Attach)
			}
			p.Attach = hook.AttachType(n)
		}
		code, err := hex.DecodeString(r.Insns)
		if err != nil {
			t.Fatal(err)
		}
		insns, err := isa.DecodeAll(code)
		if err != nil {
			t.Fatal(err)
		}
		if r.Kernel.OK && typ != hook.Ext {
			ctx := [16]bool{1: true}
			for _, in := range insns {
				c := in.Class()
				if c == isa.ClassJMP || c == isa.ClassJMP32 {
					break
				}
				memory := in.Mode() == isa.ModeMem || in.Mode() == isa.ModeMemSX
				switch {
				case c == isa.ClassLDX && memory && ctx[in.Src]:
					loads++
					if _, ok := hook.Access(p, int(in.Off), in.Bytes(), false, in.Mode() == isa.ModeMemSX); !ok {
						t.Errorf("%s (%v %v) loads %d bytes at %d, the kernel allows it", r.ID, typ, p.Attach, in.Bytes(), in.Off)
					}
				case (c == isa.ClassST || c == isa.ClassSTX) && in.Mode() == isa.ModeMem && ctx[in.Dst]:
					stores++
					if _, ok := hook.Access(p, int(in.Off), in.Bytes(), true, false); !ok {
						t.Errorf("%s (%v %v) stores %d bytes at %d, the kernel allows it", r.ID, typ, p.Attach, in.Bytes(), in.Off)
					}
				}
				if c == isa.ClassLDX || c == isa.ClassLD || c == isa.ClassALU || c == isa.ClassALU64 {
					// 0xbf is a 64-bit move; any other result is no context.
					ctx[in.Dst] = in.Op == 0xbf && in.Off == 0 && ctx[in.Src]
				}
			}
		}
		op := uint64(0)
		for line := range strings.Lines(r.Kernel.Log) {
			line = strings.TrimSpace(line)
			if m := insnRE.FindStringSubmatch(line); m != nil {
				op, _ = strconv.ParseUint(m[2], 16, 8)
			}
			m := refused.FindStringSubmatch(line)
			if m == nil || typ == hook.Ext || typ == hook.StructOps {
				continue
			}
			off, _ := strconv.Atoi(m[1])
			size, _ := strconv.Atoi(m[2])
			write := op&7 == isa.ClassST || op&7 == isa.ClassSTX
			signed := op&7 == isa.ClassLDX && op&0xe0 == 0x80
			denials++
			if kind, ok := hook.Access(p, off, size, write, signed); ok && kind != hook.LoadByBTF {
				t.Errorf("%s (%v %v): %q, the rules allow it", r.ID, typ, p.Attach, line)
			}
		}
	}
	t.Logf("%d loads and %d stores of accepted programs, %d denials", loads, stores, denials)
}

// TestReturnCorpus: the ranges that the kernel names when it refuses a return
// value.
func TestReturnCorpus(t *testing.T) {
	n := 0
	for sc := data(t, "verifier-corpus-6.12.jsonl.gz"); sc.Scan(); {
		var r struct {
			ID     string
			Type   string          `json:"prog_type"`
			Attach json.RawMessage `json:"expected_attach_type"`
			Kernel struct{ Log string }
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		typ, _ := hook.ByName(r.Type)
		attach, _ := strconv.Atoi(strings.Trim(string(r.Attach), `"`))
		for line := range strings.Lines(r.Kernel.Log) {
			m := exitRE.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil {
				continue
			}
			lo, _ := strconv.Atoi(m[1])
			hi, _ := strconv.Atoi(m[2])
			n++
			want := hook.Return(typ, hook.AttachType(attach))
			if !want.ByBTF && (!want.Checked || int(want.Min) != lo || int(want.Max) != hi) {
				t.Errorf("%s (%v %v): kernel [%d, %d], table %+v", r.ID, typ, hook.AttachType(attach), lo, hi, want)
			}
		}
	}
	t.Logf("%d refused return values", n)
}
