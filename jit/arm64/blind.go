package arm64

// Constant blinding: a program's constants would otherwise stand in executable
// memory as its author wrote them, in parts of 16 bits. Each one is written as
// its xor with a number that he cannot know, and made right at run time. What
// is blinded is what the kernel blinds (bpf_jit_blind_insn): immediates of
// arithmetic, moves, jumps, stores and lddw, not offsets and not the counts of
// shifts.

// constant loads a constant of the program. With blinding it is not shown, and
// scratch3 is used.
func (l *lower) constant(d reg, v uint64) {
	if l.u.Options.Blind == 0 {
		l.movImm(d, v)
		return
	}
	k := l.keys.Next()
	l.movImm(d, v^k)
	l.movImm(scratch3, k)
	l.rrr(w64, opEor, d, d, scratch3)
}
