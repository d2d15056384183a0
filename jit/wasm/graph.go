package wasm

import (
	"slices"

	"skep/jit/ir"
	"skep/vm/isa"
)

// block is a run of ops of a body.
type block struct {
	first, end int32
	next, jump int32 // blocks it leads to, -1 for none
	idom       int32
	child      int32 // first of the blocks that it is the immediate dominator of
	sibling    int32
	into       int32 // edges from earlier blocks
	loop       bool  // an edge from a later block
}

// graph is the blocks of a body in reverse postorder.
type graph struct {
	blocks    []block
	reducible bool
}

// flow is a scratch for building graphs of one unit.
type flow struct {
	u    *ir.Unit
	seen []int32 // by op: number of the graph that has it
	at   []int32 // by op that begins a block: its number
	run  int32
}

func newFlow(u *ir.Unit) *flow {
	return &flow{u: u, seen: make([]int32, len(u.Ops)), at: make([]int32, len(u.Ops))}
}

// leads says where op i may lead within its function.
func leads(u *ir.Unit, i int32) (next, jump int32) {
	o := &u.Ops[i]
	next, jump = -1, -1
	through, jumps := o.LeadsOn()
	if through {
		next = i + int32(max(o.Len, 1))
	}
	if jumps {
		jump = o.Target
	}
	return next, jump
}

// build makes the graph of what is reached from an op.
func (f *flow) build(entry int32) *graph {
	f.run++
	starts := f.starts(entry)
	// Blocks in the order of their ops, then renumbered.
	raw := make([]block, len(starts))
	for n, s := range starts {
		f.at[s] = int32(n)
	}
	isStart := func(i int32) bool { _, ok := slices.BinarySearch(starts, i); return ok }
	for n, s := range starts {
		b := block{first: s, next: -1, jump: -1, idom: -1, child: -1, sibling: -1}
		i := s
		for {
			next, jump := leads(f.u, i)
			i += int32(max(f.u.Ops[i].Len, 1))
			if jump >= 0 || next < 0 || isStart(next) {
				if next >= 0 {
					b.next = f.at[next]
				}
				if jump >= 0 {
					b.jump = f.at[jump]
				}
				break
			}
		}
		b.end = i
		raw[n] = b
	}
	g := order(raw, f.at[entry])
	for n := range g.blocks {
		f.at[g.blocks[n].first] = int32(n)
	}
	g.dominators()
	g.edges()
	return g
}

// starts finds the ops that begin a block, ascending.
func (f *flow) starts(entry int32) []int32 {
	starts := []int32{entry}
	todo := []int32{entry}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for i >= 0 && f.seen[i] != f.run {
			f.seen[i] = f.run
			next, jump := leads(f.u, i)
			if jump >= 0 {
				starts, todo = append(starts, jump), append(todo, jump)
				if next >= 0 {
					starts = append(starts, next)
				}
			}
			i = next
		}
	}
	slices.Sort(starts)
	return slices.Compact(starts)
}

// order renumbers blocks in reverse postorder from entry.
func order(raw []block, entry int32) *graph {
	number := make([]int32, len(raw))
	state := make([]uint8, len(raw))
	post := make([]int32, 0, len(raw))
	stack := []int32{entry}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		state[n]++
		var to int32 = -1
		switch state[n] {
		case 1: // the jump first: what follows is numbered lower
			to = raw[n].jump
		case 2:
			to = raw[n].next
		default:
			stack = stack[:len(stack)-1]
			post = append(post, n)
		}
		if to >= 0 && state[to] == 0 {
			stack = append(stack, to)
		}
	}
	g := &graph{blocks: make([]block, len(post))}
	for i, n := range post {
		number[n] = int32(len(post) - 1 - i)
	}
	for i, n := range post {
		b := raw[n]
		if b.next >= 0 {
			b.next = number[b.next]
		}
		if b.jump >= 0 {
			b.jump = number[b.jump]
		}
		g.blocks[len(post)-1-i] = b
	}
	return g
}

// dominators is the iteration of Cooper, Harvey and Kennedy.
func (g *graph) dominators() {
	preds := make([][]int32, len(g.blocks))
	for n := range g.blocks {
		for _, to := range [...]int32{g.blocks[n].next, g.blocks[n].jump} {
			if to >= 0 {
				preds[to] = append(preds[to], int32(n))
			}
		}
	}
	g.blocks[0].idom = 0
	for changed := true; changed; {
		changed = false
		for n := 1; n < len(g.blocks); n++ {
			idom := int32(-1)
			for _, p := range preds[n] {
				switch {
				case g.blocks[p].idom < 0:
				case idom < 0:
					idom = p
				default:
					idom = g.meet(idom, p)
				}
			}
			if idom != g.blocks[n].idom {
				g.blocks[n].idom = idom
				changed = true
			}
		}
	}
	for n := len(g.blocks) - 1; n > 0; n-- {
		d := &g.blocks[g.blocks[n].idom]
		g.blocks[n].sibling, d.child = d.child, int32(n)
	}
}

func (g *graph) meet(a, b int32) int32 {
	for a != b {
		for a > b {
			a = g.blocks[a].idom
		}
		for b > a {
			b = g.blocks[b].idom
		}
	}
	return a
}

