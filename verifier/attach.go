package verifier

import "skep/vm/hook"

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
		return e.notModelled("struct_ops program")
	case hook.Tracing:
		return e.notModelled("tracing program with BTF")
	case hook.LSM:
		return e.notModelled("LSM program")
	case hook.Ext:
		return e.notModelled("freplace program")
	}
	return 0
}
