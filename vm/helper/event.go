package helper

// Event is one thing that a program did to the outside world.
type Event struct {
	Kind  EventKind
	ID    uint32 // helper number
	Map   string // map concerned, when there is one
	Index uint64 // CPU, interface, socket or signal number
	Flags uint64
	Data  []byte // text, sample or packet; owned by the event
}

// EventKind says what an Event is.
type EventKind uint8

const (
	EventPrint    EventKind = iota + 1 // bpf_trace_printk: Data is the line
	EventOutput                        // perf event output: Data is the sample, Index the CPU
	EventClone                         // bpf_clone_redirect: Data is the packet, Index the interface
	EventSignal                        // bpf_send_signal: Index is the signal
	EventSeq                           // bpf_seq_write, bpf_seq_printf: Data is the text
	EventTimer                         // bpf_timer_start: Index is the time, Flags the timer
	EventSockopt                       // bpf_setsockopt: Index is level<<32 | name, Data the value; bpf_store_hdr_opt: Data
	EventSocket                        // a socket was assigned, bound or released
	EventTunnel                        // bpf_skb_set_tunnel_key: Data is the key
	EventSysctl                        // bpf_sysctl_set_new_value: Data is the value
	EventKey                           // bpf_rc_keydown and its like
	EventWriteMem                      // bpf_probe_write_user: Index is the address
)
