package proto

// Methods of a Call frame, with the types of their parameters and results.
const (
	MethodSettle   = "settle"   // nil -> nil: before a snapshot
	MethodObject   = "object"   // ObjectParams, tail the ELF file -> ObjectResult
	MethodAttach   = "attach"   // AttachParams -> AttachResult
	MethodDetach   = "detach"   // NameParams: a link -> nil
	MethodRun      = "run"      // RunParams, tail data then context -> RunResult
	MethodMaps     = "maps"     // NameParams: a map, "" is all -> []MapDump
	MethodUpdate   = "update"   // UpdateParams -> nil
	MethodStream   = "stream"   // StreamParams -> nil, then Event frames
	MethodStop     = "stop"     // NameParams: a stream -> nil
	MethodJIT      = "jit"      // NameParams: a program -> JITResult
	MethodStats    = "stats"    // NameParams: a program -> StatsResult
	MethodWorkload = "workload" // WorkloadParams -> []StepResult
	MethodReadIter = "iter"     // NameParams: a link of kind iter -> TextResult
	MethodShell    = "shell"    // ShellParams -> nil, then the terminal port is alive
	MethodSysctl   = "sysctl"   // SysctlParams -> nil
	MethodHostile  = "hostile"  // NameParams: an attack of the isolation tests
)

// NameParams names one thing.
type NameParams struct {
	Name string `json:"name,omitempty"`
}

// TextResult is text from the guest.
type TextResult struct {
	Text string `json:"text"`
}

// ObjectParams load an ELF object from clang; the agent's loader (cilium/ebpf) does maps, relocations and CO-RE.
type ObjectParams struct {
	LogLevel  uint32    `json:"log_level"`
	Privilege Privilege `json:"privilege,omitempty"`
}

// ObjectResult lists what was loaded. On refusal Error and Log belong to the refused program.
type ObjectResult struct {
	Programs []ObjectProgram `json:"programs,omitempty"`
	Maps     []string        `json:"maps,omitempty"`
	Errno    int             `json:"errno,omitempty"`
	Error    string          `json:"error,omitempty"`
	Log      string          `json:"log,omitempty"`
}

// ObjectProgram is one program of an object, loaded under its own name.
type ObjectProgram struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	Type    string `json:"type"`
	Log     string `json:"log,omitempty"`
}

// AttachParams attach a loaded program. Which fields count depends on Kind; for a program of an object, an empty Kind
// follows its section name.
type AttachParams struct {
	Program string   `json:"program"`
	Link    string   `json:"link,omitempty"` // name of the link, "" is the program's name
	Kind    string   `json:"kind"`           // a row of the agent's table: "kprobe", "xdp", "cgroup", ...
	Target  string   `json:"target,omitempty"`
	Symbols []string `json:"symbols,omitempty"` // kprobe_multi, uprobe_multi
	Iface   string   `json:"iface,omitempty"`   // xdp, tc, socket_filter: "" is lo
	Mode    string   `json:"mode,omitempty"`    // xdp: generic, native; tc: ingress, egress; iter: a map's name
	Attach  uint32   `json:"attach,omitempty"`  // cgroup: enum bpf_attach_type; perf_event: period in ns
}

// AttachResult says how it was done.
type AttachResult struct {
	Link string `json:"link"`
	How  string `json:"how,omitempty"` // e.g. "tcx", "cls_bpf"
}

// RunParams run a kept program; Data and Ctx are lengths in the tail.
type RunParams struct {
	Name   string `json:"name"`
	Data   int    `json:"data,omitempty"`
	Ctx    int    `json:"ctx,omitempty"`
	Repeat uint32 `json:"repeat,omitempty"`
}

// RunResult is the answer of BPF_PROG_TEST_RUN.
type RunResult struct {
	Errno int    `json:"errno,omitempty"`
	Ret   uint32 `json:"ret"`
	NS    uint32 `json:"ns"`
	Data  []byte `json:"data,omitempty"`
	Ctx   []byte `json:"ctx,omitempty"`
}

