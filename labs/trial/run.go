package trial

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"skep/labs/grade"
	"skep/verifier"
	"skep/verifier/klog"
	"skep/verifier/loader"
	"skep/vm"
	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/kernel"
	"skep/vm/maps"
	"skep/vm/source"
	"skep/vm/world"
)

// Exercise is what a submission is tried on.
type Exercise struct {
	Setup     string // events before the programs are attached
	Trace     string // in the event language of vm/world
	Grade     *grade.Spec
	Seed      uint64 // of the student: the same seed, the same random values
	CPUs      uint32 // 0 is 2
	Privilege verifier.Privilege
	Kernel    *btf.Spec // how kernel memory is laid out, nil: the built-in kernel

	Context context.Context // nil: never cancelled
	Budget  int             // instructions of one program's run, 0 is DefaultBudget
}

// DefaultBudget is how many instructions one run may make: as many as the
// verifier walks over.
const DefaultBudget = 1_000_000

// maxArena bounds the memory of a trial's machine.
const maxArena = 64 << 20

// KernelName is whose verdict and behaviour the simulator has.
const KernelName = "6.12"

// Result is what came of a trial. With Problems nothing was tried.
type Result struct {
	Problems []Problem
	Log      []byte // of the program whose verdict counts, at level 1
	Verdict  grade.Verdict
	Report   *grade.Report
	Hidden   []*grade.Report // of the hidden cases, in order
	Events   []grade.Event

	Points, Total int // of the report and the hidden cases
}

// Passed says whether everything that has a weight and was decided holds.
func (r *Result) Passed() bool {
	return r.Problems == nil && r.Report != nil && r.Points == r.Total
}

// Run tries a submission. It does not panic on any input, and its time and
// memory are bounded by the verifier's limits, the budget and the trace.
func Run(sub Submission, ex Exercise) *Result {
	t := &trial{ex: ex, res: &Result{}}
	if t.ex.CPUs == 0 {
		t.ex.CPUs = 2
	}
	if t.ex.Budget == 0 {
		t.ex.Budget = DefaultBudget
	}
	if t.ex.Grade == nil {
		t.ex.Grade = &grade.Spec{}
	}
	if t.src, t.res.Problems = sub.Read(ex.Kernel, t.ex.CPUs); t.src == nil {
		return t.res
	}
	events, errs := world.Parse(ex.Trace)
	for _, e := range errs {
		t.res.Problems = append(t.res.Problems, Problem{Msg: "trace:" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg, Hint: e.Hint})
	}
	setup, errs := world.Parse(ex.Setup)
	for _, e := range errs {
		t.res.Problems = append(t.res.Problems, Problem{Msg: "setup:" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg, Hint: e.Hint})
	}
	if len(t.res.Problems) > 0 {
		return t.res
	}
	t.setup = world.Expand(setup, ex.Seed)
	if err := t.verify(); err != nil {
		t.res.Problems = append(t.res.Problems, Problem{Msg: err.Error()})
		return t.res
	}
	j := t.ex.Grade.Begin()
	t.res.Report, t.res.Events = t.play(j, t.ex.Grade, events)
	t.locate(t.res.Report, j, events)
	t.place(t.res.Report, j)
	t.add(t.res.Report)
	for i := range t.ex.Grade.Hidden {
		c := &t.ex.Grade.Hidden[i]
		events, errs := world.Parse(c.Events)
		if len(errs) > 0 {
			t.res.Problems = append(t.res.Problems, Problem{Msg: "hidden case of line " + strconv.Itoa(c.Line) + ": " + errs[0].Msg, Hint: errs[0].Hint})
			continue
		}
		rep, _ := t.play(c.Spec.Begin(), c.Spec, events)
		t.res.Hidden = append(t.res.Hidden, rep)
		t.add(rep)
	}
	return t.res
}

func (t *trial) add(r *grade.Report) {
	t.res.Points += r.Points
	t.res.Total += r.Total
}

type trial struct {
	ex    Exercise
	setup []world.Event
	src   *source.Source
	res   *Result
	lost  []lostOrder // by maps, of the last exploration
}

