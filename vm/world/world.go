package world

import (
	"errors"

	"skep/vm"
	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/kernel"
	"skep/vm/maps"
)

// Config describes a simulated machine. The zero value is a machine with one
// CPU and the built-in kernel.
type Config struct {
	Seed  uint64
	Clock uint64    // CLOCK_MONOTONIC at the first event, ns; 0 is a second
	CPUs  uint32    // at most 64; 0 is 1
	BTF   *btf.Spec // how kernel memory is laid out; nil is kernel.Types()
	ARM64 bool      // registers and numbers of system calls of arm64
	Iface uint32    // index of the interface that packets arrive at; 0 is 2, lo is 1
	Queue uint32    // receive queue of packets
}

// Program is a program of the machine that is attached. Where it runs follows
// from the section name, read as libbpf reads it.
type Program struct {
	Number  int    // in the machine
	Name    string // for the outputs
	Section string // "tp/syscalls/sys_enter_openat"
	Cgroup  string // path of the cgroup, of types that are attached to one; empty is the root
	Egress  bool   // of a tc program whose section does not say: it sees packets that leave
}

type attached struct {
	Program
	sec    hook.Section
	target string
	ret    bool // at the return of its function
}

// Firing is one run of a program.
type Firing struct {
	Program int    // index in the order of Attach
	Name    string // of the program
	CPU     uint32
	Task    string // name of the task that is current
	PID     uint32
	Site    string    // what ran it: "tp/syscalls/sys_enter_openat"
	Clock   uint64    // at its start, ns
	Timer   *vm.Timer // whose callback it is, nil for a program

	// What came of it: set by Return.
	Ret     uint64
	Action  string // XDP_DROP; empty where values have no names
	Meaning string // in a few words; empty when nobody looks at the value
	Effect  string // what it changed for the event: "the event fails with EPERM"; empty: nothing
	Steps   uint64
	Fault   error      // why it did not end
	Events  []vm.Event // what it printed, sent or emitted

	site *site
}

// Result is what came of an event.
type Result struct {
	Event   string // as the language writes it
	Ret     int64  // what user space saw: a result, or minus an errno
	Errno   int    // positive, 0 when it succeeded
	Text    string // in a few words: "EPERM", "fd 3", "dropped by drop_ping"
	Firings []Firing
}

// World is a simulated machine with programs attached. It is not safe for
// concurrent use, as the vm.Machine that it writes to.
type World struct {
	m     *vm.Machine
	hw    *helper.World
	cfg   Config
	k     fields
	progs []attached
	st    state
	r     run
	dry   bool // nothing is written: see More
}

// Mark is a point to come back to.
type Mark struct {
	st state
	r  run
}

// Around is the surroundings that a machine of this configuration is made
// with: vm.Config.World.
func Around(cfg Config) *helper.World {
	hw := &helper.World{CPUs: max(cfg.CPUs, 1), NetNS: 1}
	for _, l := range links(&cfg) {
		hw.Links = append(hw.Links, helper.Link{Index: l.index, MTU: l.mtu, MAC: [6]byte{2, 0, 0, 0, 0, byte(l.index)}})
	}
	out := hw.Links[1]
	hw.Routes = []helper.Route{
		{Prefix: [16]byte{127}, Bits: 8, Link: 1},
		{Link: out.Index, Gateway: [16]byte{10, 0, 0, 254}, HasGate: true, SrcMAC: out.MAC, DstMAC: [6]byte{2, 0, 0, 0, 0, 254}},
	}
	return hw
}

type link struct {
	index, mtu uint32
	name       string
}

func links(cfg *Config) []link {
	eth := cfg.Iface
	if eth == 0 {
		eth = 2
	}
	return []link{{1, 65536, "lo"}, {eth, 1500, "eth0"}, {eth + 1, 1500, "eth1"}}
}

// New is the world around a machine that was made with hw, see Around. It
// sets fields of *hw as events happen.
func New(m *vm.Machine, hw *helper.World, cfg Config) *World {
	if cfg.BTF == nil {
		cfg.BTF = kernel.Types()
	}
	if cfg.Clock == 0 {
		cfg.Clock = 1e9
	}
	w := &World{m: m, hw: hw, cfg: cfg, k: fields{spec: cfg.BTF}}
	w.st.start(cfg.Clock)
	hw.UserKey = w.userKey
	return w
}

// Attach attaches a program by its section. The error says why it can never
// run: the section is unknown, or names no target.
func (w *World) Attach(p Program) error {
	sec, target, ok := hook.ParseSection(p.Section)
	if !ok {
		return errors.New("section " + p.Section + ": libbpf knows no such section")
	}
	if sec.Type == hook.Ext {
		return errors.New("section " + p.Section + ": a freplace program takes the place of another and has no event of its own")
	}
	a := attached{Program: p, sec: sec, target: target}
	for _, name := range [...]string{"kretprobe", "uretprobe", "kretsyscall"} {
		a.ret = a.ret || len(p.Section) >= len(name) && p.Section[:len(name)] == name
	}
	if sec.Target == hook.TargetUSDT {
		w.usdtSpec()
	}
	w.progs = append(w.progs, a)
	return nil
}

