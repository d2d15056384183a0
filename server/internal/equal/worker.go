package main

import (
	"encoding/gob"
	"errors"
	"io"
	"os"
	"os/exec"
)

// process is an engine in a process of its own, as arm64 in QEMU: cases go
// there and differences come back, as gobs.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *gob.Encoder
	dec *gob.Decoder
}

// answer is what a worker says of a batch.
type answer struct {
	Differences []Difference
	Error       string
}

func openProcess(name string, args ...string) (runner, error) {
	cmd := exec.Command(name, args...)
	in, out, err := start(cmd)
	if err != nil {
		return nil, err
	}
	return &process{cmd, in, gob.NewEncoder(in), gob.NewDecoder(out)}, nil
}

// start starts a process that is talked to.
func start(cmd *exec.Cmd) (io.WriteCloser, io.Reader, error) {
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return in, out, cmd.Start()
}

func (p *process) run(cases []Case) ([]Difference, error) {
	if err := p.enc.Encode(cases); err != nil {
		return nil, err
	}
	var a answer
	if err := p.dec.Decode(&a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a.Differences, nil
}

func (p *process) close() error {
	p.in.Close()
	return p.cmd.Wait()
}

// work is the other side: it answers batches until there are none.
func work(in io.Reader, out io.Writer) error {
	e, err := openNative()
	if err != nil {
		return err
	}
	dec, enc := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var cases []Case
		if err := dec.Decode(&cases); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var a answer
		if a.Differences, err = e.run(cases); err != nil {
			a.Error = err.Error()
		}
		if err := enc.Encode(&a); err != nil {
			return err
		}
	}
}
