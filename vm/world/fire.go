package world

import (
	"errors"
	"strconv"
	"strings"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
)

// run is the walk of one event through its script. Like state it is plain
// values and slices that are replaced, not written to.
//
// A script is tokens. sys:, fn:, kfn and user begin a function and ) ends it;
// lsm:, cg:, tp:, net:, ops: and single words are places on the way; do: is
// what the kernel itself does. When a program or the kernel refuses, the walk
// goes straight to the ends of the functions that have begun: exit probes see
// the error. need ends the event if a system call has failed.
type run struct {
	ev     *Event
	script []string
	tok    int // next token
	sites  []site
	site   int // next site of sites
	prog   int // next program at it
	frames []frame
	env    []value
	val    int64 // what the innermost function returns
	denied bool  // walk to the ends
	skip   int   // functions that began while denied
	ret    int64 // result of the event
	failed bool
	over   bool
	actor  uint32 // pid of the current task
	timers int    // that have fired
	user   uint32 // bytes of user memory that are used
	text   string
	by     string // program that decided

	fired []Firing
	net   flow
}

// frame is a function that has begun.
type frame struct {
	name    string
	syscall string
	nr      uint64
	args    []uint64
	user    bool
}

// Begin starts an event: what was left of the one before is forgotten.
func (w *World) Begin(e Event) {
	w.r = run{ev: &e}
	if e.CPU >= max(w.cfg.CPUs, 1) {
		e.CPU = 0
	}
	script := ""
	if v := verbOf(e.Verb); v != nil {
		script = v.script
	}
	w.r.script = strings.Fields(script)
	w.r.actor = w.st.actor(&e)
	w.setup()
	w.current()
}

// Next finds the next program that runs, writes the kernel memory that it
// may look at and gives what the machine is to be started with, see Start.
// False: the event is over.
func (w *World) Next() (*Firing, vm.Input, bool) {
	r := &w.r
	for !r.over {
		if f, in, ok := w.due(); ok {
			return f, in, true
		}
		for ; r.site < len(r.sites); r.site, r.prog = r.site+1, 0 {
			s := &r.sites[r.site]
			if r.denied && s.noPass {
				continue
			}
			for ; r.prog < len(w.progs); r.prog++ {
				p := &w.progs[r.prog]
				if r.denied && (s.noPass || s.kind == atAttach) || !p.matches(s) {
					continue
				}
				if (s.typ != 0 && cgroupType(p.sec.Type) || p.sec.Attach == hook.LSMCgroup) && !p.under(w.task().cg) {
					continue
				}
				w.st.seq++
				f := &Firing{
					Program: r.prog, Name: p.Name, CPU: r.ev.CPU, Task: w.task().comm, PID: r.actor, Clock: w.st.now,
					Site: s.title, site: s,
				}
				return f, w.input(p, s), true
			}
		}
		r.sites, r.site, r.prog = nil, 0, 0
		w.step()
	}
	return nil, vm.Input{}, false
}

// maxTimers bounds the timers that fire in an event: one may start itself
// again for a time that has already come.
const maxTimers = 10_000

// due is the next timer whose time has come. It fires on its own time.
func (w *World) due() (*Firing, vm.Input, bool) {
	t, ok := w.m.NextTimer()
	if !ok || t.Expires > w.st.now || t.Prog < 0 || w.r.timers >= maxTimers {
		return nil, vm.Input{}, false
	}
	w.r.timers++
	w.st.seq++
	f := &Firing{Name: "timer", CPU: t.CPU, Task: "swapper/0", Site: "timer", Clock: t.Expires, Timer: &t}
	for i := range w.progs {
		if w.progs[i].Number == t.Prog {
			f.Program, f.Name = i, w.progs[i].Name
		}
	}
	if t.Work {
		f.Site, f.Task = "work queue", "kworker/0:0"
	}
	w.hw.Task = helper.Task{Comm: f.Task, Addr: w.mem("task_struct", 0).ptr()}
	return f, vm.Input{CPU: t.CPU, Clock: t.Expires, Seed: w.seed()}, true
}

func (w *World) seed() uint64 { return w.cfg.Seed + w.st.seq*0x9e3779b97f4a7c15 }

// Machine is the number in the machine of the program that fires.
func (w *World) Machine(f *Firing) int {
	if f.Timer != nil {
		return f.Timer.Prog
	}
	return w.progs[f.Program].Number
}

