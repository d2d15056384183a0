package schema

// gradeEnums and gradeStructs are what the grader's module (wasm/grade) is
// asked and answers. Requests are 120-127, replies 248-254.
var (
	gradeEnums = []Enum{
		{"RuleState", "How a rule of a grade block came out.", []Value{
			{"failed", ""}, {"passed", ""}, {"skipped", "not decidable here"}}},
		{"Scene", "Where a failed rule can be looked at, and what its step counts.", []Value{
			{"run", "a step of the run"}, {"verdict", "the slot that the verifier refuses"}, {"walk", "a step of the verifier's walk, from 0"},
			{"order", "the instruction of an order of CPUs behind which an update is lost"}, {"program", "the slot of an instruction"}}},
	}
	gradeStructs = []Struct{
		{Name: "Finding", Doc: "What came of a rule.", Fields: []Field{
			{"rule", "str", "As written, without its attributes; \"\" of a hidden case."},
			{"line", "u32", "Of the grade block."},
			{"state", "RuleState", ""},
			{"weight", "u32", ""},
			{"badge", "str", ""},
			{"why", "str", "The author's words for who fails it."},
			{"expected", "str", ""},
			{"got", "str", ""},
			{"event", "i32", "Where it went wrong: index of the event, -1 for none."},
			{"step", "i32", "Of the run: the step behind the instruction that made it so, else the event's first; -1 for none."},
			{"scene", "Scene", "What step is a step of."},
			{"place", "str", "Of program: the source line."},
			{"events", "[]u32", "Of order: indexes of the events that run at once, by CPU."},
			{"turns", "[]CPUTurn", "Of order."},
		}},
		{Name: "GradedFiring", Doc: "A run of a program during an event.", Fields: []Field{
			{"program", "str", ""}, {"cpu", "u32", ""}, {"ret", "u64", "As a signed number."}, {"steps", "u32", ""}, {"fault", "str", ""}}},
		{Name: "GradedEvent", Doc: "An event of the trace and what came of it.", Fields: []Field{
			{"text", "str", ""}, {"result", "u64", "What user space saw, as a signed number: an errno is negative."},
			{"firings", "[]GradedFiring", ""}, {"printk", "[]str", ""}}},
		{Name: "Grade", ID: 120, Reply: "Graded", Module: "grade", Doc: "Try a submission on an exercise.", Fields: []Field{
			{"source", "WireSource", ""}, {"setup", "str", ""}, {"trace", "str", ""}, {"grade", "str", ""},
			{"seed", "u64", "The student's."}, {"privilege", "Privilege", ""}}},
		{Name: "Graded", ID: 248, Module: "grade", Doc: "How it came out.", Fields: []Field{
			{"problems", "[]Problem", "With any, nothing was tried."},
			{"outcome", "Outcome", "Of the verifier."},
			{"message", "str", "Of rejected: the lines that the log ends with."},
			{"class", "str", "Of rejected: the kind of mistake, \"null-deref\"."},
			{"feature", "str", "Of not_modelled."},
			{"pc", "i32", "Of rejected: the slot that is refused, -1 for none."},
			{"place", "str", "Of rejected: the source line."},
			{"log", "str", "At level 1."},
			{"findings", "[]Finding", "In the order of the grade block, hidden cases last."},
			{"points", "u32", ""}, {"total", "u32", "Of the rules that were decided."},
			{"passed", "bool", ""},
			{"events", "[]GradedEvent", ""},
		}},
		{Name: "Predict", ID: 121, Reply: "Predicted", Module: "grade", Doc: "Judge what a reader thinks the verifier knows of a register.", Fields: []Field{
			{"source", "WireSource", ""}, {"at", "str", ""}, {"after", "bool", ""}, {"reg", "str", ""}, {"answer", "str", ""}, {"privilege", "Privilege", ""}}},
		{Name: "Predicted", ID: 249, Module: "grade", Doc: "How good it was.", Fields: []Field{
			{"problems", "[]Problem", ""}, {"score", "u8", "2 exact, 1 sound but loose, 0 wrong."}, {"known", "str", ""}, {"reason", "str", ""}}},
		{Name: "GradeHello", ID: 122, Reply: "GradeWelcome", Module: "grade", Doc: "First message to the module."},
		{Name: "GradeWelcome", ID: 250, Module: "grade", Doc: "Who is there.", Fields: []Field{{"kernel", "str", "Whose behaviour it has, \"6.12\"."}}},
	}
)
