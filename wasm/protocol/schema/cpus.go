package schema

// cpuStructs are runs in flight on several CPUs: a machine beside the one that
// the movements of a session move. Requests are 40-47.
var cpuStructs = []Struct{
	{Name: "CPURun", Doc: "A run to put in flight.", Fields: []Field{
		{"cpu", "u32", ""}, {"program", "u32", "Index into Listing.programs."}, {"event", "u32", "Which event of the input it runs over."},
	}},
	{Name: "CPUTurn", Doc: "A CPU makes some instructions.", Fields: []Field{
		{"cpu", "u32", ""}, {"steps", "u32", "How many; 0 in a request: until it ends or waits for a lock."},
	}},
	{Name: "CPUView", Doc: "One run in flight.", Fields: []Field{
		{"cpu", "u32", ""},
		{"program", "u32", "Index into Listing.programs."},
		{"event", "u32", ""},
		{"pc", "u32", "Next instruction; of an ended run the one that ended it."},
		{"lastPc", "i32", "Instruction that it made last; -1 before the first."},
		{"steps", "u32", "Instructions made."},
		{"state", "State", ""},
		{"waits", "bool", "It spins on a lock that another CPU holds."},
		{"text", "str", "What it does next, why it waits, or how it ended."},
		{"regs", "[]Reg", "r0..r10"},
		{"verdict", "str", "Of an exited run: its return value in words."},
		{"fault", "?Fault", ""},
	}},
	{Name: "CPUAccess", Doc: "An access to memory that other CPUs can reach, for the lanes of a timeline.", Fields: []Field{
		{"step", "u32", "State after it."},
		{"cpu", "u32", ""},
		{"pc", "u32", ""},
		{"where", "Range", ""},
		{"text", "str", "\"value of counts[0] + 8\", or the helper."},
		{"read", "bool", ""},
		{"write", "bool", ""},
		{"atomic", "bool", "Indivisible: an atomic instruction or a helper."},
	}},
	{Name: "CPUsView", Doc: "All runs in flight at one step.", Fields: []Field{
		{"step", "u32", "Instructions of all CPUs together."},
		{"total", "u32", "Last step of the present order."},
		{"ended", "bool", "Every run has ended."},
		{"turns", "[]CPUTurn", "The present order, also behind step."},
		{"cpus", "[]CPUView", ""},
		{"accesses", "[]CPUAccess", "Of the whole present order, at most 1,000."},
		{"maps", "[]MapView", ""},
		{"writes", "[]Range", "Bytes that the last step wrote."},
		{"regions", "[]Region", ""},
	}},

	{Name: "StartCPUs", ID: 40, Reply: "CPUsMoved", Doc: "Put runs in flight, at step 0.", Fields: []Field{
		{"input", "WireInput", ""}, {"options", "RunOptions", ""}, {"maps", "[]MapInit", ""}, {"runs", "[]CPURun", "2 to 8, each on a CPU of its own."},
	}},
	{Name: "CPUStep", ID: 41, Reply: "CPUsMoved", Doc: "Instructions of one CPU; another order behind the present step is forgotten.", Fields: []Field{
		{"cpu", "u32", ""}, {"n", "u32", "At most; it stops where the run ends or waits. 0: until then."},
	}},
	{Name: "CPUSeek", ID: 42, Reply: "CPUsMoved", Doc: "To a step of the present order.", Fields: []Field{{"step", "u32", ""}}},
	{Name: "CPUOrder", ID: 43, Reply: "CPUsMoved", Doc: "Begin anew in an order, to its end.", Fields: []Field{{"turns", "[]CPUTurn", ""}}},
	{Name: "Explore", ID: 44, Reply: "Explored", Doc: "Look for an order whose outcome no serial order has, or go on looking.", Fields: []Field{
		{"switches", "u32", "Away from a CPU that could go on, at most; 0: 3."}, {"budget", "u32", "Instructions before answering."},
	}},
	{Name: "CPUsMoved", ID: 176, Doc: "The runs in flight, or why there are none.", Fields: []Field{
		{"problems", "[]Problem", ""}, {"view", "?CPUsView", ""},
	}},
	{Name: "Explored", ID: 177, Doc: "What the exploration has come to.", Fields: []Field{
		{"problems", "[]Problem", ""},
		{"done", "bool", "False: ask again to go on."},
		{"found", "bool", ""},
		{"complete", "bool", "Every order with that many switches has been looked at."},
		{"why", "str", "Of found: one sentence."},
		{"turns", "[]CPUTurn", "Of found: the shortest such order."},
		{"runs", "u32", "Orders followed to their end."},
		{"states", "u32", "Different states met."},
	}},
}
