package schema

// verifyEnums and verifyStructs are what the verifier's module (wasm/verify)
// is asked and answers. Its requests are 64-95, its later replies 240-255.
var (
	verifyEnums = []Enum{
		{"Privilege", "Who loads the program.", []Value{
			{"root", "all capabilities"}, {"cap_bpf", "CAP_BPF and CAP_NET_ADMIN, without CAP_PERFMON"}, {"unprivileged", "none"}}},
		{"Outcome", "What a verification came to.", []Value{
			{"accepted", ""}, {"rejected", "as the kernel would, with errno"},
			{"not_modelled", "uses a feature that the verifier does not cover: no verdict"},
			{"unreadable", "the source does not assemble or load: no verdict"}}},
	}
	verifyStructs = []Struct{
		{Name: "VerifyOptions", Doc: "How to verify.", Fields: []Field{
			{"hook", "str", "Program type by bpftool's name; \"\" = what the program says, else xdp."},
			{"privilege", "Privilege", ""},
			{"level", "u8", "Log level: 1 the failing path, 2 all paths; 4 adds the stack depths. 0: no log, the message and counters only."},
			{"logMax", "u32", "Bytes of the log at most, the middle is left out; 0: 1 MiB."},
		}},
		{Name: "Verify", ID: 64, Reply: "Verified", Module: "verify", Doc: "Verify a program of a source.", Fields: []Field{
			{"source", "WireSource", ""}, {"program", "u32", "Index into Listing.programs."}, {"options", "VerifyOptions", ""}}},
		{Name: "Override", Doc: "What if: more, or less, were known of a register before a step. Limits that are left at their widest follow from the others.", Fields: []Field{
			{"step", "u32", "Instructions processed before it."}, {"frame", "u32", ""}, {"reg", "i32", "Register, or -1 less the stack slot of a spilled one."},
			{"umin", "u64", ""}, {"umax", "u64", ""}, {"smin", "u64", "Two's complement."}, {"smax", "u64", "Two's complement."},
			{"value", "u64", "Known bits."}, {"mask", "u64", "Bits that are not known."},
		}},
		{Name: "InsnEdit", Doc: "What if: another instruction at a slot.", Fields: []Field{{"slot", "u32", ""}, {"bytes", "bytes", "8, or of a wide load 16."}}},
		{Name: "TraceStart", ID: 66, Reply: "TraceProgress", Module: "verify", Doc: "Verify and record each step. A trace under way is given up. The reply comes after a slice of the work: ask for more until it is done.", Fields: []Field{
			{"source", "WireSource", ""}, {"program", "u32", "Index into Listing.programs."}, {"options", "VerifyOptions", ""},
			{"limit", "u32", "Bytes of steps to keep at most, 0: 20 MiB. Paths and counters are whole in any case."},
			{"overrides", "[]Override", ""}, {"edits", "[]InsnEdit", ""}}},
		{Name: "TraceMore", ID: 67, Reply: "TraceProgress", Module: "verify", Doc: "Go on with the trace under way."},
		{Name: "TraceStop", ID: 68, Reply: "TraceProgress", Module: "verify", Doc: "Give the trace under way up, or forget the one that is done."},
		{Name: "TraceBytes", ID: 69, Reply: "TracePart", Module: "verify", Doc: "A part of the trace that is done (verifier/trace).", Fields: []Field{
			{"offset", "u32", ""}, {"length", "u32", ""}}},
		{Name: "Prove", ID: 70, Reply: "Proved", Module: "verify", Doc: "Verify a program and say what that has proved, for the compiler of another module.", Fields: []Field{
			{"source", "WireSource", ""}, {"program", "u32", "Index into Listing.programs."}, {"options", "VerifyOptions", ""},
			{"cpus", "u32", "That the program may run on."}}},
		{Name: "FactKey", Doc: "A lookup in an array by a key that is always the same.", Fields: []Field{{"slot", "u32", "Of the call."}, {"key", "u32", ""}}},
		{Name: "Facts", Doc: "What has been proved of each run of an accepted program (verifier.Facts). Slots ascend in each list.", Fields: []Field{
			{"sum", "u64", "Of the program's instructions: of another one nothing is proved."},
			{"cpus", "u32", "On a machine with so many CPUs at most."},
			{"checked", "[]u32", "Accesses that still have to be checked."},
			{"nonZero", "[]u32", "Divisions by what is not zero."},
			{"narrow", "[]u32", "64-bit divisions of numbers that fit 32 bits."},
			{"always", "[]u32", "Jumps that are always taken."},
			{"never", "[]u32", "Jumps that never are."},
			{"dead", "[]u32", "Instructions that are never reached."},
			{"keys", "[]FactKey", ""},
			{"alone", "bool", "Every run begins in the first frame."}}},
		{Name: "VerifyHello", ID: 65, Reply: "VerifyWelcome", Module: "verify", Doc: "First message to the module."},
		{Name: "VerifyWelcome", ID: 174, Module: "verify", Doc: "Who is there.", Fields: []Field{{"kernel", "str", "Whose verdicts these are, \"6.12\"."}}},
		{Name: "TraceProgress", ID: 240, Module: "verify", Doc: "How far a trace is.", Fields: []Field{
			{"running", "bool", "There is more to do: ask with TraceMore."}, {"processed", "u32", "Instructions so far."},
			{"size", "u32", "Bytes of the trace that is done; 0 when there is none."}, {"verdict", "?Verified", "Of one that is done."}}},
		{Name: "Proved", ID: 242, Module: "verify", Doc: "What has been proved.", Fields: []Field{{"facts", "?Facts", "Of an accepted program."}}},
		{Name: "TracePart", ID: 241, Module: "verify", Doc: "Bytes of a trace.", Fields: []Field{{"bytes", "bytes", ""}}},
		{Name: "Verified", ID: 175, Module: "verify", Doc: "What the kernel would say.", Fields: []Field{
			{"outcome", "Outcome", ""},
			{"feature", "str", "Of not_modelled: what is not covered."},
			{"problems", "[]Problem", "Of unreadable: why."},
			{"errno", "u32", "Of rejected."},
			{"errnoName", "str", "\"EACCES\"."},
			{"errors", "[]str", "Of rejected: the lines that the log ends with, before its statistics."},
			{"pc", "i32", "Of rejected: slot of the instruction that is refused; -1 when it is none of them."},
			{"line", "u32", "Source line of that slot, 1-based; 0 = not known."},
			{"file", "str", "File of that line, \"\" = not known."},
			{"processed", "u32", "Instructions walked over, on all paths."},
			{"maxStates", "u32", "Most states kept for an instruction."},
			{"totalStates", "u32", ""},
			{"peakStates", "u32", ""},
			{"markRead", "u32", ""},
			{"stackDepths", "[]u32", "By function, the main one first."},
			{"log", "str", "In the kernel's words."},
			{"logCut", "u32", "Bytes left out of its middle; the place has a line of its own."},
			{"linePcs", "[]i32", "For each line of log the slot it is about, -1 for none."},
		}},
	}
)
