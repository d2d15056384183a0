package verifier

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/hook"
)

// attachTarget is what a BTF-typed program attaches to.
type attachTarget struct {
	name  string
	proto btf.Type // func_proto
	skip  int      // parameters before those that the context has
	args  []ctxArg
	ops   *structOps // of a struct_ops program
}

// ctxArg is a member of an iterator's context that has a type of its own
// (struct bpf_ctx_arg_aux).
type ctxArg struct {
	off  int
	typ  RegType
	name string // struct pointed to
}

const (
	orNull        = PtrToBTFID | PtrMaybeNull
	orNullTrusted = orNull | PtrTrusted
)

// iterTargets are the iterators of 6.12 and what their contexts point to
// (struct bpf_iter_reg).
var iterTargets = [...]struct {
	name string
	args []ctxArg
}{
	{"bpf_link", []ctxArg{{8, orNull, "bpf_link"}}},
	{"bpf_map", []ctxArg{{8, orNullTrusted, "bpf_map"}}},
	{"bpf_map_elem", []ctxArg{{16, PtrToBuf | PtrMaybeNull | MemRdonly, ""}, {24, PtrToBuf | PtrMaybeNull, ""}}},
	{"bpf_prog", []ctxArg{{8, orNull, "bpf_prog"}}},
	{"bpf_sk_storage_map", []ctxArg{{16, orNull, "sock"}, {24, PtrToBuf | PtrMaybeNull, ""}}},
	{"cgroup", []ctxArg{{8, orNullTrusted, "cgroup"}}},
	{"ipv6_route", []ctxArg{{8, orNull, "fib6_info"}}},
	{"ksym", []ctxArg{{8, orNull, "kallsym_iter"}}},
	{"netlink", []ctxArg{{8, orNull, "netlink_sock"}}},
	{"sockmap", []ctxArg{{16, PtrToBuf | PtrMaybeNull | MemRdonly, ""}, {24, orNull, "sock"}}},
	{"task", []ctxArg{{8, orNullTrusted, "task_struct"}}},
	{"task_file", []ctxArg{{8, orNull, "task_struct"}, {24, orNull, "file"}}},
	{"task_vma", []ctxArg{{8, orNull, "task_struct"}, {16, orNull, "vm_area_struct"}}},
	{"tcp", []ctxArg{{8, orNullTrusted, "sock_common"}}},
	{"udp", []ctxArg{{8, orNullTrusted, "udp_sock"}}},
	{"unix", []ctxArg{{8, orNull, "unix_sock"}}},
}

// canSleep is can_be_sleepable.
func (e *env) canSleep() bool {
	switch e.prog.Type {
	case hook.Tracing:
		switch e.attachType() {
		case hook.TraceFentry, hook.TraceFexit, hook.ModifyReturn, hook.TraceIter:
			return true
		}
	case hook.LSM:
		return e.attachType() != hook.LSMCgroup
	case hook.Kprobe, hook.StructOps:
		return true
	}
	return false
}

// checkAttachBTFID checks the attach target of types that have one.
func (e *env) checkAttachBTFID() errno {
	if e.prog.Type == hook.Syscall {
		if e.sleepable {
			return 0
		}
		e.logs("Syscall programs can only be sleepable\n")
		return einval
	}
	if e.sleepable && !e.canSleep() {
		e.logs("Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable\n")
		return einval
	}
	switch e.prog.Type {
	case hook.StructOps:
		return e.attachStructOps()
	case hook.Ext:
		return e.notModelled("freplace program")
	case hook.Tracing, hook.LSM:
		return e.checkAttachTarget()
	}
	return 0
}

// checkAttachTarget is bpf_check_attach_target for kernel functions.
func (e *env) checkAttachTarget() errno {
	k := e.kbtf()
	if k == nil {
		return e.notModelled("attach target without kernel BTF")
	}
	if e.prog.AttachTo == "" {
		return e.notModelled("attach target by number")
	}
	t := &e.attach
	t.name = e.prog.AttachTo
	switch e.attachType() {
	case hook.TraceRawTp:
		return e.attachRawTP(k)
	case hook.TraceIter:
		return e.attachIter(k)
	case hook.TraceFentry, hook.TraceFexit, hook.ModifyReturn, hook.LSMMac, hook.LSMCgroup:
	default:
		return einval
	}
	id, ok := k.Lookup(t.name, btf.KindFunc)
	if !ok {
		return e.notModelled("attach target that is not in the kernel's BTF")
	}
	t.proto = k.Type(k.Type(id).Target())
	if err := e.distillProto(k, t); err != 0 {
		return err
	}
	if e.prog.Type == hook.LSM {
		return e.attachLSM()
	}
	// Debian's kernel has no error injection: its list is empty.
	switch modifiable, sleeps := modifyReturn(t.name); {
	case e.sleepable && !sleeps:
		e.logf("%s is not sleepable\n", t.name)
		return einval
	case !e.sleepable && e.attachType() == hook.ModifyReturn && !modifiable && !strings.HasPrefix(t.name, "security_"):
		e.logf("%s() is not modifiable\n", t.name)
		return einval
	}
	return e.attachDenied(t.name)
}

