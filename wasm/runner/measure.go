package runner

import (
	"skep/wasm/compiled"
	"skep/wasm/protocol"
)

const (
	measured = 16        // events that are measured: the first
	patience = 4_000_000 // instructions that a measured run may have
)

// measure begins the run of a session anew and takes the time of its first
// events. The session shows nothing of use afterwards.
func (e *Engine) measure(id uint32, q *protocol.FullMeasure) *protocol.FullMeasured {
	r := e.runs[id]
	none := &protocol.FullMeasured{}
	if r.build(e, id) != nil {
		return none
	}
	out := &protocol.FullMeasured{}
	for n := 1; ; n++ {
		code := r.runner
		if !q.Compiled {
			code = nil
		}
		from := r.page.Now()
		if !compiled.Repeat(r.out.Machine(), code, &r.begin, int(max(q.Runs, 1)), patience) {
			return none
		}
		out.Nanos += r.page.Now() - from
		out.Runs += uint64(max(q.Runs, 1))
		if n == measured {
			return out
		}
		if q.Compiled {
			r.out.Ended(r.point())
		}
		if more, err := r.out.Next(); !more || err != nil {
			return out
		}
		r.arrived()
	}
}
