package verifier

import (
	"testing"

	"skep/vm/btf"
	"skep/vm/kernel"
)

// TestPartialBTF: with BTF that holds a part of a kernel's types, as the page
// has it, a program gets the kernel's verdict or none.
func TestPartialBTF(t *testing.T) {
	c := loadCorpus(t)
	part := kernel.WithFunctions()
	decided, n := 0, 0
	for _, r := range c.records {
		p, err := c.program(r)
		if err != nil {
			t.Fatal(err)
		}
		unknown := false
		for i := range p.Kfuncs { // a loader looks them up by name
			id, ok := part.Lookup(p.Kfuncs[i].Name, btf.KindFunc)
			unknown = unknown || !ok
			p.Insns[p.Kfuncs[i].Insn].Imm, p.Kfuncs[i].ID = int32(id), uint32(id)
		}
		if n++; unknown || len(p.Ksyms) > 0 {
			continue
		}
		cfg := Config{KernelBTF: part, LogLevel: LogLevel1}
		if !r.privileged() {
			cfg.Privilege = Unprivileged
		}
		res := mustVerify(t, p, cfg)
		if res.Verdict == NotModelled || knownDifferences(t)[r.ID] {
			continue
		}
		decided++
		if (res.Verdict == Accepted) != r.Kernel.OK || !r.Kernel.OK && int(res.Errno) != r.Kernel.Errno {
			t.Errorf("%s: %v, errno %d (%s); the kernel: errno %d (%s)", r.ID, res.Verdict, int(res.Errno), res.Message, r.Kernel.Errno, lastError(r.Kernel.Log))
		}
	}
	t.Logf("%d of %d decided", decided, n)
}