// usdtSpec does what libbpf does when it attaches a USDT program: it tells
// bpf_usdt_arg, through the map of <bpf/usdt.bpf.h>, where the arguments are.
// Here they are all in the registers of a call, for every probe.
func (w *World) usdtSpec() {
	const (
		specSize, argSize = 208, 16 // struct __bpf_usdt_spec and __bpf_usdt_arg_spec
		countAt           = 200     // arg_cnt
		typeAt, regAt     = 8, 12   // of an argument: arg_type, reg_off
		inRegister        = 1       // BPF_USDT_ARG_REG
	)
	m := w.m.Maps().ByName("__bpf_usdt_specs")
	if m == nil || m.ValueSize() < specSize {
		return
	}
	b := make([]byte, m.ValueSize())
	regs := [...]uint16{112, 104, 96, 88, 72, 64} // rdi rsi rdx rcx r8 r9
	for i, off := range regs {
		if w.cfg.ARM64 {
			off = uint16(8 * i)
		}
		le.PutUint32(b[i*argSize+typeAt:], inRegister)
		le.PutUint16(b[i*argSize+regAt:], off)
	}
	le.PutUint16(b[countAt:], uint16(len(regs)))
	m.Set(make([]byte, m.KeySize()), b, maps.Any)
}

// Now is CLOCK_MONOTONIC, ns.
func (w *World) Now() uint64 { return w.st.now }

// Mark is the present point; Restore comes back to it. The machine's memory
// is the caller's to keep and bring back.
func (w *World) Mark() Mark {
	w.r.env = w.r.env[:len(w.r.env):len(w.r.env)] // what is added from now on is not the mark's
	return Mark{w.st, w.r}
}

// Restore goes back to a mark, after the machine's memory has been brought
// back.
func (w *World) Restore(k Mark) { w.st, w.r = k.st, k.r }

// Dry runs f without writing to the machine's memory: for finding out what
// comes next while the memory is still looked at. Addresses in what Next
// gives are worthless then. State and helpers are as before afterwards.
func (w *World) Dry(f func()) {
	mark, hw := w.Mark(), *w.hw
	w.dry = true
	f()
	w.dry = false
	w.Restore(mark)
	*w.hw = hw
}

// matches says whether a program runs at a site.
func (a *attached) matches(s *site) bool {
	name := s.name
	switch s.kind {
	case atEntry, atExit:
		if a.sec.Type == hook.Tracing {
			switch a.sec.Attach {
			case hook.TraceFentry:
				return s.kind == atEntry && a.target == name
			case hook.TraceFexit:
				return s.kind == atExit && a.target == name
			}
			return false
		}
		if a.sec.Type != hook.Kprobe {
			return false
		}
		want := a.target
		switch a.sec.Target {
		case hook.TargetSyscall:
			return s.syscall == want && want != "" && a.ret == (s.kind == atExit)
		case hook.TargetMulti:
			if !glob(want, name) {
				return false
			}
			return a.sec.Attach == hook.TraceKprobeSession || a.ret == (s.kind == atExit)
		case hook.TargetKprobe:
			return want == name && a.ret == (s.kind == atExit)
		}
		return false
	case atModify:
		return a.sec.Type == hook.Tracing && a.sec.Attach == hook.ModifyReturn && a.target == name
	case atLSM:
		return a.sec.Type == hook.LSM && a.target == name
	case atTracepoint:
		return a.sec.Type == hook.Tracepoint && a.target == name
	case atRawTP:
		switch a.sec.Type {
		case hook.RawTracepoint, hook.RawTracepointWritable:
			return a.target == name
		case hook.Tracing:
			return a.sec.Attach == hook.TraceRawTp && a.target == name
		}
		return false
	case atUser, atUserExit:
		if a.sec.Type != hook.Kprobe || a.ret != (s.kind == atUserExit) {
			return false
		}
		switch a.sec.Target {
		case hook.TargetUprobe, hook.TargetUSDT:
			return a.target == name
		case hook.TargetMultiU:
			return glob(a.target, name)
		}
		return false
	case atIter:
		return a.sec.Attach == hook.TraceIter && a.sec.Type == hook.Tracing && a.target == name
	case atOps:
		return a.sec.Type == hook.StructOps && a.target == name
	}
	if a.sec.Type != s.typ {
		return false
	}
	at := a.sec.Attach
	if at == 0 {
		switch a.sec.Type { // 0 is also the ingress of cgroup_skb
		case hook.SchedCls:
			at = hook.TCXIngress
			if a.Egress {
				at = hook.TCXEgress
			}
		case hook.SkSkb:
			at = hook.SkSkbStreamVerdict
		case hook.CgroupSkb:
		default:
			at = s.attach[0]
		}
	}
	return at == s.attach[0] || at == s.attach[1]
}

// glob matches names against a pattern with * and ?.
func glob(pattern, s string) bool {
	for pattern != "" {
		switch c := pattern[0]; {
		case c == '*':
			for i := 0; i <= len(s); i++ {
				if glob(pattern[1:], s[i:]) {
					return true
				}
			}
			return false
		case s == "" || c != '?' && c != s[0]:
			return false
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}

// under says whether the cgroup that a program is attached to holds the task.
func (a *attached) under(cg string) bool {
	if a.Cgroup == "" || a.Cgroup == "/" || a.Cgroup == cg {
		return true
	}
	return len(cg) > len(a.Cgroup) && cg[:len(a.Cgroup)] == a.Cgroup && cg[len(a.Cgroup)] == '/'
}
