package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"skep/server/internal/kernelbench"
)

// Rounds in Chromium: a program with checks and without, again, another one, and one that is none.
func TestRounds(t *testing.T) {
	if _, err := browser(); err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	const requests = `{"program":"csum","ns":100000}
{"program":"csum","facts":true,"ns":100000}
{"program":"csum","ns":100000}
{"program":"firewall","ns":100000}
{"program":"nothing"}
`
	var out bytes.Buffer
	if err := run(t.Context(), strings.NewReader(requests), &out); err != nil {
		t.Fatal(err)
	}
	var rounds []kernelbench.Round
	for d := json.NewDecoder(&out); d.More(); {
		var r kernelbench.Round
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		rounds = append(rounds, r)
	}
	if len(rounds) != 5 {
		t.Fatalf("%d answers: %+v", len(rounds), rounds)
	}
	for i, r0 := range []uint64{42860, 42860, 0, 6} { // the interpreter's
		r := rounds[i]
		if r.Error != "" || r.NS <= 0 {
			t.Errorf("round %d: %+v", i, r)
		} else if again := i == 2; again != (r.Outcome == nil) || !again && (r.Outcome.R0 != r0 || r.Outcome.Packet == "") {
			t.Errorf("round %d: %+v", i, r.Outcome)
		}
	}
	if rounds[4].Error != `there is no program "nothing"` {
		t.Errorf("%+v", rounds[4])
	}
}
