package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"skep/server/sandbox"
)

// ask fills in what the kernel says.
func ask(ctx context.Context, records []*record) error {
	m, err := sandbox.NewManager(sandbox.Config{})
	if err != nil {
		return err
	}
	defer m.Close()
	var in bytes.Buffer
	out := &answers{of: len(records)}
	enc := json.NewEncoder(&in)
	for _, r := range records {
		if err := enc.Encode(&r.Record); err != nil {
			return err
		}
	}
	if err := sandbox.Batch(ctx, m, sandbox.DefaultKernel, &in, out, sandbox.BatchOptions{LogLevel: -1, LogMax: 64 << 10}); err != nil {
		return err
	}
	s := bufio.NewScanner(&out.Buffer)
	s.Buffer(nil, 64<<20)
	for i := 0; s.Scan(); i++ {
		if i == len(records) {
			return errors.New("more verdicts than programs")
		}
		records[i].Kernel = new(sandbox.Verdict)
		if err := json.Unmarshal(s.Bytes(), records[i].Kernel); err != nil {
			return fmt.Errorf("verdict: %w", err)
		}
	}
	return s.Err()
}

// answers collects lines and says now and then how many there are.
type answers struct {
	bytes.Buffer
	n, of int
}

func (a *answers) Write(b []byte) (int, error) {
	const step = 500
	before := a.n
	a.n += bytes.Count(b, []byte{'\n'})
	if a.n/step > before/step {
		fmt.Fprintf(os.Stderr, "%d of %d programs loaded\n", a.n, a.of)
	}
	return a.Buffer.Write(b)
}