// modifyReturn reports whether fmod_ret programs may attach to a function, and
// whether those on it may sleep (the sets of register_btf_fmodret_id_set).
func modifyReturn(name string) (modifiable, sleeps bool) {
	switch name {
	case "bpf_fentry_test1":
		return true, true
	case "bpf_modify_return_test", "bpf_modify_return_test2", "bpf_modify_return_test_tp", "update_socket_protocol":
		return true, false
	}
	return false, false
}

func (e *env) attachRawTP(k *btf.Spec) errno {
	const prefix = "btf_trace_"
	t := &e.attach
	name := strings.TrimPrefix(t.name, prefix)
	t.name = name
	t.skip = 1
	if id, ok := k.Lookup("__bpf_trace_"+name, btf.KindFunc); ok {
		t.proto = k.Type(k.Type(id).Target())
		return 0
	}
	id, ok := k.Lookup(prefix+name, btf.KindTypedef)
	if !ok {
		return e.notModelled("tracepoint that is not in the kernel's BTF")
	}
	t.proto = k.Type(k.Type(k.Type(id).Target()).Target())
	if t.proto.Kind() != btf.KindFuncProto {
		return einval
	}
	return 0
}

func (e *env) attachIter(k *btf.Spec) errno {
	const prefix = "bpf_iter_"
	t := &e.attach
	id, ok := k.Lookup(t.name, btf.KindFunc)
	if !ok || !strings.HasPrefix(t.name, prefix) {
		return e.notModelled("iterator that is not in the kernel's BTF")
	}
	t.proto = k.Type(k.Type(id).Target())
	for i := range iterTargets {
		if iterTargets[i].name == t.name[len(prefix):] {
			t.args = iterTargets[i].args
			return 0
		}
	}
	return e.notModelled("iterator " + t.name)
}

func lsmHook(list []string, name string) bool {
	return contains(list, strings.TrimPrefix(name, "bpf_lsm_"))
}

// attachLSM is bpf_lsm_verify_prog.
func (e *env) attachLSM() errno {
	t := &e.attach
	if e.sleepable && !lsmHook(lsmSleepable[:], t.name) {
		e.logf("%s is not sleepable\n", t.name)
		return einval
	}
	switch {
	case !e.gpl:
		e.logs("LSM programs must have a GPL compatible license\n")
		return einval
	case lsmHook(lsmDisabled[:], t.name):
		e.logf("attach_btf_id %u points to disabled hook %s\n", e.attachID(), t.name)
		return einval
	case !lsmHook(lsmHooks[:], t.name):
		e.logf("attach_btf_id %u points to wrong type name %s\n", e.attachID(), t.name)
		return einval
	}
	return 0
}

func (e *env) attachID() uint32 {
	id, _ := e.kbtf().Lookup(e.prog.AttachTo, btf.KindFunc)
	return uint32(id)
}

// voidTarget reports whether the function attached to returns nothing.
func (e *env) voidTarget() bool { return e.attach.proto.Target() == 0 }

// lsmRange is what a hook may return (bpf_lsm_get_retval_range).
func (e *env) lsmRange() retRange {
	if lsmHook(lsmBool[:], e.attach.name) {
		return retRange{0, 1}
	}
	return retRange{-4095, 0}
}

// argsTrusted is prog_args_trusted.
func (e *env) argsTrusted() bool {
	switch e.prog.Type {
	case hook.Tracing:
		return e.attachType() == hook.TraceRawTp || e.attachType() == hook.TraceIter
	case hook.LSM:
		return !lsmHook(lsmUntrusted[:], e.attach.name)
	case hook.StructOps:
		return true
	}
	return false
}

