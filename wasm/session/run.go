package session

import (
	"errors"
	"sort"
	"strconv"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/vm/packet"
	"skep/vm/world"
	"skep/wasm/protocol"
)

// event is what is known of one packet's run. start is known once the events
// before are done, the rest once this one is.
type event struct {
	start uint32 // step of its arrival
	steps uint32 // instructions
	done  bool
	bad   bool // it ended in a fault or out of budget: the run ends with it

	verdict protocol.Verdict
	trace   []protocol.TraceLine
	calls   []protocol.HelperCall
	records [][]protocol.RingRecord // by map
	before  []uint32                // records of the events before, by map
	out     []byte                  // the packet as it left
	wrote   []valueWrite            // map values it wrote, by address
}

// valueWrite is the last write of an event to a map value.
type valueWrite struct{ addr, step, pc uint32 }

// byAddr sorts without reflection, see object.sortBy.
type byAddr []valueWrite

func (w byAddr) Len() int           { return len(w) }
func (w byAddr) Less(i, j int) bool { return w[i].addr < w[j].addr }
func (w byAddr) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }

// Bounds of what an event keeps for the views.
const (
	maxLines   = 200
	maxCalls   = 200
	maxRecords = 64
)

// maxCPUs is how many CPUs a run may have: a per-CPU map shows a column for each.
const maxCPUs = 64

// maxArena bounds the memory of one session's machine: the page's own memory.
const maxArena = 128 << 20

// Start makes a fresh machine with the packets; it is at step 0.
func (s *Session) Start(in protocol.WireInput, opts protocol.RunOptions, inits []protocol.MapInit) *protocol.Started {
	fail := func(p []protocol.Problem) *protocol.Started { return &protocol.Started{Problems: p, Options: opts} }
	if s.src == nil {
		return fail(problems(protocol.WhereSource, "no program is loaded", ""))
	}
	var pkts []packet.Packet
	var events []world.Event
	var probs []protocol.Problem
	if in.Kind == protocol.InputKindEvents {
		events, probs = readEvents(in.Text, opts.Seed)
	} else {
		pkts, probs = read(in)
	}
	if pkts == nil && events == nil {
		return fail(probs)
	}
	if p := s.check(&opts); p != nil {
		return fail(p)
	}
	if p := checkCPUs(events, opts.CPUs); p != nil {
		return fail(p)
	}
	n := *s
	n.opts, n.packets, n.inits, n.script = opts, pkts, append([]protocol.MapInit(nil), inits...), nil
	if events != nil {
		n.script = newScript(events, opts)
	}
	if p := n.build(nil); p != nil {
		return fail(p)
	}
	*s = n
	return &protocol.Started{Problems: probs, Options: s.opts, View: s.view()}
}

// check completes and bounds the options.
func (s *Session) check(o *protocol.RunOptions) []protocol.Problem {
	bad := func(word, msg, hint string) []protocol.Problem {
		p := problem(protocol.WhereOption, msg, hint)
		p.Word = word
		return []protocol.Problem{p}
	}
	if o.Hook == "" {
		o.Hook = s.src.programs[s.prog].typ
	}
	if o.Hook == "" {
		o.Hook = "xdp"
	}
	typ, ok := hook.ByName(o.Hook)
	if sec, target, found := hook.ParseSection(o.Hook); !ok && found {
		typ, ok = sec.Type, true
		if target == "" {
			o.Hook = sec.Type.String() // "tc", "socket"
		}
	}
	if !ok {
		return bad(o.Hook, "unknown program type "+strconv.Quote(o.Hook), "bpftool's names and section names are known: xdp, tc, kprobe/do_unlinkat, lsm/file_open")
	}
	s.typ, s.attach = typ, 0
	if sec, _, ok := hook.ParseSection(s.src.programs[s.prog].section); ok && sec.Type == typ {
		s.attach = sec.Attach
	}
	if o.CPUs == 0 {
		o.CPUs = 1
	}
	if o.CPUs > maxCPUs {
		return bad("cpus", "at most 64 CPUs can be simulated", "per-CPU maps show a column for each")
	}
	if o.CPU >= o.CPUs {
		return bad("cpu", "CPU "+strconv.Itoa(int(o.CPU))+" does not exist: there are "+strconv.Itoa(int(o.CPUs)), "they are numbered from 0")
	}
	if o.Budget == 0 {
		o.Budget = 1_000_000
	}
	o.Budget = min(o.Budget, 1<<30)
	return nil
}

