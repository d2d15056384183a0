package world

import (
	"strings"

	"skep/vm/hook"
)

// siteKind is how programs get at a place in the kernel.
type siteKind uint8

const (
	atAttach siteKind = iota // programs of a type and attach type
	atEntry                  // a kernel function begins
	atModify                 // the same, for fmod_ret
	atExit                   // a kernel function returns
	atLSM
	atTracepoint
	atRawTP
	atUser
	atUserExit
	atIter
	atOps
)

// site is a place that an event passes. Sites are made when the event gets to
// them and do not change from then on.
type site struct {
	kind    siteKind
	name    string   // of function, hook, tracepoint, iterator
	syscall string   // the system call that the function is
	args    []uint64 // of function or raw tracepoint
	raw     []byte   // context of a tracepoint; of an iterator's element, a syscall program, ...
	typ     hook.ProgType
	attach  [2]hook.AttachType // either
	title   string             // for Firing.Site
	num     [4]uint64          // what the type needs: see input
	noPass  bool               // a refusal skips the rest: the hook decides
}

// value is a named value of the event: what arguments are filled from.
type value struct {
	name string
	n    uint64
	s    string
}

// let gives a name a value.
func (w *World) let(name string, n uint64) { w.bind(value{name: name, n: n}) }

// lets gives several names, with blanks between, one value.
func (w *World) lets(names string, n uint64) {
	for name := range strings.FieldsSeq(names) {
		w.let(name, n)
	}
}

// letText gives a name a text.
func (w *World) letText(name, s string) { w.bind(value{name: name, s: s}) }

// bind adds a value: the last one of a name counts. A Mark holds its own part
// of the slice, see there.
func (w *World) bind(v value) { w.r.env = append(w.r.env, v) }

func (w *World) get(name string) value {
	for i := len(w.r.env) - 1; i >= 0; i-- {
		if w.r.env[i].name == name {
			return w.r.env[i]
		}
	}
	return value{}
}

func (w *World) values(names []string) []uint64 {
	out := make([]uint64, len(names))
	for i, n := range names {
		out[i] = w.get(n).n
	}
	return out
}

// sysArgs is the arguments of a system call as user space gave them: names of
// user memory begin with u_ where the kernel uses the same name inside.
func (w *World) sysArgs(names []string) []uint64 {
	out := w.values(names)
	for i, n := range names {
		if v := w.get("u_" + n); v.name != "" {
			out[i] = v.n
		}
	}
	return out
}

// wrapper is the kernel's function of a system call.
func (w *World) wrapper(name string) string {
	if w.cfg.ARM64 {
		return "__arm64_sys_" + name
	}
	return "__x64_sys_" + name
}

// enter is the sites at the start of a system call. The wrapper's argument is
// the registers, in which are the arguments.
func (w *World) enter(name string) ([]site, frame) {
	nr, names := syscall(name, w.cfg.ARM64)
	args := w.sysArgs(names)
	regs := w.regs(nr, args)
	f := frame{name: w.wrapper(name), syscall: name, nr: nr, args: []uint64{regs}}
	words := append([]uint64{nr}, args...)
	six := append([]uint64{nr}, append(args, make([]uint64, 6)...)[:6]...)
	return []site{
		{kind: atRawTP, name: "sys_enter", args: []uint64{regs, nr}, title: "raw_tp/sys_enter"},
		{kind: atTracepoint, name: "raw_syscalls/sys_enter", raw: w.record(six), title: "tp/raw_syscalls/sys_enter"},
		{kind: atTracepoint, name: "syscalls/sys_enter_" + name, raw: w.record(words), title: "tp/syscalls/sys_enter_" + name},
		{kind: atEntry, name: f.name, syscall: name, args: f.args, title: "syscall " + name},
		{kind: atModify, name: f.name, args: f.args, title: "fmod_ret/" + f.name},
	}, f
}

// leave is the sites where a frame ends.
func (w *World) leave(f *frame) []site {
	exit := site{kind: atExit, name: f.name, syscall: f.syscall, args: f.args, title: "return of " + f.name}
	if f.user {
		exit.kind = atUserExit
	}
	if f.syscall == "" {
		return []site{exit}
	}
	exit.title = "return of syscall " + f.syscall
	ret := uint64(w.r.val)
	raw := w.record([]uint64{f.nr, ret})
	return []site{
		exit,
		{kind: atRawTP, name: "sys_exit", args: []uint64{f.args[0], ret}, title: "raw_tp/sys_exit"},
		{kind: atTracepoint, name: "raw_syscalls/sys_exit", raw: raw, title: "tp/raw_syscalls/sys_exit"},
		{kind: atTracepoint, name: "syscalls/sys_exit_" + f.syscall, raw: raw, title: "tp/syscalls/sys_exit_" + f.syscall},
	}
}

