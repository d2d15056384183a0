package helper

import "skep/vm/hook"

// Func is what a helper does. It reads its arguments from c, does its work
// through e and leaves its result in c.R0. What the kernel reports to the
// program, a negative errno, is a result. A fault of the machine (bad address,
// not simulated) stops the helper where it is: see mem.go.
//
// A Func never keeps state of its own: everything that changes goes through
// Env, so that the machine can undo it.
type Func func(e Env, c *Call)

// Call is one call of a helper.
//
// A helper with callbacks (bpf_loop, bpf_for_each_map_elem) is called again
// after each of them: it sets Callback and CallbackArgs and returns; the
// machine runs that function in a new frame, puts its result into Returned,
// adds one to Round and calls the Func again with everything else as it was
// left. The helper is done when it returns with Callback zero. All of it is
// plain data, so a machine can save a Call, step inside the callback and step
// back out of it. It escapes: a machine keeps one and uses it again.
type Call struct {
	ID   int       // helper number, or KfuncID of a kfunc
	Args [5]uint64 // R1 to R5
	R0   uint64    // result

	Callback     uint64    // value of a PTR_TO_FUNC register: call this next; 0: done
	CallbackArgs [5]uint64 // R1 to R5 of the callback
	Returned     uint64    // R0 of the callback that just ended
	Round        uint64    // callbacks that have ended
	State        [3]uint64 // the helper's own between rounds
}

// Env is the machine as a helper sees it. All changes made through it are
// recorded for undo by the machine. Addresses are register values: the low 32
// bits are an arena offset.
type Env interface {
	// Memory. Read and Write check the access as the interpreter does
	// (provenance, bounds); their error is the fault to stop with. The slice
	// that Read returns aliases the arena; it must not be written to and is
	// valid until something other than Read, Map, World or a question is
	// called.
	Read(addr uint64, n int) ([]byte, error)
	Write(addr uint64, b []byte) error
	// Scratch puts b where the program can read and write it until the
	// helper call or its callback ends: keys of for_each, callback contexts.
	Scratch(b []byte) uint64
	// Object is the address of a simulated kernel object (a bpf_sock, a
	// task), made on first use with n zero bytes and the same from then on;
	// with index NewObject one that nobody else has.
	Object(kind ObjectKind, index uint32, n int) uint64
	// Probe reads kernel or user memory for the probe_read family. False is
	// EFAULT, not a fault of the machine.
	Probe(space Space, addr uint64, dst []byte) bool
	// Poke writes simulated user memory (bpf_probe_write_user).
	Poke(addr uint64, b []byte) bool

	// Map is the map that a CONST_PTR_TO_MAP register value stands for, nil
	// when it is none.
	Map(ptr uint64) Map
	// Ring is the ring buffer that record, an address that Reserve gave out,
	// belongs to; nil when it is no open record.
	Ring(record uint64) Ring
	// TailCall switches to program index of the prog array m with context
	// ctx, counts it against the limit of 33 and says whether it did; when it
	// did not the call just fails.
	TailCall(ctx uint64, m Map, index uint32) bool

	// Context says which program runs and where its context is.
	Context() (hook.ProgType, hook.AttachType, uint64)
	// Packet is where the packet is now; SetPacket moves its borders within
	// the buffer. The bytes do not move. The helper then updates the context.
	Packet() (hook.Packet, bool)
	SetPacket(hook.Packet)

	// World is the scripted surroundings of the run. Read only.
	World() *World
	// Now is CLOCK_MONOTONIC in ns, by the virtual clock.
	Now() uint64
	// Random is the next number of the seeded generator.
	Random() uint32
	// CPU is the number of the simulated CPU that runs the program.
	CPU() uint32
	// Var and SetVar are small words that a run keeps beside memory.
	Var(Var) uint64
	SetVar(Var, uint64)
	// Emit appends to the record of what the program did to the outside.
	Emit(Event)
}

