package verifier

// Verdict is what the verification came to.
type Verdict uint8

const (
	Accepted    Verdict = iota + 1
	Rejected            // as the kernel would, with Errno
	NotModelled         // uses a feature that this verifier does not cover
)

func (v Verdict) String() string {
	switch v {
	case Accepted:
		return "accepted"
	case Rejected:
		return "rejected"
	case NotModelled:
		return "not modelled"
	}
	return "none"
}

// Result is what a verification found.
type Result struct {
	Verdict Verdict
	Errno   Errno  // of a rejection
	Feature string // of NotModelled: what is not covered

	// Message is the last line that the kernel would have written about a
	// rejection, also when no log was asked for. Insn is the instruction that
	// was checked last, -1 when none was.
	Message string
	Insn    int

	Log []byte // empty at log level 0

	InsnProcessed    int
	MaxStatesPerInsn int
	TotalStates      int
	PeakStates       int
	MarkRead         int
	StackDepth       []int // per subprogram, the main program first
	Subprogs         []SubprogInfo
	Maps             []*MapInfo // that registers refer to: handle 1 is the first

	// Facts is what a compiler may rely on: of an accepted program that
	// Config.Facts was set for, without overrides; else nil.
	Facts *Facts

	// Hypothetical says that Config.Overrides changed what the program does:
	// no kernel would say the same.
	Hypothetical bool
}

// SubprogInfo is a function of the program.
type SubprogInfo struct {
	Start  int    // instruction slot
	Name   string // "" when there is no BTF
	Global bool   // verified on its own, once
}
