package trace

import (
	"cmp"
	"slices"

	"skep/verifier"
)

// Bytes is the trace of what was recorded: d says of what, res what it came
// to, nil when it was cancelled. typeName names the types that registers point
// to, see verifier.TypeName. The recorder is of no more use then.
func (r *Recorder) Bytes(d Program, res *verifier.Result, typeName func(handle, id uint32) string) []byte {
	return slices.Concat(r.Parts(d, res, typeName)...)
}

// Parts is Bytes in pieces that follow each other, without a copy of what is
// most of it.
func (r *Recorder) Parts(d Program, res *verifier.Result, typeName func(handle, id uint32) string) [][]byte {
	r.closeChunk()
	for _, p := range r.pending { // never walked
		p.First, p.Steps, p.End = r.steps, 0, PathEndOpen
		r.paths = append(r.paths, p.Path)
	}
	r.pending = nil
	for k := range r.types {
		h, id := uint32(k>>32), uint32(k)
		if name := typeName(h, id); name != "" {
			d.Types = append(d.Types, TypeText{h, id, name})
		}
	}
	slices.SortFunc(d.Types, func(a, b TypeText) int { return cmp.Or(cmp.Compare(a.Btf, b.Btf), cmp.Compare(a.Id, b.Id)) })
	out := r.outcome(res)
	if res != nil {
		d.Hypothetical = res.Hypothetical
		for _, m := range res.Maps {
			d.Maps = append(d.Maps, MapText{m.Name, m.Type.String(), m.KeySize, m.ValueSize, m.MaxEntries, valueFields(m)})
		}
		for _, s := range res.Subprogs {
			d.Funcs = append(d.Funcs, FuncText{uint32(s.Start), s.Name, s.Global})
		}
	}
	var w encoder
	w.buf = append(append(w.buf, Magic...), Version)
	d.put(&w)
	out.put(&w)
	w.U32(uint32(len(r.paths)))
	for i := range r.paths {
		r.paths[i].put(&w)
	}
	w.U32(uint32(len(r.checkpoints)))
	for i := range r.checkpoints {
		r.checkpoints[i].put(&w)
	}
	w.U32(uint32(len(r.chunks)))
	at := 0
	for i := range r.chunks {
		c := &r.chunks[i]
		head := Chunk{First: c.first, Steps: c.steps, Offset: uint32(at), Length: uint32(len(c.data))}
		if c.data == nil {
			head.Steps = 0
		}
		head.put(&w)
		at += len(c.data)
	}
	parts := [][]byte{w.buf}
	for i := range r.chunks {
		if b := r.chunks[i].data; b != nil {
			parts = append(parts, b)
		}
	}
	r.chunks = nil
	return parts
}

func (r *Recorder) outcome(res *verifier.Result) Outcome {
	o := Outcome{Processed: r.steps, TotalStates: uint32(len(r.checkpoints)), Insn: int32(r.insn)}
	for i := r.head; i < r.head+r.gone; i++ {
		if i == r.head {
			o.DroppedFrom = r.chunks[i].first
		}
		o.Dropped += r.chunks[i].steps
	}
	if res == nil {
		return o
	}
	o.Verdict, o.Feature, o.Message, o.Insn = res.Verdict.String(), res.Feature, res.Message, int32(res.Insn)
	if res.Verdict == verifier.Rejected {
		o.Errno, o.ErrnoName = uint32(res.Errno), res.Errno.String()
	}
	o.MaxStatesPerInsn, o.PeakStates, o.MarkRead = uint32(res.MaxStatesPerInsn), uint32(res.PeakStates), uint32(res.MarkRead)
	return o
}