// Map is what helpers need of a map. Results are 0 or a negative errno. A
// key or value slice belongs to the caller.
type Map interface {
	Name() string
	Type() uint32 // enum bpf_map_type
	KeySize() uint32
	ValueSize() uint32
	MaxEntries() uint32
	// Lookup is the address of the value, 0 when there is none; of a per-CPU
	// map the value of that CPU. Of a map of maps it is the inner map's
	// register value.
	Lookup(key []byte, cpu uint32) uint64
	Update(key, value []byte, flags uint64, cpu uint32) int64
	Delete(key []byte) int64
	// Push, Pop and Peek are those of queue, stack and bloom filter. Pop and
	// Peek fill value; Peek of a bloom filter tests it.
	Push(value []byte, flags uint64) int64
	Pop(value []byte) int64
	Peek(value []byte) int64
	// Each is the element at cursor pos (0 begins) and the cursor after it.
	Each(pos uint64, cpu uint32) (key []byte, value uint64, next uint64, ok bool)
}

// Ring is a ring buffer map.
type Ring interface {
	Map
	// Reserve is the address of a new record of n bytes, 0 when it does not
	// fit. Submit and Discard end it. flags are BPF_RB_*_WAKEUP.
	Reserve(n uint64) uint64
	Submit(record, flags uint64)
	Discard(record, flags uint64)
	// Record is the size of an open record, 0 when the address is none.
	Record(record uint64) uint64
	// Query answers BPF_RB_AVAIL_DATA, RING_SIZE, CONS_POS, PROD_POS.
	Query(flag uint64) uint64
}

// Space is an address space of the probe_read family.
type Space uint8

const (
	Kernel Space = iota
	User
	Either // bpf_probe_read of old: whichever the address lies in
)

// NewObject is the index of an object that does not exist yet.
const NewObject = 1<<32 - 1

// ObjectKind is a kind of simulated kernel object.
type ObjectKind uint8

const (
	ObjectSock    ObjectKind = iota + 1 // struct bpf_sock
	ObjectTCPSock                       // struct bpf_tcp_sock
	ObjectTask                          // current task
	ObjectCgroup
	_ // once local storage
	ObjectPerCPU
	ObjectRegs    // pt_regs of the current task
	ObjectSockopt // a socket option that was set; index = level<<16 | name
	ObjectAlloc   // allocated by bpf_obj_new or bpf_cpumask_create
	ObjectVMA     // vm_area_struct of World.VMAs
)

// Var names a word that a run keeps beside memory; the machine undoes
// changes to it as it does those of memory.
type Var uint8

const (
	VarRedirect     Var = iota // pending redirect: interface or map index
	VarRedirectKind            // a RedirectKind
	VarRedirectMap             // register value of the map
	VarRedirectFlag
	VarRetval  // bpf_get_retval, bpf_set_retval
	VarCsum    // skb->csum
	VarCsumLvl // skb->csum_level and ip_summed
	VarApply   // bytes of bpf_msg_apply_bytes
	VarCork    // bytes of bpf_msg_cork_bytes
	VarTstamp  // skb->tstamp_type
	VarLock    // address of the held bpf_spin_lock
	VarTunnel  // 1 once skb_set_tunnel_key was called
	VarSock    // socket assigned by bpf_sk_assign
	VarMsg     // start of an sk_msg message, once it differs from data
	VarMsgEnd  // its end
	VarTimer   // address of the bpf_timer or bpf_wq whose callback runs
	VarHdrOpt  // bytes of TCP header options reserved or written
	NumVars
)

// RedirectKind is what a pending redirect leads to.
type RedirectKind uint8

const (
	RedirectNone    RedirectKind = iota
	RedirectIfindex              // bpf_redirect: another interface
	RedirectMap                  // bpf_redirect_map: devmap, cpumap, xskmap
	RedirectPeer
	RedirectNeigh
	RedirectSock // sk_skb, sk_msg: a socket of a sockmap
)

// Refs is a Map whose elements stand for kernel objects: the number of a
// program, interface, CPU, cgroup, perf event or socket.
type Refs interface {
	Map
	Ref(index uint32) (uint32, bool)
}
