package ir

import (
	"math/bits"
	"slices"
	"strconv"

	"skep/vm/isa"
)

// pass is a step of the compiler.
type pass struct {
	name string
	run  func(*Unit) error
	doc  string
}

// passes in the order they run. Fusion needs the graph, liveness and facts of
// the plain program; what is known changes single ops only and comes first.
var passes = [...]pass{
	{"decode", decode, "slots become dense operations, numbers of instructions become targets"},
	{"graph", graph, "where control comes together, and which functions there are"},
	{"functions", functions, "which of r6 to r9 each function writes, how deep calls go"},
	{"liveness", liveness, "which registers are still wanted behind each operation"},
	{"facts", facts, "what the verifier proved marks the checks that can go"},
	{"known", known, "what is known of registers: lookups in place, checks that are needless, branches that go one way"},
	{"fuse", fuse, "groups of operations that the machine has one instruction for"},
}

// Build runs all passes.
func Build(p *Program, f Facts, o Options) (*Unit, error) {
	u := released.Get().(*Unit)
	*u = Unit{Program: p, Facts: f, Options: o, Ops: u.Ops[:0], Funcs: u.Funcs[:0], backs: u.backs[:0], scratch: scratches.Get().(*scratch)}
	defer u.tidy()
	for i := range passes {
		if err := passes[i].run(u); err != nil {
			return nil, err
		}
	}
	u.Notes = append(u.Notes, u.scratch.notes...)
	return u, nil
}

func decode(u *Unit) error {
	insns := u.Program.Insns
	if len(insns) == 0 {
		return &Error{-1, "the program has no instructions"}
	}
	if len(insns) > isa.MaxInsns {
		return &Error{-1, "the program is longer than 1,000,000 instructions"}
	}
	u.Dense = make([]int32, len(insns))
	u.Ops = slices.Grow(u.Ops, len(insns)+1)
	for pc := 0; pc < len(insns); pc++ {
		row, err := isa.Check(insns, pc)
		if err != nil {
			if !u.Facts.Accepted || isa.Lookup(insns[pc]) != nil || isa.Closest(insns[pc]) == nil {
				return &Error{pc, err.Msg}
			}
			u.Dense[pc] = int32(len(u.Ops))
			u.Ops = append(u.Ops, outside(pc))
			continue
		}
		in := &insns[pc]
		n := len(u.Ops)
		u.Dense[pc] = int32(n)
		u.Ops = u.Ops[:n+1]
		o := &u.Ops[n]
		// Not by a literal, which is made elsewhere and copied.
		o.Kind, o.Own, o.Len, o.Flags, o.In, o.Out = Kind(row.Kind), row.Kind, 1, 0, 0, 0
		o.Dst, o.Src, o.Index = in.Dst, in.Src, NoReg
		o.Off, o.Imm, o.Target, o.Slot = int32(in.Off), uint64(int64(in.Imm)), -1, int32(pc)
		if row.Form == isa.FormWide {
			pc++
			u.Dense[pc] = -1
			o.Imm = isa.Imm64(*in, insns[pc])
		}
		o.setUseDef(&traitsOf[o.Own])
		if o.def&Bit(isa.R10) != 0 { // verifiers refuse it where it can run; the interpreter would do it
			if !u.Facts.Accepted {
				return &Error{int(o.Slot), "r10 is read-only"}
			}
			*o = outside(int(o.Slot))
		}
	}
	for i := range u.Ops {
		o := &u.Ops[i]
		var rel int64
		switch traitsOf[o.Own].form {
		case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa:
			rel = int64(o.Off)
		case isa.FormGotol, isa.FormCallLocal:
			rel = int64(int32(o.Imm))
		default:
			if o.Own != isa.KindLdFunc {
				continue
			}
			rel = int64(int32(o.Imm))
		}
		to := int64(o.Slot) + 1 + rel
		if to < 0 || to >= int64(len(u.Dense)) || u.Dense[to] < 0 {
			return &Error{int(o.Slot), "jump to " + strconv.FormatInt(to, 10) + ", which is no instruction"}
		}
		o.Target = u.Dense[to]
	}
	u.Ops = append(u.Ops, outside(len(insns)))
	return nil
}

// outside is where no run comes to, unless a proof was wrong: behind the last
// instruction, and at those that the verifier had not to look at since nothing
// leads to them. Linux reads reserved fields where it walks, opcodes everywhere.
func outside(slot int) Op {
	return Op{Kind: KindEnd, Index: NoReg, Len: 1, Target: -1, Slot: int32(slot), use: all}
}