// verify fills the verdict: that of the first program that is not accepted,
// else of the first.
func (t *trial) verify() error {
	layout := t.ex.Kernel
	if layout == nil {
		layout = kernel.WithFunctions()
	}
	for i := range t.src.Programs {
		h, target, ok := t.src.Programs[i].Hook("")
		if !ok {
			return errors.New("there is no program type " + strconv.Quote(t.src.Programs[i].ProgType))
		}
		res, err := verifier.Verify(loader.Program(t.src, i, h, target, t.ex.Privilege), verifier.Config{
			Privilege: t.ex.Privilege, LogLevel: verifier.LogLevel1, LogMax: 1 << 20, KernelBTF: layout, CPUs: int(t.ex.CPUs), Context: t.ex.Context,
		})
		if err != nil {
			return err
		}
		v := verdictOf(res, &t.src.Programs[i])
		if what := t.src.Programs[i].Unrelocated; what != "" {
			v = grade.Verdict{PC: -1, Undecided: what, Counters: v.Counters}
		}
		v.Kernel, v.Privilege = KernelName, PrivilegeName(t.ex.Privilege)
		if i == 0 || !v.Accepted {
			t.res.Verdict, t.res.Log = v, res.Log
		}
		if !v.Accepted {
			break
		}
	}
	return nil
}

// PrivilegeName is how a lab's front matter says it.
func PrivilegeName(p verifier.Privilege) string {
	switch p {
	case verifier.CapBPF:
		return "cap_bpf"
	case verifier.Unprivileged:
		return "unprivileged"
	}
	return "root"
}

func verdictOf(res *verifier.Result, p *source.Program) grade.Verdict {
	v := grade.Verdict{PC: -1, Counters: grade.Counters{
		Processed: uint64(res.InsnProcessed), TotalStates: uint64(res.TotalStates), PeakStates: uint64(res.PeakStates),
		MaxStates: uint64(res.MaxStatesPerInsn), MarkRead: uint64(res.MarkRead), Insns: uint64(len(p.Insns)), Functions: uint64(len(p.Funcs)),
	}}
	switch res.Verdict {
	case verifier.Accepted:
		v.Accepted = true
	case verifier.NotModelled:
		v.Undecided = res.Feature
	default:
		v.Errno, v.Message, v.PC = int32(res.Errno), strings.Join(klog.Errors(res.Log), "\n"), res.Insn
		if v.Message == "" {
			v.Message = res.Message
		}
		v.Class = grade.Classify(v.Message)
		if res.Insn >= 0 {
			v.Line = lineOf(p, res.Insn)
		}
	}
	return v
}

// play runs events on a fresh machine and judges them.
func (t *trial) play(j *grade.Judge, spec *grade.Spec, events []world.Event) (*grade.Report, []grade.Event) {
	j.Verdict(t.res.Verdict)
	if v := &t.res.Verdict; !v.Accepted && v.Undecided == "" {
		return j.End(grade.Final{Stopped: "nothing ran: the verifier rejects the program"}), nil
	}
	r, err := t.machine()
	if err != nil {
		return j.End(grade.Final{Stopped: err.Error()}), nil
	}
	final := grade.Final{}
	var out []grade.Event
	for _, e := range world.Expand(events, t.ex.Seed) {
		if t.ex.Context != nil && t.ex.Context.Err() != nil {
			final.Stopped = "the time is over"
			break
		}
		ev := r.fire(e, t.ex.Budget)
		out = append(out, ev)
		j.Event(ev, r.maps())
		if msg := faultOf(ev); msg != "" {
			final.Stopped = msg
			break
		}
	}
	final.Maps = r.maps()
	t.lost = nil
	if races(spec) {
		final.LostUpdates = t.lostUpdates(events)
	}
	return j.End(final), out
}

func faultOf(ev grade.Event) string {
	for _, f := range ev.Fired {
		if f.Fault != "" {
			return "the program stopped at event " + strconv.Quote(ev.Text) + ": " + f.Fault
		}
	}
	return ""
}

// fields are the members of a map's key and value.
type fields struct{ key, value []grade.Field }

// rig is a machine with all programs of a submission, and its world.
type rig struct {
	src     *source.Source
	m       *vm.Machine
	w       *world.World
	steps   uint64     // of all runs so far
	records [][][]byte // of ring buffers, by map
	fields  []fields
}

func (t *trial) machine() (*rig, error) {
	cfg := world.Config{Seed: t.ex.Seed, CPUs: t.ex.CPUs, BTF: t.ex.Kernel}
	hw := world.Around(cfg)
	mc := vm.Config{World: hw, Seed: t.ex.Seed, ArenaLimit: maxArena, NoHistory: true}
	return t.build(mc, hw, cfg)
}

