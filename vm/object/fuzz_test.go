package object

import (
	"os"
	"path/filepath"
	"testing"

	"skep/vm/btf"
)

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.o")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds in testdata", err)
	}
	var kernel *btf.Spec
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		if o, err := Load(b); err != nil {
			f.Fatal(name, err)
		} else if filepath.Base(name) == "core.o" {
			kernel = o.BTF
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := LoadNamed(b, "fuzz.o")
		if err != nil {
			return
		}
		for i := range o.Programs {
			p := &o.Programs[i]
			for _, r := range p.Maps {
				_ = o.Maps[r.Map].Name
				_ = p.Insns[r.Insn+1]
			}
			for _, k := range p.Ksyms {
				_ = o.Externs[k.Extern].Name
			}
			for _, l := range p.LineInfo {
				_ = p.Insns[l.Insn]
				o.BTF.Line(l)
			}
			for _, fn := range p.Funcs {
				_ = p.Insns[fn.Start : fn.Start+fn.Len]
			}
		}
		for i := range o.Maps {
			m := &o.Maps[i]
			if m.Contents != nil && o.BTF != nil {
				o.BTF.AppendValue(nil, m.ValueType, m.Contents[:min(len(m.Contents), 256)])
			}
			for _, s := range m.Init {
				if s.Map >= 0 {
					_ = o.Maps[s.Map].Name
				}
			}
		}
		o.SetKconfig("LINUX_KERNEL_VERSION", 1)
		o.Relocate(kernel)
	})
}
