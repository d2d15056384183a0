package schema

// fullStructs are what the engine with a compiler (wasm/run) is asked beside
// all that the first module is. Requests are 96-99, replies 224-226.
var fullStructs = []Struct{
	{Name: "FullStart", ID: 96, Reply: "FullStarted", Module: "run", Doc: "Begin the session's events anew, compiled. Start must have come before.", Fields: []Field{
		{"repeat", "u32", "How often each event is run: the first time as it arrives, then in the memory as the run before left it."},
		{"facts", "?Facts", "What the verifier has proved of the chosen program. Without any its accesses are checked."}}},
	{Name: "FullStarted", ID: 224, Module: "run", Doc: "What was compiled.", Fields: []Field{
		{"problems", "[]Problem", "With any, nothing was."}, {"bytes", "u32", "Of WebAssembly."},
		{"proved", "bool", "The facts were about the program: it is what they say it is."}}},
	{Name: "FullRun", ID: 97, Reply: "FullMoved", Module: "run", Doc: "Go on, for a slice.", Fields: []Field{
		{"fuel", "u32", "Instructions, roughly."}, {"stop", "bool", "Be content with what has run."}}},
	{Name: "FullMoved", ID: 225, Module: "run", Doc: "How far it has come.", Fields: []Field{
		{"runs", "u64", "That have ended, over all events."}, {"event", "u32", ""}, {"events", "u32", ""},
		{"nanos", "u64", "Taken by the code."},
		{"lost", "u32", "Lines of bpf_printk and records of the event that were more than are kept."},
		{"view", "?View", "What was left, once it is over. Nothing in it has the number of a step: none were counted."}}},
	{Name: "FullMeasure", ID: 98, Reply: "FullMeasured", Module: "run", Doc: "Begin anew, run each of the first events some times, and take the time.", Fields: []Field{
		{"runs", "u32", "Of each event."}, {"compiled", "bool", "Else in the interpreter, without a trace."}}},
	{Name: "FullMeasured", ID: 226, Module: "run", Doc: "The time.", Fields: []Field{
		{"runs", "u64", "Over all events; 0: one of them did not end."}, {"nanos", "u64", ""}}},
}
