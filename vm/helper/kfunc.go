package helper

import "skep/vm/hook"

// Kfunc is a kernel function that programs may call by its BTF id. Its
// prototype is in the kernel's BTF under Name.
type Kfunc struct {
	Name  string
	Hooks KfuncHooks // where it is registered
	Flags KfuncFlags
}

// Since is the first Linux version that has the kfunc; empty: not noted.
func (k *Kfunc) Since() string { since, _ := k.docs(); return since }

// Doc is what the kfunc does, in one sentence; empty for those that are about
// one subsystem.
func (k *Kfunc) Doc() string { _, doc := k.docs(); return doc }

func (k *Kfunc) docs() (since, doc string) {
	for i := range kfuncDocs {
		if d := &kfuncDocs[i]; d.name == k.Name {
			return d.since, d.doc
		}
	}
	return "", ""
}

// KfuncFlags are the KF_* flags, with the kernel's values, and two of ours at
// the top.
type KfuncFlags uint16

const (
	KfuncAcquire      KfuncFlags = 1 << 0  // returns a reference
	KfuncRelease      KfuncFlags = 1 << 1  // takes a reference back
	KfuncRetNull      KfuncFlags = 1 << 2  // the pointer returned may be NULL
	KfuncTrustedArgs  KfuncFlags = 1 << 4  // pointers must be trusted
	KfuncSleepable    KfuncFlags = 1 << 5  // may sleep
	KfuncDestructive  KfuncFlags = 1 << 6  // may bring the machine down
	KfuncRCU          KfuncFlags = 1 << 7  // pointers must be trusted or RCU protected
	KfuncIterNew      KfuncFlags = 1 << 8  // begins an iteration
	KfuncIterNext     KfuncFlags = 1 << 9  // next element of an iteration
	KfuncIterDestroy  KfuncFlags = 1 << 10 // ends an iteration
	KfuncRCUProtected KfuncFlags = 1 << 11 // only in an RCU section

	KfuncFilter KfuncFlags = 1 << 14 // its set has a filter besides the hooks: by attach type or target
	KfuncModule KfuncFlags = 1 << 15 // of a module that the reference kernel does not load
)

// Has reports whether all of g are set.
func (f KfuncFlags) Has(g KfuncFlags) bool { return f&g == g }

// KfuncHooks is a set of enum btf_kfunc_hook: groups of program types.
type KfuncHooks uint16

const (
	KfuncCommon KfuncHooks = 1 << iota // every type
	KfuncXDP
	KfuncTC
	KfuncStructOps
	KfuncTracing
	KfuncSyscall
	KfuncFmodRet // can be attached to by fmod_ret, not called
	KfuncCgroup
	KfuncSchedAct
	KfuncSkSkb
	KfuncSocketFilter
	KfuncLwt
	KfuncNetfilter
	KfuncKprobe
)

// KfuncHook is the group of a program type: bpf_prog_type_to_kfunc_hook.
func KfuncHook(t hook.ProgType) KfuncHooks {
	switch t {
	case hook.XDP:
		return KfuncXDP
	case hook.SchedCls:
		return KfuncTC
	case hook.StructOps:
		return KfuncStructOps
	case hook.Tracing, hook.Tracepoint, hook.PerfEvent, hook.LSM:
		return KfuncTracing
	case hook.Syscall:
		return KfuncSyscall
	case hook.CgroupSkb, hook.CgroupSock, hook.CgroupDevice, hook.CgroupSockAddr, hook.CgroupSockopt, hook.CgroupSysctl:
		return KfuncCgroup
	case hook.SchedAct:
		return KfuncSchedAct
	case hook.SkSkb:
		return KfuncSkSkb
	case hook.SocketFilter:
		return KfuncSocketFilter
	case hook.LwtOut, hook.LwtIn, hook.LwtXmit, hook.LwtSeg6local:
		return KfuncLwt
	case hook.Netfilter:
		return KfuncNetfilter
	case hook.Kprobe:
		return KfuncKprobe
	}
	return 0
}

// KfuncByName is the kfunc of that name, nil when 6.12 has none.
func KfuncByName(name string) *Kfunc {
	lo, hi := 0, len(kfuncTable)
	for lo < hi {
		if mid := (lo + hi) / 2; kfuncTable[mid].Name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(kfuncTable) && kfuncTable[lo].Name == name {
		return &kfuncTable[lo]
	}
	return nil
}

// Kfuncs is the table, sorted by name. It must not be changed. Those of
// modules that the reference kernel does not load are in it too.
func Kfuncs() []Kfunc { return kfuncTable[:] }

// Allowed reports whether programs of a type may call the kfunc; of a
// freplace program the type of its target. Filters that a set has beside its
// hooks (bpf_sock_destroy only in socket iterators, tracing sets without
// sleepable ones) are not in it.
func (k *Kfunc) Allowed(t hook.ProgType) bool {
	return k.Hooks&(KfuncCommon|KfuncHook(t)) != 0
}
