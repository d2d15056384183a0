package schema

// Enums of the format. Append only within one Version.
var Enums = []Enum{
	{Name: "StepKind", Doc: "What became of an arrival at an instruction.", Values: []Value{
		{"checked", "the instruction was checked"},
		{"pruned", "the path ended: Covered says which checkpoint covers it"},
		{"stopped", "the verification ended before the instruction was checked: an endless loop, or a limit"}}},
	{Name: "PathKind", Doc: "How a path began.", Values: []Value{
		{"entry", "the main program or a global function"}, {"branch", "the other way of a comparison"},
		{"callback", "a helper calls a function of the program"}, {"async", "a callback that runs later, on its own"},
		{"fork", "an operation on a number that is 0 or -1, walked for each"}, {"speculative", "what the CPU may only guess"},
		{"iterator", "an iterator that has another element, or none"}, {"mayGoto", "may_goto, not taken"}}},
	{Name: "PathEnd", Doc: "How a path ended.", Values: []Value{
		{"open", "it was never walked: the verification failed before"}, {"exit", "the program or global function returned"},
		{"pruned", "a checkpoint covers it"}, {"rejected", "here the program is refused"}, {"stopped", "the verification was cancelled, or not modelled"}}},
	{Name: "SlotByte", Doc: "What one byte of a stack slot holds (enum bpf_stack_slot_type).", Values: []Value{
		{"invalid", "nothing was written"}, {"spill", "part of a spilled register"}, {"misc", "some byte"}, {"zero", "zero"},
		{"dynptr", ""}, {"iter", ""}}},
	{Name: "RegBase", Doc: "What a register holds, without flags (enum bpf_reg_type); words of the log.", Values: []Value{
		{"?", "nothing readable"}, {"scalar", ""}, {"ctx", ""}, {"map_ptr", ""}, {"map_value", ""}, {"map_key", ""}, {"fp", "stack"},
		{"pkt_meta", ""}, {"pkt", ""}, {"pkt_end", ""}, {"flow_keys", ""}, {"sock", ""}, {"sock_common", ""}, {"tcp_sock", ""},
		{"tp_buffer", ""}, {"xdp_sock", ""}, {"ptr_", "kernel or program type by BTF"}, {"mem", ""}, {"arena", ""}, {"buf", ""}, {"func", ""}, {"dynptr_ptr", ""}}},
	{Name: "Reason", Doc: "Why a place changed. `from` are the places that it came from, `num` as said.", Values: []Value{
		{"unknown", "nothing is recorded"},
		{"entry", "given by the kernel at the entry of the function"},
		{"const", "a constant of the instruction; num is it"},
		{"copy", "a copy of `from`"},
		{"alu", "arithmetic on its old value and `from`; without `from` with the constant num"},
		{"load", "a load of num bytes through the pointer `from`: the width bounds it"},
		{"ctx", "the context field at offset num, through `from`"},
		{"fill", "loaded from the stack slot `from`, where a register was spilled"},
		{"stackRead", "num bytes of stack, no whole spill: `from`"},
		{"spill", "the register `from` was stored here"},
		{"store", "bytes of the register `from`, or of the constant num, were stored here"},
		{"branchTrue", "the comparison with `from`, or with the constant num, holds on this path"},
		{"branchFalse", "the comparison with `from`, or with the constant num, does not hold on this path"},
		{"link", "shares its id with `from`, whose range was narrowed"},
		{"null", "the NULL check of `from`, which has the same id, came out NULL"},
		{"notNull", "the NULL check of `from`, which has the same id, came out not NULL"},
		{"packet", "a comparison of `from` with the packet's end proved num bytes"},
		{"ret", "returned by helper or kfunc num"},
		{"clobber", "a call does not keep r1 to r5"},
		{"lost", "the call of helper or kfunc num made the pointer stale, or released it"},
		{"helperWrite", "helper or kfunc num wrote here, or may have"},
		{"arg", "an argument, from the caller's `from`"},
		{"result", "the callee's r0, `from`"},
		{"widen", "a loop: what differs between its rounds was forgotten"},
		{"tie", "given an id, which its copy shares"},
		{"mark", "only its marks changed: written, read or precise"},
		{"whatIf", "set by hand: the trace is hypothetical"}}},
	{Name: "Deduction", Doc: "How the limits of a number followed, beyond what the instruction itself says of them.", Values: []Value{
		{"direct", "they are what the instruction says"},
		{"unsignedFromSigned", "the unsigned limits from the signed ones, which are of one sign"},
		{"signedFromUnsigned", "the signed limits from the unsigned ones, which do not reach the sign bit"},
		{"wholeFromLow", "all 64 bits from the low half, of which the comparison was"},
		{"bitsFromLimits", "known bits from the limits, which share their first bits"},
		{"limitsFromBits", "the limits from the bits that are known"},
		{"wraps", "no limits: the result may pass the end of its width"},
		{"notFollowed", "no limits: what the operation makes of them is not computed"},
		{"cut", "the upper half is cleared: only the low one of the result stays"}}},
	{Name: "CheckKind", Engine: true, Doc: "What an access or operation needed.", Values: []Value{
		{"packet", "bytes lo to hi of the packet, from where the pointer was made; limit bytes are proved"},
		{"mapValue", "bytes lo to hi of a value of limit bytes"}, {"mapKey", "bytes lo to hi of a key of limit bytes"},
		{"mem", "bytes lo to hi of memory of limit bytes"}, {"stack", "bytes lo to hi below the frame pointer, within -512 to 0"},
		{"stackInit", "bytes lo to hi of the stack, each written before; limit is one that was not"}, {"ctx", "the context field at lo to hi"},
		{"notNull", "a pointer that is not NULL"}, {"readable", "a register that was written"},
		{"pointer", "a pointer through which memory can be accessed"}, {"argType", "an argument of the type in text"},
		{"argSize", "a size within lo to hi"}, {"return", "a value within lo to hi"},
		{"released", "no reference held; limit of them are"}, {"unlocked", "no lock held, no critical section open"},
		{"budget", "at most limit instructions"},
		{"ptrOffset", "a number of at least lo and below hi, to be added to a pointer"},
		{"helper", "a helper or kfunc that this program may call; text says which it is not"},
		{"noLeak", "a number: an address must not get to where text says"},
		{"rule", "what text says, which follows from the message"}}},
	{Name: "NoFactKind", Engine: true, Doc: "Why a comparison taught nothing.", Values: []Value{
		{"offsetTooLarge", "the pointer's offset may pass 65535, where no range is recorded"},
		{"nothingProved", "it proves zero bytes"}, {"knownBefore", "it proves no more than was known"},
		{"narrow", "a 32-bit comparison of pointers"}, {"twoUnknowns", "neither side is a constant, and their ranges do not limit each other"},
		{"middle", "the excluded number is inside of the range, not at its end"}, {"manyBits", "a test of several bits, one of which is set"},
		{"notTracked", "such pointers are not compared"}}},
	{Name: "NoFactWay", Engine: true, Doc: "Of which way of a comparison.", Values: []Value{
		{"both", "neither taught anything"}, {"taken", "the one on which it holds; the other did"}, {"notTaken", "the one on which it does not hold; the other did"}}},
}

