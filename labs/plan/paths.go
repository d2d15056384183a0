package plan

// Path is a way through the course with a beginning and an end: a taster, a
// semester, the chapters of a book.
type Path struct {
	ID, Title string
	About     string
	Time      string // that the whole takes, in words
	Parts     []Part
}

// Part is a step of a path: a week, a chapter, or all of it.
type Part struct {
	Title string // "Week 1"; "" where the path has one part
	Note  string // what is read or discussed beside the labs
	Codes []string
	Pick  int  // how many of them one does, 0: all
	Shown bool // by the teacher, and not done by each student
}

// Minutes is how long the labs of a path take a student.
func (p *Path) Minutes() int {
	sum := 0
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.Shown {
			continue
		}
		list := part.Codes
		if part.Pick > 0 {
			list = list[:part.Pick]
		}
		for _, c := range list {
			if l, ok := Find(c); ok {
				sum += l.Minutes
			}
		}
	}
	return sum
}

// Codes are the labs of a path, each once, in their order.
func (p *Path) Codes() []string {
	var out []string
	seen := map[string]bool{}
	for i := range p.Parts {
		for _, c := range p.Parts[i].Codes {
			if !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// Paths are the plans of the course, the shortest first.
func Paths() []Path { return paths }

var paths = []Path{
	{ID: "taster", Title: "A taster", Time: "an hour and a quarter",
		About: "Four labs that show what this is about: a machine, a hook, the verifier, a packet.",
		Parts: []Part{{Codes: after("F1", "H1", "V2", "H9")}}},
	{ID: "getting-started", Title: "Getting started with eBPF", Time: "75 minutes",
		About: "For readers of the report What Is eBPF?: from the first event to a program that says no.",
		Parts: []Part{
			{Title: "To do", Codes: after("H1", "M2", "H9")},
			{Title: "To be shown", Codes: after("U6", "H13"), Shown: true, Note: "Five minutes each, by the teacher: a log of everything that is started, and a file that nobody may open."},
		}},
	{ID: "tutorial", Title: "Learning eBPF in an afternoon", Time: "four hours",
		About: "Hello world, maps, bytecode, bpftool, XDP and the verifier, for readers of the book Learning eBPF who want to try it first.",
		Parts: []Part{
			{Title: "Hello world", Codes: after("H1")},
			{Title: "Maps", Codes: after("M2", "M6")},
			{Title: "Bytecode", Codes: after("F6", "F7")},
			{Title: "bpftool", Codes: after("P4")},
			{Title: "XDP", Codes: after("H9")},
			{Title: "The verifier", Codes: after("V2", "V5", "V7")},
		}},
	{ID: "workshop", Title: "A day's workshop", Time: "a day",
		About: "For a group with a teacher: foundations in the morning, verifier and one real use in the afternoon.",
		Parts: []Part{
			{Title: "Morning", Codes: after("F1", "F4", "F6", "H1", "H2", "M1", "M2")},
			{Title: "Afternoon", Codes: after("M6", "H9", "V2", "V3", "V5")},
			{Title: "To end with, one of the two", Codes: after("U1", "U8"), Pick: 1},
		}},
	{ID: "unit", Title: "Six weeks", Time: "two hours a week",
		About: "A unit of an operating systems or networking course.",
		Parts: []Part{
			{Title: "Week 1: the machine", Codes: after("F1", "F2", "F3", "F4", "F5")},
			{Title: "Week 2: from C to a loaded program", Codes: after("F6", "F7", "F8", "V1")},
			{Title: "Week 3: events and counters", Codes: after("H1", "H2", "H3", "M1", "M2", "M3")},
			{Title: "Week 4: the verifier", Codes: after("V2", "V3", "V4", "V5", "V6", "V7"), Note: "V3 wants H9 of week 5: swap them, or give H9 as homework."},
			{Title: "Week 5: packets", Codes: after("H9", "H10", "M4", "M5", "U1")},
			{Title: "Week 6: security", Codes: after("H13", "U8")},
		}},
	{ID: "semester", Title: "A semester", Time: "twelve weeks",
		About: "All of machine and verifier, ten hooks, ten maps, tools, four uses and a capstone.",
		Parts: []Part{
			{Title: "Weeks 1 and 2: the machine", Codes: after("F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8")},
			{Title: "Week 3: first hooks, first maps", Codes: after("H1", "H2", "M1", "V1", "V2", "M2")},
			{Title: "Week 4: tracing", Codes: after("H3", "P1", "P2", "H4", "H5", "M6")},
			{Title: "Week 5: packets", Codes: after("H9", "H10", "M4", "M5")},
			{Title: "Weeks 6 and 7: the verifier", Codes: after("V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10")},
			{Title: "Week 8: many CPUs, many kernels", Codes: after("M3", "M7", "M9", "V11", "V12", "V13")},
			{Title: "Week 9: security", Codes: after("H6", "H12", "H13", "M10")},
			{Title: "Week 10: tools", Codes: after("P3", "P4", "M12")},
			{Title: "Weeks 11 and 12: uses", Codes: after("U1", "U6", "U7", "U8")},
			{Title: "And a capstone for each team", Codes: after("C1", "C2", "C3", "C4"), Pick: 1},
		}},
	{ID: "learning-ebpf", Title: "With the book Learning eBPF", Time: "as you read",
		About: "Which labs go with which chapter of Liz Rice's book.",
		Parts: []Part{
			{Title: "Chapter 1: What is eBPF, and why is it important?", Codes: after("H11")},
			{Title: "Chapter 2: eBPF's Hello World", Codes: after("H1", "H2", "M2", "M6", "M8")},
			{Title: "Chapter 3: Anatomy of an eBPF program", Codes: after("F1", "F2", "F3", "F4", "F5", "F6", "F7", "H9", "M1")},
			{Title: "Chapter 4: The bpf() system call", Codes: after("F8", "M6", "P4")},
			{Title: "Chapter 5: CO-RE, BTF, and libbpf", Codes: after("P1", "P2", "P3")},
			{Title: "Chapter 6: The eBPF verifier", Codes: after("V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9"),
				Note: "Each edit that the book suggests in hello-verifier.bpf.c is a task: the missing NULL check in V2, <= on the message in V5, the wrong map argument in V1, the loop over a global in V7, data_end++ in V3, the missing return in F1, the missing licence in H1."},
			{Title: "Chapter 7: eBPF program and attachment types", Codes: after("H2", "H3", "H4", "H5", "H15")},
			{Title: "Chapter 8: eBPF for networking", Codes: after("H9", "H10", "H11", "H12", "H14", "U1", "U2", "U3")},
			{Title: "Chapter 9: eBPF for security", Codes: after("H13", "U7", "U8", "U9")},
			{Title: "Chapter 10: eBPF programming", Codes: after("P3"), Note: "Read bpftrace one-liners beside it."},
			{Title: "Chapter 11: The future evolution of eBPF", Codes: after("H15", "C4")},
		}},
}
