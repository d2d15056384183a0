package object

import (
	"strconv"

	"skep/vm/btf"
	"skep/vm/isa"
)

// Immediates of instructions that libbpf poisons: a call of a helper that does
// not exist, so that the verifier refuses the program only if it gets there.
const (
	PoisonCoreRelo = 195896080  // 0xbad2310, "bad relo"
	PoisonKfunc    = 2002000000 // plus the number of the extern
)

// Relocate adjusts the programs to a kernel: CO-RE relocations by the types in
// target, and ids of the kernel's variables and functions. It works on a copy:
// the object can be relocated again for another kernel.
//
// What the target lacks poisons the instruction, as libbpf does; an error is
// an object that libbpf would refuse to load.
func (o *Object) Relocate(target *btf.Spec) ([]Program, error) {
	out := make([]Program, len(o.Programs))
	var r *btf.Relocator
	if o.BTF != nil && target != nil {
		r = btf.NewRelocator(o.BTF, target)
	}
	var fixes map[btf.CoreRelo]btf.CoreFix
	for i := range o.Programs {
		p := o.Programs[i]
		p.Insns = append([]isa.Insn(nil), p.Insns...)
		if len(p.CoreRelos)+len(p.Ksyms) > 0 && r == nil {
			return nil, programError(&p, "it has relocations by type and there is no BTF of a kernel to relocate it to")
		}
		if fixes == nil {
			fixes = make(map[btf.CoreRelo]btf.CoreFix)
		}
		for _, relo := range p.CoreRelos {
			key := relo
			key.Insn = 0
			fix, known := fixes[key]
			if !known {
				var err error
				if fix, err = r.Fix(relo); err != nil {
					return nil, &Error{Section: p.Section, Off: uint64(relo.Insn) * isa.Size, Msg: "program " + quote(p.Name), Err: err}
				}
				fixes[key] = fix
			}
			if msg := patch(p.Insns, int(relo.Insn), fix); msg != "" {
				return nil, programError(&p, "instruction "+strconv.Itoa(int(relo.Insn))+": CO-RE relocation "+
					string(o.BTF.AppendCoreRelo(nil, relo))+": "+msg)
			}
		}
		for _, k := range p.Ksyms {
			if msg := o.resolveKsym(p.Insns, k, r, target); msg != "" {
				return nil, programError(&p, "instruction "+strconv.Itoa(k.Insn)+": "+msg)
			}
		}
		out[i] = p
	}
	return out, nil
}

func programError(p *Program, msg string) error {
	return &Error{Section: p.Section, Msg: "program " + quote(p.Name) + ": " + msg}
}

// poison makes an instruction one that must not be reached.
func poison(insns []isa.Insn, at int, imm int32) {
	wide := insns[at].IsWide()
	bad := isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: imm}
	insns[at] = bad
	if wide && at+1 < len(insns) {
		insns[at+1] = bad
	}
}

