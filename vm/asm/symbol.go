package asm

import "skep/vm/isa"

// pseudo reads "map[counts]", "map[fd:5][0]+8", "subprog[cb]" or "ksym[7]": the
// source field and the two immediates of a wide load.
func (a *assembler) pseudo() (src uint8, lo, hi int32, ok bool) {
	word := a.next()
	if !a.expect("[") {
		return 0, 0, 0, false
	}
	switch word.text {
	case "map":
		src, lo, ok = a.mapArg()
	case "subprog":
		src = isa.PseudoFunc
		lo, ok = a.target(fixFunc)
	default:
		src = isa.PseudoBTFID
		lo, ok = a.varArg()
	}
	if !ok || !a.expect("]") {
		return 0, 0, 0, false
	}
	if word.text == "map" && a.accept("[") {
		if !a.expectAll("0", "]") {
			return 0, 0, 0, false
		}
		src = a.valueOf(src)
	}
	if t := a.peek().text; t == "+" || t == "-" {
		hi, ok = a.imm()
	}
	return src, lo, hi, ok
}

// valueOf turns the load of a map into the load of its value's address.
func (a *assembler) valueOf(src uint8) uint8 {
	if n := len(a.res.Relocs); n > 0 && a.res.Relocs[n-1].Insn == len(a.res.Insns) {
		a.res.Relocs[n-1].Kind = RelocMapValue
	}
	if src == isa.PseudoMapIdx {
		return isa.PseudoMapIdxValue
	}
	return isa.PseudoMapValue
}

// mapArg reads "counts", "fd:5", "idx:5" or "id:5".
func (a *assembler) mapArg() (src uint8, imm int32, ok bool) {
	t := a.next()
	if t.kind != tokWord && t.kind != tokString {
		return 0, 0, a.fail(t, "expected the name of a map", "as in map[counts], or map[fd:5] for a descriptor")
	}
	if t.kind == tokWord && a.accept(":") {
		switch t.text {
		case "fd", "id":
			src = isa.PseudoMapFD
		case "idx":
			src = isa.PseudoMapIdx
		default:
			return 0, 0, a.fail(t, "expected fd or idx", "")
		}
		imm, ok = a.imm()
		return src, imm, ok
	}
	imm, ok = a.mapReloc(t, RelocMap)
	return isa.PseudoMapFD, imm, ok
}

// mapReloc notes the use of a map and returns its index in the file.
func (a *assembler) mapReloc(t token, kind RelocKind) (int32, bool) {
	n, ok := a.maps[t.text]
	if !ok {
		if !a.opt.Externs {
			hint := a.didYouMean(t.text, a.mapNames)
			if hint == "" {
				hint = "declare it: .map " + t.text + " hash key=4 value=8 entries=128"
			}
			return 0, a.fail(t, "no map "+quote(t.text), hint)
		}
		n = -1
	}
	a.res.Relocs = append(a.res.Relocs, Reloc{len(a.res.Insns), kind, t.text, n, a.pos(t)})
	return int32(max(n, 0)), true
}

// varArg reads the name or the BTF id of a kernel variable.
func (a *assembler) varArg() (int32, bool) {
	t := a.peek()
	if t.kind != tokWord {
		return a.imm()
	}
	a.at++
	a.res.Relocs = append(a.res.Relocs, Reloc{len(a.res.Insns), RelocVar, t.text, -1, a.pos(t)})
	if r := a.opt.Resolver; r != nil && r.VarID != nil {
		if id, ok := r.VarID(t.text); ok {
			return id, true
		}
	}
	if a.opt.Externs {
		return 0, true
	}
	return 0, a.fail(t, "no kernel variable "+quote(t.text), "")
}

// symbol reads LLVM's "r1 = counts ll" and "r1 = counts[0]+8 ll". A map must
// be declared before its use; any other name may be a function that follows.
func (a *assembler) symbol(t, first token, view byte, dst uint8) bool {
	if a.toks[len(a.toks)-1].text != "ll" {
		hint := "a map is loaded by `" + first.text + " = map[" + t.text + "]`, a memory cell by *(u32 *)(r1 + 4)"
		if looksLikeRegister(t.text) {
			hint = "registers are r0 to r10"
		}
		return a.fail(t, "expected a value, found "+quote(t.text), hint)
	}
	if !a.wideReg(first, view) {
		return false
	}
	src, lo, hi, ok := uint8(0), int32(0), int32(0), true
	if _, isMap := a.maps[t.text]; isMap || a.peek().text == "[" {
		src = isa.PseudoMapFD
		if lo, ok = a.mapReloc(t, RelocMap); !ok {
			return false
		}
	} else {
		a.use(fixSymbol, t)
	}
	if a.accept("[") {
		if !a.expectAll("0", "]") {
			return false
		}
		src = a.valueOf(src)
	}
	if s := a.peek().text; s == "+" || s == "-" {
		if hi, ok = a.imm(); !ok {
			return false
		}
	}
	return a.expect("ll") && a.emitWide(dst, src, uint64(uint32(hi))<<32|uint64(uint32(lo)))
}
