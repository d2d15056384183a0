package session

import (
	"strconv"

	"skep/vm"
	"skep/wasm/protocol"
)

// fault describes why the event cannot go on: a fault of the machine, or the
// instruction budget.
func (s *Session) fault() *protocol.Fault {
	f := s.machine.Fault()
	if f == nil {
		return &protocol.Fault{
			Code: "budget", PC: uint32(s.machine.PC()),
			Message: "the packet has taken " + strconv.Itoa(int(s.opts.Budget)) + " instructions, which is the budget of a run",
			Hint:    "A loop that does not end is the usual cause: step over its condition and watch the counter.",
		}
	}
	out := &protocol.Fault{Code: f.Code.String(), PC: uint32(f.PC), Message: f.Detail(), Hint: faultHint(f), Write: f.Write}
	if f.Size > 0 {
		out.Access.Length = f.Size
		if p, ok := s.place(f.Addr); ok {
			out.Access.Region, out.Access.Offset = p.region, p.off
		}
	}
	return out
}

// faultHint says what would have prevented a fault; the verifier demands it.
func faultHint(f *vm.Fault) string {
	switch f.Code {
	case vm.CodeNull:
		if f.Helper != 0 {
			return "Compare the result of " + helperNumber(f.Helper) + " with NULL before using it."
		}
		return "The register holds no pointer: compare it with NULL, or set it first."
	case vm.CodeBounds:
		switch f.Kind.String() {
		case "packet":
			return "Compare the end of the access with data_end first, and leave when it lies behind."
		case "map_value":
			return "Bound the index by the value's size before the access."
		case "stack":
			return "A frame has 512 bytes, from fp-512 to fp-1."
		}
		return "Bound the offset before the access."
	case vm.CodeWild:
		return "The number in the register is no address; see where it was written."
	case vm.CodePerm:
		return "This memory may only be read."
	case vm.CodeDepth:
		return "At most eight functions may be active: use a loop in place of recursion."
	case vm.CodeEnd:
		return "Every path of a program must end in exit."
	case vm.CodeHelper:
		return "Look up which helpers this program type has."
	case vm.CodeKfunc:
		return "Kernel functions need a real kernel: run this program there."
	case vm.CodeFrame:
		return "r10 is read-only: copy it to another register."
	}
	return ""
}
