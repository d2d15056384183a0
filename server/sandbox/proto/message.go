package proto

import (
	"encoding/json"
	"strconv"
)

// Type says what a frame carries.
type Type uint8

// Frame types. Upper case goes to the guest, lower case to the host.
const (
	Seed   Type = 'S' // head SeedMsg: clock and entropy after a restore
	Ping   Type = 'P' // raw bytes, echoed as Pong
	BTF    Type = 'B' // head BTFMsg, tail the blob: a type blob that later programs name; no answer
	Load   Type = 'L' // head Program, tail its bytes: verify and maybe run; answered by Verdict
	Call   Type = 'C' // head CallMsg: everything else; answered by Result with the same id
	Resize Type = 'W' // head ResizeMsg: size of the terminal

	Hello   Type = 'h' // head HelloMsg: the agent is ready
	Pong    Type = 'p' // raw bytes
	Verdict Type = 'v' // head VerdictMsg, tail log then packet
	Result  Type = 'r' // head ResultMsg
	Event   Type = 'e' // head EventMsg: ring buffer record, trace line, perf sample
	Fault   Type = 'x' // head ErrorMsg: the agent could not understand the frame
)

func (t Type) String() string { return strconv.QuoteRune(rune(t)) }

// HelloMsg is the agent's first frame.
type HelloMsg struct {
	Version  int      `json:"version"`
	Kernel   string   `json:"kernel"`             // uname -r
	Features []string `json:"features,omitempty"` // "btf", "lsm", "kprobe_multi", ...
	UptimeMS int64    `json:"uptime_ms"`          // of the guest
	SetupMS  int64    `json:"setup_ms"`           // of that, the agent's own
	Problems []string `json:"problems,omitempty"` // set-up steps that failed; the agent goes on
}

// SeedMsg repairs what a restored snapshot got wrong: its clock and its random state are copies.
type SeedMsg struct {
	UnixNano int64  `json:"unix_nano"`
	Entropy  []byte `json:"entropy"` // 32 bytes
}

// BTFMsg names the blob in the frame's tail.
type BTFMsg struct {
	Hash string `json:"hash"`
}

// ResizeMsg is the size of the terminal in characters.
type ResizeMsg struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

// ErrorMsg says why a frame was not understood.
type ErrorMsg struct {
	Error string `json:"error"`
}

// Map is one map of a Program. Type is the kernel's enum bpf_map_type.
type Map struct {
	Name        string `json:"name,omitempty"`
	Type        uint32 `json:"type"`
	KeySize     uint32 `json:"key_size"`
	ValueSize   uint32 `json:"value_size"`
	MaxEntries  uint32 `json:"max_entries"`
	Flags       uint32 `json:"map_flags,omitempty"`
	Extra       uint64 `json:"map_extra,omitempty"`
	BTF         string `json:"btf,omitempty"` // hash of a BTF frame sent before
	KeyTypeID   uint32 `json:"key_type_id,omitempty"`
	ValueTypeID uint32 `json:"value_type_id,omitempty"`
	Data        []byte `json:"data,omitempty"` // values of an array, one after the other
	Frozen      bool   `json:"frozen,omitempty"`
	Inner       *Map   `json:"inner,omitempty"` // of array_of_maps and hash_of_maps
	Entries     []KV   `json:"entries,omitempty"`
}

// KV is one element of a map. Of a per-CPU map, Value is every CPU's value, each padded to 8 bytes.
type KV struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

// Privilege is what the loading thread may do.
type Privilege string

// Privileges from most to least.
const (
	Root         Privilege = ""             // every capability
	CapBPF       Privilege = "cap_bpf"      // CAP_BPF and CAP_NET_ADMIN, not CAP_PERFMON
	Unprivileged Privilege = "unprivileged" // no capability; unprivileged_bpf_disabled is 0
)

