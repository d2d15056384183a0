package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skep/wasm/internal/pagetest"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

func module(t testing.TB) string { return pagetest.Module(t, "skep/wasm/run") }

// runCase is a Case of web/src/jit/same.ts.
type runCase struct {
	Name    string    `json:"name"`
	Text    string    `json:"text"`
	Object  string    `json:"object"`
	Program int       `json:"program"`
	Hook    string    `json:"hook"`
	Packets string    `json:"packets"`
	Events  string    `json:"events"`
	Maps    []initial `json:"maps"`
	Facts   string    `json:"facts"`
	State   string    `json:"state"`
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
			Name: ex.Name, Text: ex.Source.Text, Object: hex.EncodeToString(ex.Source.Bytes),
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
		c.Program = number(t, &ex)
		c.Facts = facts(&ex, c.Program)
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

// number is the place of the program that is shown in its object.
func number(t testing.TB, ex *pagetest.Example) int {
	t.Helper()
	for i := 0; ; i++ {
		l, problems := verdict.Load(ex.Source, i, verdict.Options{})
		if l == nil {
			t.Fatalf("%s: %+v", ex.Name, problems)
		}
		if ex.Program == "" || l.Name == ex.Program {
			return i
		}
	}
}

// facts is what the verifier proves of a program on up to 4 CPUs, as it goes
// from module to module, in hex; "" when the program is not accepted.
func facts(ex *pagetest.Example, number int) string {
	p := verdict.Prove(&protocol.Prove{Source: ex.Source, Program: uint32(number), CPUs: 4})
	if p.Facts == nil {
		return ""
	}
	w := &protocol.Writer{}
	p.Facts.Encode(w)
	return hex.EncodeToString(w.Buf)
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

// BenchmarkGallery measures the gallery in a browser: a run at full speed, as
// the page has it run, and in the interpreter.
func BenchmarkGallery(b *testing.B) {
	lines := pagetest.Chromium(b, pagetest.Bundle(b, "jit/gallery-speed-worker", pagetest.ForBrowser), map[string]string{
		"/run.wasm": module(b), "/cases.json": cases(b),
	})
	for _, line := range lines {
		var name string
		var compiled, interpreted float64
		if n, err := fmt.Sscan(line, &name, &compiled, &interpreted); n != 3 {
			b.Fatalf("the browser says %q: %v", line, err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(compiled, "ns-full")
			b.ReportMetric(interpreted, "ns-interp")
			b.ReportMetric(interpreted/compiled, "times")
		})
	}
}
