package helper

import (
	"strconv"
	"strings"

	"skep/vm/hook"
)

// Denial is why a call of a helper is refused before its arguments are looked
// at, in the order in which the kernel checks (check_helper_call).
type Denial uint8

const (
	Allowed        Denial = iota
	DenyInvalid           // no such helper
	DenyType              // not for this program type, attach type or user
	DenyGPL               // license of the program
	DenyTarget            // not where the program is attached
	DenyMightSleep        // program is not sleepable
)

// Caller is what decides whether a program may call a helper.
type Caller struct {
	Type       hook.ProgType // of a freplace program: the type of its target
	Attach     hook.AttachType
	GPL        bool // license is GPL compatible
	Sleepable  bool
	CapBPF     bool
	CapPerfmon bool
	// Target is the kernel function, tracepoint or LSM hook (bpf_lsm_file_open)
	// that a tracing or LSM program is attached to. When it is empty, what
	// depends on it is allowed.
	Target string
	Prog   bool // Target is a function of another BPF program
}

// Privileged is a caller with every capability and a GPL license.
func Privileged(typ hook.ProgType, attach hook.AttachType) Caller {
	return Caller{Type: typ, Attach: attach, GPL: true, CapBPF: true, CapPerfmon: true}
}

// Permission says whether c may call helper id. Pairs of program and attach
// type that the reference kernel could load without a BTF target are
// measured; tracing, LSM, struct_ops, syscall, lirc, cgroup bind and unix
// pairs follow the kernel's source. Not covered: what struct_ops types other
// than tcp_congestion_ops have (the base helpers only).
func Permission(c Caller, id int) Denial {
	if id < 0 || id > len(table) {
		return DenyInvalid
	}
	if id == 0 {
		return DenyType
	}
	p := ProtoFor(c.Type, c.Attach, id)
	switch s := permSet(c.Type, c.Attach); {
	case s == nil || s[id>>6]>>(id&63)&1 == 0,
		p.Flags.Has(NeedBPF) && !c.CapBPF,
		p.Flags.Has(NeedPerfmon) && !c.CapPerfmon,
		noSockopt(c, id):
		return DenyType
	case p.Flags.Has(GPLOnly) && !c.GPL:
		return DenyGPL
	case p.Flags.Has(HasAllowed) && !c.allowed(id):
		return DenyTarget
	case p.Flags.Has(MightSleep) && !c.Sleepable:
		return DenyMightSleep
	}
	return Allowed
}

const (
	idSetsockopt = 49
	idGetsockopt = 57
	idDPath      = 147
	idInodeHash  = 161
	idFileHash   = 193
)

// noSockopt: of lsm_cgroup programs only those at five hooks, and of
// iterators only those over TCP and unix sockets, have the socket options.
func noSockopt(c Caller, id int) bool {
	switch {
	case id != idSetsockopt && id != idGetsockopt || c.Target == "":
		return false
	case c.Type == hook.LSM:
		return hook.LSMHook(c.Target)&hook.LSMSockopt == 0
	case c.Type == hook.Tracing:
		return c.Target != "bpf_iter_tcp" && c.Target != "bpf_iter_unix"
	}
	return false
}

// allowed is the allowed function of a helper's prototype.
func (c Caller) allowed(id int) bool {
	switch id {
	case idDPath:
		if c.Type == hook.Tracing && c.Attach == hook.TraceIter || c.Target == "" {
			return true
		}
		if c.Type == hook.LSM {
			return hook.LSMHook(c.Target)&hook.LSMSleepable != 0
		}
		switch c.Target {
		case "security_file_permission", "security_inode_getattr", "security_file_open", "security_path_truncate",
			"vfs_truncate", "vfs_fallocate", "dentry_open", "vfs_getattr", "filp_close":
			return true
		}
		return false
	case idInodeHash, idFileHash:
		return c.Target == "" || hook.LSMHook(c.Target)&hook.LSMSleepable != 0
	}
	// sk_storage_get and sk_storage_delete from tracing programs
	switch c.Attach {
	case hook.TraceIter, hook.TraceRawTp:
		return !c.Prog
	case hook.TraceFentry, hook.TraceFexit:
		return !c.Prog && !strings.HasPrefix(c.Target, "bpf_sk_storage")
	}
	return false
}

// Message is the verifier's line for a denial of helper id, empty for
// Allowed. All of them come with EINVAL.
func (d Denial) Message(id int) string {
	name := "unknown"
	if p := Lookup(id); p != nil {
		name = p.Name
	} else if id == 0 {
		name = "bpf_unspec"
	}
	switch d {
	case DenyInvalid:
		return "invalid func " + name + "#" + strconv.Itoa(id)
	case DenyType:
		return "program of this type cannot use helper " + name + "#" + strconv.Itoa(id)
	case DenyGPL:
		return "cannot call GPL-restricted function from non-GPL compatible program"
	case DenyTarget:
		return "helper call is not allowed in probe"
	case DenyMightSleep:
		return "helper call might sleep in a non-sleepable prog"
	}
	return ""
}

// permRow joins a program type and attach type to a set of helpers.
type permRow struct {
	typ    hook.ProgType
	attach hook.AttachType // anyAttach: whichever
	set    uint8           // index into permSets
}

const anyAttach = 255

func permSet(typ hook.ProgType, attach hook.AttachType) *[4]uint64 {
	for i := range permRows {
		r := &permRows[i]
		if r.typ == typ && (r.attach == attach || r.attach == anyAttach) {
			return &permSets[r.set]
		}
	}
	return nil
}
