package runner

import (
	"skep/jit"
	"skep/vm"
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
		from := r.page.Now()
		if !r.again(int(max(q.Runs, 1)), q.Compiled) {
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

// again does n runs of the current event. It reports false when one did not end
// as it should.
func (r *run) again(n int, compiled bool) bool {
	m := r.out.Machine()
	for n > 0 {
		at := r.begin
		if compiled {
			done, status := r.runner.Repeat((*jit.State)(&at), n, patience)
			if status == jit.Running && done > 0 && r.runner.Run(patience) == jit.Exited {
				done, status = done+1, jit.Exited // the fuel of all was used up
			}
			if status != jit.Exited {
				return false
			}
			n -= done
			continue
		}
		stop := m.Do(&at)
		if stop == vm.StopStep {
			stop = m.Run(patience)
		}
		if stop != vm.StopExit {
			return false
		}
		n--
	}
	return true
}
