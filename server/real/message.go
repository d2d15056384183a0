package real

import (
	"errors"

	"skep/server/sandbox"
	"skep/server/sandbox/proto"
)

// What a session does.
const (
	doConfirm  = "confirm"
	doLive     = "live"
	doTerminal = "terminal"
	doJIT      = "jit" // not over the socket: POST /api/real/jit
	doResume   = "resume"

	// Of a session that runs.
	doFire   = "fire"
	doStop   = "stop"
	doResize = "resize"
)

// Request is a text message of the page. The first one of a socket starts or resumes a session; binary messages are
// what is typed into a terminal.
type Request struct {
	Do     string  `json:"do"`
	Kernel string  `json:"kernel,omitempty"` // "" is every kernel for confirm, else the reference kernel
	Source *Source `json:"source,omitempty"`
	// End the visitor's other session instead of refusing this one.
	Replace bool `json:"replace,omitempty"`

	// resume: the token of hello, and how many messages the page has had.
	Token string `json:"token,omitempty"`
	Seen  int    `json:"seen,omitempty"`

	Workload string `json:"workload,omitempty"` // fire
	Count    int    `json:"count,omitempty"`    // fire: times
	Rows     uint16 `json:"rows,omitempty"`     // terminal, resize
	Cols     uint16 `json:"cols,omitempty"`
}

// Source is the program and what it runs over.
type Source struct {
	Text      string          `json:"text,omitempty"`   // assembly
	Object    []byte          `json:"object,omitempty"` // ELF file from clang
	Name      string          `json:"name,omitempty"`   // of the file
	Program   int             `json:"program,omitempty"`
	Hook      string          `json:"hook,omitempty"` // program type where the source does not say
	Privilege proto.Privilege `json:"privilege,omitempty"`
	Packets   [][]byte        `json:"packets,omitempty"` // frames; the first is the test run's data
	Repeat    uint32          `json:"repeat,omitempty"`  // of the test run
	CSource   string          `json:"c,omitempty"`       // C text of the object, kept with a finding
}

// Bounds of a request.
const (
	maxPacket  = 9 << 10
	maxPackets = 64
	maxRepeat  = 10_000
	maxFires   = 100
)

func (s *Source) check() error {
	switch {
	case s == nil || s.Text == "" && len(s.Object) == 0:
		return errors.New("there is no program in the request")
	case len(s.Packets) > maxPackets:
		s.Packets = s.Packets[:maxPackets]
	case s.Program < 0:
		return errors.New("there is no such program in the object")
	}
	for _, p := range s.Packets {
		if len(p) > maxPacket {
			return errors.New("a packet is longer than 9 KiB")
		}
	}
	switch s.Privilege {
	case "root":
		s.Privilege = proto.Root
	case proto.Root, proto.CapBPF, proto.Unprivileged:
	default:
		return errors.New("privilege: there are root, cap_bpf and unprivileged")
	}
	s.Repeat = min(max(s.Repeat, 1), maxRepeat)
	return nil
}

// Message is a text message to the page; Is says which fields it has. Binary messages are a terminal's screen.
type Message struct {
	Is     string `json:"is"`
	Kernel string `json:"kernel,omitempty"`

	// hello
	Token       string `json:"token,omitempty"`
	ReconnectMS int64  `json:"reconnect_ms,omitempty"`

	// queue: jobs before this one, and about how long they take
	Ahead  int   `json:"ahead,omitempty"`
	WaitMS int64 `json:"wait_ms,omitempty"`

	// started: when its limits end the machine
	Release string `json:"release,omitempty"`
	WallMS  int64  `json:"wall_ms,omitempty"`
	CPUMS   int64  `json:"cpu_ms,omitempty"`

	Ours   *Opinion `json:"ours,omitempty"`   // ours
	Theirs *Opinion `json:"theirs,omitempty"` // verdict, loaded

	// attached
	Links []Link `json:"links,omitempty"`

	// maps
	Maps []sandbox.MapState `json:"maps,omitempty"`

	// event: a record or a line; dropped counts those that were not sent
	Event   *proto.EventMsg `json:"event,omitempty"`
	Dropped int             `json:"dropped,omitempty"`

	// fired
	Workload string             `json:"workload,omitempty"`
	Steps    []proto.StepResult `json:"steps,omitempty"`
	RunCount uint64             `json:"run_count,omitempty"`
	RunNS    uint64             `json:"run_ns,omitempty"`

	// idle: the terminal ends so soon unless somebody types; 0 is that somebody did
	LeftMS int64 `json:"left_ms,omitempty"`

	// end, error: for programs and for people
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// Kinds of messages.
const (
	isHello    = "hello"
	isQueue    = "queue"
	isStarted  = "started"
	isOurs     = "ours"
	isVerdict  = "verdict"
	isAttached = "attached"
	isMaps     = "maps"
	isEvent    = "event"
	isFired    = "fired"
	isIdle     = "idle"
	isGap      = "gap" // messages before this one were dropped
	isError    = "error"
	isEnd      = "end"
)

// Codes of end, for the page's screens. A machine's own end has a sandbox.Reason with dashes for spaces.
const (
	codeDone      = "done"
	codeBad       = "bad-request"
	codeSource    = "source" // the program does not load
	codeNone      = "no-machines"
	codeLevel     = "level"
	codeFull      = "queue-full"
	codeLong      = "sessions-full"
	codeMine      = "have-one"
	codeGone      = "gone"
	codeIdle      = "idle"
	codeCancelled = "cancelled"
	codeInternal  = "internal"
	codeShellEnd  = "shell-exit"
	codeReplaced  = "replaced"
)

// Opinion is what a verifier says of a program, ours or a kernel's.
type Opinion struct {
	Kernel      string   `json:"kernel"`  // version
	Release     string   `json:"release"` // uname -r, or the profile
	OK          bool     `json:"ok"`
	NotModelled string   `json:"not_modelled,omitempty"`
	Error       string   `json:"error,omitempty"` // the program did not reach the verifier
	Errno       int      `json:"errno,omitempty"`
	ErrnoName   string   `json:"errno_name,omitempty"`
	Level       int      `json:"log_level"`
	Log         string   `json:"log"`
	Insns       int      `json:"insns_processed"`
	States      int      `json:"total_states"`
	Peak        int      `json:"peak_states"`
	LoadUS      int64    `json:"load_us,omitempty"`
	Notes       []string `json:"notes,omitempty"`

	Segments []Segment `json:"segments,omitempty"` // of a kernel's: its log beside ours
	First    int       `json:"first"`              // segment that differs first, -1 for none
	Finding  *Finding  `json:"finding,omitempty"`

	Run    *RunResult         `json:"run,omitempty"`
	Maps   []sandbox.MapState `json:"maps,omitempty"`
	Xlated []string           `json:"xlated,omitempty"`
	JIT    []string           `json:"jit,omitempty"`
}

// RunResult is one BPF_PROG_TEST_RUN.
type RunResult struct {
	Ret    uint32 `json:"ret"`
	NS     uint32 `json:"ns"` // a repetition
	Repeat uint32 `json:"repeat"`
	Errno  int    `json:"errno,omitempty"`
	In     []byte `json:"in,omitempty"`
	Out    []byte `json:"out,omitempty"`
}

// Finding tells the page of a difference between our verdict and the reference kernel's.
type Finding struct {
	ID   string `json:"id"` // of the bundle, "" when it could not be kept
	Kind string `json:"kind"`
}

// Link is a program at its hook; Error says why it is not.
type Link struct {
	Program string `json:"program"`
	How     string `json:"how,omitempty"`
	Error   string `json:"error,omitempty"`
}
