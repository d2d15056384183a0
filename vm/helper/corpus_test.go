package helper_test

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
)

// TestPermissionCorpus: helpers that the kernel's own test programs call are
// allowed when it accepted the program, and refused with its words when it
// refused one for calling it.
func TestPermissionCorpus(t *testing.T) {
	calls, denials := 0, 0
	for sc := data(t, "verifier-corpus-6.12.jsonl.gz"); sc.Scan(); {
		var r struct {
			ID         string
			Type       string          `json:"prog_type"`
			Attach     json.RawMessage `json:"expected_attach_type"`
			Flags      uint32          `json:"prog_flags"`
			License    string
			Privileged *bool
			Insns      string
			Target     string `json:"attach_to"`
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
		attach := hook.AttachType(0)
		if text := strings.Trim(string(r.Attach), `"`); text != "" && text != "null" {
			if a, ok := hook.AttachByName(text); ok {
				attach = a
			} else if err := json.Unmarshal(r.Attach, &attach); err != nil {
				t.Errorf("%s: attach type %s", r.ID, r.Attach)
			}
		}
		if typ == hook.Ext || typ == hook.StructOps || typ == hook.LircMode2 {
			continue // depends on the target
		}
		priv := r.Privileged == nil || *r.Privileged
		c := helper.Caller{Type: typ, Attach: attach, Sleepable: r.Flags&16 != 0, CapBPF: priv, CapPerfmon: priv, Target: r.Target,
			GPL: slices.Contains([]string{"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}, r.License)}
		code, err := hex.DecodeString(r.Insns)
		if err != nil {
			t.Fatal(err)
		}
		insns, err := isa.DecodeAll(code)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(r.Kernel.Log, "\n")
		for _, in := range insns {
			if in.Op != 0x85 || in.Src != 0 {
				continue
			}
			id := int(in.Imm)
			d := helper.Permission(c, id)
			if !r.Kernel.OK {
				continue
			}
			calls++
			// A call in dead code may be anything.
			if d != helper.Allowed && strings.Contains(r.Kernel.Log, "call "+helper.Name(id)+"#") {
				t.Errorf("%s: %v %v calls %s: %q, the kernel allows it", r.ID, typ, attach, helper.Name(id), d.Message(id))
			}
		}
		for _, l := range lines {
			if !strings.HasPrefix(l, "program of this type cannot use helper") && !strings.HasPrefix(l, "invalid func") && !strings.HasPrefix(l, "cannot call GPL-restricted") && !strings.HasPrefix(l, "helper call ") {
				continue
			}
			denials++
			if !slices.ContainsFunc(insns, func(in isa.Insn) bool {
				return in.Op == 0x85 && in.Src == 0 && helper.Permission(c, int(in.Imm)).Message(int(in.Imm)) == l
			}) {
				t.Errorf("%s: the kernel says %q, no call of the program gives that", r.ID, l)
			}
		}
	}
	t.Logf("%d calls of accepted programs, %d denials", calls, denials)
}