// Start puts the machine at the start of a firing.
func (w *World) Start(f *Firing, in vm.Input) error {
	if f.Timer != nil {
		return w.m.FireTimer(*f.Timer, in)
	}
	w.m.Entry(w.Machine(f))
	return w.m.Reset(in)
}

// Section is libbpf's row of the program that fires.
func (w *World) Section(f *Firing) hook.Section { return w.progs[f.Program].sec }

// Return takes the machine, which has run the firing to its end, and lets
// the result take effect.
func (w *World) Return(f *Firing) {
	p := &w.progs[f.Program]
	f.Ret, f.Steps = w.m.Reg(0), w.m.Steps()
	if flt := w.m.Fault(); flt != nil {
		f.Fault = flt
	} else if !w.m.Done() {
		f.Fault = errBudget
	}
	f.Events = append([]vm.Event(nil), w.m.Events()...)
	w.st.now = max(w.st.now, w.m.Clock())
	w.r.fired = append(w.r.fired[:len(w.r.fired):len(w.r.fired)], *f)
	if f.Timer != nil {
		return
	}
	w.st.now += sitePause
	if f.site.typ == hook.PerfEvent && w.r.ev.Verb == "spin" {
		w.st.now = f.Clock + f.site.num[1] // until the next sample
	}
	if f.Fault == nil {
		w.effect(p, f.site, f)
		w.r.fired[len(w.r.fired)-1] = *f
	}
	w.r.prog++
}

var errBudget = errors.New("the instruction budget of an event is used up")

// Virtual time: between two programs, and between two events.
const (
	sitePause  = 1_000
	eventPause = 1_000_000
)

// Fire runs an event to its end, each program for at most budget
// instructions. The programs' ring buffers are not drained.
func (w *World) Fire(e Event, budget int) Result {
	w.Begin(e)
	for {
		f, in, ok := w.Next()
		if !ok {
			break
		}
		if err := w.Start(f, in); err != nil {
			f.Fault = err
			w.r.prog++
			w.r.fired = append(w.r.fired, *f)
			continue
		}
		for left := budget; left > 0 && !w.m.Done(); left -= slice {
			w.m.Run(min(left, slice))
		}
		w.Return(f)
	}
	return w.Result()
}

const slice = 100_000

// Result is what came of the event that has ended.
func (w *World) Result() Result {
	r := &w.r
	out := Result{Ret: r.ret, Text: r.text, Firings: r.fired}
	if out.Text == "" {
		out.Text = "done"
	}
	if r.ev != nil {
		out.Event = r.ev.String()
	}
	if r.ret < 0 && r.ret > -4096 && r.failed {
		out.Errno = int(-r.ret)
		out.Text = ErrnoName(out.Errno)
	}
	if r.by != "" && (out.Errno != 0 || r.text != "") {
		out.Text += " by " + r.by
	}
	return out
}

// step takes the next token. The sites that it makes are walked before the
// one after it.
func (w *World) step() {
	r := &w.r
	if r.tok >= len(r.script) {
		w.end()
		return
	}
	tok := r.script[r.tok]
	r.tok++
	word, name, _ := strings.Cut(tok, ":")
	opens := word == "sys" || word == "fn" || tok == "user" || tok == "kfn"
	switch {
	case tok == ")":
		w.closing()
		return
	case r.denied:
		if opens {
			r.skip++
		}
		if len(r.frames) == 0 {
			r.denied = false
			w.end()
		}
		return
	}
	switch word {
	case "sys":
		sites, f := w.enter(name)
		w.open(sites, f)
	case "fn":
		name = w.proto(name)
		w.open(w.function(name, w.values(funcArgs(name))))
	case "kfn":
		args := w.callArgs()
		w.open(w.function(w.r.ev.Text("fn", ""), args))
	case "user":
		args := w.callArgs()
		name := w.r.ev.Text("fn", "")
		w.open([]site{{kind: atUser, name: name, args: args, title: "uprobe " + name}}, frame{name: name, args: args, user: true})
	case "lsm":
		r.sites = w.security(name)
	case "tp":
		r.sites = w.passes(name)
	case "cg", "net", "ops", "rawtp", "perf", "iter", "prog", "lirc":
		r.sites = w.special(word, name)
	case "state":
		r.sites = w.newState(decimal(name), r.net.cookie)
	case "far":
		r.sites = w.farEnd(name)
	case "do":
		w.do(name)
	case "as":
		if pid := uint32(w.get("child_pid").n); pid != 0 {
			r.actor = pid
			w.current()
		}
	case "need":
		if r.failed {
			w.end()
		}
	case "tcp":
		if r.net.udp {
			w.end()
		}
	case "data":
		if !has(r.ev.Args, "data") {
			w.pass()
		}
	}
}

