package grade

import "strings"

// classes are the kinds of mistakes that students make, by what the verifier
// says last: parts of the message in the words of 6.1 and 6.12. The first row
// that fits counts, so special messages stand before general ones. The course
// (curriculum.md) names the classes.
var classes = [...]struct {
	class string
	parts []string // all of them are in the message
}{
	{"uninit-reg", []string{"!read_ok"}},
	{"null-deref", []string{"invalid mem access", "_or_null"}},
	{"scalar-deref", []string{"invalid mem access 'scalar'"}},
	{"scalar-deref", []string{"invalid mem access"}},
	{"pkt-oob", []string{"invalid access to packet"}},
	{"pkt-oob", []string{"offset is outside of the packet"}},
	{"map-oob", []string{"invalid access to map value"}},
	{"map-oob", []string{"outside of the allowed memory range"}},
	{"map-oob", []string{"makes map_value pointer be out of bounds"}},
	{"unbounded", []string{"unbounded memory access"}},
	{"unbounded", []string{"unbounded min value"}},
	{"unbounded", []string{"min value is negative"}},
	{"stack", []string{"combined stack size of"}},
	{"stack", []string{"invalid write to stack"}},
	{"stack", []string{"invalid read from stack"}},
	{"stack", []string{"indirect read from stack"}},
	{"stack", []string{"indirect access to stack"}},
	{"stack", []string{"misaligned stack access"}},
	{"gpl", []string{"cannot call GPL-restricted function"}},
	{"helper-not-allowed", []string{"program of this type cannot use helper"}},
	{"helper-not-allowed", []string{"unknown func"}},
	{"ctx-access", []string{"invalid bpf_context access"}},
	{"bad-return", []string{"should have been in"}},
	{"ref-leak", []string{"Unreleased reference"}},
	{"ref-leak", []string{"would lead to reference leak"}},
	{"lock", []string{"bpf_spin_unlock is missing"}},
	{"lock", []string{"while holding a lock"}},
	{"readonly", []string{"write into map forbidden"}},
	{"readonly", []string{"only read is supported"}},
	{"readonly", []string{"frame pointer is read only"}},
	{"bad-arg", []string{"type=", "expected="}},
	{"bad-arg", []string{"cannot pass map_type"}},
	{"too-complex", []string{"BPF program is too large"}},
	{"too-complex", []string{"infinite loop detected"}},
	{"too-complex", []string{"too complex"}},
	{"cfg", []string{"unreachable insn"}},
	{"cfg", []string{"last insn is not an exit or jmp"}},
	{"cfg", []string{"jump out of range"}},
	{"pointer-math", []string{"pointer arithmetic"}},
	{"pointer-math", []string{"math between"}},
	{"leak", []string{"leaks addr"}},
	{"leak", []string{"pointer comparison prohibited"}},
	{"sleepable", []string{"might sleep"}},
	{"bad-atomic", []string{"BPF_ATOMIC stores into"}},
}

// Classify is the class of a rejection, "other" where no row fits.
func Classify(message string) string {
next:
	for _, c := range classes {
		for _, p := range c.parts {
			if !strings.Contains(message, p) {
				continue next
			}
		}
		return c.class
	}
	return "other"
}

// isClass says whether a rule may name the class.
func isClass(name string) bool {
	for _, c := range classes {
		if c.class == name {
			return true
		}
	}
	return false
}
