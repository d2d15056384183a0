package verifier

import (
	"slices"
	"strings"

	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/isa"
)

// subprog is a function of the program (struct bpf_subprog_info and
// bpf_func_info_aux).
type subprog struct {
	start      int
	stackDepth int

	hasTailCall    bool
	tailReachable  bool
	hasLdAbs       bool
	isCB           bool
	isAsyncCB      bool
	isExceptionCB  bool
	keepFastcall   bool
	changesPkt     bool
	fastcallOff    int
	privStack      privStack
	linkage        int
	called         bool
	verified       bool
	unreliable     bool // its BTF does not say what it takes
	argsCached     bool
	args           []subprogArg
	funcType       btf.ID
	hasFuncInfoAux bool
	dead           bool // no path enters it: the kernel drops it
}

// subprogArg is what a global function's parameter accepts.
type subprogArg struct {
	kind  helper.ArgKind
	size  uint32
	btfID uint32
}

func isCall(i isa.Insn) bool       { return i.Op == isa.ClassJMP|isa.JmpCall }
func isHelperCall(i isa.Insn) bool { return isCall(i) && i.Src == 0 }
func isPseudoCall(i isa.Insn) bool { return isCall(i) && i.Src == isa.PseudoCall }
func isKfuncCall(i isa.Insn) bool  { return isCall(i) && i.Src == isa.PseudoKfuncCall }
func isPseudoFunc(i isa.Insn) bool { return i.IsWide() && i.Src == isa.PseudoFunc }
func isMayGoto(i isa.Insn) bool    { return i.Op == isa.ClassJMP|isa.JmpCond && i.Src == 0 }