// ctxByBTF is a load from a context that is the arguments of a kernel function
// (btf_ctx_access). It returns what the register is then; retval says that it
// is the function's result. ok is false when the access is refused.
func (e *env) ctxByBTF(off, size int) (r RegState, retval, ok bool) {
	k, t := e.kbtf(), &e.attach
	r.Type = ScalarValue
	refuse := func(format string, args ...any) (RegState, bool, bool) {
		e.logf(format, args...)
		return r, false, false
	}
	if off%8 != 0 {
		return refuse("func '%s' offset %d is not multiple of 8\n", t.name, off)
	}
	arg, n := ctxArgIndex(k, t, off)
	if arg > n {
		return refuse("func '%s' doesn't have %d-th argument\n", t.name, arg+1)
	}
	var typ btf.ID
	pname := ""
	if arg == n {
		switch e.attachType() {
		case hook.LSMMac:
			retval = true
		case hook.TraceFexit, hook.LSMCgroup:
		case hook.ModifyReturn:
			if rt := k.Type(k.Resolve(t.proto.Target())); rt.Kind() != btf.KindInt || rt.Size() > 8 {
				return refuse("ret type %s not allowed for fmod_ret\n", kindWord(rt.Kind()))
			}
		default:
			return refuse("func '%s' doesn't have %d-th argument\n", t.name, arg+1)
		}
		typ = t.proto.Target()
	} else {
		p := t.proto.Param(arg + t.skip)
		typ, pname = p.Type, p.Name
	}
	pt := k.Type(k.Resolve(typ))
	switch kind := pt.Kind(); {
	case kind == btf.KindInt && pt.Size() <= 8, kind.IsEnum(), kind == btf.KindStruct:
		return r, retval, true
	case kind != btf.KindPtr:
		return refuse("func '%s' arg%d '%s' has type %s. Only pointer access is allowed\n", t.name, arg, nameOr(pt.Name()), kindWord(kind))
	case size != 8:
		return refuse("func '%s' size %d must be 8\n", t.name, size)
	}
	for _, a := range t.args {
		if a.off == off && a.typ.Base() == PtrToBuf {
			r.Type = a.typ
			return r, retval, true
		}
	}
	to := k.Type(k.Resolve(pt.Target()))
	if pt.Target() == 0 || to.Kind() == btf.KindInt {
		return r, retval, true
	}
	if to.Kind() == btf.KindFwd && k.Len() < wholeBTF {
		e.notModelled("struct " + to.Name())
		return r, false, false
	}
	for _, a := range t.args {
		if a.off == off {
			id := e.kernelStruct(a.name)
			if id == 0 {
				return refuse("invalid btf_id for context argument offset %u\n", off)
			}
			r.Type = a.typ
			r.setBTF(btfKernel, uint32(id))
			return r, retval, true
		}
	}
	r.Type = PtrToBTFID
	if e.argsTrusted() {
		r.Type |= PtrTrusted
	}
	if strings.HasSuffix(pname, "__nullable") {
		r.Type |= PtrMaybeNull
	}
	errPtr := false
	if e.attachType() == hook.TraceRawTp {
		for i := range rawTPNull {
			if rawTPNull[i].name == t.name {
				m := rawTPNull[i].mask >> (arg * 4)
				if m&1 != 0 {
					r.Type |= PtrMaybeNull
				}
				errPtr = m&2 != 0
			}
		}
	}
	if tag := k.Type(pt.Target()); tag.Kind() == btf.KindTypeTag {
		switch tag.Name() {
		case "user":
			r.Type |= MemUser
		case "percpu":
			r.Type |= MemPercpu
		}
	}
	if kind := to.Kind(); kind != btf.KindStruct && kind != btf.KindUnion {
		return refuse("func '%s' arg%d type %s is not a struct\n", t.name, arg, kindWord(kind))
	}
	r.setBTF(btfKernel, uint32(to.ID()))
	if t.ops != nil && t.ops.name == "tcp_congestion_ops" && !r.Type.unsafeModifiers() && to.Name() == "sock" {
		r.setBTF(btfKernel, uint32(e.kernelStruct("tcp_sock")))
	}
	e.logf("func '%s' arg%d has btf_id %d type %s '%s'\n", t.name, arg, uint32(to.ID()), kindWord(to.Kind()), nameOr(to.Name()))
	if errPtr {
		e.logf("marking pointer arg%d as scalar as it may encode error", arg)
		r.Type = ScalarValue
	}
	return r, retval, true
}

// nameOr is a type's name in a message (__btf_name_by_offset).
func nameOr(name string) string {
	if name == "" {
		return "(anon)"
	}
	return name
}

// ctxArgIndex is the argument at an offset of the context, and how many there
// are (get_ctx_arg_idx).
func ctxArgIndex(k *btf.Spec, t *attachTarget, off int) (arg, n int) {
	size := func(id btf.ID) int {
		x := k.Type(k.Resolve(id))
		if x.Kind() == btf.KindPtr {
			return 8
		}
		return roundUp(int(x.Size()), 8)
	}
	all := t.proto.Vlen()
	at := 0
	arg = all + 1
	for i := range all {
		at += size(t.proto.Param(i).Type)
		if uint32(off) < uint32(at) {
			arg = i
			break
		}
	}
	if arg > all {
		if at += size(t.proto.Target()); uint32(off) < uint32(at) {
			arg = all
		}
	}
	return arg, all - t.skip
}