// Structs of the format, each behind those that it holds.
var Structs = []Struct{
	// The program, so that a trace can be read alone.
	{Name: "InsnText", Doc: "An instruction.", Fields: []Field{
		{"slot", "u", "Slot number, as in logs; lddw takes two."}, {"text", "str", "\"(61) r1 = *(u32 *)(r0 +0)\"."},
		{"key", "U", "The 8 bytes, little endian; of a jump without its distance: what stays the same when code moves."},
		{"target", "z", "Slot that a jump or call of a function goes to, -1 for none."}}},
	{Name: "LineText", Doc: "A source line begins at a slot.", Fields: []Field{
		{"slot", "u", ""}, {"file", "str", ""}, {"line", "u", "1-based."}, {"text", "str", ""}}},
	{Name: "FuncText", Doc: "A function of the program.", Fields: []Field{
		{"slot", "u", ""}, {"name", "str", ""}, {"global", "bool", "Verified on its own, once."}}},
	{Name: "FieldText", Doc: "A member of a map's value.", Fields: []Field{{"offset", "u", "Bytes."}, {"size", "u", "Bytes."}, {"name", "str", "\"stats.packets\"."}}},
	{Name: "MapText", Doc: "A map. Handles of registers count from 1.", Fields: []Field{
		{"name", "str", ""}, {"type", "str", ""}, {"keySize", "u", ""}, {"valueSize", "u", ""}, {"maxEntries", "u", ""},
		{"fields", "[]FieldText", "Of its value, when its type is known: 64 at most."}}},
	{Name: "TypeText", Doc: "A type that a register points to.", Fields: []Field{
		{"btf", "u", "1 the program's BTF, 2 the kernel's."}, {"id", "u", ""}, {"name", "str", ""}}},
	{Name: "Program", Doc: "What was verified, and how.", Fields: []Field{
		{"name", "str", ""}, {"type", "str", "bpftool's name."}, {"kernel", "str", "\"6.12\"."},
		{"privilege", "str", "root, cap_bpf or unprivileged."}, {"hypothetical", "bool", "Bounds were set by hand: no kernel would say so."},
		{"insns", "[]InsnText", ""}, {"lines", "[]LineText", ""}, {"funcs", "[]FuncText", ""}, {"maps", "[]MapText", ""}, {"types", "[]TypeText", ""}}},
	{Name: "Outcome", Doc: "What it came to, with the kernel's counters.", Fields: []Field{
		{"verdict", "str", "accepted, rejected, not modelled; \"\" when cancelled."}, {"errno", "u", ""}, {"errnoName", "str", ""}, {"message", "str", "Last line of the log about a rejection."},
		{"feature", "str", "Of not modelled."}, {"insn", "z", "Slot checked last, -1 for none."},
		{"processed", "u", "Steps."}, {"maxStatesPerInsn", "u", ""}, {"totalStates", "u", "Checkpoints made."}, {"peakStates", "u", ""}, {"markRead", "u", ""},
		{"dropped", "u", "Steps from droppedFrom on whose states were not kept, to bound the size; paths and counters are whole."}, {"droppedFrom", "u", ""}}},

	// The tree.
	{Name: "Path", Doc: "A stretch of steps that is walked at once, from where it was queued to its end. Its number is its position; parents come first.", Fields: []Field{
		{"kind", "PathKind", ""}, {"end", "PathEnd", ""}, {"parent", "z", "Path that queued it, -1 for an entry."},
		{"at", "u", "Step of the parent that queued it."}, {"insn", "u", "Slot where it goes on."},
		{"first", "u", "Its first step."}, {"steps", "u", "How many; 0 when it was never walked."}, {"speculative", "bool", ""}}},
	{Name: "Checkpoint", Doc: "A state that was kept, to be compared with: that before its step. Its number is its position.", Fields: []Field{
		{"step", "u", ""}}},
	{Name: "Chunk", Doc: "Where steps lie in the bytes behind the tables.", Fields: []Field{
		{"first", "u", "Step."}, {"steps", "u", "0 for steps that were dropped."}, {"offset", "u", ""}, {"length", "u", ""}}},

	// States.
	{Name: "Reg", Doc: "What is known of a register or spilled value (struct bpf_reg_state).", Sparse: true, Fields: []Field{
		{"bounds", "Bounds", "Of a pointer: of the variable part of its offset."},
		{"type", "u", "RegBase in the low 8 bits, flags above."}, {"live", "u", "Marks: 1 low half read, 2 read, 4 written, 8 done."},
		{"off", "z", "Fixed offset of a pointer; of a scalar with an id of bit 31: its distance."}, {"id", "u", ""},
		{"a", "u", "Map handle, BTF handle, packet range (signed), memory size, function, dynptr type."},
		{"b", "u", "Map uid, BTF type id, dynptr id."}, {"c", "u", "Iterator: state | depth<<2."},
		{"refObjId", "u", ""}, {"frameNo", "u", "Of fp: whose stack."}, {"precise", "bool", ""}}},
	{Name: "Ref", Doc: "A reference that must be released.", Fields: []Field{{"id", "u", ""}, {"insn", "u", "That took it."}}},
	{Name: "Held", Doc: "Critical sections and the like.", Sparse: true, Fields: []Field{
		{"lockMap", "u", "Handle of what holds the spin lock, 0 for none."}, {"lockId", "u", ""}, {"rcu", "bool", ""},
		{"preempt", "u", "Depth of bpf_preempt_disable."}, {"sleeping", "bool", ""}, {"speculative", "bool", ""}}},
	{Name: "FrameHead", Doc: "A frame without its registers.", Fields: []Field{
		{"callsite", "z", "Slot of the call, -1 for an entry."}, {"subprog", "u", "Index into Program.funcs."}, {"slots", "u", "Stack slots known."},
		{"callback", "bool", ""}, {"async", "bool", ""}}},
	{Name: "Head", Doc: "The shape of a state.", Fields: []Field{{"frames", "[]FrameHead", "The entry's first."}, {"held", "Held", ""}}},
	{Name: "Change", Doc: "The new content of a place.", Sparse: true, Fields: []Field{
		{"loc", "u", "Place: see Loc."}, {"reason", "Reason", ""}, {"from", "[]u", "Places before the step."}, {"num", "Z", ""}, {"deduction", "Deduction", "Of alu, branchTrue and branchFalse."},
		{"bytes", "U", "Of a slot: its 8 SlotBytes, 4 bits each, the byte at the lowest address in the highest bits."},
		{"reg", "Reg", "Of a register or slot."}, {"refs", "[]Ref", "Of a frame's references."}}},
	{Name: "Delta", Doc: "From a state to the next.", Sparse: true, Fields: []Field{
		{"head", "[]Head", "None or one."}, {"changes", "[]Change", ""}}},

	// What happened at a step.
	{Name: "Marks", Doc: "Marks of a checkpoint's frame, a bit a register or slot.", Sparse: true, Fields: []Field{
		{"readRegs", "u", ""}, {"preciseRegs", "u", ""}, {"readSlots", "U", ""}, {"preciseSlots", "U", ""}}},
	{Name: "Covered", Doc: "The checkpoint that covers a state, with its marks then.", Fields: []Field{
		{"checkpoint", "u", ""}, {"frames", "[]Marks", ""}}},
	{Name: "Check", Doc: "What was needed, and whether it was proved.", Sparse: true, Fields: []Field{
		{"kind", "CheckKind", ""}, {"failed", "bool", ""}, {"reg", "u", "Register, plus 1; 0 for none."}, {"lo", "Z", ""}, {"hi", "Z", "Behind the last."},
		{"limit", "Z", "What there is."}, {"text", "str", "Words of the kernel."}}},
	{Name: "NoFact", Doc: "A comparison taught nothing.", Fields: []Field{
		{"kind", "NoFactKind", ""}, {"way", "NoFactWay", ""}, {"reg", "u", ""}, {"num", "Z", "offsetTooLarge: largest offset; knownBefore: what was known."}}},
	{Name: "Mark", Doc: "A place became precise in a checkpoint of the path.", Fields: []Field{{"checkpoint", "u", ""}, {"loc", "u", "In the frames of the checkpoint."}}},
	{Name: "Back", Doc: "Going back for precision: the places whose exact value matters before an instruction.", Fields: []Field{
		{"insn", "u", ""}, {"frame", "u", ""}, {"regs", "u", "A bit a register."}, {"slots", "U", "A bit a slot."}}},
	{Name: "Step", Doc: "An arrival at an instruction: each is one that the kernel counts as processed.", Sparse: true, Fields: []Field{
		{"jump", "z", "Slot, less that of the step before plus one."}, {"kind", "StepKind", ""},
		{"checkpoint", "bool", "A checkpoint was made before it: marks are cleared."},
		{"before", "Delta", "From the state after the step before in the file: the start of a path."},
		{"after", "Delta", "What the instruction did."},
		{"arrived", "[]Change", "Of the first step of a path: what differs from before the step that queued it."},
		{"covered", "[]Covered", "None or one."},
		{"checks", "[]Check", ""}, {"noFacts", "[]NoFact", ""}, {"marks", "[]Mark", ""}, {"back", "[]Back", ""}}},
}
