package ir

import (
	"math/bits"
	"slices"

	"skep/vm/isa"
)

// knower walks the program once, in order. Where control comes together it
// goes on with what all ways know; what a loop changes is not known in it.
type knower struct {
	u       *Unit
	now     knowledge
	through bool        // control may come from the op before
	at      []int32     // by op: one more than the number in joins of what jumps to it bring
	joins   []knowledge // those that control has not yet come to, and
	free    []int32     // places for others
	work    int         // bounds the search for what loops change
}

const (
	maxJoins  = 1 << 14 // bounds the memory
	forgotten = -1      // in at: there were too many
)

// known finds out what registers hold. From that lookups whose map is a
// constant are done in place, accesses to the frame and to what was looked up
// need no check, and tests for NULL of what cannot be NULL are no tests.
func known(u *Unit) error {
	for i := range u.Ops {
		o := &u.Ops[i]
		switch form := traitsOf[o.Own].form; {
		case form == isa.FormWide:
			v, ok := u.constOf(i)
			if !ok {
				u.note(i, NoteHost, "the value is known only to the machine")
				continue
			}
			o.Imm, o.Kind = v, Kind(isa.KindLdImm64)
		case o.Own == isa.KindCallKfunc, o.Own == isa.KindCallReg, o.Own == isa.KindGotox, form == isa.FormAbs, form == isa.FormInd:
			u.note(i, NoteHost, "left to the interpreter each time")
		}
	}
	// Where a made-up function pointer can lead into the middle of a block,
	// what came before in it says nothing.
	if u.Options.NoInline || u.Irregular || !u.Facts.Accepted && u.Callbacks {
		return nil
	}
	s := u.scratch
	k := &knower{u: u, through: true, at: s.numbers(len(u.Ops)), joins: s.joins[:0], free: s.list[:0], work: 64*len(u.Ops) + 1<<12}
	k.now.forgetAll()
	for i := range u.Ops {
		k.arrive(i)
		k.through = true
		k.op(i)
	}
	s.joins, s.list = k.joins, k.free
	return nil
}

// arrive is what is known before op i.
func (k *knower) arrive(i int) {
	o := &k.u.Ops[i]
	if o.Flags&Leader == 0 {
		return
	}
	n := k.at[i]
	switch {
	case n == forgotten:
		k.loose(all)
		k.now.forgetAll()
	case n > 0 && k.through:
		k.meet(&k.joins[n-1], o.In)
	case n > 0:
		k.now = k.joins[n-1]
	case !k.through:
		k.now.forgetAll()
	}
	if n > 0 {
		k.free = append(k.free, n)
	}
	switch {
	case o.Flags&Entry != 0:
		k.loose(all)
		k.now.forgetAll()
	case o.Flags&Head != 0:
		changed := k.changedIn(i)
		k.loose(changed & o.In)
		k.now.forget(changed)
		k.now.cells = [4]cell{}
	}
}

// jumpTo takes what is known to where a jump leads. What comes back to a loop's
// head was taken into account there.
func (k *knower) jumpTo(from int, to int32) {
	if int(to) <= from {
		return
	}
	if k.at[to] == 0 {
		last := len(k.free) - 1
		switch {
		case last >= 0:
			k.at[to], k.free = k.free[last], k.free[:last]
			k.joins[k.at[to]-1] = k.now
		case len(k.joins) < maxJoins:
			k.joins = append(k.joins, k.now)
			k.at[to] = int32(len(k.joins))
		default:
			k.at[to] = forgotten
		}
		if k.at[to] > 0 {
			return
		}
	}
	if k.at[to] == forgotten {
		k.loose(all)
		return
	}
	now := k.now
	j := &k.joins[k.at[to]-1]
	k.meet(j, k.u.Ops[to].In)
	*j, k.now = k.now, now
}

// meet keeps what other knows too. live is who will be asked.
func (k *knower) meet(other *knowledge, live uint16) {
	for r := range k.now.regs {
		a, b := &k.now.regs[r], other.regs[r]
		switch {
		case *a == b:
		case a.isElement() && b.isElement() && a.id == b.id && a.off == b.off:
			a.kind = orNull
		default:
			if live&Bit(uint8(r)) != 0 {
				k.looseValue(*a)
				k.looseValue(b)
			}
			*a = value{}
		}
	}
	for i := range k.now.cells {
		if c := &k.now.cells[i]; c.size > 0 {
			if num, ok := other.cellAt(c.off, c.size); !ok || num != c.num {
				*c = cell{}
			}
		}
	}
}

// loose notes that elements in some registers will be used by code that does
// not know what they are.
func (k *knower) loose(regs uint16) {
	for ; regs != 0; regs &= regs - 1 {
		k.looseValue(k.now.regs[bits.TrailingZeros16(regs)])
	}
}

func (k *knower) looseValue(v value) {
	if v.isElement() {
		k.u.Ops[v.id].Flags |= Loose
	}
}

// changedIn is the registers that the loops with their head at op i write: of
// all ops up to the last jump back into this range.
func (k *knower) changedIn(i int) (regs uint16) {
	if k.work < 0 {
		return all
	}
	end := i
	first, _ := slices.BinarySearch(k.u.backs, int32(i))
	for _, j := range k.u.backs[first:] {
		if to := int(k.u.Ops[j].Target); to >= i && to <= end {
			end = int(j)
		}
	}
	if k.work -= end - i + len(k.u.backs) - first; k.work < 0 {
		return all
	}
	for j := i; j <= end; j++ {
		regs |= k.u.Ops[j].changes()
	}
	return regs
}