// graph marks leaders and lists the functions.
func graph(u *Unit) error {
	u.addFunc(0)
	for i := range u.Ops {
		o := &u.Ops[i]
		if o.Target >= 0 {
			u.Ops[o.Target].Flags |= Leader
		}
		switch {
		case o.Own == isa.KindCallLocal:
			u.addFunc(o.Target)
		case o.Own == isa.KindLdFunc:
			u.addFunc(o.Target)
			u.Callbacks = true
		case o.Own == isa.KindGotox:
			u.Irregular = true
		}
		if o.jumps() {
			u.Ops[i+1].Flags |= Leader
			if o.Target >= 0 && o.Target <= int32(i) && o.Own != isa.KindCallLocal {
				o.Flags |= Back
				u.Ops[o.Target].Flags |= Head
				u.backs = append(u.backs, int32(i))
			}
		}
	}
	return nil
}

// maxFuncs is BPF_MAX_SUBPROGS.
const maxFuncs = 256

func (u *Unit) addFunc(op int32) {
	u.Ops[op].Flags |= Leader | Entry
	if len(u.Funcs) <= maxFuncs && u.FuncAt(op) == nil {
		u.Funcs = append(u.Funcs, Func{Op: op})
	}
}

// functions walks each function, then lets clobbers and depths flow from
// callees to callers until nothing changes.
func functions(u *Unit) error {
	if len(u.Funcs) > maxFuncs {
		return &Error{-1, "the program has more than 256 functions"}
	}
	seen, todo := u.scratch.numbers(len(u.Ops)), u.scratch.list[:0]
	bounded := !u.Callbacks && !u.Irregular
	budget := 8*len(u.Ops) + 1<<20 // functions may share code
	for n := range u.Funcs {
		f := &u.Funcs[n]
		visit := func(i int32) {
			if seen[i] != int32(n+1) {
				seen[i] = int32(n + 1)
				todo = append(todo, i)
			}
		}
		visit(f.Op)
		for len(todo) > 0 {
			if budget--; budget < 0 && n > 0 { // it may do anything
				f.Clobber, f.MayGoto, bounded = saved, true, false
				todo = todo[:0]
				break
			}
			i := int(todo[len(todo)-1])
			todo = todo[:len(todo)-1]
			o := &u.Ops[i]
			if n == 0 {
				o.Flags |= Main
			}
			_, def := o.UseDef()
			f.Clobber |= def & saved
			switch {
			case o.Own == isa.KindCallLocal:
				f.callees = append(f.callees, o.Target)
			case o.Own == isa.KindMayGoto:
				f.MayGoto = true
			case o.Own == isa.KindCallReg, o.Own == isa.KindGotox, o.Own == isa.KindCallHelper && o.Imm == helperTailCall:
				f.Clobber = saved // another program may go on in this frame
			}
			through, jump := o.LeadsOn()
			if through {
				visit(int32(i + 1))
			}
			if jump {
				visit(o.Target)
			}
		}
		slices.Sort(f.callees)
		f.callees = slices.Compact(f.callees)
		f.depth = 1
	}
	u.scratch.list = todo
	for changed := true; changed; {
		changed = false
		for n := range u.Funcs {
			f := &u.Funcs[n]
			for _, c := range f.callees {
				g := u.FuncAt(c)
				if g.Clobber&^f.Clobber != 0 {
					f.Clobber |= g.Clobber
					changed = true
				}
				if f.depth <= g.depth && f.depth <= isa.MaxCallFrames {
					f.depth = g.depth + 1
					changed = true
				}
			}
		}
	}
	if u.Irregular { // any op may be reached from any
		for i := range u.Ops {
			u.Ops[i].Flags |= Main
		}
		for n := range u.Funcs {
			u.Funcs[n].MayGoto = true
		}
	}
	if d := u.Funcs[0].depth; bounded && d <= isa.MaxCallFrames {
		u.maxDepth = d
	}
	return nil
}

