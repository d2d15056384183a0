// Package progen makes random eBPF programs for differential tests: structured
// enough that about half are accepted by the verifier, wrong often enough that
// the other half is refused for many reasons.
//
// A program is a pure function of its Config. The generator keeps a coarse
// idea of what each register and stack slot holds and mostly uses them right;
// with probability Bad a snippet leaves out the check that makes it safe.
//
//	p := progen.New(progen.Config{Seed: 7, Bad: 0.05})
//	// p.Insns, p.Maps, p.Data
//
// Read next: scalar.go, memory.go, flow.go, rich.go for the snippets.
package progen

import (
	"math/rand"

	"skep/vm/isa"
)

// Config says what to generate. The zero value of a limit means its default.
type Config struct {
	Seed     int64
	Snippets int     // statements of the main function; 0: 4 to 24 at random
	Bad      float64 // chance that a snippet is wrong, 0 to 1
	NoCalls  bool    // no bpf-to-bpf calls
	// NoHelpers leaves out helpers and maps: what remains depends on nothing
	// but the instruction set.
	NoHelpers bool
	// Harmless leaves out results that a real kernel and a simulator cannot
	// share: clock, random numbers, addresses as numbers.
	Harmless bool
	// Unprivileged makes a socket filter of what a user without capabilities
	// may load: no calls of functions, loops and variable stack offsets.
	Unprivileged bool
	// Rich adds what takes more of a kernel: functions that use their caller's
	// stack, ring buffers, sockets, may_goto, tail calls, ld_abs.
	Rich bool
	// Callbacks adds bpf_loop. The kernel takes a program with callbacks only
	// with BTF that describes the Funcs.
	Callbacks bool
}

// Func is a function of a program.
type Func struct {
	Start    int  // instruction
	Callback bool // bpf_loop calls it
}

// Map is a map that the program uses, by bpftool's type name.
type Map struct {
	Name                   string
	Type                   string
	Key, Value, MaxEntries uint32
}

// Program is a generated program. A map load (lddw with src 1 or 2) carries
// the index into Maps in its imm, as in skep's batch format.
type Program struct {
	Type  string // xdp, sched_cls or socket_filter
	Insns []isa.Insn
	Maps  []Map
	Funcs []Func // the first is the program itself
	Data  []byte // a packet to run it over, at least 64 bytes
}

// kind is what the generator believes a register holds.
type kind uint8

const (
	unset  kind = iota
	scalar      // any number
	small       // a number in 0..63
	ctx         // the context
	frame       // a pointer into the stack, at fp-8*n
	packet      // packet data of which at least g.proved bytes exist
	pktEnd      // data_end
	value       // a value of map g.mapOf[reg], not NULL
)

// gen is the state of one generation.
type gen struct {
	cfg   Config
	rnd   *rand.Rand
	p     *Program
	kinds [isa.NumRegs]kind
	mapOf [isa.NumRegs]int
	// slots[i] tells what the 8 bytes at fp-8*(i+1) hold; unset: nothing.
	slots  [numSlots]kind
	proved int  // packet bytes that are proved to exist
	fixed  bool // in a loop body: kinds must not change
	keep   uint16
	depth  int // nesting of branches and loops
	inSub  bool
	calls  []int // slots of calls to patch
	// ptrCalls are those of functions that take a pointer and a number.
	ptrCalls []int
	loads    []int // of callbacks, to patch
	callback bool  // in one: it returns 0 or 1
}

const numSlots = 8

var progTypes = []string{"xdp", "sched_cls", "socket_filter"}

// New generates a program.
func New(cfg Config) *Program {
	g := &gen{cfg: cfg, rnd: rand.New(rand.NewSource(cfg.Seed)), p: &Program{Funcs: []Func{{}}}}
	g.p.Type = progTypes[g.rnd.Intn(len(progTypes))]
	if cfg.Unprivileged {
		g.p.Type, g.cfg.NoCalls = "socket_filter", true
	}
	if !cfg.NoHelpers {
		g.p.Maps = []Map{
			{"arr", "array", 4, uint32(8 * (1 + g.rnd.Intn(8))), 4},
			{"hash", "hash", 8, uint32(4 * (2 + g.rnd.Intn(12))), 16},
			{"percpu", "percpu_array", 4, 16, 2},
		}
		if cfg.Rich {
			g.p.Maps = append(g.p.Maps, richMaps...)
		}
	}
	g.p.Data = make([]byte, 64+g.rnd.Intn(64))
	g.rnd.Read(g.p.Data)

	g.kinds[isa.R1], g.kinds[isa.R10] = ctx, frame
	n := cfg.Snippets
	if n == 0 {
		n = 4 + g.rnd.Intn(21)
	}
	// The context survives calls in r6, as clang does it.
	g.emit(isa.Insn{Op: movX64, Dst: isa.R6, Src: isa.R1})
	g.kinds[isa.R6] = ctx
	g.keep = 1 << isa.R6
	g.loadPacket()
	for range n {
		g.snippet()
	}
	g.finish()
	g.subprograms()
	return g.p
}