func (t *trial) build(mc vm.Config, hw *helper.World, cfg world.Config) (*rig, error) {
	for i := range t.src.Maps {
		s := t.src.Maps[i].Spec
		s.Flags &^= maps.FlagMmapable
		mc.Maps = append(mc.Maps, s)
	}
	m, err := vm.New(mc)
	if err != nil {
		return nil, err
	}
	r := &rig{src: t.src, m: m, w: world.New(m, hw, cfg), records: make([][][]byte, len(t.src.Maps)), fields: make([]fields, len(t.src.Maps))}
	for i := range r.fields {
		r.fields[i].key, r.fields[i].value = Fields(t.src, i)
	}
	for _, e := range t.setup {
		r.w.Fire(e, t.ex.Budget)
	}
	numbers := make([]int, len(t.src.Programs))
	for i := range t.src.Programs {
		p := &t.src.Programs[i]
		h, _, _ := p.Hook("")
		if numbers[i], err = m.Load(forMachine(t.src, i, h)); err != nil {
			return nil, err
		}
		section := p.Section
		if section == "" {
			section = sectionOf(h)
		}
		if err := r.w.Attach(world.Program{Number: numbers[i], Name: p.Name, Section: section}); err != nil {
			return nil, err
		}
	}
	for i := range t.src.Maps {
		for _, s := range t.src.Maps[i].Slots {
			if e := m.Maps().At(i).Set(le32(s.Index), le32(uint32(numbers[s.Program])), maps.Any); e != 0 {
				return nil, e
			}
		}
	}
	return r, nil
}

// sectionOf is the plainest section whose programs have that type, for
// assembly that says .prog only.
func sectionOf(h hook.Section) string {
	best := ""
	for _, s := range hook.Sections() {
		name := strings.TrimSuffix(s.Name, "+")
		if s.Type == h.Type && (best == "" || len(name) < len(best)) {
			best = name
		}
	}
	return best
}

// EventOf is an event as a grade sees it, before anything came of it.
func EventOf(e *world.Event) grade.Event {
	ev := grade.Event{Verb: e.Verb, Text: e.String()}
	for i := range e.Args {
		ev.Args = append(ev.Args, grade.Arg{Name: e.Args[i].Name, Value: e.Args[i].Value, Quoted: e.Args[i].Quoted})
	}
	return ev
}

// fire runs an event and notes what came of it.
func (r *rig) fire(e world.Event, budget int) grade.Event {
	ev := EventOf(&e)
	r.w.Begin(e)
	for {
		f, in, ok := r.w.Next()
		if !ok {
			break
		}
		out := grade.Firing{Program: f.Name, CPU: int(f.CPU), First: r.steps}
		if err := r.w.Start(f, in); err != nil {
			out.Fault = err.Error()
			ev.Fired = append(ev.Fired, out)
			break
		}
		r.m.Run(budget)
		r.w.Return(f)
		h, _, _ := r.src.Programs[f.Program].Hook("")
		out.Ret, out.Steps = Ret(h.Type, uint32(f.Ret)), f.Steps
		if in.Packet != nil {
			_, b := r.m.Packet()
			out.Packet = append([]byte(nil), b...)
		}
		if f.Fault != nil {
			out.Fault = f.Fault.Error()
		}
		for i := range f.Events {
			if f.Events[i].Kind == helper.EventPrint {
				ev.Printk = append(ev.Printk, string(f.Events[i].Data))
			}
		}
		r.steps += f.Steps + 1
		r.drain()
		ev.Fired = append(ev.Fired, out)
		if out.Fault != "" {
			break
		}
	}
	ev.Result = r.w.Result().Ret
	return ev
}

// Ret is what a rule calls the return value of a program: the lower half of
// r0, an int, and of syscall programs, whose test run gives it to user space
// as it is, unsigned.
func Ret(t hook.ProgType, r0 uint32) int64 {
	if t == hook.Syscall {
		return int64(r0)
	}
	return int64(int32(r0))
}

// drain takes the records off the ring buffers, as a reader in user space does.
func (r *rig) drain() {
	for i, m := range r.m.Maps().Maps() {
		ring, ok := m.(maps.Ring)
		if !ok || m.Spec().Type != maps.Ringbuf || i >= len(r.records) {
			continue
		}
		for {
			b, ok := ring.Consume()
			if !ok {
				break
			}
			if len(r.records[i]) < maxRecords {
				r.records[i] = append(r.records[i], b)
			}
		}
	}
}
