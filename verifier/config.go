package verifier

import (
	"context"

	"skep/vm/btf"
)

// Privilege is who loads the program.
type Privilege uint8

const (
	Root         Privilege = iota // all capabilities
	CapBPF                        // CAP_BPF and CAP_NET_ADMIN, without CAP_PERFMON
	Unprivileged                  // none, with kernel.unprivileged_bpf_disabled=0
)

// Kernel is a kernel's profile: what differs between versions is data here.
type Kernel uint16

// Linux612 is Linux 6.12 as Debian ships it, the reference.
const Linux612 Kernel = 6<<8 | 12

// Config is how to verify. The zero Config is Linux 6.12, root, no log.
type Config struct {
	Kernel    Kernel // 0: Linux612
	Privilege Privilege
	LogLevel  int // bits of LogLevel1, LogLevel2, LogStats
	LogMax    int // the last bytes of the log that are kept, 0: 16 MiB
	CPUs      int // nr_cpu_ids, 0: 1
	MaxMemory int // bytes of states before giving up, 0: 1 GiB

	// KernelBTF describes the kernel's types; without it programs that need
	// them are not modelled.
	KernelBTF *btf.Spec

	// Overrides asks what would be if more, or less, were known of a
	// register. Result.Hypothetical is set when there are any.
	Overrides []Override

	// Facts asks for Result.Facts, what a compiler may rely on. Some take a
	// second walk.
	Facts bool

	Context context.Context // nil: never cancelled
	Tracer  Tracer          // nil: no trace

	exactScalars bool // for tests: see ExactScalars
}

// Limits of Linux.
const (
	maxInsnsPriv   = 1000000 // BPF_COMPLEXITY_LIMIT_INSNS
	maxInsnsUnpriv = 4096    // BPF_MAXINSNS
	maxSubprogs    = 256     // BPF_MAX_SUBPROGS
	maxUsedMaps    = 64      // MAX_USED_MAPS
	maxStatesInsn  = 64      // BPF_COMPLEXITY_LIMIT_STATES, of users without CAP_BPF
)
