package schema

// worldStructs are about runs over events that are no packets: each program
// that an event runs is an event of the view, and these say which is which.
var worldStructs = []Struct{
	{Name: "Firing", Doc: "A run of a program over an event of the input.", Fields: []Field{
		{"event", "u32", "Event of the view: View.event."},
		{"line", "u32", "Line of the input, 1-based."},
		{"source", "u32", "Index into FiringList.events."},
		{"program", "u32", "Index into Listing.programs."},
		{"site", "str", "What ran it: \"tp/syscalls/sys_enter_openat\", \"entry of do_unlinkat\"."},
		{"task", "str", "Name of the current task."},
		{"pid", "u32", ""},
		{"cpu", "u32", ""},
		{"clock", "u64", "Virtual time at its start, ns."},
		{"effect", "str", "What its result changed, once it has ended: \"the open fails with EPERM\"; else \"\"."},
	}},
	{Name: "EventResult", Doc: "An event of the input, one for each repetition.", Fields: []Field{
		{"line", "u32", "Line of the input, 1-based."},
		{"text", "str", "With its random values chosen: \"exec uid=1003 path=/bin/true\"."},
		{"ended", "bool", "False: the run has not got behind it yet."},
		{"errno", "u32", "What user space saw; 0 when it succeeded."},
		{"result", "str", "In a few words: \"EPERM by deny\", \"fd 3\"."},
	}},
	{Name: "Firings", ID: 48, Reply: "FiringList", Doc: "The firings of a run over events that are known so far, and what came of the events."},
	{Name: "FiringList", ID: 190, Doc: "Empty when the input is packets.", Fields: []Field{
		{"firings", "[]Firing", ""}, {"events", "[]EventResult", ""}}},
}
