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
	u := &Unit{Program: p, Facts: f, Options: o}
	for i := range passes {
		if err := passes[i].run(u); err != nil {
			return nil, err
		}
	}
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
	u.Ops = make([]Op, 0, len(insns)+1)
	for pc := 0; pc < len(insns); pc++ {
		row, err := isa.Check(insns, pc)
		if err != nil {
			return &Error{pc, err.Msg}
		}
		in := insns[pc]
		u.Dense[pc] = int32(len(u.Ops))
		o := Op{
			Kind: Kind(row.Kind), Own: row.Kind, Dst: in.Dst, Src: in.Src, Index: NoReg, Len: 1,
			Off: int32(in.Off), Imm: uint64(int64(in.Imm)), Target: -1, Slot: int32(pc),
		}
		if row.Form == isa.FormWide {
			pc++
			u.Dense[pc] = -1
			o.Imm = isa.Imm64(in, insns[pc])
		}
		o.use, o.def = o.useDef()
		if writesR10(&o) {
			return &Error{int(o.Slot), "r10 is read-only"}
		}
		u.Ops = append(u.Ops, o)
	}
	for i := range u.Ops {
		o := &u.Ops[i]
		rel, ok := int64(0), true
		switch o.Row().Form {
		case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa:
			rel = int64(o.Off)
		case isa.FormGotol, isa.FormCallLocal:
			rel = int64(int32(o.Imm))
		default:
			ok = o.Own == isa.KindLdFunc
			rel = int64(int32(o.Imm))
		}
		if !ok {
			continue
		}
		to := int64(o.Slot) + 1 + rel
		if to < 0 || to >= int64(len(u.Dense)) || u.Dense[to] < 0 {
			return &Error{int(o.Slot), "jump to " + strconv.FormatInt(to, 10) + ", which is no instruction"}
		}
		o.Target = u.Dense[to]
	}
	u.Ops = append(u.Ops, Op{Kind: KindEnd, Index: NoReg, Len: 1, Target: -1, Slot: int32(len(insns)), use: all})
	return nil
}

// writesR10 reports a write to the frame pointer. Verifiers refuse it; the
// interpreter would do it.
func writesR10(o *Op) bool {
	_, def := o.UseDef()
	return def&Bit(isa.R10) != 0
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

// jumps reports whether control may go elsewhere than to the next op.
func (o *Op) jumps() bool {
	if o.Own == isa.KindInvalid {
		return false
	}
	c := o.Row().Op & 7
	return c == isa.ClassJMP || c == isa.ClassJMP32
}

// maxFuncs is BPF_MAX_SUBPROGS.
const maxFuncs = 256

func (u *Unit) addFunc(op int32) {
	u.Ops[op].Flags |= Leader | Entry
	if len(u.Funcs) <= maxFuncs && u.FuncAt(op) == nil {
		u.Funcs = append(u.Funcs, Func{Op: op})
	}
}

// LeadsOn says whether control may go on at the next op, and at Target, within
// the function.
func (o *Op) LeadsOn() (through, jump bool) {
	switch o.Own {
	case isa.KindExit, isa.KindGotox, isa.KindInvalid:
		return false, false
	case isa.KindJa, isa.KindGotol:
		return false, true
	case isa.KindCallLocal, isa.KindCallHelper, isa.KindLdFunc:
		return true, false
	}
	return true, o.Target >= 0
}

// functions walks each function, then lets clobbers and depths flow from
// callees to callers until nothing changes.
func functions(u *Unit) error {
	if len(u.Funcs) > maxFuncs {
		return &Error{-1, "the program has more than 256 functions"}
	}
	seen := make([]int32, len(u.Ops))
	var todo []int32
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
	type sets struct{ in, use, def uint16 }
	at := make([]sets, len(u.Ops))
	atExit := uint16(result)
	if len(u.Funcs) > 1 {
		atExit |= args
	}
	for i := range u.Ops {
		o := &u.Ops[i]
		at[i].use, at[i].def = o.UseDef()
		if o.Own == isa.KindExit {
			at[i].use = atExit
		}
	}
	const manyRounds = 40 // nested loops need one each, and one more
	for round, changed := 0, true; changed; round++ {
		changed = false
		if round == manyRounds || u.Irregular { // jumps like a ball of wool: say that all is wanted
			for i := range u.Ops {
				u.Ops[i].In, u.Ops[i].Out = all, all
			}
			return nil
		}
		for i := len(u.Ops) - 1; i >= 0; i-- {
			o := &u.Ops[i]
			var out uint16
			through, jump := o.LeadsOn()
			if through {
				out = at[i+1].in
			}
			if jump {
				out |= at[o.Target].in
			}
			live := at[i].use | out&^at[i].def
			if live != at[i].in || out != o.Out {
				at[i].in, o.In, o.Out = live, live, out
				changed = true
			}
		}
	}
	return nil
}

// facts marks the checks that the verifier's proof makes needless, and folds
// branches that go one way.
func facts(u *Unit) error {
	f := &u.Facts
	for i := range u.Ops {
		o := &u.Ops[i]
		has := func(slots []int) bool {
			_, ok := slices.BinarySearch(slots, int(o.Slot))
			return ok
		}
		if n, _ := o.Access(); n > 0 && f.Accepted && !has(f.Checked) {
			o.Flags |= Proved
			u.note(i, NoteDropped, inReach[bits.TrailingZeros(uint(n))])
		}
		switch {
		case has(f.Dead) && !o.jumps():
			o.Kind = KindNop
			u.note(i, NoteDropped, "the instruction: the verifier proved that no run reaches it")
		case IsDiv(o.Own):
			if has(f.NonZero) {
				o.Flags |= NonZero
				u.note(i, NoteDropped, "division by zero: the verifier proved a divisor that is not zero")
			}
			if has(f.Narrow) {
				o.Flags |= Narrow
				u.note(i, NoteDropped, "upper halves: the verifier proved both numbers below 1<<32, so that 32 bits are divided")
			}
			if o.Row().Form == isa.FormDstImm && uint32(o.Imm) != 0 {
				o.Flags |= NonZero
			}
		case o.Own == isa.KindCallLocal && u.maxDepth > 0 && f.Alone:
			o.Flags |= Shallow
			u.note(i, NoteDropped, "call depth: the deepest chain of calls has "+strconv.Itoa(u.maxDepth)+" functions")
		case o.jumps() && has(f.Always):
			u.fold(i, true, "the verifier proved that it always is")
		case o.jumps() && has(f.Never):
			u.fold(i, false, "the verifier proved that it never is")
		}
	}
	return nil
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

// IsDiv reports a division or remainder of any kind.
func IsDiv(k isa.Kind) bool {
	r := k.Row()
	if r == nil {
		return false
	}
	c := r.Op & 7
	op := r.Op & 0xf0
	return (c == isa.ClassALU || c == isa.ClassALU64) && (op == isa.OpDiv || op == isa.OpMod)
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