// record is the context of a tracepoint of 64-bit words behind the fields
// that all have.
func (w *World) record(words []uint64) []byte {
	b := w.common()
	for _, v := range words {
		b = le.AppendUint64(b, v)
	}
	return b
}

// common is the fields that every tracepoint's record begins with:
// common_type, common_flags, common_preempt_count, common_pid.
func (w *World) common() []byte {
	b := make([]byte, 8, 72)
	le.PutUint32(b[4:], w.r.actor)
	return b
}

// function is the sites where a kernel function begins.
func (w *World) function(name string, args []uint64) ([]site, frame) {
	return []site{
		{kind: atEntry, name: name, args: args, title: "entry of " + name},
		{kind: atModify, name: name, args: args, title: "fmod_ret/" + name},
	}, frame{name: name, args: args}
}

// security is the sites of a security hook: its function, the programs, its
// return.
func (w *World) security(name string) []site {
	fn := "security_" + name
	args := w.values(funcArgs(fn))
	hook, _ := row(lsms, name)
	return []site{
		{kind: atEntry, name: fn, args: args, title: "entry of " + fn},
		{kind: atModify, name: fn, args: args, title: "fmod_ret/" + fn, noPass: true},
		{kind: atLSM, name: name, args: w.values(strings.Fields(hook)), title: "lsm/" + name, noPass: true},
		{kind: atExit, name: fn, args: args, title: "return of " + fn},
	}
}

// passes is the sites of a tracepoint.
func (w *World) passes(name string) []site {
	args, format := tracepoint(name)
	_, short, _ := strings.Cut(name, "/")
	return []site{
		{kind: atRawTP, name: short, args: w.values(args), title: "raw_tp/" + short},
		{kind: atTracepoint, name: name, raw: w.format(format), title: "tp/" + name},
	}
}

// format is the record of a tracepoint by the fields of its format.
func (w *World) format(fields []string) []byte {
	b := w.common()
	var tail []byte
	type hole struct{ at, off, n int }
	var holes []hole
	for _, f := range fields {
		name, typ, _ := strings.Cut(f, ":")
		v := w.get(name)
		n, align := fieldSize(typ)
		for len(b)%align != 0 {
			b = append(b, 0)
		}
		at := len(b)
		b = append(b, make([]byte, n)...)
		switch typ[0] {
		case 'c':
			copy(b[at:], v.s)
		case 's':
			holes = append(holes, hole{at, len(tail), len(v.s) + 1})
			tail = append(append(tail, v.s...), 0)
		default:
			var word [8]byte
			le.PutUint64(word[:], v.n)
			copy(b[at:], word[:n])
		}
	}
	for len(tail) > 0 && len(b)%4 != 0 {
		b = append(b, 0)
	}
	for _, h := range holes {
		le.PutUint32(b[h.at:], uint32(h.n)<<16|uint32(len(b)+h.off))
	}
	return append(b, tail...)
}

// regs writes the registers of a system call and gives their address.
func (w *World) regs(nr uint64, args []uint64) uint64 {
	b := w.registers(args, ^uint64(37), nr) // -ENOSYS in rax while it runs
	if w.cfg.ARM64 {
		first := uint64(0)
		if len(args) > 0 {
			first = args[0]
		}
		b = le.AppendUint64(b, first) // orig_x0
		b = le.AppendUint64(b, nr)
	} else {
		le.PutUint64(b[120:], nr) // orig_rax
		if len(args) > 3 {
			le.PutUint64(b[56:], args[3]) // r10, in place of rcx
		}
	}
	return w.region("", "pt_regs", 0, uint32(len(b))).raw(b).ptr()
}

// registers is a struct pt_regs at the entry of a function with these
// arguments.
func (w *World) registers(args []uint64, ret, ip uint64) []byte {
	return hook.Context(hook.Program{Type: hook.Kprobe, ARM64: w.cfg.ARM64}, hook.Start{Args: args, Ret: ret, IP: ip})
}
