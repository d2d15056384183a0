package machine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"skep/jit"
	"skep/jit/ir"
	"skep/wasm/listing/disasm"
	"skep/wasm/protocol"
)

// maxShown is the most code that is named, in bytes: a longer listing nobody
// reads, and texts take many times the memory.
const maxShown = 1 << 20

// piece is a run of code that belongs to one instruction.
type piece struct {
	slot    int // see protocol.CodeGroup
	key     int // slot before whose code it is listed
	at, end int
}

// groups puts the code of each instruction beside it. What a fusion covers has
// none of its own; what checks do when they fail stands behind the end.
func groups(c *jit.Code, u *ir.Unit, k *known) (out []protocol.CodeGroup, cut bool) {
	n := len(c.Offset)
	read := newReader(c)
	at := make([]int32, n+1) // group of each slot
	pieces := piecesOf(c)
	slices.SortStableFunc(pieces, func(a, b piece) int {
		if d := cmp.Compare(a.key, b.key); d != 0 {
			return d
		}
		return cmp.Compare(a.slot, b.slot) // what comes before a function first
	})
	head := -1 // the last slot with code
	for slot := 0; slot <= n; slot++ {
		if slot < n && u.Dense[slot] < 0 {
			continue // the second half of a wide one
		}
		g := protocol.CodeGroup{Slot: int32(slot), Head: -1}
		own := false
		for len(pieces) > 0 && pieces[0].key == slot {
			p := pieces[0]
			pieces = pieces[1:]
			if p.slot < 0 {
				out = append(out, protocol.CodeGroup{Slot: -1, Head: -1, Insns: read.insns(p.at, p.end)})
				continue
			}
			own = true
			g.Insns = append(g.Insns, read.insns(p.at, p.end)...)
		}
		if slot == n {
			if own {
				out = append(out, g)
			}
			break
		}
		if own {
			head = slot
		} else if u.Ops[u.Dense[slot]].Len == 0 {
			g.Head = int32(head)
		}
		at[slot] = int32(len(out))
		out = append(out, g)
	}
	for _, note := range c.Notes {
		w := protocol.CodeNote{Kind: noteKind(note.Kind), Text: note.Text}
		if w.Kind == protocol.CodeNoteKindDropped {
			w.Fact = k.at(note.Slot)
		}
		g := &out[at[note.Slot]]
		g.Notes = append(g.Notes, w)
	}
	return out, read.cut
}

func noteKind(k jit.NoteKind) protocol.CodeNoteKind {
	switch k {
	case jit.NoteDropped:
		return protocol.CodeNoteKindDropped
	case jit.NoteInline:
		return protocol.CodeNoteKindInlined
	case jit.NoteHost:
		return protocol.CodeNoteKindInterpreted
	}
	return protocol.CodeNoteKindFusion
}

// piecesOf cuts the code where that of another instruction begins.
func piecesOf(c *jit.Code) []piece {
	var pieces []piece
	for slot, at := range c.Offset {
		if at >= 0 {
			pieces = append(pieces, piece{slot: slot, key: slot, at: int(at)})
		}
	}
	n := len(c.Offset)
	bodies := []int{0}
	ends := []int{len(c.Text)}
	if c.Native != nil {
		pieces = append(pieces, piece{slot: n, key: n, at: int(c.Native.Offset[len(c.Native.Offset)-1])})
	} else {
		bodies, ends = bodies[:0], ends[:0]
		for _, b := range c.Portable.Bodies {
			bodies, ends = append(bodies, b.Start), append(ends, b.End)
		}
	}
	byAt := func(a, b piece) int { return cmp.Compare(a.at, b.at) }
	slices.SortFunc(pieces, byAt)
	for _, at := range bodies {
		i, began := slices.BinarySearchFunc(pieces, piece{at: at}, byAt)
		if !began && i < len(pieces) {
			pieces = slices.Insert(pieces, i, piece{slot: -1, key: pieces[i].key, at: at})
		}
	}
	for i := range pieces {
		e, _ := slices.BinarySearch(ends, pieces[i].at+1)
		pieces[i].end = ends[min(e, len(ends)-1)]
		if i+1 < len(pieces) {
			pieces[i].end = min(pieces[i].end, pieces[i+1].at)
		}
	}
	return pieces
}

