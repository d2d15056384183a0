package trace

import (
	"errors"
	"slices"
	"sort"

	"skep/verifier"
)

//go:generate go run gen.go

var (
	errMagic   = errors.New("trace: not a trace of a verification")
	errVersion = errors.New("trace: written by another version of skep; make it anew")
	errTables  = errors.New("trace: its tables contradict each other")
	errChunk   = errors.New("trace: a step is broken")
)

// Trace is a verification that was recorded.
type Trace struct {
	Program     Program
	Outcome     Outcome
	Paths       []Path
	Checkpoints []Checkpoint

	chunks []Chunk
	data   []byte
	walked int              // paths that have steps
	kids   map[uint32][]int // paths by the step that queued them
	cache  [keptChunks]cachedChunk
	used   int // the entry of cache that was filled last
}

// keptChunks is how many decoded chunks are kept: a step, its neighbours and
// those it is compared with.
const keptChunks = 8

type cachedChunk struct {
	number int // plus 1; 0 for none
	steps  []decoded
}

// decoded is a step with the states around it.
type decoded struct {
	insn          int
	step          Step
	before, after *State
}

// Parse reads a trace. It checks what the tables say of each other; steps are
// read when they are asked for.
func Parse(b []byte) (*Trace, error) {
	if len(b) < len(Magic)+1 || string(b[:len(Magic)]) != Magic {
		return nil, errMagic
	}
	if b[len(Magic)] != Version {
		return nil, errVersion
	}
	r := &decoder{buf: b[len(Magic)+1:]}
	t := &Trace{kids: map[uint32][]int{}}
	t.Program.get(r)
	t.Outcome.get(r)
	t.Paths = make([]Path, r.count(minPath))
	for i := range t.Paths {
		t.Paths[i].get(r)
	}
	t.Checkpoints = make([]Checkpoint, r.count(1))
	for i := range t.Checkpoints {
		t.Checkpoints[i].get(r)
	}
	t.chunks = make([]Chunk, r.count(minChunk))
	for i := range t.chunks {
		t.chunks[i].get(r)
	}
	if r.err != nil {
		return nil, r.err
	}
	t.data = r.buf
	return t, t.check()
}

// Least bytes of the rows of the tables.
const (
	minPath  = 8
	minChunk = 4
)

// check finds tables that contradict each other, so that nothing has to be
// careful later: paths follow each other and have parents that come first.
func (t *Trace) check() error {
	next := uint32(0)
	for i := range t.Paths {
		p := &t.Paths[i]
		if p.Parent < -1 || int(p.Parent) >= i || p.First != next || p.Steps > t.Outcome.Processed-next {
			return errTables
		}
		if p.Parent >= 0 {
			if q := &t.Paths[p.Parent]; p.At < q.First || p.At-q.First >= q.Steps {
				return errTables
			}
			t.kids[p.At] = append(t.kids[p.At], i)
		}
		next += p.Steps
		if p.Steps > 0 {
			if t.walked != i {
				return errTables // paths that were not walked come last
			}
			t.walked++
		}
	}
	if next != t.Outcome.Processed {
		return errTables
	}
	last := int64(-1)
	for _, c := range t.Checkpoints {
		if int64(c.Step) <= last || c.Step > t.Outcome.Processed {
			return errTables
		}
		last = int64(c.Step)
	}
	at, step := uint32(0), uint32(0)
	for i := range t.chunks {
		c := &t.chunks[i]
		switch {
		case c.First < step || c.Steps > chunkSteps || c.Steps > t.Outcome.Processed-min(c.First, t.Outcome.Processed):
			return errTables
		case c.Offset != at || c.Length > maxChunk || uint64(c.Length) > uint64(len(t.data))-uint64(at):
			return errTables
		case c.Steps == 0 && c.Length != 0:
			return errTables
		}
		at += c.Length
		step = c.First + max(c.Steps, 1)
	}
	if int(at) != len(t.data) {
		return errTables
	}
	return nil
}

// Steps is how many there are: what the kernel calls processed instructions.
func (t *Trace) Steps() int { return int(t.Outcome.Processed) }

// at is a step, nil when it was dropped or cannot be read.
func (t *Trace) at(index int) *decoded {
	if index < 0 || index >= t.Steps() {
		return nil
	}
	i := sort.Search(len(t.chunks), func(i int) bool { return int(t.chunks[i].First) > index }) - 1
	if i < 0 || index-int(t.chunks[i].First) >= int(t.chunks[i].Steps) {
		return nil
	}
	c := t.cached(i)
	if c == nil {
		steps, err := t.decode(i)
		if err != nil {
			return nil
		}
		t.used = (t.used + 1) % keptChunks
		c = &t.cache[t.used]
		*c = cachedChunk{i + 1, steps}
	}
	return &c.steps[index-int(t.chunks[i].First)]
}

