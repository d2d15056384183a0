package sandbox

import (
	"fmt"
	"strings"
	"time"

	"skep/server/sandbox/proto"
)

// Verdict is what the kernel said, in the batch format's verdict record.
type Verdict struct {
	ID               string        `json:"id"`
	OK               bool          `json:"ok"`
	Errno            int           `json:"errno,omitempty"` // of BPF_PROG_LOAD
	Log              string        `json:"log"`
	LogLen           int           `json:"log_len,omitempty"`    // of the whole log, when Log lost its middle
	LogSHA256        string        `json:"log_sha256,omitempty"` // of the whole log, likewise
	InsnsProcessed   int           `json:"insns_processed"`
	MaxStatesPerInsn int           `json:"max_states_per_insn"`
	TotalStates      int           `json:"total_states"`
	PeakStates       int           `json:"peak_states"`
	MarkRead         int           `json:"mark_read"`
	VerificationUsec int           `json:"verification_usec,omitempty"`
	Error            string        `json:"error,omitempty"` // the program did not reach the verifier, or the VM ended
	Ran              bool          `json:"ran,omitempty"`
	Ret              *uint32       `json:"ret,omitempty"`
	RunErrno         int           `json:"run_errno,omitempty"` // of BPF_PROG_TEST_RUN
	RunNS            uint32        `json:"run_ns,omitempty"`    // a repetition
	Data             *Hex          `json:"data,omitempty"`
	CtxOut           *Hex          `json:"ctx,omitempty"`
	Maps             []MapState    `json:"maps,omitempty"`
	Engine           string        `json:"engine"` // "kernel 6.12.117+deb12-cloud-amd64"
	LoadUsec         int64         `json:"load_usec,omitempty"`
	Notes            []string      `json:"notes,omitempty"`
	Took             time.Duration `json:"-"`
}

// MapState is the content of one map after a run.
type MapState struct {
	Name    string    `json:"name,omitempty"`
	Type    string    `json:"type"`
	Entries []Element `json:"entries"`
	Cut     bool      `json:"cut,omitempty"`
	Error   string    `json:"error,omitempty"`
}

func mapState(d proto.MapDump) MapState {
	s := MapState{Name: d.Name, Type: mapTypeName(d.Type), Entries: []Element{}, Cut: d.Cut, Error: d.Error}
	for _, e := range d.Entries {
		s.Entries = append(s.Entries, Element{Key: e.Key, Value: e.Value})
	}
	return s
}

// decodeVerdict builds a Verdict from a Verdict frame. The guest wrote the frame: lengths are checked.
func decodeVerdict(payload []byte, engine string) (*Verdict, error) {
	var m proto.VerdictMsg
	tail, err := proto.Split(payload, &m)
	if err != nil {
		return nil, err
	}
	if m.Log < 0 || m.Data < 0 || m.Ctx < 0 || m.Log > len(tail) || m.Data > len(tail) || m.Ctx > len(tail) || m.Log+m.Data+m.Ctx != len(tail) {
		return nil, fmt.Errorf("%w: verdict parts %d+%d+%d in %d bytes", proto.ErrFrame, m.Log, m.Data, m.Ctx, len(tail))
	}
	v := &Verdict{ID: m.ID, OK: m.Errno == 0 && m.Error == "", Errno: m.Errno, Error: m.Error, Log: string(tail[:m.Log]),
		Ran: m.Ran, RunErrno: m.RunErrno, RunNS: m.RunNS, Engine: engine, LoadUsec: m.LoadUS, Notes: m.Notes}
	if m.LogLen != m.Log {
		v.LogLen, v.LogSHA256 = m.LogLen, m.LogSHA
	}
	if m.Ran {
		v.Ret = &m.Ret
		data, ctx := Hex(tail[m.Log:m.Log+m.Data]), Hex(tail[m.Log+m.Data:])
		if m.Data > 0 {
			v.Data = &data
		}
		if m.Ctx > 0 {
			v.CtxOut = &ctx
		}
	}
	for _, d := range m.Maps {
		v.Maps = append(v.Maps, mapState(d))
	}
	v.counters()
	return v, nil
}

// counters reads the statistics that log level 4 (BPF_LOG_STATS) and level 1 print at the end.
func (v *Verdict) counters() {
	tail := v.Log[max(0, len(v.Log)-400):]
	if i := strings.LastIndex(tail, "verification time "); i >= 0 {
		fmt.Sscanf(tail[i:], "verification time %d usec", &v.VerificationUsec)
	}
	if i := strings.LastIndex(tail, "processed "); i >= 0 {
		var limit int
		fmt.Sscanf(tail[i:], "processed %d insns (limit %d) max_states_per_insn %d total_states %d peak_states %d mark_read %d",
			&v.InsnsProcessed, &limit, &v.MaxStatesPerInsn, &v.TotalStates, &v.PeakStates, &v.MarkRead)
	}
}