// subprogAt is the function that contains an instruction.
func (e *env) subprogAt(insn int) int {
	lo, hi := 0, len(e.subprogs)-2
	for lo < hi {
		mid := lo + (hi-lo+1)/2
		if e.subprogs[mid].start <= insn {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// findSubprog is the function that begins at an instruction, -1 when none
// does.
func (e *env) findSubprog(insn int) int {
	if insn < 0 || insn >= len(e.insns) || len(e.subprogs) < 2 {
		return -1
	}
	if i := e.subprogAt(insn); e.subprogs[i].start == insn {
		return i
	}
	return -1
}

func (e *env) subprogEnd(i int) int { return e.subprogs[i+1].start }

func (e *env) subprogGlobal(i int) bool {
	return e.subprogs[i].hasFuncInfoAux && e.subprogs[i].linkage == btf.LinkGlobal
}

func (e *env) subprogName(i int) string {
	if i < len(e.funcs) && e.prog.BTF != nil {
		return e.prog.BTF.Name(e.funcs[i].Type)
	}
	return ""
}

// addSubprogAndKfunc finds the functions of the program.
func (e *env) addSubprogAndKfunc() errno {
	starts := []int{0}
	add := func(at int) errno {
		if at < 0 || at >= len(e.insns) {
			e.logs("call to invalid destination\n")
			return einval
		}
		i, found := slices.BinarySearch(starts, at)
		if found {
			return 0
		}
		if len(starts) >= maxSubprogs {
			e.logs("too many subprograms\n")
			return e2big
		}
		starts = slices.Insert(starts, i, at)
		return 0
	}
	var err errno
	for i, in := range e.insns {
		fn, kf := isPseudoFunc(in) || isPseudoCall(in), isKfuncCall(in)
		if !fn && !kf {
			continue
		}
		if !e.bpfCapable {
			e.logs("loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN\n")
			err = eperm
			break
		}
		if fn {
			if err = add(i + int(in.Imm) + 1); err != 0 {
				break
			}
		} else if err = e.addKfuncCall(i); err != 0 {
			break
		}
	}
	if err == 0 {
		var at int
		if at, err = e.exceptionCallback(); err == 0 && at != 0 {
			if err = add(at); err == 0 {
				e.exCB, _ = slices.BinarySearch(starts, at)
			}
		}
	}
	e.subprogs = make([]subprog, len(starts)+1)
	for i, s := range starts {
		e.subprogs[i].start = s
	}
	e.subprogs[len(starts)].start = len(e.insns)
	if err != 0 {
		return err
	}
	if e.exCB != 0 {
		s := &e.subprogs[e.exCB]
		s.isCB, s.isAsyncCB, s.isExceptionCB = true, true, true
	}
	if e.log.level&LogLevel2 != 0 {
		for i, s := range starts {
			e.logf("func#%d @%d\n", i, s)
		}
	}
	return 0
}

// exceptionCallback is where the function begins that a decl tag of the main
// program names, 0 when none does (bpf_find_exception_callback_insn_off).
func (e *env) exceptionCallback() (int, errno) {
	if len(e.funcs) == 0 || e.prog.BTF == nil {
		return 0, 0
	}
	spec := e.prog.BTF
	name, n := "", 0
	for t := range spec.All() {
		const prefix = "exception_callback:"
		if t.Kind() == btf.KindDeclTag && t.Target() == e.funcs[0].Type && t.Component() == -1 && strings.HasPrefix(t.Name(), prefix) {
			if n == 0 {
				name = t.Name()[len(prefix):]
			}
			n++
		}
	}
	switch {
	case n == 0:
		return 0, 0
	case n > 1:
		e.logs("multiple exception callback tags for main subprog\n")
		return 0, eexist
	}
	id, ok := spec.Lookup(name, btf.KindFunc)
	if !ok {
		e.logf("exception callback '%s' could not be found in BTF\n", name)
		return 0, enoent
	}
	if spec.Type(id).Linkage() != btf.LinkGlobal {
		e.logf("exception callback '%s' must have global linkage\n", name)
		return 0, einval
	}
	at, found := 0, false
	for _, f := range e.funcs {
		if f.Type != id {
			continue
		}
		at, found = int(f.Insn), true
		if at == 0 {
			e.logs("invalid exception callback insn_off in func_info: 0\n")
			return 0, einval
		}
	}
	if !found {
		e.logs("exception callback type id not found in func_info\n")
		return 0, einval
	}
	return at, 0
}

// declTag is the text behind prefix of the first such tag of a declaration.
func declTag(s *btf.Spec, of btf.ID, component int, prefix string) (string, bool) {
	for t := range s.All() {
		if t.Kind() == btf.KindDeclTag && t.Target() == of && t.Component() == component {
			if n := t.Name(); len(n) >= len(prefix) && n[:len(prefix)] == prefix {
				return n[len(prefix):], true
			}
		}
	}
	return "", false
}

// checkSubprogs checks that jumps stay in their function.
func (e *env) checkSubprogs() errno {
	cur := 0
	for i, in := range e.insns {
		sub := &e.subprogs[cur]
		if isHelperCall(in) && in.Imm == fnTailCall {
			sub.hasTailCall, sub.tailReachable = true, true
		}
		if in.Class() == isa.ClassLD && (in.Mode() == isa.ModeAbs || in.Mode() == isa.ModeInd) {
			sub.hasLdAbs = true
		}
		if c := in.Class(); (c == isa.ClassJMP || c == isa.ClassJMP32) && in.JmpOp() != isa.JmpExit && in.JmpOp() != isa.JmpCall {
			to := i + int(in.Off) + 1
			if in.Op == isa.ClassJMP32|isa.JmpA {
				to = i + int(in.Imm) + 1
			}
			if to < sub.start || to >= e.subprogEnd(cur) {
				e.logf("jump out of range from insn %d to %d\n", i, to)
				return einval
			}
		}
		if i == e.subprogEnd(cur)-1 {
			switch in.Op {
			case isa.ClassJMP | isa.JmpExit, isa.ClassJMP32 | isa.JmpA, isa.ClassJMP | isa.JmpA:
			default:
				e.logs("last insn is not an exit or jmp\n")
				return einval
			}
			if cur+2 < len(e.subprogs) {
				cur++
			}
		}
	}
	return 0
}
