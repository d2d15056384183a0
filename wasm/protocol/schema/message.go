package schema

// messages: requests with even the smallest answer a message of its own, then
// replies. Ids 1-63 are requests of this version, 64-95 the verifier's (verify.go),
// 96-99 the compiling engine's (full.go); replies have 128 added or start at 160.
var messages = []Struct{
	// Forms of the page's unions on the wire: a kind and what it needs.
	{Name: "WireFile", Doc: "A source file by name.", Fields: []Field{{"name", "str", ""}, {"text", "str", ""}}},
	{Name: "WireSource", Doc: "A program source.", Fields: []Field{
		{"kind", "SourceKind", ""}, {"text", "str", "asm"}, {"bytes", "bytes", "object"}, {"name", "str", ""},
		{"files", "[]WireFile", "C text of the object where the page has it."}}},
	{Name: "WireInput", Doc: "Packets.", Fields: []Field{
		{"kind", "InputKind", ""}, {"text", "str", "text, hex"}, {"bytes", "bytes", "pcap"}}},
	{Name: "WireWatch", Doc: "A watched value.", Fields: []Field{
		{"kind", "WatchKind", ""}, {"reg", "u8", "reg"}, {"range", "Range", "memory"}}},

	// Requests without a session.
	{Name: "Hello", ID: 1, Reply: "Welcome", Doc: "First message to a module."},
	{Name: "Check", ID: 2, Reply: "Problems", Doc: "Diagnostics of assembly text only.", Fields: []Field{{"text", "str", ""}}},
	{Name: "Packets", ID: 3, Reply: "PacketList", Doc: "Decode an input.", Fields: []Field{{"input", "WireInput", ""}}},
	{Name: "ToPcap", ID: 4, Reply: "Blob", Doc: "Packets to a pcap file.", Fields: []Field{{"packets", "[]bytes", ""}}},
	{Name: "Hooks", ID: 5, Reply: "HookList", Doc: "All program types."},
	{Name: "Exec", ID: 6, Reply: "Executed", Doc: "Run one program to its end without a view: conformance, benchmarks.", Fields: []Field{
		{"insns", "bytes", "8 bytes a slot."},
		{"memory", "bytes", "What r1 points at; r2 is its length."},
		{"budget", "u64", "Instructions at most."},
		{"raw", "bool", "Any hook: r1 is memory; false: an XDP packet."},
	}},

	// Requests of a session (the frame header says which; unknown ones are made).
	{Name: "Load", ID: 16, Reply: "Loaded", Doc: "Load a program.", Fields: []Field{{"source", "WireSource", ""}}},
	{Name: "Choose", ID: 17, Reply: "Loaded", Doc: "Another program of the object.", Fields: []Field{{"program", "u32", ""}}},
	{Name: "LLVMText", ID: 18, Reply: "Texts", Doc: "Instruction texts in llvm-objdump's dialect."},
	{Name: "Start", ID: 19, Reply: "Started", Doc: "Packets and options in, step 0.", Fields: []Field{
		{"input", "WireInput", ""}, {"options", "RunOptions", ""}, {"maps", "[]MapInit", ""}}},
	{Name: "Move", ID: 20, Reply: "Moved", Doc: "Begin a movement and do its first slice.", Fields: []Field{
		{"movement", "Movement", ""}, {"n", "u32", "Steps, step number or slot."}, {"watch", "WireWatch", ""},
		{"slice", "u32", "Instructions at most before answering."}}},
	{Name: "Continue", ID: 21, Reply: "Moved", Doc: "The next slice of the movement under way.", Fields: []Field{{"slice", "u32", ""}}},
	{Name: "Cancel", ID: 22, Reply: "Moved", Doc: "End the movement where it is."},
	{Name: "Look", ID: 23, Reply: "Moved", Doc: "The present view again."},
	{Name: "Breakpoints", ID: 24, Reply: "Done", Doc: "Replace all breakpoints.", Fields: []Field{{"pcs", "[]u32", ""}}},
	{Name: "LastWrite", ID: 25, Reply: "Wrote", Doc: "Who gave this its present value.", Fields: []Field{{"watch", "WireWatch", ""}}},
	{Name: "MapEntries", ID: 26, Reply: "EntryList", Doc: "Entries of a map.", Fields: []Field{
		{"map", "u32", ""}, {"from", "u32", ""}, {"count", "u32", ""}}},
	{Name: "Memory", ID: 27, Reply: "Blob", Doc: "Bytes of a region.", Fields: []Field{{"region", "u32", ""}}},
	{Name: "OutputPcap", ID: 28, Reply: "Blob", Doc: "Packets as they left, as a pcap file.", Fields: []Field{{"dropped", "bool", "Dropped ones too."}}},
	{Name: "Describe", ID: 30, Reply: "Loaded", Doc: "The listing of another program, without choosing it.", Fields: []Field{{"program", "u32", ""}}},
	{Name: "Close", ID: 29, Reply: "Done", Doc: "Free the session."},

	// Replies.
	{Name: "Failed", ID: 160, Doc: "The request was not understood, or the engine has a defect.", Fields: []Field{{"problem", "Problem", ""}}},
	{Name: "Done", ID: 161, Doc: "Nothing to say."},
	{Name: "Welcome", ID: 162, Doc: "Who is there.", Fields: []Field{
		{"version", "str", "Of the engine."}, {"kernel", "str", "Reference kernel, \"6.12\"."}}},
	{Name: "Problems", ID: 163, Doc: "Diagnostics.", Fields: []Field{{"problems", "[]Problem", ""}}},
	{Name: "PacketList", ID: 164, Doc: "Decoded packets.", Fields: []Field{
		{"ok", "bool", ""}, {"problems", "[]Problem", ""}, {"packets", "[]Packet", ""}}},
	{Name: "Blob", ID: 165, Doc: "Bytes.", Fields: []Field{{"bytes", "bytes", ""}}},
	{Name: "HookList", ID: 166, Doc: "Program types.", Fields: []Field{{"hooks", "[]HookInfo", ""}}},
	{Name: "Executed", ID: 167, Doc: "How Exec ended.", Fields: []Field{
		{"ok", "bool", ""}, {"ret", "u64", "r0"}, {"steps", "u64", "Instructions executed."}, {"memory", "bytes", "As it is now."},
		{"error", "str", "Why not ok."}}},
	{Name: "Loaded", ID: 168, Doc: "The listing, or why not.", Fields: []Field{
		{"problems", "[]Problem", ""}, {"listing", "?Listing", ""}}},
	{Name: "Texts", ID: 169, Doc: "Lines of text.", Fields: []Field{{"texts", "[]str", ""}}},
	{Name: "Started", ID: 170, Doc: "The view of step 0, or why not.", Fields: []Field{
		{"problems", "[]Problem", ""}, {"options", "RunOptions", "In force."}, {"view", "?View", ""}}},
	{Name: "Moved", ID: 171, Doc: "The view, once the movement is over; until then only progress.", Fields: []Field{
		{"step", "u32", ""}, {"event", "u32", ""}, {"events", "u32", ""}, {"view", "?View", ""}}},
	{Name: "Wrote", ID: 172, Doc: "Provenance.", Fields: []Field{{"provenance", "Provenance", ""}}},
	{Name: "EntryList", ID: 173, Doc: "Entries of a map.", Fields: []Field{{"entries", "[]MapEntry", ""}}},

	// What a URL fragment holds; not sent to the engine.
	{Name: "LinkRecord", ID: 192, Doc: "A shared view.", Fields: []Field{
		{"program", "ProgramKind", ""}, {"text", "str", "asm, c: source; gallery: id"}, {"bytes", "bytes", "object"}, {"name", "str", "object"},
		{"entry", "str", ""}, {"hasInput", "bool", ""}, {"input", "WireInput", ""}, {"options", "RunOptions", ""}, {"maps", "[]MapInit", ""},
		{"step", "u32", ""}, {"breakpoints", "[]u32", ""}, {"view", "str", ""}}},
}