// liveness is the usual backward iteration. Behind a call everything that the
// callee might have been handed counts as read, also by programs that no
// verifier has seen: what they compute is defined here.
func liveness(u *Unit) error {
	atExit := uint16(result)
	if len(u.Funcs) > 1 {
		atExit |= args
	}
	const manyRounds = 39 // nested loops need one each
	for round := 0; ; round++ {
		if round == manyRounds || u.Irregular { // jumps like a ball of wool: say that all is wanted
			for i := range u.Ops {
				u.Ops[i].In, u.Ops[i].Out = all, all
			}
			return nil
		}
		behind := uint16(0)
		for i := len(u.Ops) - 1; i >= 0; i-- {
			o := &u.Ops[i]
			o.Out = 0
			next, jump := o.LeadsOn()
			if next {
				o.Out = behind
			}
			if jump {
				o.Out |= u.Ops[o.Target].In
			}
			use := o.use
			if o.Own == isa.KindExit {
				use = atExit
			}
			behind = use | o.Out&^o.def
			o.In = behind
		}
		// Only a jump back leads to where the walk had not yet been.
		if !slices.ContainsFunc(u.backs, func(j int32) bool { return u.Ops[u.Ops[j].Target].In&^u.Ops[j].Out != 0 }) {
			return nil
		}
	}
}

// facts marks the checks that the verifier's proof makes needless, and folds
// branches that go one way.
func facts(u *Unit) error {
	f := u.Facts
	checked, nonZero, narrow := slots(f.Checked), slots(f.NonZero), slots(f.Narrow)
	always, never, dead := slots(f.Always), slots(f.Never), slots(f.Dead)
	for i := range u.Ops {
		o := &u.Ops[i]
		t := &traitsOf[o.Own]
		if t.access > 0 && f.Accepted && !checked.has(o.Slot) {
			o.Flags |= Proved
			u.note(i, NoteDropped, inReach[bits.TrailingZeros8(t.access)])
		}
		switch {
		case o.Kind != KindEnd && t.kind&jumps == 0 && dead.has(o.Slot):
			o.Kind = KindNop
			u.note(i, NoteDropped, "the instruction: the verifier proved that no run reaches it")
		case t.kind&divides != 0:
			if nonZero.has(o.Slot) {
				o.Flags |= NonZero
				u.note(i, NoteDropped, "division by zero: the verifier proved a divisor that is not zero")
			}
			if narrow.has(o.Slot) {
				o.Flags |= Narrow
				u.note(i, NoteDropped, "upper halves: the verifier proved both numbers below 1<<32, so that 32 bits are divided")
			}
			if t.form == isa.FormDstImm && uint32(o.Imm) != 0 {
				o.Flags |= NonZero
			}
		case o.Own == isa.KindCallLocal && u.maxDepth > 0 && f.Alone:
			o.Flags |= Shallow
			u.note(i, NoteDropped, "call depth: the deepest chain of calls has "+strconv.Itoa(u.maxDepth)+" functions")
		case t.kind&jumps != 0 && always.has(o.Slot):
			u.fold(i, true, "the verifier proved that it always is")
		case t.kind&jumps != 0 && never.has(o.Slot):
			u.fold(i, false, "the verifier proved that it never is")
		}
	}
	return nil
}

// slots is an ascending list that is asked for ascending slots.
type slots []int

func (s *slots) has(slot int32) bool {
	for len(*s) > 0 && (*s)[0] < int(slot) {
		*s = (*s)[1:]
	}
	return len(*s) > 0 && (*s)[0] == int(slot)
}

// inReach is what is noted of accesses, by the logarithm of their size: there
// are many.
var inReach = [...]string{
	"bounds: the verifier proved 1 byte in reach", "bounds: the verifier proved 2 bytes in reach",
	"bounds: the verifier proved 4 bytes in reach", "bounds: the verifier proved 8 bytes in reach",
}

// fold makes a conditional jump one that is always or never taken.
func (u *Unit) fold(i int, taken bool, why string) {
	o := &u.Ops[i]
	if f := o.Row().Form; f != isa.FormJmpImm && f != isa.FormJmpReg {
		return
	}
	u.note(i, NoteDropped, "branch, whether it is taken: "+why)
	o.use, o.def = 0, 0
	if taken {
		o.Own, o.Kind = isa.KindJa, Kind(isa.KindJa)
	} else {
		o.Own, o.Kind, o.Dst, o.Src, o.Target = isa.KindMov64Reg, KindNop, 0, 0, -1
		o.Flags &^= Back
	}
}

// constOf is the resolved value of the wide load at op i.
func (u *Unit) constOf(i int) (uint64, bool) {
	o := &u.Ops[i]
	if o.Own == isa.KindLdImm64 {
		return o.Imm, true
	}
	c := u.Program.Consts
	n, ok := slices.BinarySearchFunc(c, int(o.Slot), func(c Const, s int) int { return c.Slot - s })
	if !ok {
		return 0, false
	}
	return c[n].Value, true
}
