package sandbox

// SymbolRef is an instruction that names a kernel function or variable.
type SymbolRef struct {
	Insn int
	ID   uint32 // BTF id in the kernel that the record was made on
	Name string
}

func symbolRefs(in []symbolRef) []SymbolRef {
	out := make([]SymbolRef, 0, len(in))
	for _, s := range in {
		out = append(out, SymbolRef{s.insn, s.id, s.name})
	}
	return out
}

// KfuncRefs and KsymRefs are the record's kernel functions and variables.
func (r *Record) KfuncRefs() []SymbolRef { return symbolRefs(r.Kfuncs) }
func (r *Record) KsymRefs() []SymbolRef  { return symbolRefs(r.Ksyms) }

// SetRefs names the record's kernel functions and variables.
func (r *Record) SetRefs(kfuncs, ksyms []SymbolRef) {
	r.Kfuncs, r.Ksyms = rawRefs(kfuncs), rawRefs(ksyms)
}

func rawRefs(in []SymbolRef) (out []symbolRef) {
	for _, s := range in {
		out = append(out, symbolRef{s.Insn, s.ID, s.Name})
	}
	return out
}
