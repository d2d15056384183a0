package grading

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"skep/wasm/protocol"
)

// Limits of one submission and of the queue before the instances.
const (
	simulatorMemory = 512 << 20 // of an instance
	simulatorTime   = 10 * time.Second
	simulatorQueue  = 1000 // submissions that wait; more are refused
	ownerQueue      = 250  // of them, those of one owner
	maxSubmission   = 1 << 20
)

// Errors of the simulator, as opposed to those in a submission.
var (
	// ErrBusy: so many submissions wait that this one is refused.
	ErrBusy = errors.New("very many submissions wait to be graded; try again in a moment")
	// ErrTime: the submission was stopped.
	ErrTime = fmt.Errorf("the program took longer than %d seconds to try and was stopped: look for a loop that is too long", simulatorTime/time.Second)
	// ErrCrash: the grader ended while it tried the submission.
	ErrCrash = fmt.Errorf("the grader gave up on this program: it needs more than %d MiB, or hits a mistake of ours", simulatorMemory>>20)
	// ErrSize: the submission is longer than any program of a lab.
	ErrSize = fmt.Errorf("the program is larger than %d KiB", maxSubmission>>10)
)

// Simulator runs the grader's module, the very bytes that the page has, with
// an instance of its own for each submission. It is safe for concurrent use.
//
// Why an instance each: a submission that crashes the module, or fills its
// memory, then harms nobody else, and nothing of one is left for the next.
type Simulator struct {
	rt       wazero.Runtime
	code     wazero.CompiledModule
	turns    *turns
	slots    int
	deadline time.Duration
	pace     atomic.Int64 // how long a submission took lately, ns
}

// compiled keeps what was made of a module: a second Simulator with it starts at once.
var compiled = wazero.NewCompilationCache()

// NewSimulator compiles the module, which takes seconds.
func NewSimulator(ctx context.Context, module []byte) (*Simulator, error) {
	cfg := wazero.NewRuntimeConfig().WithCompilationCache(compiled).WithMemoryLimitPages(simulatorMemory >> 16).WithCloseOnContextDone(true).WithDebugInfoEnabled(false)
	s := &Simulator{rt: wazero.NewRuntimeWithConfig(ctx, cfg), slots: max(1, runtime.NumCPU()), deadline: simulatorTime}
	s.turns = newTurns(s.slots)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, s.rt); err != nil {
		s.Close()
		return nil, fmt.Errorf("simulator: %w", err)
	}
	var err error
	if s.code, err = s.rt.CompileModule(ctx, module); err != nil {
		s.Close()
		return nil, fmt.Errorf("simulator: %w", err)
	}
	reply, err := s.call(ctx, protocol.PackOne(nil, 0, &protocol.GradeHello{}))
	if err == nil {
		err = protocol.ParseOne(reply, new(protocol.GradeWelcome))
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("simulator: the module is not of this build, run `make web`: %w", err)
	}
	return s, nil
}

// Close ends all instances.
func (s *Simulator) Close() error { return s.rt.Close(context.Background()) }

// Grade tries a submission of an owner, who waits for a turn, on an exercise.
// Whatever the submission is, the answer is a grade or one of this package's
// errors. While it waits, waiting (nil: nobody asks) hears which place it has,
// 1 is next, and about how long that is.
func (s *Simulator) Grade(ctx context.Context, owner string, q *protocol.Grade, waiting func(position int, wait time.Duration)) (*protocol.Graded, error) {
	if len(q.Source.Text) > maxSubmission || len(q.Source.Bytes) > maxSubmission {
		return nil, ErrSize
	}
	if err := s.turns.enter(ctx, owner, func(position int) {
		if waiting != nil {
			waiting(position, time.Duration(position)*time.Duration(s.pace.Load())/time.Duration(s.slots))
		}
	}); err != nil {
		return nil, err
	}
	defer s.turns.leave()
	from := time.Now()
	defer func() { s.pace.Store((3*s.pace.Load() + int64(time.Since(from))) / 4) }() // a lost one of two does no harm
	limited, cancel := context.WithTimeout(ctx, s.deadline)
	defer cancel()
	valid := *q
	valid.Source.Text = strings.ToValidUTF8(q.Source.Text, "\uFFFD") // all that the protocol carries
	reply, err := s.call(limited, protocol.PackOne(nil, 0, &valid))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, ErrTime
	default:
		return nil, fmt.Errorf("%w (%w)", ErrCrash, err)
	}
	a := new(protocol.Graded)
	if err := protocol.ParseOne(reply, a); err != nil {
		var f protocol.Failed
		if protocol.ParseOne(reply, &f) == nil {
			return nil, fmt.Errorf("%w (%s)", ErrCrash, f.Problem.Message)
		}
		return nil, fmt.Errorf("%w (%w)", ErrCrash, err)
	}
	return a, nil
}

// call asks a new instance one question.
func (s *Simulator) call(ctx context.Context, frame []byte) ([]byte, error) {
	// No file, no network, no clock but one that counts: the same answer each time.
	mod, err := s.rt.InstantiateModule(ctx, s.code, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return nil, err
	}
	defer mod.Close(context.WithoutCancel(ctx))
	value := func(f string, args ...uint64) uint32 {
		if err != nil {
			return 0
		}
		var out []uint64
		if out, err = mod.ExportedFunction(f).Call(ctx, args...); err != nil {
			return 0
		}
		return api.DecodeU32(out[0])
	}
	at := value("skep_request", uint64(len(frame)))
	if err != nil || !mod.Memory().Write(at, frame) {
		return nil, errors.Join(err, fmt.Errorf("no room for %d bytes", len(frame)))
	}
	n := value("skep_call", uint64(len(frame)))
	reply := value("skep_reply")
	if err != nil {
		return nil, err
	}
	out, ok := mod.Memory().Read(reply, n)
	if !ok {
		return nil, errors.New("the reply lies outside of memory")
	}
	return bytes.Clone(out), nil
}
