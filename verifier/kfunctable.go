package verifier

import "skep/vm/hook"

// kfuncFlags are the KF_ flags of include/linux/btf.h.
type kfuncFlags uint16

const (
	kfAcquire kfuncFlags = 1 << iota
	kfRelease
	kfRetNull
	_
	kfTrustedArgs
	kfSleepable
	kfDestructive
	kfRCU
	kfIterNew
	kfIterNext
	kfIterDestroy
	kfRCUProtected
)

// kfuncHook is a group of program types with the same kernel functions
// (enum btf_kfunc_hook).
type kfuncHook uint16

const (
	hookCommon kfuncHook = 1 << iota // all types
	hookXDP
	hookTC
	hookStructOps
	hookTracing
	hookSyscall
	hookCgroup
	hookSchedAct
	hookSkSkb
	hookSocketFilter
	hookLWT
	hookNetfilter
	hookKprobe
)

// kfuncRow is what BTF does not say of a kernel function.
type kfuncRow struct {
	name   string
	flags  kfuncFlags
	hooks  kfuncHook
	filter bool // allowed by attach type too: not modelled
}

// hookOf is bpf_prog_type_to_kfunc_hook.
func hookOf(t hook.ProgType) kfuncHook {
	switch t {
	case hook.XDP:
		return hookXDP
	case hook.SchedCls:
		return hookTC
	case hook.StructOps:
		return hookStructOps
	case hook.Tracing, hook.Tracepoint, hook.PerfEvent, hook.LSM:
		return hookTracing
	case hook.Syscall:
		return hookSyscall
	case hook.CgroupSkb, hook.CgroupSock, hook.CgroupDevice, hook.CgroupSockAddr, hook.CgroupSockopt, hook.CgroupSysctl:
		return hookCgroup
	case hook.SchedAct:
		return hookSchedAct
	case hook.SkSkb:
		return hookSkSkb
	case hook.SocketFilter:
		return hookSocketFilter
	case hook.LwtIn, hook.LwtOut, hook.LwtXmit, hook.LwtSeg6local:
		return hookLWT
	case hook.Netfilter:
		return hookNetfilter
	case hook.Kprobe:
		return hookKprobe
	}
	return 0
}

// findKfunc is the row of a kernel function, nil when programs may call none
// of that name.
func findKfunc(name string) *kfuncRow {
	lo, hi := 0, len(kfuncs)
	for lo < hi {
		mid := (lo + hi) / 2
		if kfuncs[mid].name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(kfuncs) && kfuncs[lo].name == name {
		return &kfuncs[lo]
	}
	return nil
}
