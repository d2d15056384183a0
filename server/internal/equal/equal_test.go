package main

import (
	"bytes"
	"encoding/gob"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	esbuild "github.com/evanw/esbuild/pkg/api"

	"skep/jit"
	"skep/jit/native"
)

// A campaign of a few programs, and its continuation.
func TestRun(t *testing.T) {
	if _, err := native.Target(); err != nil {
		t.Skip(err)
	}
	all := engines
	t.Cleanup(func() { engines = all })
	engines = append(all[:0:0], all[0], all[1])
	engines[0].chunk, engines[1].chunk = 40, 40
	dir := t.TempDir()
	for want := 30; want <= 60; want += 30 {
		o := options{dir: dir, n: want, engines: []int{0, 1}}
		if err := o.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		j, err := openJournal(filepath.Join(dir, "journal.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range engines {
			c := j.done(e.name)
			if c.Accepted < want || c.N%engines[i].chunk != 0 || c.Refused == 0 || c.N != c.Accepted+c.Refused+c.Endless+c.Long+c.Broken {
				t.Errorf("%+v", c)
			}
		}
	}
}

// Engines that are as far run over the same programs; one that is behind catches
// up first; kinds of programs are kept apart.
func TestNext(t *testing.T) {
	native, wazero, arm64, kernel := 0, 1, 2, 5
	o := options{n: 100, first: 7, engines: []int{native, wazero, arm64, kernel}}
	for _, c := range []struct {
		chunks []chunk
		group  []int
		from   int64
	}{
		{nil, []int{native, wazero, arm64}, 7},
		{[]chunk{{Engine: "native", From: 7, N: 10}, {Engine: "arm64", From: 7, N: 10}}, []int{wazero}, 7},
		{[]chunk{{Engine: "native", From: 7, N: 10}, {Engine: "arm64", From: 7, N: 10}, {Engine: "wazero", From: 7, N: 20}}, []int{kernel}, 7},
		{[]chunk{{Engine: "native", From: 7, N: 10}, {Engine: "arm64", From: 7, N: 10}, {Engine: "wazero", From: 7, N: 20}, {Engine: "kernel", From: 7, N: 200, Accepted: 100}}, []int{native, arm64}, 17},
	} {
		group, from := o.next(&journal{chunks: c.chunks})
		if !slices.Equal(group, c.group) || from != c.from {
			t.Errorf("%+v: %v from %d, want %v from %d", c.chunks, group, from, c.group, c.from)
		}
	}
}

// wrong is an engine that is wrong about programs with a given instruction.
type wrong struct{ op byte }

func (w wrong) close() error { return nil }

func (w wrong) run(cases []Case) (out []Difference, err error) {
	for i, c := range cases {
		for at := 0; at < len(c.Program.Insns); at += 8 {
			if c.Program.Insns[at] == w.op {
				out = append(out, Difference{i, "facts", "it is wrong"})
				break
			}
		}
	}
	return out, nil
}

// A difference is written down with little more than the instruction that is to
// blame.
func TestDifference(t *testing.T) {
	const neg = 0x87
	o := options{dir: t.TempDir()}
	cases, c, err := makeCases(0, 60, false)
	if err != nil {
		t.Fatal(err)
	}
	c.Engine = "wrong"
	if err := o.turn(wrong{neg}, cases, &c, 0); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(o.dir, "differ-wrong-*.txt"))
	if err != nil || len(files) == 0 || len(files) != c.Differ {
		t.Fatalf("%d files, %+v (%v)", len(files), c, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "(87)"); n != 1 {
		t.Errorf("%d negations left in\n%s", n, b)
	}
	if all, nops := strings.Count(string(b), ": ("), strings.Count(string(b), "(05) goto pc+0"); all-nops > 3 {
		t.Errorf("%d instructions left in\n%s", all-nops, b)
	}
}

// A run that leaves something else behind is told.
func TestDiffers(t *testing.T) {
	p, err := generate(3, false)
	if err != nil {
		t.Fatal(err)
	}
	want, err := interpret(p)
	if err != nil || want.Status != jit.Exited {
		t.Fatal(err, want)
	}
	for name, change := range map[string]func(*Outcome){
		"nothing": func(*Outcome) {}, "r0": func(o *Outcome) { o.R0++ }, "memory": func(o *Outcome) { o.Memory++ },
		"status": func(o *Outcome) { o.Status = jit.Faulted }, "fault": func(o *Outcome) { o.Fault = "x" },
	} {
		got := *want
		change(&got)
		if d := got.differs(want); (d == "") != (name == "nothing") {
			t.Errorf("%s: %q", name, d)
		}
	}
}

// A worker answers what the engine in this process does.
func TestWorker(t *testing.T) {
	if _, err := native.Target(); err != nil {
		t.Skip(err)
	}
	var cases []Case
	for n := int64(0); len(cases) < 10; n++ {
		p, err := generate(n, false)
		if err != nil {
			continue
		}
		want, err := interpret(p)
		if err != nil || want.Status != jit.Exited {
			continue
		}
		if len(cases) == 4 {
			want.R0++
		}
		cases = append(cases, Case{p, want})
	}
	var in, out bytes.Buffer
	if err := gob.NewEncoder(&in).Encode(cases); err != nil {
		t.Fatal(err)
	}
	if err := work(&in, &out); err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := gob.NewDecoder(&out).Decode(&a); err != nil {
		t.Fatal(err)
	}
	if len(a.Differences) == 0 || a.Error != "" {
		t.Errorf("%+v", a)
	}
	for _, d := range a.Differences {
		if d.Case != 4 {
			t.Errorf("%+v", d)
		}
	}
}

// The page's side is there and is bundled; campaigns run it.
func TestBundle(t *testing.T) {
	dir := t.TempDir()
	for script, platform := range map[string]esbuild.Platform{"node": esbuild.PlatformNode, "worker": esbuild.PlatformBrowser} {
		if err := bundle(dir, script, platform); err != nil {
			t.Error(err)
		}
	}
	if out, err := exec.Command("go", "list", "skep/wasm/jit").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
