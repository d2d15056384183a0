package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
)

// chunk is a line of the journal: what became of N programs from a number on,
// in one engine.
type chunk struct {
	Engine   string `json:"engine"`
	From     int64  `json:"from"`
	N        int    `json:"n"`
	Accepted int    `json:"accepted"` // by the verifier, and compared
	Refused  int    `json:"refused"`
	Long     int    `json:"long"`   // not verified to the end, and not run
	Broken   int    `json:"broken"` // not to be compiled
	Faults   int    `json:"faults"`
	Endless  int    `json:"endless"` // accepted or not, and not compared
	Differ   int    `json:"differ"`
	Seconds  int    `json:"seconds"`

	done bool // not cut short by an error
}

func (c *chunk) add(o *chunk) {
	c.N += o.N
	c.Accepted += o.Accepted
	c.Refused += o.Refused
	c.Long += o.Long
	c.Broken += o.Broken
	c.Faults += o.Faults
	c.Endless += o.Endless
	c.Differ += o.Differ
	c.Seconds += o.Seconds
}

// journal is the chunks that are done, in a file that a later run goes on with.
type journal struct {
	path   string
	chunks []chunk
}

func openJournal(path string) (*journal, error) {
	j := &journal{path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var c chunk
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		j.chunks = append(j.chunks, c)
	}
	return j, lines.Err()
}

func (j *journal) append(c chunk) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	j.chunks = append(j.chunks, c)
	return nil
}

// done sums up what an engine has done.
func (j *journal) done(engine string) chunk {
	sum := chunk{Engine: engine}
	for i := range j.chunks {
		if j.chunks[i].Engine == engine {
			sum.add(&j.chunks[i])
		}
	}
	return sum
}

// next is the number of the program that an engine goes on with, or first.
func (j *journal) next(engine string, first int64) int64 {
	for i := range j.chunks {
		if c := &j.chunks[i]; c.Engine == engine {
			first = max(first, c.From+int64(c.N))
		}
	}
	return first
}

// table is a line an engine that has done something.
func (j *journal) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "engine\tprograms\taccepted\trefused\tfaults\tendless\ttoo long\tbroken\tdiffer\tseconds\t")
	for _, e := range engines {
		c := j.done(e.name)
		if c.N == 0 {
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", c.Engine, c.N, c.Accepted, c.Refused, c.Faults, c.Endless, c.Long, c.Broken, c.Differ, c.Seconds)
	}
	w.Flush()
	return b.String()
}
