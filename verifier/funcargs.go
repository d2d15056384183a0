package verifier

import (
	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/hook"
)

// Tags of a parameter (__arg_ctx and the like of libbpf).
const (
	tagCtx = 1 << iota
	tagTrusted
	tagNonnull
	tagNullable
	tagArena
)

// argTags are the tags of parameter i of a function.
func argTags(s *btf.Spec, fn btf.ID, i int) (tags int, any, unknown bool) {
	const prefix = "arg:"
	for t := range s.All() {
		if t.Kind() != btf.KindDeclTag || t.Target() != fn || t.Component() != i {
			continue
		}
		n := t.Name()
		if len(n) < len(prefix) || n[:len(prefix)] != prefix {
			continue
		}
		any = true
		switch n[len(prefix):] {
		case "ctx":
			tags |= tagCtx
		case "trusted":
			tags |= tagTrusted
		case "nonnull":
			tags |= tagNonnull
		case "nullable":
			tags |= tagNullable
		case "arena":
			tags |= tagArena
		default:
			return tags, any, true
		}
	}
	return tags, any, false
}

// prepareArgs works out from BTF what a function takes
// (btf_prepare_func_args).
func (e *env) prepareArgs(idx int) errno {
	sub := &e.subprogs[idx]
	if sub.argsCached {
		return 0
	}
	if idx >= len(e.funcs) {
		e.logs("Verifier bug\n")
		return efault
	}
	spec := e.prog.BTF
	global := sub.linkage == btf.LinkGlobal
	fn := spec.Type(e.funcs[idx].Type)
	name := fn.Name()
	if sub.unreliable {
		e.logf("Verifier bug in function %s()\n", name)
		return efault
	}
	proto := spec.Type(fn.Target())
	n := proto.Vlen()
	if n > 5 {
		if global {
			e.logf("Global function %s() with %d > %d args. Buggy compiler.\n", name, n, 5)
		}
		return einval
	}
	if ret := spec.Kind(spec.Resolve(proto.Target())); ret != btf.KindInt && !ret.IsEnum() {
		if global {
			e.logf("Global function %s() doesn't return scalar. Only those are supported.\n", name)
		}
		return einval
	}
	args := make([]subprogArg, n)
	for i := range n {
		if err := e.prepareArg(&args[i], spec, fn, proto.Param(i).Type, i, global, name); err != 0 {
			return err
		}
	}
	sub.args, sub.argsCached = args, true
	return 0
}

func (e *env) prepareArg(a *subprogArg, spec *btf.Spec, fn btf.Type, typ btf.ID, i int, global bool, name string) errno {
	tags, any, unknown := argTags(spec, fn.ID(), i)
	if any && !global {
		e.logf("arg#%d type tag is not supported in static functions\n", i)
		return enotsup
	}
	if unknown {
		e.logf("arg#%d has unsupported set of tags\n", i)
		return enotsup
	}
	t := spec.Type(spec.Resolve(typ))
	if t.Kind() == btf.KindPtr {
		done, err := e.prepareArgPtr(a, spec, t, i, tags, global)
		if done || err != 0 {
			return err
		}
	}
	if tags != 0 {
		e.logf("arg#%d has pointer tag, but is not a pointer type\n", i)
		return einval
	}
	if t.Kind() == btf.KindInt || t.Kind().IsEnum() {
		a.kind = helper.ArgAnything
		return 0
	}
	if global {
		e.logf("Arg#%d type %s in %s() is not supported yet.\n", i, kindWord(t.Kind()), name)
	}
	return einval
}

func (e *env) prepareArgPtr(a *subprogArg, spec *btf.Spec, t btf.Type, i, tags int, global bool) (done bool, err errno) {
	invalid := func() (bool, errno) {
		e.logf("arg#%d has invalid combination of tags\n", i)
		return true, einval
	}
	if tags&tagCtx != 0 || e.isCtxType(spec, t) {
		if tags&^tagCtx != 0 {
			return invalid()
		}
		if tags&tagCtx != 0 {
			if err := e.validateCtxType(spec, t, i); err != 0 {
				return true, err
			}
		}
		a.kind = helper.ArgPtrToCtx
		return true, 0
	}
	to := spec.Type(spec.Resolve(t.Target()))
	if k := to.Kind(); (k == btf.KindStruct || k == btf.KindUnion || k == btf.KindFwd && !to.KindFlag()) && to.Name() == "bpf_dynptr" {
		if tags != 0 {
			return invalid()
		}
		a.kind = helper.ArgPtrToDynptr | helper.ArgKind(helper.MemRdonly)
		return true, 0
	}
	if tags&tagTrusted != 0 {
		if tags&tagNonnull != 0 {
			return invalid()
		}
		return true, e.trustedArg(a, spec, to, i, tags&tagNullable != 0)
	}
	if tags&tagArena != 0 {
		if tags&^tagArena != 0 {
			e.logf("arg#%d arena cannot be combined with any other tags\n", i)
			return true, einval
		}
		a.kind = helper.ArgPtrToArena
		return true, 0
	}
	if !global {
		return false, 0
	}
	if tags&tagNullable != 0 {
		return invalid()
	}
	size, ok := spec.Size(to.ID())
	if !ok || to.ID() == 0 {
		e.logf("arg#%d reference type('%s %s') size cannot be determined: %ld\n", i, kindWord(to.Kind()), to.Name(), -22)
		return true, einval
	}
	a.kind, a.size = helper.ArgPtrToMemOrNull, size
	if tags&tagNonnull != 0 {
		a.kind = helper.ArgPtrToMem
	}
	return true, 0
}

