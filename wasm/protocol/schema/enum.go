package schema

import "slices"

// Enums of the protocol. Append only within one Version.
var Enums = append([]Enum{
	{"Where", "Which input a problem is in.", []Value{
		{"source", ""}, {"object", ""}, {"input", ""}, {"option", ""}, {"link", ""}, {"run", ""}, {"engine", ""}}},
	{"Severity", "How bad a problem is.", []Value{{"error", ""}, {"warning", ""}}},
	{"SourceKind", "What a program source is.", []Value{
		{"asm", "eBPF assembly text"}, {"object", "an ELF object"}}},
	{"InputKind", "How packets are given.", []Value{
		{"text", "the packet language"}, {"hex", "plain hex"}, {"pcap", "a pcap or pcapng file"},
		{"events", "the event language: what tasks, packets and the hardware do"}}},
	{"Flow", "What an instruction does to the flow of control.", []Value{
		{"plain", "goes on to the next"}, {"jump", "may go to target"}, {"call", "calls target, a function of the program"},
		{"helper", "calls a helper or kfunc"}, {"exit", "returns"}}},
	{"RegionKind", "What a region of the arena is.", []Value{
		{"ctx", ""}, {"packet", ""}, {"stack", ""}, {"map_value", ""}, {"ringbuf", ""}, {"rodata", ""}, {"data", ""}, {"other", ""}}},
	{"RegKind", "What a register holds.", []Value{
		{"unset", "never written in this frame: the verifier refuses to read it"},
		{"scalar", "a number"}, {"pointer", "an address in a region"}, {"null", "zero where a pointer was possible"},
		{"map", "a map"}, {"end", "the end of the packet"}}},
	{"RecordState", "What became of a ring buffer record.", []Value{{"reserved", ""}, {"submitted", ""}, {"discarded", ""}}},
	{"Tone", "Colour of a verdict, not a grade.", []Value{
		{"good", "passes"}, {"bad", "dropped or aborted"}, {"other", ""}}},
	{"StopReason", "Why a movement ended.", []Value{
		{"moved", "as many steps as asked"}, {"breakpoint", ""}, {"target", "what was looked for"}, {"start", "step 0"},
		{"end", "end of the last event"}, {"fault", ""}, {"budget", "instruction budget of the event"}, {"cancelled", ""}}},
	{"State", "Where in an event the machine is.", []Value{
		{"arrived", "no instruction of this event executed yet"}, {"running", ""},
		{"exited", "last state of the event"}, {"faulted", "last state of the event and of the run"}}},
	{"WatchKind", "What is watched.", []Value{{"reg", ""}, {"memory", ""}}},
	{"Movement", "The ways to move the machine.", []Value{
		{"step", "n executed instructions on"}, {"back", "n back"}, {"seek", "to step n"}, {"runTo", "until the next instruction is n"},
		{"stepOver", ""}, {"stepOut", ""}, {"run", "to a breakpoint or the end"}, {"runBack", "to a breakpoint or step 0"},
		{"nextEvent", ""}, {"prevEvent", ""}, {"reset", "fresh maps, step 0"}, {"measure", "learn the total, come back"},
		{"nextChange", "of what is watched"}, {"prevChange", "of what is watched"}}},
	{"ProgramKind", "What a link holds as program.", []Value{{"asm", ""}, {"c", ""}, {"object", ""}, {"gallery", ""}}},
}, slices.Concat(verifyEnums, gradeEnums, machineEnums)...)