// UpdateParams write or delete one element.
type UpdateParams struct {
	Map    string `json:"map"`
	Key    []byte `json:"key"`
	Value  []byte `json:"value,omitempty"`
	Flags  uint64 `json:"flags,omitempty"`
	Delete bool   `json:"delete,omitempty"`
}

// StreamParams start events: "ringbuf" or "perf" of a map, or "trace_pipe".
type StreamParams struct {
	Kind string `json:"kind"`
	Map  string `json:"map,omitempty"`
	Max  int    `json:"max,omitempty"` // records until the stream ends by itself; 0 is 10,000
}

// JITResult is the program as the kernel runs it.
type JITResult struct {
	Xlated   []byte    `json:"xlated"`    // instructions after the verifier's rewriting
	Jited    []byte    `json:"jited"`     // machine code of all functions, one after the other
	FuncLens []uint32  `json:"func_lens"` // bytes of Jited a function
	Ksyms    []uint64  `json:"ksyms"`     // address of each function
	Lines    []JITLine `json:"lines,omitempty"`
	Tag      string    `json:"tag"`
	Verified uint32    `json:"verified_insns"`
}

// JITLine says where the code of a line of the program's line info begins.
type JITLine struct {
	Insn uint32 `json:"i"` // instruction of Xlated
	Line uint32 `json:"l"` // number of the line
	Addr uint64 `json:"a"` // in the kernel: at or behind one of Ksyms
}

// StatsResult counts a program's runs; the kernel counts while bpf_stats_enabled is 1.
type StatsResult struct {
	RunCount uint64 `json:"run_cnt"`
	RunNS    uint64 `json:"run_time_ns"`
	Misses   uint64 `json:"recursion_misses"`
}

// WorkloadParams are operations that make hooks fire, done in order.
type WorkloadParams struct {
	Steps []Step `json:"steps"`
}

// Step is one verb of a lab's trace. Verbs: exec, open, read, write, unlink, rename, chmod, mkdir, connect, udp, packet,
// call, spin, sleep, kill, mount, umount, mmap, fork, net.
type Step struct {
	Verb  string   `json:"verb"`
	Count int      `json:"count,omitempty"` // times, 0 is once
	UID   int      `json:"uid,omitempty"`
	Comm  string   `json:"comm,omitempty"`
	Path  string   `json:"path,omitempty"`
	To    string   `json:"to,omitempty"`
	Args  []string `json:"args,omitempty"`
	Data  []byte   `json:"data,omitempty"`
	Mode  uint32   `json:"mode,omitempty"`
	Iface string   `json:"iface,omitempty"` // packet
	Addr  string   `json:"addr,omitempty"`  // connect, udp: address and port
	MS    int      `json:"ms,omitempty"`    // sleep, spin
	NS    string   `json:"ns,omitempty"`    // "peer": in the network namespace at the far end of veth0
	Sig   int      `json:"sig,omitempty"`   // kill
}

// StepResult is what came of a step: of its last repetition, with the errnos of all.
type StepResult struct {
	Verb   string         `json:"verb"`
	OK     int            `json:"ok"`               // repetitions that succeeded
	Errnos map[string]int `json:"errnos,omitempty"` // "EPERM" -> times
	Error  string         `json:"error,omitempty"`  // the last error
	US     int64          `json:"us"`
	Text   string         `json:"text,omitempty"` // output of exec, content of read
}

// ShellParams start a shell on the terminal port.
type ShellParams struct {
	Rows uint16   `json:"rows"`
	Cols uint16   `json:"cols"`
	Argv []string `json:"argv,omitempty"` // nil is a login shell
}

// SysctlParams write one file below /proc/sys.
type SysctlParams struct {
	Name  string `json:"name"` // with slashes
	Value string `json:"value"`
}