// kindWord is a kind in a message (btf_type_str).
func kindWord(k btf.Kind) string {
	words := [...]string{"UNKNOWN", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE",
		"CONST", "RESTRICT", "FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64"}
	if int(k) < len(words) {
		return words[k]
	}
	return "UNKNOWN"
}

// ctxNames are the names by which BTF may call the struct of the context
// (find_canonical_prog_ctx_type, with typedefs of kernel and struct).
func ctxNames(t hook.ProgType) []string {
	switch t {
	case hook.Kprobe:
		return []string{"bpf_user_pt_regs_t", "pt_regs"}
	case hook.Tracepoint:
		return []string{"__u64", "long long unsigned int"}
	case hook.RawTracepoint, hook.RawTracepointWritable:
		return []string{"bpf_raw_tracepoint_args"}
	case hook.LircMode2:
		return []string{"__u32", "unsigned int"}
	case hook.Tracing, hook.StructOps, hook.Ext, hook.LSM, hook.Syscall:
		return nil
	}
	return []string{t.Info().Context}
}

// isCtxType reports whether a pointer is to the program's context
// (btf_is_prog_ctx_type).
func (e *env) isCtxType(spec *btf.Spec, ptr btf.Type) bool {
	id := ptr.Target()
	if e.prog.Type == hook.Kprobe {
		q := spec.SkipQualifiers(id)
		if t := spec.Type(q); t.Kind() == btf.KindTypedef && t.Name() == "bpf_user_pt_regs_t" {
			return true
		}
	}
	t := spec.Type(spec.Resolve(id))
	if k := t.Kind(); k != btf.KindStruct && k != btf.KindUnion {
		return false
	}
	for _, want := range ctxNames(e.prog.Type) {
		if t.Name() == want || want == "__sk_buff" && t.Name() == "sk_buff" || want == "xdp_md" && t.Name() == "xdp_buff" {
			return true
		}
	}
	return false
}

// validateCtxType is btf_validate_prog_ctx_type, for a parameter tagged as
// the context.
func (e *env) validateCtxType(spec *btf.Spec, ptr btf.Type, i int) errno {
	id := ptr.Target()
	if e.prog.Type == hook.Kprobe || e.prog.Type == hook.PerfEvent {
		if t := spec.Type(spec.SkipQualifiers(id)); t.Kind() == btf.KindTypedef && t.Name() == "bpf_user_pt_regs_t" {
			return 0
		}
	}
	t := spec.Type(spec.Resolve(id))
	if t.ID() == 0 {
		return 0
	}
	name := t.Name()
	if name == "" {
		e.logf("arg#%d type doesn't have a name\n", i)
		return einval
	}
	isStruct := t.Kind() == btf.KindStruct
	isU64 := t.Kind() == btf.KindInt && t.Size() == 8
	switch e.prog.Type {
	case hook.Kprobe, hook.PerfEvent:
		if isStruct && name == "pt_regs" {
			return 0
		}
	case hook.RawTracepoint, hook.RawTracepointWritable, hook.LSM, hook.StructOps:
		if isU64 {
			return 0
		}
	case hook.Tracing:
		switch e.attachType() {
		case hook.TraceRawTp:
			if isStruct && name == "bpf_raw_tracepoint_args" || isU64 {
				return 0
			}
		case hook.TraceIter:
			if isStruct && len(name) > 10 && name[:10] == "bpf_iter__" {
				return 0
			}
		case hook.TraceFentry, hook.TraceFexit, hook.ModifyReturn:
			if isU64 {
				return 0
			}
		}
	case hook.Tracepoint, hook.Syscall, hook.Ext:
		return 0
	}
	want := e.prog.Type.Info().Context
	if e.prog.Type == hook.RawTracepoint || e.prog.Type == hook.RawTracepointWritable {
		want = "bpf_raw_tracepoint_args"
	}
	if want == "" {
		e.logf("arg#%d should be void pointer\n", i)
		return einval
	}
	if !isStruct || name != want {
		e.logf("arg#%d should be `struct %s *`\n", i, want)
		return einval
	}
	return 0
}