// patch applies a fix and returns why it cannot. Which field of an instruction
// it changes goes by the class, as in bpf_core_patch_insn.
func patch(insns []isa.Insn, at int, fix btf.CoreFix) string {
	if at < 0 || at >= len(insns) {
		return "there is no such instruction"
	}
	insn := &insns[at]
	unexpected := func(got uint64) string {
		return "the instruction holds " + strconv.FormatInt(int64(got), 10) + ", expected " + strconv.FormatInt(int64(fix.Local), 10)
	}
	switch insn.Class() {
	case isa.ClassALU, isa.ClassALU64:
		if insn.Source() != isa.SrcK {
			return "an arithmetic instruction without immediate"
		}
		if fix.Poison {
			break
		}
		if fix.Check && uint32(insn.Imm) != uint32(fix.Local) {
			return unexpected(uint64(int64(insn.Imm)))
		}
		insn.Imm = int32(fix.Target)
		return ""
	case isa.ClassLDX, isa.ClassST, isa.ClassSTX:
		if fix.Poison {
			break
		}
		if fix.Check && uint64(int64(insn.Off)) != fix.Local {
			return unexpected(uint64(int64(insn.Off)))
		}
		if fix.Target > 1<<15-1 {
			return "offset " + strconv.FormatUint(fix.Target, 10) + " does not fit a load or store"
		}
		if fix.BadSize {
			fix.Poison = true
			break
		}
		insn.Off = int16(fix.Target)
		if fix.LocalSize == fix.TargetSize {
			return ""
		}
		if uint32(insn.Bytes()) != fix.LocalSize {
			return "a load or store of " + strconv.Itoa(insn.Bytes()) + " bytes, expected " + strconv.Itoa(int(fix.LocalSize))
		}
		width, ok := widthOf(fix.TargetSize)
		if !ok {
			return "the target's field has " + strconv.Itoa(int(fix.TargetSize)) + " bytes, which no load or store has"
		}
		insn.Op = insn.Op&^0x18 | width
		return ""
	case isa.ClassLD:
		if !insn.IsWide() || at+1 >= len(insns) || insn.Src != 0 || insn.Off != 0 {
			return "an instruction that is no lddw of a number"
		}
		high := &insns[at+1]
		if high.Op != 0 || high.Dst != 0 || high.Src != 0 || high.Off != 0 {
			return "half a lddw"
		}
		if fix.Poison {
			break
		}
		v := isa.Imm64(*insn, *high)
		if fix.Enum32 && v != fix.Local && uint32(v) == uint32(fix.Local) {
			// Clang before 15 does not say in BTF that an enum is signed; the
			// instruction does.
			fix.Local, fix.Target = v, uint64(int64(int32(uint32(fix.Target))))
		}
		if fix.Check && v != fix.Local {
			return unexpected(v)
		}
		insn.Imm, high.Imm = int32(uint32(fix.Target)), int32(uint32(fix.Target>>32))
		return ""
	default:
		return "an instruction that cannot be relocated, opcode 0x" + strconv.FormatUint(uint64(insn.Op), 16)
	}
	poison(insns, at, PoisonCoreRelo)
	return ""
}

func widthOf(bytes uint32) (uint8, bool) {
	switch bytes {
	case 8:
		return isa.SizeDW, true
	case 4:
		return isa.SizeW, true
	case 2:
		return isa.SizeH, true
	case 1:
		return isa.SizeB, true
	}
	return 0, false
}

// resolveKsym puts the id of a kernel's variable or function into an
// instruction and returns why it cannot. Weak ones may be missing: their
// address is 0, a call of one is poisoned.
func (o *Object) resolveKsym(insns []isa.Insn, k KsymRef, r *btf.Relocator, target *btf.Spec) string {
	e := &o.Externs[k.Extern]
	name, kind := e.Name, btf.KindVar
	if e.Func {
		name, kind = btf.EssentialName(e.Name), btf.KindFunc
	}
	if e.Type == 0 {
		return "" // typeless: an address from kallsyms, of which there are none here
	}
	id, ok := target.Lookup(name, kind)
	local := e.Type
	if e.Func {
		local = o.BTF.Type(e.Type).Target()
	}
	if ok {
		ok = r.TypesCompatible(o.BTF.Resolve(local), target.Resolve(target.Type(id).Target()))
		if !ok && !(e.Weak && e.Func) {
			return quote(e.Name) + " has another type in the kernel: " + string(target.AppendDecl(nil, id, ""))
		}
	} else if !e.Weak {
		return quote(e.Name) + " is not in the kernel's BTF"
	}
	switch {
	case k.Call && !ok:
		poison(insns, k.Insn, PoisonKfunc+int32(k.Extern))
	case k.Call:
		insns[k.Insn].Imm = int32(id)
	case ok:
		insns[k.Insn].Src, insns[k.Insn].Imm = isa.PseudoBTFID, int32(id)
	}
	return ""
}
