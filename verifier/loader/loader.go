// Package loader makes the verifier's programs of what was read from a file:
// the part of libbpf that fills in BPF_PROG_LOAD.
package loader

import (
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/maps"
	"skep/vm/source"
)

// Program is program i of a source as a loader hands it to the kernel: h and
// target are what [source.Program.Hook] says.
func Program(src *source.Source, i int, h hook.Section, target string, priv verifier.Privilege) *verifier.Program {
	p := &src.Programs[i]
	out := &verifier.Program{Type: h.Type, Attach: h.Attach, GPL: verifier.GPLCompatible(src.License), Insns: p.Insns}
	if h.Sleepable {
		out.Flags |= verifier.FlagSleepable
	}
	if h.Frags {
		out.Flags |= verifier.FlagXDPHasFrags
	}
	out.AttachTo = source.AttachTo(h, target)
	spec := src.BTF
	if priv == verifier.Unprivileged {
		spec = nil // BPF_BTF_LOAD takes CAP_BPF; libbpf goes on without
	}
	for j := range src.Maps {
		out.Maps = append(out.Maps, mapInfo(&src.Maps[j], spec))
	}
	for _, s := range p.Kfuncs {
		out.Kfuncs = append(out.Kfuncs, verifier.Symbol{Insn: s.Slot, ID: uint32(s.ID), Name: s.Name})
	}
	for _, s := range p.Ksyms {
		out.Ksyms = append(out.Ksyms, verifier.Symbol{Insn: s.Slot, ID: uint32(s.ID), Name: s.Name})
	}
	if spec != nil {
		out.BTF = spec
		out.FuncInfo, out.LineInfo = p.RawInfo()
	}
	return out
}

func mapInfo(m *source.Map, spec *btf.Spec) verifier.MapInfo {
	out := specInfo(&m.Spec)
	if m.TakesBTF(spec) {
		out.BTF, out.KeyType, out.ValueType = spec, m.Key, m.Value
	}
	return out
}

func specInfo(s *maps.Spec) verifier.MapInfo {
	out := verifier.MapInfo{
		Name: s.Name[:min(len(s.Name), 15)], Type: s.Type, KeySize: s.KeySize, ValueSize: s.ValueSize, MaxEntries: s.MaxEntries,
		Flags: s.Flags, Extra: s.Extra, Frozen: s.Frozen, Data: s.Data,
	}
	if s.Inner != nil {
		inner := specInfo(s.Inner)
		out.Inner = &inner
	}
	return out
}
