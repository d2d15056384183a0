package verdict

import (
	"context"
	"errors"
	"time"

	"skep/verifier"
	"skep/verifier/trace"
	"skep/vm/isa"
	"skep/wasm/protocol"
	"skep/wasm/reactor"
)

// defaultTraceLimit is how many bytes of steps are kept when the request does
// not say: with what the verifier needs, a million steps fit into 128 MiB.
const defaultTraceLimit = 20 << 20

// traceLog bounds the log inside of the verifier, which holds up to twice as
// much.
const traceLog = 2 << 20

// slice is how long a request works on a trace before it answers, so that the
// page can show progress, and stop it.
const slice = 30 * time.Millisecond

// maxPart bounds the bytes of one reply.
const maxPart = 4 << 20

// tracing is a verification that is recorded, a slice at a time. It runs in a
// goroutine that waits between slices: turns passes from the one that asks to
// the one that verifies and back.
type tracing struct {
	loaded *Loaded
	cfg    verifier.Config
	opts   protocol.VerifyOptions
	rec    *trace.Recorder

	turn      chan struct{} // go on
	paused    chan struct{} // this slice is over
	until     time.Time
	cancelled bool
	done      bool

	processed uint32
	res       *verifier.Result
	err       error
	verdict   *protocol.Verified
	parts     [][]byte // of the trace, which follow each other
	size      int
}

// turns is the context of a verification that takes turns: the verifier asks
// it every 1,024 instructions whether to go on.
type turns struct {
	context.Context
	t *tracing
}

// Err waits for the next slice when the present one is over.
func (c turns) Err() error {
	t := c.t
	if !t.cancelled && !t.done && time.Now().After(t.until) {
		t.paused <- struct{}{}
		<-t.turn
	}
	if t.cancelled {
		return context.Canceled
	}
	return nil
}

var errEdit = errors.New("an instruction has 8 bytes, a wide load 16, and lies within the program")

// newTracing prepares a trace; with a verdict instead when there is nothing to
// verify.
func newTracing(q *protocol.TraceStart) (*tracing, error) {
	l, cfg, v := prepare(q.Source, q.Program, &q.Options)
	t := &tracing{loaded: l, opts: q.Options, verdict: v}
	if v != nil {
		t.done = true
		return t, nil
	}
	p := *l.Program
	for _, e := range q.Edits {
		insns, err := isa.DecodeAll(e.Bytes)
		if n := len(insns); err != nil || n < 1 || n > 2 || int(e.Slot) > len(p.Insns)-n {
			return nil, errEdit
		}
		p.Insns = append([]isa.Insn(nil), p.Insns...)
		copy(p.Insns[e.Slot:], insns)
	}
	l.Program = &p
	for _, o := range q.Overrides {
		b := verifier.Unbounded()
		b.UMin, b.UMax, b.SMin, b.SMax = o.Umin, o.Umax, int64(o.Smin), int64(o.Smax)
		b.VarOff = verifier.Tnum{Value: o.Value, Mask: o.Mask}
		cfg.Overrides = append(cfg.Overrides, verifier.Override{Step: int(o.Step), Frame: int(o.Frame), Reg: int(o.Reg), Set: b})
	}
	limit := int(q.Limit)
	if limit <= 0 {
		limit = defaultTraceLimit
	}
	t.cfg = *cfg
	t.cfg.LogMax = traceLog
	t.rec = trace.NewRecorder(&p, limit)
	t.cfg.Tracer = t.rec
	t.cfg.Context = turns{context.Background(), t}
	t.turn, t.paused = make(chan struct{}), make(chan struct{})
	go t.verify()
	return t, nil
}

// verify is the goroutine's. It begins when it is its turn.
func (t *tracing) verify() {
	<-t.turn
	defer func() {
		if r := recover(); r != nil {
			t.err = reactor.Defect("the verifier", r)
		}
		t.done = true
		t.paused <- struct{}{}
	}()
	if t.cancelled {
		t.err = context.Canceled
		return
	}
	t.res, t.err = verifier.Verify(t.loaded.Program, t.cfg)
	if t.err != nil {
		return
	}
	p := t.loaded.Program
	d := trace.Describe(t.loaded.Name, p, &t.cfg, t.loaded.TraceLines())
	t.parts = t.rec.Parts(d, t.res, func(h, id uint32) string { return verifier.TypeName(p, t.cfg.KernelBTF, h, id) })
	for _, b := range t.parts {
		t.size += len(b)
	}
	t.verdict = verified(t.loaded, t.res, t.res, &t.opts)
	t.processed = uint32(t.res.InsnProcessed)
	t.rec, t.res = nil, nil
}

// more works for a slice.
func (t *tracing) more() {
	if t.done {
		return
	}
	t.until = time.Now().Add(slice)
	t.turn <- struct{}{}
	<-t.paused
	if !t.done {
		t.processed = t.rec.Steps()
	}
}

// stop gives the trace up.
func (t *tracing) stop() {
	t.cancelled = true
	t.more()
}

// part copies up to n bytes of the trace from offset.
func (t *tracing) part(offset, n int) []byte {
	out := make([]byte, 0, max(0, min(n, maxPart, t.size-offset)))
	for _, b := range t.parts {
		if offset < len(b) {
			out = append(out, b[offset:min(len(b), offset+cap(out)-len(out))]...)
			if len(out) == cap(out) {
				break
			}
		}
		offset = max(0, offset-len(b))
	}
	return out
}

func (t *tracing) progress() *protocol.TraceProgress {
	return &protocol.TraceProgress{Running: !t.done, Processed: t.processed, Size: uint32(t.size), Verdict: t.verdict}
}
