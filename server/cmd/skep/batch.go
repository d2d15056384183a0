package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"skep/jit"
	"skep/jit/engine"
	"skep/server/sandbox"
	"skep/verifier"
	"skep/vm"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/compiled"
)

// maxLine bounds one record of the batch format.
const maxLine = 64 << 20

// runAnswer is the answer of run --batch: the verdict record of the batch
// format, with what a run adds.
type runAnswer struct {
	verifyAnswer
	Ran    bool         `json:"ran"`
	Ret    *uint32      `json:"ret,omitempty"`
	Data   *string      `json:"data,omitempty"`
	Maps   []batchState `json:"maps,omitempty"`
	Fault  string       `json:"fault,omitempty"`
	Engine string       `json:"engine"`
	RunNS  int64        `json:"run_ns,omitempty"` // of one run, on average
}

type batchState struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Entries []batchEntry `json:"entries"`
}

type batchEntry struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// runBatch answers each record of standard input by running it.
func (sh *shell) runBatch(ctx context.Context, name string, repeat int, facts bool) int {
	e, err := openEngine(name)
	if err != nil {
		return sh.broken("run", err)
	}
	blobs := &btfStore{specs: map[string]*btf.Spec{}}
	return sh.eachRecord(ctx, "run", func(rec *sandbox.Record) (any, bool) {
		v := runRecord(rec, max(repeat, 1), blobs, name, e, facts)
		return v, v.OK && v.Fault == ""
	})
}

