package sandbox

import (
	"encoding/hex"

	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/isa"
)

// RecordOf is a program as our verifier gets it in the batch format, so that a kernel gets the same instructions, maps and
// types. The caller sets ID, log level and privilege.
func RecordOf(p *verifier.Program) *Record {
	r := &Record{ProgType: p.Type.String(), ExpectedAttachType: uint32(p.Attach), ProgFlags: p.Flags, Insns: isa.EncodeAll(p.Insns),
		BTF: btfHex(p.BTF), FuncInfo: p.FuncInfo, FuncInfoRecSize: uint32(p.FuncInfoSize), LineInfo: p.LineInfo, LineInfoRecSize: uint32(p.LineInfoSize),
		AttachTo: p.AttachTo, Kfuncs: programRefs(p.Kfuncs), Ksyms: programRefs(p.Ksyms)}
	if p.GPL {
		r.License = "GPL"
	}
	for i := range p.Maps {
		r.Maps = append(r.Maps, recordMapOf(&p.Maps[i]))
	}
	return r
}

func recordMapOf(m *verifier.MapInfo) RecordMap {
	r := RecordMap{Name: m.Name, Type: m.Type.String(), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		MapFlags: m.Flags, MapExtra: m.Extra, BTF: btfHex(m.BTF), KeyTypeID: uint32(m.KeyType), ValueTypeID: uint32(m.ValueType), Data: m.Data, Frozen: m.Frozen}
	if m.Inner != nil {
		in := recordMapOf(m.Inner)
		r.Inner = &in
	}
	return r
}

func btfHex(spec *btf.Spec) string {
	if spec == nil {
		return ""
	}
	return hex.EncodeToString(spec.Bytes())
}

func programRefs(in []verifier.Symbol) (out []symbolRef) {
	for _, s := range in {
		out = append(out, symbolRef{s.Insn, s.ID, s.Name})
	}
	return out
}