// open begins a function.
func (w *World) open(sites []site, f frame) {
	w.r.sites = sites
	w.r.frames = append(w.r.frames[:len(w.r.frames):len(w.r.frames)], f)
	w.r.val = 0
}

// closing ends the innermost function: one that was never begun silently.
func (w *World) closing() {
	r := &w.r
	if r.skip > 0 {
		r.skip--
		return
	}
	n := len(r.frames) - 1
	if n < 0 {
		return
	}
	f := r.frames[n]
	r.frames = r.frames[:n:n]
	r.sites = w.leave(&f)
	if n > 0 {
		return
	}
	r.denied = false
	if r.val < 0 && r.val > -4096 && !f.user {
		r.failed = true
		r.ret = r.val
	} else if !r.failed {
		r.ret = max(r.ret, r.val)
	}
}

// pass leaves out the function that comes next.
func (w *World) pass() {
	r := &w.r
	for depth := 0; r.tok < len(r.script); r.tok++ {
		switch word, _, _ := strings.Cut(r.script[r.tok], ":"); word {
		case "sys", "fn":
			depth++
		case ")":
			if depth--; depth == 0 {
				r.tok++
				return
			}
		}
	}
}

// end ends the event. What it opened and did not keep is gone.
func (w *World) end() {
	r := &w.r
	r.over = true
	if !r.net.keep && r.net.cookie != 0 {
		w.st.release(r.net.cookie)
		w.st.release(r.net.far)
	}
	w.st.now += eventPause
}

// deny refuses what is being done: the functions that have begun return v.
func (w *World) deny(v int64) {
	w.r.val, w.r.denied, w.r.skip = v, true, 0
}

// proto is the function of a protocol that a common name stands for.
func (w *World) proto(name string) string {
	tcp := "tcp_"
	if w.r.net.udp {
		tcp = "udp_"
	}
	switch name {
	case "sendmsg", "recvmsg":
		return tcp + name
	case "proto_connect":
		if w.r.net.v6 {
			return "tcp_v6_connect"
		}
		return "tcp_v4_connect"
	}
	return name
}

// callArgs is the values in parentheses: numbers, and addresses of texts.
func (w *World) callArgs() []uint64 {
	out := make([]uint64, len(w.r.ev.Call))
	for i := range w.r.ev.Call {
		a := &w.r.ev.Call[i]
		if n, ok := number(a.Value); ok && !a.Quoted {
			out[i] = n
		} else if v := w.get(a.Value); v.name != "" && !a.Quoted {
			out[i] = v.n
		} else {
			out[i] = w.passText(a.Value)
		}
	}
	return out
}

// task is the current task.
func (w *World) task() *task {
	if i := w.st.task(w.r.actor); i >= 0 {
		return &w.st.tasks[i]
	}
	return &w.st.tasks[0]
}

func cgroupType(t hook.ProgType) bool {
	switch t {
	case hook.CgroupSkb, hook.CgroupSock, hook.CgroupSockAddr, hook.CgroupDevice, hook.CgroupSysctl, hook.CgroupSockopt, hook.SockOps:
		return true
	}
	return false
}

// ErrnoName is the name of an errno: EPERM, or the number where it has none
// here.
func ErrnoName(e int) string {
	for i, n := range errnos {
		if n == e {
			return strings.Fields(errnoNames)[i]
		}
	}
	return "errno " + strconv.Itoa(e)
}

const errnoNames = "EPERM ENOENT ESRCH EINTR EIO EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST ENODEV ENOTDIR EISDIR EINVAL ENOSPC EROFS ERANGE ENOSYS ENOTSUPP EADDRINUSE EADDRNOTAVAIL ENETUNREACH ENOBUFS ETIMEDOUT ECONNREFUSED EHOSTUNREACH"

var errnos = [...]int{1, 2, 3, 4, 5, 9, 11, 12, 13, 14, 16, 17, 19, 20, 21, 22, 28, 30, 34, 38, 524, 98, 99, 101, 105, 110, 111, 113}