// eachRecord answers each record of standard input with a line, in order. A
// record that is not JSON ends the batch with its line number. The exit code is
// 1 when an answer was not ok.
func (sh *shell) eachRecord(ctx context.Context, verb string, answer func(*sandbox.Record) (any, bool)) int {
	out := bufio.NewWriter(sh.out)
	defer out.Flush()
	in := bufio.NewReaderSize(sh.in, 1<<20)
	failed := false
	for n := 1; ctx.Err() == nil; n++ {
		line, err := readLine(in)
		if len(bytes.TrimSpace(line)) > 0 {
			var rec sandbox.Record
			if err := json.Unmarshal(line, &rec); err != nil {
				out.Flush()
				return sh.broken(verb, fmt.Errorf("line %d: %w", n, err))
			}
			a, ok := answer(&rec)
			failed = failed || !ok
			out.Write(marshal(a))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sh.broken(verb, fmt.Errorf("line %d: %w", n, err))
		}
	}
	if failed {
		return exitRejected
	}
	return exitOK
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("longer than %d MiB", maxLine>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// runRecord verifies a record, then runs it when it was accepted. A program
// that the verifier does not cover runs too: the machine checks every access.
// e is the engine of that name, nil for the interpreter. With facts it leaves out
// the checks that the verifier has proved needless.
func runRecord(rec *sandbox.Record, repeat int, blobs *btfStore, name string, e *engine.Engine, facts bool) *runAnswer {
	v := &runAnswer{Engine: name}
	p, err := verifierProgram(rec, blobs)
	var res *verifier.Result
	if err == nil {
		res, err = verifier.Verify(p, verifier.Config{LogLevel: int(rec.LogLevel), KernelBTF: kernelBTF(), Facts: facts})
	}
	if err == nil {
		v.verifyAnswer = answerOf(rec.ID, res)
		if v.OK || v.NotModelled != "" {
			err = v.run(rec, repeat, e, compiled.Facts(res.Facts))
		}
	}
	if err != nil {
		v.ID, v.OK, v.Error = rec.ID, false, err.Error()
	}
	return v
}

// batchBudget ends programs that do not.
var batchBudget = 100_000_000

func (v *runAnswer) run(rec *sandbox.Record, repeat int, e *engine.Engine, facts jit.Facts) error {
	typ, ok := hook.ByName(rec.ProgType)
	if !ok {
		return fmt.Errorf("prog_type: there is no program type %q", rec.ProgType)
	}
	insns, err := isa.DecodeAll(rec.Insns)
	if err != nil {
		return err
	}
	cfg := vm.Config{NoHistory: true, Seed: 1}
	for i := range rec.Maps {
		spec, err := mapSpec(&rec.Maps[i])
		if err != nil {
			return fmt.Errorf("map %d: %w", i, err)
		}
		cfg.Maps = append(cfg.Maps, *spec)
	}
	if e != nil {
		cfg.Span = e.Span
	}
	m, err := vm.New(cfg)
	if err != nil {
		return err
	}
	if _, err := m.Load(&vm.Program{Name: rec.ID, Type: typ, Attach: hook.AttachType(rec.ExpectedAttachType), License: rec.License, Insns: insns, Verified: true}); err != nil {
		return err
	}
	in := vm.Input{Tailroom: -1}
	if rec.Data != nil {
		in.Packet = *rec.Data
	} else if typ.Info().Packet {
		in.Packet = make([]byte, 64)
	}
	if rec.Ctx != nil {
		in.Ctx = *rec.Ctx
	}
	run := func() (uint64, error, bool) {
		m.Run(batchBudget)
		if f := m.Fault(); f != nil {
			return 0, f, true
		}
		return m.Reg(isa.R0), nil, m.Done()
	}
	if e != nil {
		c, err := compileRun(e, m, facts, jit.Options{})
		if err != nil {
			clear(m.Arena().Buf)
			return err
		}
		defer c.close()
		run = func() (uint64, error, bool) { return c.run(batchBudget) }
	}
	var took time.Duration
	var r0 uint64
	for range repeat {
		if err := m.Reset(in); err != nil {
			return err
		}
		start := time.Now()
		var f error
		var ended bool
		r0, f, ended = run()
		took += time.Since(start)
		switch {
		case f != nil:
			v.Fault = f.Error()
			return nil
		case !ended:
			v.Fault = fmt.Sprintf("the program did not end within %d instructions", batchBudget)
			return nil
		}
	}
	v.Ran, v.RunNS = true, took.Nanoseconds()/int64(repeat)
	ret := uint32(r0)
	v.Ret = &ret
	if _, data := m.Packet(); data != nil {
		// Where the kernel takes the Ethernet header off before the run, its
		// test run puts zeros in its place afterwards.
		text := hex.EncodeToString(make([]byte, hook.PulledMAC(typ))) + hex.EncodeToString(data)
		v.Data = &text
	}
	for _, mp := range m.Maps().Maps() {
		v.Maps = append(v.Maps, dumpMap(mp))
	}
	return nil
}

func mapSpec(r *sandbox.RecordMap) (*maps.Spec, error) {
	typ, ok := maps.ByName(r.Type)
	if !ok {
		return nil, fmt.Errorf("type: there is no map type %q", r.Type)
	}
	s := &maps.Spec{
		Name: r.Name, Type: typ, KeySize: r.KeySize, ValueSize: r.ValueSize, MaxEntries: r.MaxEntries,
		Flags: r.MapFlags, Extra: r.MapExtra, Data: r.Data, Frozen: r.Frozen,
	}
	if r.Inner != nil {
		inner, err := mapSpec(r.Inner)
		if err != nil {
			return nil, fmt.Errorf("inner: %w", err)
		}
		s.Inner = inner
	}
	for _, e := range r.Entries {
		s.Init = append(s.Init, maps.KV{Key: e.Key, Value: e.Value})
	}
	return s, nil
}

// maxDump bounds the elements of one map in an answer.
const maxDump = 4096

func dumpMap(m maps.Map) batchState {
	st := batchState{Name: m.Name(), Type: m.Spec().Type.String(), Entries: []batchEntry{}}
	var key []byte
	for range maxDump {
		next, errno := m.NextKey(key)
		if errno != 0 {
			break
		}
		if value, errno := m.Get(next); errno == 0 {
			st.Entries = append(st.Entries, batchEntry{hex.EncodeToString(next), hex.EncodeToString(value)})
		}
		key = next
	}
	return st
}
