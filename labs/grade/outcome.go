package grade

// Verdict is what a verifier said of the submission.
type Verdict struct {
	Kernel    string // "skep 6.12", "6.12.117"
	Privilege string // root, cap_bpf, unprivileged
	Accepted  bool
	Undecided string // the feature that our verifier does not cover; no verdict then
	Errno     int32
	Class     string // of explainer classes: "null-deref"
	Message   string // the error lines, the last one is what the kernel refuses
	Line      string // source line of the refused instruction
	PC        int    // its slot, -1: none
	Counters  Counters
}

// Counters are the kernel's counters of a verification.
type Counters struct {
	Processed, TotalStates, PeakStates, MaxStates, MarkRead uint64
	Insns                                                   uint64 // instructions of the program
	Functions                                               uint64 // of the program, the main one counted
}

// Event is one event of a trace and what came of it.
type Event struct {
	Verb   string // exec, open, pkt
	Text   string // as the trace has it, with what the seed drew
	Args   []Arg
	Result int64 // what user space saw: 0 or more, or a negative errno
	Fired  []Firing
	Printk []string // lines that were written during it
	Unseen bool     // this world cannot do the event; rules about it are skipped
}

// Arg is a value that an event was given.
type Arg struct {
	Name, Value string
	Quoted      bool // never a number
}

// Firing is one run of one program.
type Firing struct {
	Program string
	CPU     int
	Ret     int64
	Steps   uint64 // instructions; 0 on a real kernel
	First   uint64 // step of the whole run at which it began: where the page opens it
	Packet  []byte // as the program left it, nil: it has none
	Fault   string // the run was ended with this message
}

// Map is the content of a map.
type Map struct {
	Name    string
	Type    string // bpftool's name
	KeySize int
	Fields  []Field // of a value or a record, when BTF tells
	Keys    []Field // of a key
	Entries []Entry
	Records [][]byte // of a ring buffer, oldest first, all since the start
}

// Entry is a key with its value, or with its values by CPU.
type Entry struct {
	Key    []byte
	Values [][]byte
	Event  int // event that last wrote it, -1: not known
}

// Field is a member of a key, value or record, little-endian.
type Field struct {
	Name         string
	Offset, Size int
	Signed       bool
	Text         bool // an array of char
}

// Final is what is known only at the end of a run.
type Final struct {
	Maps []Map
	// LostUpdates says for each map by name how many increments the worst
	// order of the CPUs loses; nil when nobody looked (a real kernel).
	LostUpdates map[string]int
	Stopped     string // the trace ended early, and why
}
