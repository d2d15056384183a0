package verifier

import (
	"skep/vm/btf"
	"skep/vm/hook"
)

const maxFuncArgs = 12 // MAX_BPF_FUNC_ARGS

// distillProto checks that a trampoline can pass on what a kernel function
// takes and returns (btf_distill_func_proto).
func (e *env) distillProto(k *btf.Spec, t *attachTarget) errno {
	n := t.proto.Vlen()
	if n > maxFuncArgs {
		e.logf("The function %s has %d arguments. Too many.\n", t.name, n)
		return einval
	}
	ret := k.Type(k.Resolve(t.proto.Target()))
	retSize, ok := trampolineSize(ret)
	if !ok || ret.Kind() == btf.KindStruct {
		e.logf("The function %s return type %s is unsupported.\n", t.name, kindWord(ret.Kind()))
		return einval
	}
	for i := range n {
		id := t.proto.Param(i).Type
		if i == n-1 && id == 0 {
			e.logf("The function %s with variable args is unsupported.\n", t.name)
			return einval
		}
		arg := k.Type(k.Resolve(id))
		size, ok := trampolineSize(arg)
		if !ok || size > 16 {
			e.logf("The function %s arg%d type %s is unsupported.\n", t.name, i, kindWord(arg.Kind()))
			return einval
		}
		if size == 0 {
			e.logf("The function %s has malformed void argument.\n", t.name)
			return einval
		}
	}
	if a := e.attachType(); retSize > 8 && (a == hook.TraceFexit || a == hook.ModifyReturn) {
		e.logf("Attach to function %s with a >8 byte return value is not supported for this attach type\n", t.name)
		return enotsup
	}
	return 0
}

// trampolineSize is the size of a parameter or result (__get_type_size).
func trampolineSize(t btf.Type) (int, bool) {
	switch k := t.Kind(); {
	case t.ID() == 0:
		return 0, true
	case k == btf.KindPtr:
		return 8, true
	case k == btf.KindInt, k.IsEnum(), k == btf.KindStruct: // unions are not passed on
		return int(t.Size()), true
	}
	return 0, false
}

// attachDenied refuses functions that tracing must keep off (btf_id_deny,
// noreturn_deny).
func (e *env) attachDenied(name string) errno {
	switch name {
	case "migrate_disable", "migrate_enable", "rcu_read_unlock_strict", "preempt_count_add", "preempt_count_sub",
		"__rcu_read_lock", "__rcu_read_unlock":
		return einval // without a word
	case "__ia32_sys_exit", "__ia32_sys_exit_group", "__kunit_abort", "kunit_try_catch_throw", "__module_put_and_kthread_exit",
		"__x64_sys_exit", "__x64_sys_exit_group", "do_exit", "do_group_exit", "kthread_complete_and_exit", "kthread_exit",
		"make_task_dead":
		if a := e.attachType(); a == hook.TraceFexit || a == hook.ModifyReturn {
			e.logs("Attaching fexit/fmod_ret to __noreturn functions is rejected.\n")
			return einval
		}
	}
	return 0
}