// build makes the machine and goes to step 0. In a span, which its memory then
// stays in, no history is kept.
func (s *Session) build(span []byte) []protocol.Problem {
	cfg := vm.Config{World: surroundings(s.opts), Seed: s.opts.Seed, Clock: s.opts.Clock, ArenaLimit: maxArena, Span: span, NoHistory: span != nil}
	if s.script != nil {
		s.script.hw = world.Around(s.script.cfg)
		s.script.fires = nil
		cfg.World = s.script.hw
	}
	for i := range s.src.maps {
		cfg.Maps = append(cfg.Maps, s.src.maps[i].spec)
	}
	m, err := vm.New(cfg)
	if err != nil {
		return problems(protocol.WhereSource, err.Error(), "smaller maps may help")
	}
	if p := s.loadPrograms(m); p != nil {
		return p
	}
	listen(m)
	for i := range s.inits {
		if p := initMap(m, &s.inits[i]); p != nil {
			return []protocol.Problem{*p}
		}
	}
	s.machine, s.move, s.stop = m, nil, protocol.StopReasonStart
	s.events, s.at, s.reached = make([]event, len(s.packets)), 0, 1
	s.snaps, s.stride = nil, 1
	s.arm()
	if s.script != nil {
		s.events = make([]event, 1)
		if p := s.attachAll(m); p != nil {
			return p
		}
		if p := s.first(); p != nil {
			return p
		}
	}
	if err := s.arrive(0); err != nil {
		return problems(protocol.WhereInput, err.Error(), "")
	}
	return nil
}

// listen opens a perf event for each CPU in the perf event arrays, as user space
// does that reads them.
func listen(m *vm.Machine) {
	for _, mp := range m.Maps().Maps() {
		if mp.Spec().Type != maps.PerfEventArray {
			continue
		}
		for cpu := range min(m.Maps().CPUs, mp.MaxEntries()) {
			mp.Set(le32(cpu), le32(cpu), maps.Any)
		}
	}
}

// loadPrograms gives the machine the chosen program, and others of the object
// where prog arrays refer to them.
func (s *Session) loadPrograms(m *vm.Machine) []protocol.Problem {
	s.numbers = make([]int, len(s.src.programs))
	for i := range s.numbers {
		s.numbers[i] = -1
	}
	order := append([]int{s.prog}, s.src.tails...)
	if s.script != nil {
		for i := range s.src.programs {
			order = append(order, i)
		}
	}
	for _, i := range order {
		if s.numbers[i] >= 0 {
			continue
		}
		n, err := m.Load(s.vmProgram(i))
		if err != nil {
			return []protocol.Problem{s.loadProblem(i, err)}
		}
		s.numbers[i] = n
	}
	for _, t := range s.src.slots {
		key, value := le32(t.index), le32(uint32(s.numbers[t.program]))
		if mp := m.Maps().At(t.inMap); mp != nil {
			if e := mp.Set(key, value, maps.Any); e != 0 {
				return problems(protocol.WhereObject, "map "+strconv.Quote(mp.Name())+": "+e.Error(), "")
			}
		}
	}
	return nil
}

func (s *Session) vmProgram(i int) *vm.Program {
	p := &s.src.programs[i]
	out := &vm.Program{
		Name: p.name, Type: s.typ, Attach: s.attach, License: s.src.license, Insns: p.insns,
		Ksyms: p.ksyms, Kfuncs: p.kfuncs, Lines: p.lines,
	}
	if s.script != nil {
		if sec, _, ok := hook.ParseSection(s.section(i)); ok {
			out.Type, out.Attach = sec.Type, sec.Attach
		}
		out.Probe = world.Stale(out.Type, p.insns)
	}
	for _, f := range p.funcs {
		out.Funcs = append(out.Funcs, vm.Func{Start: f.start, Name: f.name})
	}
	return out
}

// loadProblem places the error of a program that the machine does not take.
func (s *Session) loadProblem(i int, err error) protocol.Problem {
	p := problem(protocol.WhereSource, err.Error(), "")
	if le, ok := err.(*vm.LoadError); ok && le.PC >= 0 {
		prog := &s.src.programs[i]
		for _, l := range prog.lines {
			if l.PC > le.PC {
				break
			}
			p.Line, p.Col = uint32(l.Line), uint32(l.Col)
		}
	}
	return p
}

func initMap(m *vm.Machine, in *protocol.MapInit) *protocol.Problem {
	fail := func(msg, hint string) *protocol.Problem {
		p := problem(protocol.WhereOption, msg, hint)
		p.Word = in.Map
		return &p
	}
	mp := m.Maps().ByName(in.Map)
	if mp == nil {
		return fail("there is no map "+strconv.Quote(in.Map)+" to put an entry into", "")
	}
	if len(in.Key) != int(mp.KeySize()) || len(in.Value) != int(mp.ValueSize()) {
		return fail("map "+strconv.Quote(in.Map)+" has keys of "+strconv.Itoa(int(mp.KeySize()))+" and values of "+
			strconv.Itoa(int(mp.ValueSize()))+" bytes, the entry has "+strconv.Itoa(len(in.Key))+" and "+strconv.Itoa(len(in.Value)), "")
	}
	value := in.Value
	if mp.Spec().Type.Row().PerCPU {
		value = nil
		for range m.Maps().CPUs {
			value = append(value, in.Value...)
			value = append(value, make([]byte, -len(in.Value)&7)...)
		}
	}
	if e := mp.Set(in.Key, value, maps.Any); e != 0 {
		return fail("map "+strconv.Quote(in.Map)+": "+e.Error(), "")
	}
	return nil
}

