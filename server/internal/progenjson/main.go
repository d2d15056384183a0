// Command progenjson writes random programs as batch records:
//
//	go run ./server/internal/progenjson -n 1000 -seed 1 -bad 0.02 | skep sandbox run --batch
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"skep/verifier/progen"
	"skep/vm/isa"
)

type batchMap struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
}

type batchProgram struct {
	ID       string     `json:"id"`
	ProgType string     `json:"prog_type"`
	License  string     `json:"license"`
	LogLevel int        `json:"log_level"`
	Maps     []batchMap `json:"maps"`
	Insns    string     `json:"insns"`
	Data     string     `json:"data,omitempty"`
	// Privileged is nil for a privileged user.
	Privileged *bool `json:"privileged,omitempty"`
}

func main() {
	n := flag.Int("n", 1000, "how many programs")
	seed := flag.Int64("seed", 1, "seed of the first; each next has the next seed")
	bad := flag.Float64("bad", 0.02, "chance that a snippet is wrong")
	level := flag.Int("log-level", 6, "log_level of the records")
	run := flag.Bool("run", true, "give each program a packet to run over")
	harmless := flag.Bool("harmless", false, "only results that every engine must share")
	rich := flag.Bool("rich", false, "also callees that use their caller's stack, ring buffers, sockets, may_goto, tail calls, ld_abs")
	unpriv := flag.Bool("unprivileged", false, "only what a user without capabilities may load, as such a user")
	flag.Parse()

	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	enc := json.NewEncoder(w)
	for i := range *n {
		s := *seed + int64(i)
		p := progen.New(progen.Config{Seed: s, Bad: *bad, Harmless: *harmless, Rich: *rich, Unprivileged: *unpriv})
		rec := batchProgram{ID: fmt.Sprintf("progen-%d", s), ProgType: p.Type, License: "GPL", LogLevel: *level, Maps: []batchMap{}, Insns: hex.EncodeToString(isa.EncodeAll(p.Insns))}
		if *unpriv {
			rec.Privileged = new(bool)
		}
		if *run {
			rec.Data = hex.EncodeToString(p.Data)
		}
		for _, m := range p.Maps {
			rec.Maps = append(rec.Maps, batchMap{m.Name, m.Type, m.Key, m.Value, m.MaxEntries})
		}
		if err := enc.Encode(rec); err != nil {
			fmt.Fprintln(os.Stderr, "progenjson:", err)
			os.Exit(1)
		}
	}
}
