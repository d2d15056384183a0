package wasm

import (
	"skep/jit/ir"
	"skep/jit/window"
)

// windows is the fields of windows that a body with loops keeps in locals, as
// the loads of a check would be a third of a loop: by window the lowest
// address, then the bounds for 1, 2, 4 and 8 bytes. Zero is none: local 0 is
// never one. Whatever may change a window is followed by a refresh.
type windows [window.Count][5]uint32

func windowOf(base uint8, write bool) int {
	if write {
		return int(base) + window.Count/2
	}
	return int(base)
}

func windowField(w, field int) uint32 { return uint32(CtxWindows + w*window.Size + 8*field) }

// keepWindows chooses what the body keeps: the fields that its checks read.
func (b *body) keepWindows(take func(*uint32)) {
	loops := false
	for i := range b.g.blocks {
		loops = loops || b.g.blocks[i].loop
	}
	if !loops {
		return
	}
	keep := func(base uint8, n int, write bool) {
		w := &b.l.windows[windowOf(base, write)]
		for _, at := range [...]*uint32{&w[0], &w[log2(n)+1]} {
			if *at == 0 {
				take(at)
			}
		}
	}
	for k := range b.g.blocks {
		for i := b.g.blocks[k].first; i < b.g.blocks[k].end; i += int32(max(b.u.Ops[i].Len, 1)) {
			o := &b.u.Ops[i]
			n, write := o.Access()
			base := o.Src
			switch {
			case o.Kind == ir.KindArray && !b.u.Facts.Accepted:
				n = 4
			case o.Kind == ir.KindHash && !b.u.Facts.Accepted:
				n = b.u.Program.Hashes[o.Target].Pieces()[0]
			case n == 0 || o.Flags&ir.Proved != 0:
				continue
			case write:
				base = o.Dst
			}
			if !inFrame(base, o.Index, o.Off, n) {
				keep(base, n, write)
			}
		}
	}
}

// getWindow pushes a field of a window.
func (b *body) getWindow(w, field int) {
	if at := b.l.windows[w][field]; at != 0 {
		b.get(at)
		return
	}
	b.load64(windowField(w, field))
}

// refresh takes over the fields of a window that are kept.
func (b *body) refresh(w int) {
	for field, at := range b.l.windows[w] {
		if at != 0 {
			b.load64(windowField(w, field))
			b.set(at)
		}
	}
}

func (b *body) refreshAll() {
	for w := range b.l.windows {
		b.refresh(w)
	}
}