// input is how event k starts.
func (s *Session) input(k int) vm.Input {
	if s.script != nil {
		return s.script.fires[k].input
	}
	p := &s.packets[k]
	in := vm.Input{Packet: p.Data, Tailroom: -1, CPU: s.opts.CPU}
	if p.CPU > 0 && uint32(p.CPU) < s.opts.CPUs {
		in.CPU = uint32(p.CPU)
	}
	in.Start.Ifindex = max(s.opts.IfIndex, 1)
	if p.IfIndex > 0 {
		in.Start.Ifindex = uint32(p.IfIndex)
	}
	in.Start.Iif = in.Start.Ifindex
	if s.typ == hook.XDP {
		in.Start.Iif = 0
	}
	in.Start.Queue = s.opts.RxQueue
	if p.Queue > 0 {
		in.Start.Queue = uint32(p.Queue)
	}
	setAttrs(&in, p)
	in.Clock = s.clock(k)
	// Each packet has random numbers of its own, so that a change in one
	// packet's path does not change those of the next.
	in.Seed = s.opts.Seed + uint64(k)*0x9e3779b97f4a7c15
	return in
}

// setAttrs takes context fields from the packet language: mark=7.
func setAttrs(in *vm.Input, p *packet.Packet) {
	for _, a := range p.Attrs {
		if v, err := strconv.ParseUint(a.Value, 0, 64); err == nil {
			in.Start.Set = append(in.Start.Set, hook.Value{Name: a.Name, V: v})
		}
	}
}

// clock is the virtual time at which event k arrives.
func (s *Session) clock(k int) uint64 { return s.opts.Clock + since(s.packets, k) }

// arrive begins event k. The maps must hold what event k-1 left in them.
func (s *Session) arrive(k int) error {
	if k > 0 {
		s.drain()
	}
	if s.script != nil && !s.arriveFiring(k) {
		return errNoFiring
	}
	s.snapshot(k)
	if err := s.begin(k); err != nil {
		return err
	}
	if k > 0 {
		prev := &s.events[k-1]
		s.events[k].start = prev.start + prev.steps + 1
		s.events[k].before = make([]uint32, len(prev.records))
		for i, r := range prev.records {
			s.events[k].before[i] = uint32(len(r))
			if prev.before != nil {
				s.events[k].before[i] += prev.before[i]
			}
		}
	}
	s.at, s.reached = k, max(s.reached, k+1)
	s.trace.reset()
	s.known = known{}
	s.top = s.machine.Reg(isa.R10)
	return nil
}

// drain reads the ring buffers as user space would between two packets, so
// that they do not fill up. What was in them is kept with the event.
func (s *Session) drain() {
	for _, mp := range s.machine.Maps().Maps() {
		ring, ok := mp.(maps.Ring)
		if !ok || mp.Spec().Type != maps.Ringbuf {
			continue
		}
		for {
			if _, ok := ring.Consume(); !ok {
				break
			}
		}
	}
}

// finished notes how the current event ended; the machine is in its last state.
func (s *Session) finished() {
	e := &s.events[s.at]
	if e.done {
		return
	}
	e.steps = uint32(s.machine.Steps())
	e.done = true
	e.bad = s.machine.Fault() != nil || !s.machine.Done()
	if !e.bad {
		e.verdict = s.verdict()
	}
	e.trace, e.calls, e.records = s.traceLines(), s.helperCalls(), s.ringRecords()
	_, b := s.machine.Packet()
	e.out = append([]byte(nil), b...)
	k := s.know(len(s.trace.ticks))
	for addr, step := range k.values {
		e.wrote = append(e.wrote, valueWrite{addr, e.start + uint32(step), s.trace.ticks[step-1].pc})
	}
	sort.Stable(byAddr(e.wrote)) // sort.Sort would be 10 KB of code more
	if s.script != nil && !e.bad {
		more := s.finishFiring()
		e.verdict = s.verdict() // now with its effect
		if more && s.at == len(s.events)-1 {
			s.events = append(s.events, event{})
		}
	}
}

// over says whether the current event is in its last state: exit, fault, or
// the budget used up.
func (s *Session) over() bool {
	return s.machine.Done() || s.machine.Steps() >= uint64(s.opts.Budget)
}

// last says whether no event follows the current one.
func (s *Session) last() bool {
	return s.at == len(s.events)-1 || s.events[s.at].bad
}

// errNoFiring cannot happen: an event is begun once it is known to follow.
var errNoFiring = errors.New("no program fires any more")