// reader names instructions.
type reader struct {
	code   []byte
	arch   jit.Arch
	begins []begin // where the code of slots begins, by offset
	depth  []uint8 // of WebAssembly: how deep the instruction at an offset is nested
	shown  int     // bytes so far
	cut    bool    // there were more than maxShown
}

type begin struct{ at, slot int }

func newReader(c *jit.Code) *reader {
	r := &reader{code: c.Text, arch: c.Target.Arch}
	for slot, at := range c.Offset {
		if at >= 0 {
			r.begins = append(r.begins, begin{int(at), slot})
		}
	}
	slices.SortFunc(r.begins, func(a, b begin) int { return cmp.Compare(a.at, b.at) })
	if c.Portable != nil {
		r.depth = make([]uint8, len(c.Text))
		for _, b := range c.Portable.Bodies {
			nest(r.depth, c.Text, b.Start, b.End)
		}
	}
	return r
}

// nest says how deep each instruction of a WebAssembly function is nested.
func nest(depth []uint8, code []byte, at, end int) {
	const opBlock, opLoop, opIf, opElse, opEnd = 0x02, 0x03, 0x04, 0x05, 0x0b
	for in := 0; at < end; at += disasm.WASM(code[at:end]).Size {
		op := code[at]
		if op == opElse || op == opEnd {
			in = max(in-1, 0)
		}
		depth[at] = uint8(min(in, 255))
		if op == opBlock || op == opLoop || op == opIf || op == opElse {
			in++
		}
	}
}

// slotAt is the slot whose code begins at an offset, -1 for none.
func (r *reader) slotAt(at int) int32 {
	i, ok := slices.BinarySearchFunc(r.begins, at, func(b begin, at int) int { return cmp.Compare(b.at, at) })
	if !ok {
		return -1
	}
	return int32(r.begins[i].slot)
}

// insns names the instructions from one offset to another.
func (r *reader) insns(at, end int) []protocol.CodeInsn {
	var out []protocol.CodeInsn
	for at < end {
		if r.shown >= maxShown {
			r.cut = true
			break
		}
		var in disasm.Insn
		switch code := r.code[at:end]; r.arch {
		case jit.AMD64:
			in = disasm.AMD64(code, at)
		case jit.ARM64:
			in = disasm.ARM64(code, at)
		default:
			in = disasm.WASM(code)
		}
		to := int32(-1)
		if in.To >= 0 {
			to = r.slotAt(in.To)
		}
		if n := len(out) - 1; n >= 0 && padding(in.Text) && padding(out[n].Text) {
			out[n].Size += uint16(in.Size)
			out[n].Text = "nop (" + strconv.Itoa(int(out[n].Size)) + " bytes of padding)"
			at += in.Size
			r.shown += in.Size
			continue
		}
		w := protocol.CodeInsn{At: uint32(at), Size: uint16(in.Size), Text: in.Text, To: to}
		if r.depth != nil {
			w.Depth = r.depth[at]
		}
		out = append(out, w)
		at += in.Size
		r.shown += in.Size
	}
	return out
}

// padding reports an instruction that does nothing: several in a row are shown
// as one.
func padding(text string) bool { return strings.HasPrefix(text, "nop") }

// Disassemble answers a request.
func Disassemble(q *protocol.Disassemble) *protocol.MachineCode {
	out := &protocol.MachineCode{Outcome: protocol.OutcomeAccepted, Slot: -1, Code: q.Code}
	r := &reader{code: q.Code, arch: targets[q.Arch].target.Arch}
	for _, m := range q.Marks {
		if i := len(r.begins) - 1; i >= 0 && (int(m.At) < r.begins[i].at || r.begins[i].slot == int(m.Slot)) {
			continue // out of order, or more of the same
		}
		r.begins = append(r.begins, begin{int(m.At), int(m.Slot)})
	}
	at := 0
	for i := 0; i <= len(r.begins); i++ {
		end, slot := len(q.Code), int32(-1)
		if i < len(r.begins) {
			end = min(r.begins[i].at, end)
		}
		if i > 0 {
			slot = int32(r.begins[i-1].slot)
		}
		if at < end {
			out.Groups = append(out.Groups, protocol.CodeGroup{Slot: slot, Head: -1, Insns: r.insns(at, end)})
			out.Slots = max(out.Slots, uint32(slot+1))
			at = end
		}
	}
	out.Cut = r.cut
	return out
}