// checkSubprogCall checks arguments by the callee's BTF
// (btf_check_subprog_call). For static functions the outcome does not matter.
func (e *env) checkSubprogCall(sub int, regs *[numRegs]RegState) errno {
	if len(e.funcs) == 0 {
		return einval
	}
	s := &e.subprogs[sub]
	if s.unreliable {
		return einval
	}
	err := e.matchArgs(sub, regs)
	if err != 0 && err != enotmodel {
		s.unreliable = true
	}
	return err
}

// matchArgs is btf_check_func_arg_match.
func (e *env) matchArgs(sub int, regs *[numRegs]RegState) errno {
	if err := e.prepareArgs(sub); err != 0 {
		return err
	}
	for i, a := range e.subprogs[sub].args {
		regno := i + 1
		r := &regs[regno]
		switch {
		case a.kind == helper.ArgAnything:
			if r.Type != ScalarValue {
				e.logf("R%d is not a scalar\n", regno)
				return einval
			}
		case a.kind == helper.ArgPtrToCtx:
			if err := e.checkArgOff(r, regno, helper.ArgDontcare); err != 0 {
				return err
			}
			if r.Type != PtrToCtx {
				e.logf("arg#%d expects pointer to ctx\n", i)
				return einval
			}
		case a.kind.Base() == helper.ArgPtrToMem:
			if err := e.checkArgOff(r, regno, helper.ArgDontcare); err != 0 {
				return err
			}
			if err := e.checkMemReg(r, regno, a.size); err != 0 {
				if err == enotmodel {
					return err
				}
				return einval
			}
			if a.kind.Flags()&helper.PtrMaybeNull == 0 && r.Type.MayBeNull() {
				e.logf("arg#%d is expected to be non-NULL\n", i)
				return einval
			}
		case a.kind.Base() == helper.ArgPtrToArena:
			if r.Type != PtrToArena && r.Type != ScalarValue {
				e.logf("R%d is not a pointer to arena or scalar.\n", regno)
				return einval
			}
		case a.kind.Base() == helper.ArgPtrToDynptr:
			if err := e.checkArgOff(r, regno, helper.ArgPtrToDynptr); err != 0 {
				return err
			}
			if err := e.processDynptr(regno, -1, a.kind, 0); err != 0 {
				return err
			}
		default:
			if err := e.matchTrustedArg(&e.subprogs[sub].args[i], r, regno); err != 0 {
				return err
			}
		}
	}
	return 0
}

// checkMemReg checks memory that is passed to a global function: it may read
// and write it (check_mem_reg).
func (e *env) checkMemReg(r *RegState, regno int, size uint32) errno {
	if r.isNull() {
		return 0
	}
	maybe := r.Type.MayBeNull()
	saved := *r
	if maybe {
		e.markNotNull(r)
	}
	err := e.checkHelperMem(regno, int(size), readAccess, true, nil)
	if err == 0 {
		err = e.checkHelperMem(regno, int(size), writeAccess, true, nil)
	}
	if maybe {
		*r = saved
	}
	return err
}

// entryArgs gives an entry function its arguments (do_check_common).
func (e *env) entryArgs(idx int) errno {
	regs := e.regs()
	sub := &e.subprogs[idx]
	if idx == 0 {
		if len(e.funcs) > 0 && sub.hasFuncInfoAux {
			err := e.prepareArgs(0)
			if err == enotmodel {
				err = einval
			}
			if err != 0 || len(sub.args) != 1 || sub.args[0].kind != helper.ArgPtrToCtx {
				sub.unreliable = true
			}
		}
		regs[1].Type = PtrToCtx
		regs[1].setKnown(0)
		return 0
	}
	e.logf("Validating %s() func#%d...\n", e.subprogName(idx), idx)
	if err := e.prepareArgs(idx); err != 0 {
		return err
	}
	if sub.isExceptionCB {
		e.cur.cur().inExceptionCallback = true
		if len(sub.args) != 1 || sub.args[0].kind != helper.ArgAnything {
			e.logs("exception cb only supports single integer argument\n")
			return einval
		}
	}
	for i, a := range sub.args {
		r := &regs[i+1]
		switch {
		case a.kind == helper.ArgPtrToCtx:
			r.Type = PtrToCtx
			r.setKnown(0)
		case a.kind == helper.ArgAnything, a.kind.Base() == helper.ArgPtrToArena:
			e.setUnknown(r)
		case a.kind.Base() == helper.ArgPtrToDynptr:
			r.setDynptr(dynptrLocal, true, e.newID())
		case a.kind.Base() == helper.ArgPtrToMem:
			r.Type = PtrToMem
			if a.kind.Flags()&helper.PtrMaybeNull != 0 {
				r.Type |= PtrMaybeNull
			}
			r.setKnown(0)
			r.setMemSize(a.size)
			r.ID = e.newID()
		default:
			e.enterTrustedArg(&sub.args[i], r)
		}
	}
	return 0
}
