package compiled

import (
	"skep/jit"
	"skep/jit/portable"
	"skep/vm"
)

// Repeat does n runs from a point where one begins, each in the memory as the
// run before left it, in the interpreter or by the code of r if that is not nil.
// It reports false when one did not exit within about fuel instructions.
func Repeat(m *vm.Machine, r *portable.Runner, begin *vm.Point, n int, fuel int64) bool {
	for n > 0 {
		at := *begin
		if r == nil {
			stop := m.Do(&at)
			if stop == vm.StopStep {
				stop = m.Run(int(fuel))
			}
			if stop != vm.StopExit {
				return false
			}
			n--
			continue
		}
		done, status := r.Repeat((*jit.State)(&at), n, fuel)
		if status == jit.Running && done > 0 && r.Run(fuel) == jit.Exited {
			done, status = done+1, jit.Exited // the fuel of all of them was used up
		}
		if status != jit.Exited {
			return false
		}
		n -= done
	}
	return true
}
