package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"skep/vm/isa"
)

// givenRecord is what is compared of a record that somebody else made.
type givenRecord struct {
	ID     string   `json:"id"`
	Level  string   `json:"level"`
	Insns  string   `json:"insns"`
	Kfuncs [][3]any `json:"kfuncs"`
	Ksyms  [][3]any `json:"ksyms"`
	Kernel struct {
		OK             bool   `json:"ok"`
		Errno          int    `json:"errno"`
		Log            string `json:"log"`
		InsnsProcessed int    `json:"insns_processed"`
	} `json:"kernel"`
}

func readCorpus(path string) ([]*givenRecord, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var all []*givenRecord
	s := bufio.NewScanner(z)
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		r := new(givenRecord)
		if err := json.Unmarshal(s.Bytes(), r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, r)
	}
	return all, s.Err()
}

// tally counts the given records of one kind that were made again.
type tally struct{ given, found, bytes, level, verdict, processed, log int }

// compare is a table of how much of the given corpus the records reproduce.
func compare(given []*givenRecord, records []*record) string {
	made := map[string]*record{}
	for _, r := range records {
		made[r.ID] = r
	}
	rows := map[string]*tally{}
	var differ, missing []string
	for _, g := range given {
		suite, _, _ := strings.Cut(g.ID, "/")
		t := rows[suite]
		if t == nil {
			t = new(tally)
			rows[suite] = t
		}
		t.given++
		r := made[g.ID]
		if r == nil || r.Kernel == nil || r.Kernel.Error != "" {
			why := "no such program"
			if r != nil && r.Kernel != nil {
				why = r.Kernel.Error
			}
			missing = append(missing, fmt.Sprintf("%s: not made: %s", g.ID, why))
			continue
		}
		t.found++
		if sameInsns(g, r) {
			t.bytes++
		}
		if r.Level == g.Level {
			t.level++
		}
		if r.Kernel.OK != g.Kernel.OK || r.Kernel.Errno != g.Kernel.Errno {
			differ = append(differ, fmt.Sprintf("%s: errno %d, given %d", g.ID, r.Kernel.Errno, g.Kernel.Errno))
			continue
		}
		t.verdict++
		if r.Kernel.InsnsProcessed == g.Kernel.InsnsProcessed {
			t.processed++
		}
		if sameLog(g.Kernel.Log, r.Kernel.Log) {
			t.log++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s %7s %7s %10s %6s %14s %10s %9s\n", "suite", "given", "made", "same bytes", "level", "verdict+errno", "processed", "same log")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		t := rows[name]
		fmt.Fprintf(&b, "%-12s %7d %7d %10d %6d %14d %10d %9d\n", name, t.given, t.found, t.bytes, t.level, t.verdict, t.processed, t.log)
	}
	for _, d := range append(differ, missing...) {
		fmt.Fprintln(&b, d)
	}
	return b.String()
}

// sameInsns compares instructions but for the numbers that a loader fills in:
// maps, kernel functions and variables.
func sameInsns(g *givenRecord, r *record) bool {
	theirs, err := isa.DecodeAll(unhex(g.Insns))
	if err != nil {
		return false
	}
	ours, err := isa.DecodeAll(r.Insns)
	if err != nil {
		return false
	}
	return slices.EqualFunc(theirs, ours, func(a, b isa.Insn) bool {
		if a.Op == b.Op && a.Src == b.Src && (a.IsWide() && a.Src != 0 || a.Op == isa.ClassJMP|isa.JmpCall && a.Src == isa.PseudoKfuncCall) {
			a.Imm, b.Imm = 0, 0
		}
		return a == b
	})
}

func unhex(s string) []byte {
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		return nil
	}
	return b
}

// masks are what says nothing of the program: time, addresses, BTF ids.
var masks = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`verification time \d+ usec`), "verification time 0 usec"},
	{regexp.MustCompile(`0xff[0-9a-f]{14}`), "ADDR"},
	{regexp.MustCompile(`(call [A-Za-z0-9_]+)#\d{4,}`), "$1#N"},
	{regexp.MustCompile(`btf_id \d+`), "btf_id N"},
	{regexp.MustCompile(`; .* @ [^ ]*:\d+`), ""},
	{regexp.MustCompile(` +;`), " ;"},
}

// sameLog compares logs, of those that were cut the beginning.
func sameLog(given, made string) bool {
	a, b := []byte(given), []byte(made)
	for _, m := range masks {
		a, b = m.re.ReplaceAll(a, []byte(m.with)), m.re.ReplaceAll(b, []byte(m.with))
	}
	x, _, cutA := bytes.Cut(a, []byte("...CUT..."))
	y, _, cutB := bytes.Cut(b, []byte("[... cut ...]"))
	if cutA || cutB {
		n := min(len(x), len(y)) * 9 / 10
		return bytes.Equal(x[:n], y[:n])
	}
	return bytes.Equal(x, y)
}