// edges counts what leads where, and tests whether each loop is entered only
// at its head.
func (g *graph) edges() {
	g.reducible = true
	budget := 1<<20 + 16*len(g.blocks)
	for n := range g.blocks {
		for _, to := range [...]int32{g.blocks[n].next, g.blocks[n].jump} {
			switch {
			case to < 0:
			case to > int32(n):
				g.blocks[to].into++
			default:
				g.blocks[to].loop = true
				d := int32(n)
				for d > to && budget > 0 {
					d = g.blocks[d].idom
					budget--
				}
				if d != to {
					g.reducible = false
				}
			}
		}
	}
}

// Limits of the shape of a body; behind them engines take long or refuse.
const (
	maxNesting  = 500
	maxDispatch = 20_000
)

// structured emits the blocks as nested blocks and loops (Ramsey, Beyond
// Relooper, 2022). It reports false when that nests too deep.
func (b *body) structured() bool {
	b.tree(0)
	return !b.deep
}

// tree emits a block and all that it dominates.
func (b *body) tree(n int32) {
	g := b.g
	if g.blocks[n].loop {
		b.loopAt[n] = b.open(opLoop)
	}
	var merges []int32
	for c := g.blocks[n].child; c >= 0; c = g.blocks[c].sibling {
		if g.blocks[c].into > 1 {
			merges = append(merges, c)
		}
	}
	for _, m := range slices.Backward(merges) {
		b.labelAt[m] = b.open(opBlock)
	}
	if b.nesting > maxNesting {
		b.deep = true
	}
	if !b.deep {
		b.block(n)
	}
	for _, m := range merges {
		b.close()
		b.labelAt[m] = -1
		if !b.deep {
			b.tree(m)
		}
	}
	if g.blocks[n].loop {
		b.close()
		b.loopAt[n] = -1
	}
}

// dispatched emits the blocks one behind the other in a loop: a jump forward
// leads there, one back goes through br_table.
func (b *body) dispatched() {
	n := len(b.g.blocks)
	b.i32(0)
	b.set(b.l.at)
	b.open(opLoop)
	for i := n - 1; i >= 0; i-- {
		b.labelAt[i] = b.open(opBlock)
	}
	b.get(b.l.at)
	b.op(opBrTable)
	b.u32(uint32(n - 1))
	for i := range n {
		b.u32(uint32(i))
	}
	for i := range n {
		b.close()
		b.labelAt[i] = -1
		b.block(int32(i))
	}
	b.close()
}

// open begins a block, loop or if and returns how many it lies in.
func (b *body) open(op byte) int32 {
	b.op(op, typeVoid)
	b.nesting++
	return b.nesting - 1
}

func (b *body) close() {
	b.op(opEnd)
	b.nesting--
}

// reaches reports the label by which block to is reached with a br, if it is.
func (b *body) reaches(from, to int32) (int, bool) {
	at := b.labelAt[to]
	if to <= from {
		at = b.loopAt[to]
	}
	return int(b.nesting - 1 - at), at >= 0
}

// branch goes on at block to.
func (b *body) branch(from, to int32) {
	if at, ok := b.reaches(from, to); ok {
		b.br(opBr, at)
		return
	}
	if !b.dispatch {
		b.tree(to)
		return
	}
	b.i32(to)
	b.set(b.l.at)
	b.br(opBr, int(b.nesting-1))
}

// fork goes on at block jump when the condition on the stack holds, else at
// next.
func (b *body) fork(from, jump, next int32) {
	if at, ok := b.reaches(from, jump); ok {
		b.br(opBrIf, at)
		b.branch(from, next)
		return
	}
	if at, ok := b.reaches(from, next); ok {
		b.op(opI32Eqz)
		b.br(opBrIf, at)
		b.branch(from, jump)
		return
	}
	b.open(opIf)
	b.branch(from, jump)
	b.op(opElse)
	b.branch(from, next)
	b.close()
}

// block emits the ops of a block and what leads on from it.
func (b *body) block(n int32) {
	blk := &b.g.blocks[n]
	b.fresh()
	if b.heads[blk.first] > 0 && (n != 0 || blk.loop || b.u.Ops[blk.first].Flags&ir.Entry != 0 && blk.first != 0) {
		b.burn(blk.first)
	}
	last := int32(-1)
	for i := blk.first; i < blk.end; i += int32(max(b.u.Ops[i].Len, 1)) {
		o := &b.u.Ops[i]
		b.cur, last = i, i
		b.mark(i)
		if blk.jump >= 0 && i+int32(max(o.Len, 1)) >= blk.end {
			break
		}
		if !b.lowerOp(o) {
			b.fail(o)
		}
	}
	o := &b.u.Ops[last]
	switch {
	case blk.jump < 0 && blk.next < 0: // it ends or leaves
	case blk.jump < 0:
		b.settle(o.Out)
		b.branch(n, blk.next)
	case blk.next < 0:
		b.settle(o.Out)
		b.branch(n, blk.jump)
	default:
		b.settle(o.Out)
		if o.Own == isa.KindMayGoto {
			b.mayGoto()
		} else if !b.condition(o) {
			b.fail(o)
		}
		b.fork(n, blk.jump, blk.next)
	}
}