// changes is the registers that are not as before behind the op.
func (o *Op) changes() uint16 {
	switch o.Own {
	case isa.KindCallLocal, isa.KindCallReg, isa.KindCallKfunc:
		return o.def | args
	}
	return o.def
}

// op learns from op i, and makes of it what can be made.
func (k *knower) op(i int) {
	u, now := k.u, &k.now
	o := &u.Ops[i]
	if o.Own == isa.KindInvalid {
		return
	}
	if n, write := o.Access(); n > 0 {
		k.access(i, int64(n), write)
		return
	}
	d, s := &now.regs[o.Dst], now.regs[o.Src]
	switch o.Own {
	case isa.KindMov64Reg:
		if o.Kind != KindNop {
			*d = s
		}
		return
	case isa.KindMov64Imm:
		*d = value{kind: number, off: int64(o.Imm)}
		return
	case isa.KindMov32Imm:
		*d = value{kind: number, off: int64(uint32(o.Imm))}
		return
	case isa.KindAdd64Imm:
		s = value{kind: number, off: int64(o.Imm)}
		fallthrough
	case isa.KindAdd64Reg:
		if s.kind == number && d.kind != anything && d.kind != orNull {
			d.off += s.off
			return
		}
	case isa.KindCallHelper:
		if o.IsLookup() && k.lookup(i) {
			return
		}
		now.cells = [4]cell{}
	case isa.KindCallLocal:
		k.loose(all)
		now.cells = [4]cell{}
	case isa.KindExit:
		k.through = false
		return
	case isa.KindCallReg, isa.KindCallKfunc:
		now.cells = [4]cell{}
	}
	switch traitsOf[o.Own].form {
	case isa.FormWide:
		*d = value{}
		if isa.Kind(o.Kind) == isa.KindLdImm64 {
			*d = value{kind: number, off: int64(o.Imm)}
		}
		return
	case isa.FormJa, isa.FormGotol:
		k.jumpTo(i, o.Target)
		k.through = o.Own == isa.KindMayGoto
		return
	case isa.FormJmpImm, isa.FormJmpReg:
		k.branch(i)
		return
	}
	if o.Own != isa.KindCallHelper { // it looks at memory as the machine does
		use, _ := o.UseDef()
		k.loose(use)
	}
	now.forget(o.changes())
}

// branch is a conditional jump: a test for NULL tells the two ways apart.
func (k *knower) branch(i int) {
	o := &k.u.Ops[i]
	v := k.now.regs[o.Dst]
	eq := o.Own == isa.KindJEq64Imm
	if !eq && o.Own != isa.KindJNe64Imm || o.Imm != 0 || !v.isElement() || v.off != 0 {
		k.jumpTo(i, o.Target)
		return
	}
	if v.kind == element {
		k.u.fold(i, !eq, "what was looked up is not NULL")
		if !eq {
			k.jumpTo(i, o.Target)
			k.through = false
		}
		return
	}
	some, none := k.now, k.now
	for r, w := range k.now.regs {
		if w.kind == orNull && w.id == v.id {
			some.regs[r].kind = element
			none.regs[r] = value{kind: number}
		}
	}
	if eq {
		some, none = none, some
	}
	k.now = some
	k.jumpTo(i, o.Target)
	k.now = none
}

// access is a load, a store or an atomic operation.
func (k *knower) access(i int, n int64, write bool) {
	u, now := k.u, &k.now
	o := &u.Ops[i]
	at, form := now.regs[o.Src], traitsOf[o.Own].form
	if write {
		at = now.regs[o.Dst]
	}
	at.off += int64(o.Off)
	plain := form == isa.FormStore || form == isa.FormStoreImm
	perm := uint8(1)
	if write {
		perm = 2
	}
	if !u.Facts.Accepted {
		switch {
		case at.kind == inFrame && at.off >= -isa.StackSize && at.off <= -n:
			o.Flags |= Proved
			u.note(i, NoteDropped, "bounds: it is inside the stack frame")
		case at.kind == element && at.off >= 0:
			if m := u.mapOf(at.id); at.off <= int64(m.Size)-n && m.Perm&perm != 0 {
				o.Flags |= Proved
				u.note(i, NoteDropped, "bounds: it is inside the "+bytes(m.Size)+" that the lookup in `"+m.Name+"` returned")
			}
		}
	}
	if o.Flags&Proved == 0 {
		k.looseValue(at)
	}
	if !write {
		num, ok := now.cellAt(at.off, n)
		now.regs[o.Dst] = value{}
		if ok && at.kind == inFrame && o.Own >= isa.KindLdxB && o.Own <= isa.KindLdxDW {
			now.regs[o.Dst] = value{kind: number, off: int64(num)}
		}
		return
	}
	switch {
	case at.kind == inFrame:
		now.touched(at.off, n)
	case !at.isElement() || o.Flags&Proved == 0:
		now.cells = [4]cell{}
	}
	if form != isa.FormStoreImm {
		k.looseValue(now.regs[o.Src])
	}
	if at.kind == inFrame && plain {
		switch v := now.regs[o.Src]; {
		case form == isa.FormStoreImm:
			now.learn(at.off, n, o.Imm)
		case v.kind == number:
			now.learn(at.off, n, uint64(v.off))
		}
	}
	now.forget(o.changes())
}
