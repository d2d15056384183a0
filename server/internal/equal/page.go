package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"

	esbuild "github.com/evanw/esbuild/pkg/api"

	"skep/jit"
	"skep/wasm/fullspeed"
)

// pageCase is a Case of page/batch.ts.
type pageCase struct {
	Load  string `json:"load"`
	Begin string `json:"begin"`
	State string `json:"state"`
	R0    string `json:"r0"`
	Fault string `json:"fault"`
	Sum   string `json:"sum"`
}

// page is the module of the page in V8.
type page struct {
	ask  func(batch []byte) ([]byte, error)
	shut func() error
}

func (p *page) close() error { return p.shut() }

func (p *page) run(cases []Case) ([]Difference, error) {
	var batch []pageCase
	var of []Difference // whose text is to come
	for i, c := range cases {
		for _, m := range modesOf(pageModes, c.Program) {
			batch = append(batch, newPageCase(c, m))
			of = append(of, Difference{Case: i, Mode: m.name})
		}
	}
	b, err := json.Marshal(batch)
	if err != nil {
		return nil, err
	}
	if b, err = p.ask(b); err != nil {
		return nil, err
	}
	var lines []string
	if err := json.Unmarshal(b, &lines); err != nil {
		return nil, err
	}
	if len(lines) != len(of) {
		return nil, fmt.Errorf("the page answered %d of %d cases", len(lines), len(of))
	}
	var out []Difference
	for i, text := range lines {
		if of[i].Text = text; text != "" {
			out = append(out, of[i])
		}
	}
	return out, nil
}

var pageStates = map[jit.Status]string{jit.Running: "running", jit.Exited: "exited", jit.Faulted: "faulted"}

func newPageCase(c Case, m *mode) pageCase {
	p := &fullspeed.Program{Type: c.Program.Type, License: "GPL", Seed: 1, Accepted: m.facts, Insns: c.Program.Insns, Maps: c.Program.Maps}
	in := fullspeed.Input{Packet: c.Program.Packet, Compiled: true}
	return pageCase{
		Load: hex.EncodeToString(p.Append(nil)), Begin: hex.EncodeToString(in.Append(nil)),
		State: pageStates[c.Want.Status], R0: strconv.FormatUint(c.Want.R0, 16), Fault: c.Want.Fault, Sum: strconv.FormatUint(c.Want.Memory, 16),
	}
}

// buildPage makes the module and the script that drives it, in dir.
func buildPage(dir, script string, platform esbuild.Platform) error {
	out, err := exec.Command("go", "run", "skep/wasm/build", "-package", "skep/wasm/jit", "-o", filepath.Join(dir, "jit.wasm")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build of the module: %w\n%s", err, out)
	}
	return bundle(dir, script, platform)
}

// bundle makes one file of a script of folder page.
func bundle(dir, script string, platform esbuild.Platform) error {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	r := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: []string{filepath.Join(filepath.Dir(string(mod)), "server/internal/equal/page", script+".ts")}, Outfile: filepath.Join(dir, script+".mjs"),
		Bundle: true, Write: true, Platform: platform, Format: esbuild.FormatESModule, Target: esbuild.ES2022, LogLevel: esbuild.LogLevelSilent,
	})
	for _, e := range r.Errors {
		return fmt.Errorf("%s.ts: %s", script, e.Text)
	}
	return nil
}

func openNode(dir string) (runner, error) {
	if err := buildPage(dir, "node", esbuild.PlatformNode); err != nil {
		return nil, err
	}
	cmd := exec.Command("node", filepath.Join(dir, "node.mjs"), filepath.Join(dir, "jit.wasm"))
	in, out, err := start(cmd)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	ask := func(batch []byte) ([]byte, error) {
		if _, err := in.Write(append(batch, '\n')); err != nil {
			return nil, err
		}
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return line, err
	}
	return &page{ask, func() error { in.Close(); return cmd.Wait() }}, nil
}