const (
	movK64 = isa.ClassALU64 | isa.OpMov | isa.SrcK
	movX64 = isa.ClassALU64 | isa.OpMov | isa.SrcX
	addK64 = isa.ClassALU64 | isa.OpAdd | isa.SrcK
	addX64 = isa.ClassALU64 | isa.OpAdd | isa.SrcX
	andK64 = isa.ClassALU64 | isa.OpAnd | isa.SrcK
	exit   = isa.ClassJMP | isa.JmpExit
	call   = isa.ClassJMP | isa.JmpCall
)

func (g *gen) emit(i isa.Insn) int {
	g.p.Insns = append(g.p.Insns, i)
	return len(g.p.Insns) - 1
}

func (g *gen) bad() bool             { return g.rnd.Float64() < g.cfg.Bad }
func (g *gen) chance(p float64) bool { return g.rnd.Float64() < p }

// weighted is a snippet and how often it is chosen.
type weighted struct {
	weight int
	fn     func(*gen)
}

// snippets is filled by init: a snippet like branch generates snippets.
var snippets []weighted

func init() {
	snippets = []weighted{
		{10, (*gen).constant},
		{30, (*gen).arith},
		{8, (*gen).bound},
		{4, (*gen).byteSwap},
		{10, (*gen).stackStore},
		{10, (*gen).stackLoad},
		{8, (*gen).spillFill},
		{4, (*gen).varStack},
		{10, (*gen).packetAccess},
		{5, (*gen).packetVariable},
		{6, (*gen).ctxLoad},
		{8, (*gen).mapLookup},
		{8, (*gen).mapAccess},
		{4, (*gen).mapUpdate},
		{4, (*gen).atomic},
		{3, (*gen).helperCall},
		{14, (*gen).branch},
		{5, (*gen).loop},
		{4, (*gen).localCall},
		{2, (*gen).oddity},
	}
}

func (g *gen) snippet() {
	if g.cfg.Callbacks && g.chance(0.08) {
		g.bpfLoop()
		return
	}
	if g.cfg.Rich && g.chance(0.2) {
		g.oneOf(richSnippets)
		return
	}
	g.oneOf(snippets)
}

func (g *gen) oneOf(of []weighted) {
	total := 0
	for i := range of {
		total += of[i].weight
	}
	n := g.rnd.Intn(total)
	for i := range of {
		if n -= of[i].weight; n < 0 {
			of[i].fn(g)
			return
		}
	}
}

// pick is a register of one of the kinds, or false.
func (g *gen) pick(kinds ...kind) (uint8, bool) {
	var found []uint8
	for r := range g.kinds {
		for _, k := range kinds {
			if g.kinds[r] == k {
				found = append(found, uint8(r))
			}
		}
	}
	if len(found) == 0 {
		return 0, false
	}
	return found[g.rnd.Intn(len(found))], true
}

// number is a register that holds a number; it makes one when there is none.
func (g *gen) number() uint8 {
	if g.bad() {
		return uint8(g.rnd.Intn(isa.NumRegs)) // perhaps unset, perhaps a pointer
	}
	if r, ok := g.pick(scalar, small); ok {
		return r
	}
	r := g.target(scalar)
	g.emit(isa.Insn{Op: movK64, Dst: r, Imm: g.imm()})
	g.kinds[r] = scalar
	return r
}

// target is a register to overwrite with something of kind k: never r10 nor
// one that must be kept; in a loop body one that holds that kind already.
func (g *gen) target(k kind) uint8 {
	for range 40 {
		r := uint8(g.rnd.Intn(isa.R10))
		if g.keep&(1<<r) != 0 {
			continue
		}
		if g.fixed && g.kinds[r] != k {
			continue
		}
		return r
	}
	return isa.R0
}

func (g *gen) set(r uint8, k kind) {
	if !g.fixed {
		g.kinds[r] = k
	} else if g.kinds[r] != k {
		g.kinds[r] = unset // not usable after the loop either
	}
}

// imm is a number with a taste for edges.
func (g *gen) imm() int32 {
	edges := [...]int32{0, 1, -1, 2, 7, 8, 15, 16, 63, 64, 127, -128, 255, 256, 0x7fff, -0x8000, 0xffff, 0x10000, 0x7fffffff, -0x80000000}
	switch g.rnd.Intn(3) {
	case 0:
		return edges[g.rnd.Intn(len(edges))]
	case 1:
		return int32(g.rnd.Intn(64))
	}
	return int32(g.rnd.Uint32())
}

// finish ends the function with a number in r0.
func (g *gen) finish() {
	if !g.bad() || g.kinds[isa.R0] == unset {
		if k := g.kinds[isa.R0]; g.callback || k != scalar && k != small || g.chance(0.7) {
			g.leave()
			return
		}
	}
	g.emit(isa.Insn{Op: exit})
}

// leave ends the function with a number that it may return.
func (g *gen) leave() {
	n := 3
	if g.callback && !g.bad() {
		n = 2
	}
	g.emit(isa.Insn{Op: movK64, Dst: isa.R0, Imm: int32(g.rnd.Intn(n))})
	g.emit(isa.Insn{Op: exit})
}
