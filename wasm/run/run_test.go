package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skep/verifier"
	"skep/wasm/internal/pagetest"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

func module(t testing.TB) string { return pagetest.Module(t, "skep/wasm/run") }

// runCase is a Case of web/src/jit/same.ts.
type runCase struct {
	Name     string    `json:"name"`
	Text     string    `json:"text"`
	Object   string    `json:"object"`
	Entry    string    `json:"entry"`
	Hook     string    `json:"hook"`
	Packets  string    `json:"packets"`
	Events   string    `json:"events"`
	Maps     []initial `json:"maps"`
	Accepted bool      `json:"accepted"`
	State    string    `json:"state"`
}

type initial struct {
	Map   string `json:"map"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

// faulting are the gallery's programs that end in a fault.
var faulting = map[string]bool{"past-the-end": true}

// cases is the whole gallery, as a file.
func cases(t testing.TB) string {
	t.Helper()
	var all []runCase
	for _, ex := range pagetest.Gallery(t) {
		c := runCase{
			Name: ex.Name, Text: ex.Source.Text, Object: hex.EncodeToString(ex.Source.Bytes), Entry: ex.Program,
			Packets: strings.Join(ex.Input, "\n"), Events: strings.Join(ex.Events, "\n"), Maps: []initial{}, State: "exited",
		}
		if len(ex.Events) == 0 {
			c.Hook = map[string]string{"tc": "sched_cls", "socket": "socket_filter"}[ex.Hook]
		}
		if faulting[ex.Name] {
			c.State = "faulted"
		}
		for _, m := range ex.Maps {
			c.Maps = append(c.Maps, initial{m.Map, strings.ReplaceAll(m.Key, " ", ""), strings.ReplaceAll(m.Value, " ", "")})
		}
		c.Accepted = accepted(t, &ex)
		all = append(all, c)
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// accepted reports whether the verifier accepts the program that is shown.
func accepted(t testing.TB, ex *pagetest.Example) bool {
	t.Helper()
	var l *verdict.Loaded
	for i := 0; l == nil || ex.Program != "" && l.Name != ex.Program; i++ {
		var problems []protocol.Problem
		if l, problems = verdict.Load(ex.Source, i, verdict.Options{}); l == nil {
			t.Fatalf("%s: %+v", ex.Name, problems)
		}
	}
	if l.Feature != "" {
		return false
	}
	res, err := verifier.Verify(l.Program, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return res.Verdict == verifier.Accepted
}

// In node every program of the gallery leaves at full speed what it leaves when
// it is stepped: results, packet, maps, records, what it printed, its fault.
func TestNode(t *testing.T) {
	text := pagetest.Node(t, []string{"SKEP_ENGINE=" + module(t), "SKEP_CASES=" + cases(t)}, "--test", pagetest.Bundle(t, "jit/same.test", pagetest.ForNode))
	if testing.Verbose() {
		t.Log(text)
	}
}

// The same in a browser, in a Worker, under the site's security policy.
func TestChromium(t *testing.T) {
	lines := pagetest.Chromium(t, pagetest.Bundle(t, "jit/same-worker", pagetest.ForBrowser), map[string]string{
		"/run.wasm": module(t), "/cases.json": cases(t),
	})
	if len(lines) != 1 {
		t.Errorf("%d differ:\n%s", len(lines)-1, strings.Join(lines, "\n"))
	}
	t.Log(lines[0])
}
