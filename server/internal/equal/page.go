package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	esbuild "github.com/evanw/esbuild/pkg/api"

	"skep/jit"
	"skep/vm/hook"
	"skep/vm/maps"
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
			pc, err := newPageCase(c, m)
			if err != nil {
				return nil, fmt.Errorf("program %d: %w", c.Program.N, err)
			}
			batch = append(batch, pc)
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

func newPageCase(c Case, m *mode) (pageCase, error) {
	p := &fullspeed.Program{Type: c.Program.Type, License: "GPL", Seed: 1, Accepted: m.facts, Insns: c.Program.Insns}
	if typ, ok := hook.ByName(p.Type); ok {
		p.Type = typ.String()
	}
	for _, s := range c.Program.Maps {
		typ, ok := maps.ByName(s.Type)
		if !ok {
			return pageCase{}, fmt.Errorf("there is no map type %q", s.Type)
		}
		p.Maps = append(p.Maps, maps.Spec{Name: s.Name, Type: typ, KeySize: s.Key, ValueSize: s.Value, MaxEntries: s.MaxEntries})
	}
	in := fullspeed.Input{Packet: c.Program.Packet, Compiled: true}
	return pageCase{
		Load: hex.EncodeToString(p.Append(nil)), Begin: hex.EncodeToString(in.Append(nil)),
		State: pageStates[c.Want.Status], R0: strconv.FormatUint(c.Want.R0, 16), Fault: c.Want.Fault, Sum: strconv.FormatUint(c.Want.Memory, 16),
	}, nil
}

// buildPage makes the module and the script that drives it, in dir.
func buildPage(dir, script string, platform esbuild.Platform) error {
	out, err := exec.Command("go", "run", "skep/wasm/build", "-package", "skep/wasm/jit", "-o", filepath.Join(dir, "jit.wasm")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build of the module: %w\n%s", err, out)
	}
	r := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: []string{"server/internal/equal/page/" + script + ".ts"}, Outfile: filepath.Join(dir, script+".mjs"),
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
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
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