// Program is one program to verify, with numbers as the kernel wants them.
type Program struct {
	ID                 string    `json:"id"`
	Name               string    `json:"name,omitempty"`
	Section            string    `json:"section,omitempty"` // libbpf's section name: where Attach puts a kept program by default
	Type               uint32    `json:"prog_type"`
	ExpectedAttachType uint32    `json:"expected_attach_type,omitempty"`
	Flags              uint32    `json:"prog_flags,omitempty"`
	License            string    `json:"license,omitempty"`
	KernVersion        uint32    `json:"kern_version,omitempty"`
	LogLevel           uint32    `json:"log_level,omitempty"`
	LogMax             int       `json:"log_max,omitempty"` // bytes of log to return; a longer log loses its middle
	Privilege          Privilege `json:"privilege,omitempty"`
	Maps               []Map     `json:"maps,omitempty"`
	MapRefs            []MapRef  `json:"map_refs,omitempty"` // lddw whose imm is replaced by a map's file descriptor
	Insns              []byte    `json:"insns"`
	BTF                string    `json:"btf,omitempty"` // hash of a BTF frame sent before
	FuncInfo           []byte    `json:"func_info,omitempty"`
	FuncInfoRecSize    uint32    `json:"func_info_rec_size,omitempty"`
	LineInfo           []byte    `json:"line_info,omitempty"`
	LineInfoRecSize    uint32    `json:"line_info_rec_size,omitempty"`
	AttachBTFID        uint32    `json:"attach_btf_id,omitempty"`
	Run                *Run      `json:"run,omitempty"`
	Keep               string    `json:"keep,omitempty"` // name under which the program and its maps stay loaded for later calls
}

// MapRef says that instruction Insn loads the map Map.
type MapRef struct {
	Insn int `json:"i"`
	Map  int `json:"m"`
}

// Run is one BPF_PROG_TEST_RUN after a successful load.
type Run struct {
	Data   []byte `json:"data,omitempty"`
	Ctx    []byte `json:"ctx,omitempty"`
	Repeat uint32 `json:"repeat,omitempty"`
	Maps   bool   `json:"maps,omitempty"` // return the maps' contents
}

// VerdictMsg answers Load. The frame's tail is the log, then the packet, then the context.
type VerdictMsg struct {
	ID       string    `json:"id"`
	Errno    int       `json:"errno,omitempty"` // of BPF_PROG_LOAD; 0 is accepted
	Error    string    `json:"error,omitempty"` // the program never reached the verifier: a map, BTF or request was refused
	Log      int       `json:"log"`             // bytes of the tail
	LogLen   int       `json:"log_len"`         // bytes of the whole log
	LogSHA   string    `json:"log_sha256,omitempty"`
	LoadUS   int64     `json:"load_us"` // wall time of the system call
	RunErrno int       `json:"run_errno,omitempty"`
	Ran      bool      `json:"ran,omitempty"`
	Ret      uint32    `json:"ret,omitempty"`
	RunNS    uint32    `json:"run_ns,omitempty"` // per repetition
	Data     int       `json:"data,omitempty"`   // bytes of the tail
	Ctx      int       `json:"ctx,omitempty"`    // bytes of the tail
	Maps     []MapDump `json:"maps,omitempty"`
	Notes    []string  `json:"notes,omitempty"` // e.g. a map was created without its BTF
}

// MapDump is a map's content.
type MapDump struct {
	Name    string `json:"name,omitempty"`
	Type    uint32 `json:"type"`
	Entries []KV   `json:"entries,omitempty"`
	Cut     bool   `json:"cut,omitempty"` // more entries than the answer's bound
	Error   string `json:"error,omitempty"`
}

// CallMsg asks for one of the agent's methods.
type CallMsg struct {
	ID     uint64          `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

// ResultMsg answers a CallMsg.
type ResultMsg struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result,omitempty"`
	Errno  int             `json:"errno,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// EventMsg is something that happened in the guest while nobody waited for it.
type EventMsg struct {
	Kind   string `json:"kind"`   // "ringbuf", "perf", "trace_pipe", "exit"
	Source string `json:"source"` // the map, or the stream's name
	NS     int64  `json:"ns"`     // guest's monotonic clock
	CPU    int    `json:"cpu,omitempty"`
	Data   []byte `json:"data,omitempty"` // raw record
	Text   string `json:"text,omitempty"` // trace line
	Lost   uint64 `json:"lost,omitempty"` // records dropped before this one
}
