package schema

// machineEnums and machineStructs are what the module that shows machine code
// (wasm/listing) is asked and answers. Requests are 136-143, replies 256-259.
var (
	machineEnums = []Enum{
		{"Arch", "What machine code is for.", []Value{{"amd64", ""}, {"arm64", ""}, {"wasm", "WebAssembly"}}},
		{"CodeNoteKind", "What was made of an instruction that is not plain translation.", []Value{
			{"fusion", "several instructions became one"},
			{"dropped", "a check was left out"},
			{"inlined", "a helper call became instructions"},
			{"interpreted", "left to the interpreter"}}},
	}
	machineStructs = []Struct{
		{Name: "CodeNote", Doc: "What was made of an instruction.", Fields: []Field{
			{"kind", "CodeNoteKind", ""}, {"text", "str", ""},
			{"fact", "str", "Of dropped: what the verifier knew there, in the log's words, \"R2=pkt(off=14,r=34)\"; \"\" = the text says it."}}},
		{Name: "CodeInsn", Doc: "An instruction of the machine.", Fields: []Field{
			{"at", "u32", "Offset into MachineCode.code."}, {"size", "u16", "Bytes."}, {"text", "str", ""},
			{"depth", "u8", "How far it is indented: the blocks of WebAssembly it is in."},
			{"to", "i32", "Slot that a jump leads to; -1 for none."}}},
		{Name: "CodeGroup", Doc: "The code of an instruction.", Fields: []Field{
			{"slot", "i32", "-1: what comes before a function; the number of slots: what lies behind the program, out of line."},
			{"head", "i32", "Of an instruction without code of its own: the slot whose code does its work, -1 for none."},
			{"notes", "[]CodeNote", ""}, {"insns", "[]CodeInsn", ""}}},
		{Name: "Compile", ID: 136, Reply: "MachineCode", Module: "listing", Doc: "Compile a program of a source.", Fields: []Field{
			{"source", "WireSource", ""}, {"program", "u32", "Index into Listing.programs."}, {"options", "VerifyOptions", "Hook and privilege; the log is not asked for."},
			{"arch", "Arch", ""},
			{"facts", "bool", "Leave out the checks that the verifier's proof makes needless."},
			{"fusions", "bool", "Fuse instructions, and do lookups in place."},
			{"blind", "bool", "Hide constants. Nothing is fused then."}}},
		{Name: "CodeMark", Doc: "Where the code of an instruction begins.", Fields: []Field{{"at", "u32", "Offset into the code."}, {"slot", "u32", ""}}},
		{Name: "Disassemble", ID: 137, Reply: "MachineCode", Module: "listing", Doc: "Show code that was made elsewhere.", Fields: []Field{
			{"arch", "Arch", ""}, {"code", "bytes", ""}, {"marks", "[]CodeMark", "By offset, ascending."}}},
		{Name: "MachineCode", ID: 256, Module: "listing", Doc: "Code beside its instructions.", Fields: []Field{
			{"problems", "[]Problem", "With any, nothing was compiled."},
			{"outcome", "Outcome", "Of the verifier."},
			{"errors", "[]str", "Of rejected: the lines that the log ends with. Of not_modelled: what is not covered."},
			{"facts", "bool", "Checks were left out."},
			{"refused", "str", "Why the compiler made no code; \"\" when there is."},
			{"slot", "i32", "Slot that refused is about; -1 for the program."},
			{"groups", "[]CodeGroup", "In the order of the instructions."},
			{"code", "bytes", "All of it."},
			{"cut", "bool", "What lies beyond the first megabyte of code is not named."},
			{"slots", "u32", "Of the program."},
			{"insns", "u32", "eBPF instructions."},
			{"homes", "[]str", "Where r0 to r10 are."}}},
		{Name: "CodeHello", ID: 138, Reply: "CodeWelcome", Module: "listing", Doc: "First message to the module."},
		{Name: "CodeWelcome", ID: 257, Module: "listing", Doc: "Who is there.", Fields: []Field{{"kernel", "str", "Whose verifier it has, \"6.12\"."}}},
	}
)
