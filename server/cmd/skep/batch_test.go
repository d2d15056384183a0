package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// seedRecords are batch records of several shapes.
var seedRecords = []string{
	`{"id":"a","prog_type":"xdp","license":"GPL","log_level":1,"maps":[],"insns":"b7000000020000009500000000000000"}`,
	`{"id":"b","prog_type":"socket_filter","license":"GPL","log_level":2,"maps":[{"name":"m","type":"hash","key_size":4,"value_size":8,"max_entries":1}],"insns":"18110000000000000000000000000000b7000000000000009500000000000000","data":"00112233"}`,
	`{"id":"c","prog_type":"xdp","insns":"95"}`,
	`{"id":"d","prog_type":"nothing","insns":""}`,
	`{"id":"e","prog_type":"xdp","maps":[{"type":"array_of_maps","key_size":4,"value_size":4,"max_entries":1,"inner":{"type":"array","key_size":4,"value_size":4,"max_entries":1}}],"insns":"05000000ffffffff"}`,
	`{"id":"f","prog_type":"xdp","insns":"0500ffff00000000"}`,
	`not JSON`,
	`{"id":"g","prog_type":"xdp","insns":"zz"}`,
}

// FuzzBatch: every line is answered by a line of JSON or ends the batch with
// an error that names the line.
func FuzzBatch(f *testing.F) {
	for _, r := range seedRecords {
		f.Add(r)
	}
	f.Add(strings.Join(seedRecords[:3], "\n"))
	f.Fuzz(func(t *testing.T, input string) {
		if strings.Count(input, "insns") > 4 || len(input) > 1<<14 {
			return // many long runs prove nothing more
		}
		for _, args := range [][]string{{"verify", "--batch"}, {"run", "--batch"}} {
			var out, errs bytes.Buffer
			code := run(context.Background(), &shell{strings.NewReader(input), &out, &errs}, args)
			if code == exitUsage && !strings.Contains(errs.String(), "line ") {
				t.Fatalf("%v: no line in %q", args, errs.String())
			}
			for line := range strings.Lines(out.String()) {
				if !json.Valid([]byte(line)) {
					t.Fatalf("%v: not JSON: %q", args, line)
				}
			}
		}
	})
}

func init() { batchBudget = 100_000 } // tests run endless loops
