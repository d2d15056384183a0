package verifier

import "strings"

// rule is what a refusal without numbers asked for, found by a part of the
// kernel's message: such messages are given at many places, each of which
// would have to say the same.
type rule struct{ part, needs string }

// rules are tried in order. A needs that ends in a blank is followed by what
// the message has behind the part.
var rules = [...]rule{
	{"must be held for ", "the bpf_spin_lock to be held that guards the "},
	{"bpf_spin_unlock of different lock", "the lock to be released that was taken"},
	{"bpf_spin_unlock without taking a lock", "a lock to be held that can be released"},
	{"spin_{lock,unlock} in rbtree cb", "a callback that takes and releases no lock: one is held already"},
	{"not allowed in rbtree cb", "a callback that leaves the tree alone that it compares for"},
	{"function calls are not allowed while holding a lock", "no lock to be held at a call"},
	{"point to 'struct bpf_spin_lock'", "a pointer to the bpf_spin_lock itself"},
	{"has no valid bpf_spin_lock", "a map whose value holds a bpf_spin_lock, as its BTF says"},

	{"invalid access to packet", "bytes of the packet that are proved to be there"},
	{"infinite loop detected", "a loop in which something changes from round to round"},
	{"old state: ", "a loop in which something changes from round to round"},
	{"too complex", "fewer branches that wait to be walked: 8192 at most"},

	{"uses reserved fields", "an instruction whose unused fields are 0"},
	{"R11 is invalid", "a register from r0 to r10"},
	{"R12 is invalid", "a register from r0 to r10"},
	{"R13 is invalid", "a register from r0 to r10"},
	{"R14 is invalid", "a register from r0 to r10"},
	{"R15 is invalid", "a register from r0 to r10"},
	{"invalid BPF_", "an operation that the instruction set has"},
	{"div by zero", "a divisor that is not the constant 0"},
	{"invalid shift ", "a shift by less than the width"},
	{"kptr access misaligned", "an access that begins where the kptr does"},
	{"misaligned ", "an offset that is a multiple of the size"},
	{"frame pointer is read only", "a register that may be written: r10 may not"},

	{"Expected an initialized dynptr", "a dynptr that was made before"},
	{"has to be an uninitialized dynptr", "8-byte slots of the stack that hold no dynptr yet"},
	{"cannot overwrite referenced dynptr", "the dynptr to be released before it is written over"},
	{"write to dynptr", "a place of the stack that holds no dynptr"},
	{"unowned const bpf_dynptr", "a dynptr that the program made itself"},
	{"for bpf_dynptr_from_mem data", "memory of a map's value"},
	{"expected an initialized iter_", "an iterator that was made before: iter_"},
	{"expected uninitialized iter_", "slots of the stack that hold no iterator yet"},
	{"an unacquired reference", "a reference that is held, and not yet released"},

	{"must be referenced or trusted", "a pointer that the kernel vouches for: trusted, or with a reference held"},
	{"must be a rcu pointer", "a pointer that an RCU section protects"},
	{"must be referenced when passed to release", "a pointer whose reference this program holds"},
	{"expects refcounted", "a pointer whose reference this program holds"},
	{"must have zero offset", "the pointer as it was given, without an offset"},
	{"must be non-owning ref", "a node that is in the tree still: a non-owning reference"},
	{"expected pointer to allocated object", "an object that bpf_obj_new or the like made"},
	{"for bpf_obj_drop_impl", "an object that bpf_obj_new made"},
	{"for bpf_percpu_obj_drop_impl", "an object that bpf_percpu_obj_new made"},
	{"type ID argument must be of a struct", "the number of a struct type of the program's BTF"},
	{"type ID argument must not contain special fields", "a struct without locks, timers, lists, trees and kptrs"},
	{"bpf_percpu_obj_new type size", "a smaller struct"},
	{"not found at offset=", "a pointer to the node or head itself; there is none at "},
	{"operation on bpf_", "a node of the struct that the list or tree was declared for"},
	{"must point to scalar, or struct with scalar", "a pointer to plain data"},
	{"have constant offset", "a constant offset"},
	{"must be a known constant", "a constant"},
	{"is not a known value", "a number"},

	{"_or_null prohibited, null-check it first", "a comparison with NULL before anything is added to the pointer"},
	{"pointer += pointer prohibited", "a number on one side of the sum"},
	{"pointer -= pointer prohibited", "numbers, or privileges: the difference of addresses would leak"},
	{"tried to subtract pointer from scalar", "a number to subtract"},
	{"subtraction from stack pointer", "an addition: fp + a negative number"},
	{"32-bit pointer arithmetic", "a 64-bit addition or subtraction"},
	{"pointer arithmetic with ", "an addition or a subtraction: no other operation leaves a pointer"},
	{"bitwise operator", "an addition or a subtraction: no other operation leaves a pointer"},
	{"pointer arithmetic goes out of range", "a pointer that stays within its stack frame"},
	{"variable stack access prohibited", "a constant offset into the stack, or privileges"},
	{"pointer arithmetic on ", "a pointer that may be moved: this kind may not"},
	{"pointer arithmetic prohibited", "a number"},
	{"with unsupported alu operation", "an addition or a subtraction"},
	{"from different maps, paths or scalars", "the same kind of pointer and limits on each path to this instruction, or privileges"},
	{"insn cannot be used with different pointers", "the same kind of pointer on each path to this instruction"},
	{"dereference of modified", "the pointer as it was given: nothing may be added to it"},
	{"negative offset ", "an offset of 0 or more"},
	{"variable ctx access", "a constant offset into the context"},
	{"to corrupt spilled pointer", "a store of the whole slot, or privileges: part of a spilled pointer would be left"},
	{"invalid size of register fill", "a load of as many bytes as were spilled"},
	{"partial copy of pointer", "a copy of all 64 bits of the pointer"},
	{"sign-extension part of pointer", "a copy of all 64 bits of the pointer"},
	{"leaking pointer from stack", "a number at that place of the stack, or privileges"},
	{"cannot spill pointers to stack into stack frame of the caller", "a value that outlives the callee"},

	{"only read is supported", "a load: such memory may not be written"},
	{"only read from ", "a load: such memory may not be written"},
	{"cannot write into ", "memory that may be written; this is "},
	{"write into map forbidden", "a map that programs may write"},
	{"read from map forbidden", "a map that programs may read"},
	{"does not allow writes to packet data", "a hook that may change packets"},
	{"may write into memory pointed by", "memory that may be written"},
	{"BPF_ATOMIC stores into ", "memory that takes atomic operations; it may not be "},
	{"cannot be accessed directly by load/store", "the field's own helper instead of a load or store"},
	{"direct access to ", "the field's own helper or kfunc instead of a load or store of "},
	{"access beyond ", "bytes within "},
	{"invalid negative access", "an offset of 0 or more"},
	{"invalid rdwr buffer access", "an offset of 0 or more into the buffer"},
	{"cannot be accessed indirectly by helper", "memory without kptrs"},
	{"kptr disallowed", "bpf_kptr_xchg: a referenced kptr may not be stored to"},
	{"invalid kptr access, ", "a pointer of the type that the kptr was declared with: "},
	{"point to a readonly map", "a map that is frozen and read only"},
	{" access off=", "a field of that structure that programs may use"},
	{"helper access to the packet is not allowed", "a helper that may touch the packet, or a copy of the bytes on the stack"},

	{"cannot pass map_type ", "a helper that goes with this type of map"},
	{"doesn't match map pointer", "the map in whose value the timer or queue lies"},
	{"tail_call abusing map_ptr", "one map, the same on each path to this call"},
	{"support non-zero flags", "flags of 0"},
	{"calling kernel function ", "a kfunc that this type of program may call; it may not call "},
	{"not eliminated in verifier pass", "a kernel function that exists: this call stands for one that does not"},
	{"is sleepable within ", "a function that does not sleep: here is an "},
	{"frames is too deep", "at most 8 frames"},
	{"Too large", "at most 512 bytes of stack in all frames together"},
	{"Caller passes invalid args into func#", "arguments that fit what the function's BTF says: function "},
	{"return scalar. Only those are supported", "a function that returns a number"},
	{"use static function instead", "a static function: a global one is verified without its caller"},
	{"cannot be called from callback", "a place outside of a callback"},
	{"cannot call exception cb directly", "the kernel to call it: an exception callback is for bpf_throw only"},
	{"exception cb only supports", "an exception callback that takes one number"},
	{"is of type ", "a pointer of another type; this one is of type "},
	{"expected pointer to ", "a pointer to "},
	{"is allowed only to CAP_PERFMON", "CAP_PERFMON"},
	{"from non-GPL compatible program", "a GPL-compatible license"},
	{"should have been in [", "a result in ["},
}

// ruleOf is what a message asks for, "" when no rule knows it, and the
// register that it begins with, -1 for none.
func ruleOf(message string) (needs string, reg int) {
	reg = -1
	if len(message) > 2 && message[0] == 'R' && message[1] >= '0' && message[1] <= '9' {
		reg = int(message[1] - '0')
		if message[1] == '1' && message[2] == '0' {
			reg = 10
		}
	}
	for i := range rules {
		_, rest, ok := strings.Cut(message, rules[i].part)
		if !ok {
			continue
		}
		needs = rules[i].needs
		if last := needs[len(needs)-1]; last == ' ' || last == '_' || last == '[' {
			needs += strings.TrimRight(rest, ". '\n")
		}
		return needs, reg
	}
	return "", reg
}

// refusedBy is the check of a refusal that nothing else explains.
func (e *env) refusedBy() CheckEvent {
	needs, reg := ruleOf(e.log.lastError())
	return CheckEvent{Kind: CheckKindRule, Failed: needs != "", Reg: reg, Text: needs}
}