func (t *Trace) cached(chunk int) *cachedChunk {
	for i := range t.cache {
		if t.cache[i].number == chunk+1 {
			return &t.cache[i]
		}
	}
	return nil
}

// Check reads all steps and says what is wrong with the first that is broken.
func (t *Trace) Check() error {
	for i := range t.chunks {
		if _, err := t.decode(i); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trace) decode(i int) ([]decoded, error) {
	c := &t.chunks[i]
	r := &decoder{buf: t.data[c.Offset : c.Offset+c.Length]}
	out := make([]decoded, 0, c.Steps)
	if c.Steps == 0 {
		return out, nil
	}
	var d Delta
	d.get(r)
	s := &State{}
	var err error
	if s, err = s.apply(&d); err != nil {
		return nil, err
	}
	insn := -1
	for range c.Steps {
		n := r.U32()
		if r.err != nil || uint64(n) > uint64(len(r.buf)) {
			return nil, errChunk
		}
		sr := &decoder{buf: r.buf[:n]}
		r.buf = r.buf[n:]
		var e decoded
		e.step.get(sr)
		if sr.err != nil || len(sr.buf) != 0 {
			return nil, errChunk
		}
		insn += int(e.step.Jump) + 1
		e.insn = insn
		if e.step.Checkpoint {
			s = s.withoutMarks()
		}
		if e.before, err = s.apply(&e.step.Before); err != nil {
			return nil, err
		}
		if e.after, err = e.before.apply(&e.step.After); err != nil {
			return nil, err
		}
		s = e.after
		if err := t.checkStep(&e.step); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if len(r.buf) != 0 {
		return nil, errChunk
	}
	return out, nil
}

// checkStep checks the numbers that a step refers to.
func (t *Trace) checkStep(s *Step) error {
	for i := range s.Covered {
		if c := &s.Covered[i]; int(c.Checkpoint) >= len(t.Checkpoints) || len(c.Frames) > maxFrames {
			return errChunk
		}
	}
	for _, m := range s.Marks {
		if int(m.Checkpoint) >= len(t.Checkpoints) {
			return errChunk
		}
	}
	return nil
}

// Insn is the slot of a step; -1 when the step was dropped.
func (t *Trace) Insn(index int) int {
	if d := t.at(index); d != nil {
		return d.insn
	}
	return -1
}

// Step is an arrival at an instruction, nil when it was dropped.
func (t *Trace) Step(index int) *Step {
	if d := t.at(index); d != nil {
		return &d.step
	}
	return nil
}

// Before is the state in which the instruction of a step is checked, nil when
// it was dropped. After is the one that it leaves on its path. States share
// what did not change: they must not be written to.
func (t *Trace) Before(index int) *State {
	if d := t.at(index); d != nil {
		return d.before
	}
	return nil
}

// After is the state that the instruction of a step leaves on its path.
func (t *Trace) After(index int) *State {
	if d := t.at(index); d != nil {
		return d.after
	}
	return nil
}

// PathOf is the path that a step belongs to.
func (t *Trace) PathOf(index int) int {
	return sort.Search(t.walked, func(i int) bool { return int(t.Paths[i].First) > index }) - 1
}

// QueuedBy are the paths that a step queued, in the order in which they are
// walked.
func (t *Trace) QueuedBy(index int) []int { return t.kids[uint32(index)] }

// Segment is a stretch of steps of a path.
type Segment struct{ Path, First, To int }

// Chain are the stretches that lead from the entry to the end of a path.
func (t *Trace) Chain(path int) (out []Segment) {
	p := &t.Paths[path]
	out = append(out, Segment{path, int(p.First), int(p.First + p.Steps)})
	for p.Parent >= 0 {
		at := int(p.At)
		path = int(p.Parent)
		p = &t.Paths[path]
		out = append(out, Segment{path, int(p.First), at + 1})
	}
	slices.Reverse(out)
	return out
}

// CheckpointAt is the number of the checkpoint that was made before a step, -1
// for none.
func (t *Trace) CheckpointAt(index int) int {
	i := sort.Search(len(t.Checkpoints), func(i int) bool { return int(t.Checkpoints[i].Step) >= index })
	if i < len(t.Checkpoints) && int(t.Checkpoints[i].Step) == index {
		return i
	}
	return -1
}

// Printer writes the states of the trace as the log does.
func (t *Trace) Printer() *verifier.Printer {
	maps := make([]verifier.MapInfo, len(t.Program.Maps))
	for i, m := range t.Program.Maps {
		maps[i] = verifier.MapInfo{Name: m.Name, KeySize: m.KeySize, ValueSize: m.ValueSize}
	}
	return verifier.NewPrinter(maps, func(handle, id uint32) string {
		for _, n := range t.Program.Types {
			if n.Btf == handle && n.Id == id {
				return n.Name
			}
		}
		return ""
	})
}
