package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"skep/jit/workload"
	"skep/verifier"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/conformance"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/vm/packet"
	"skep/wasm/compiled"
	"skep/wasm/fullspeed"
	"skep/wasm/internal/pagetest"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

func module(t testing.TB) string { return pagetest.Module(t, "skep/wasm/jit") }

// testCase is a Case of web/src/jit/cases.ts.
type testCase struct {
	Name        string `json:"name"`
	Load        string `json:"load"`
	Compiled    string `json:"compiled"`
	Interpreted string `json:"interpreted"`
	R0          string `json:"r0"`
	Fault       string `json:"fault"`
}

// newCase runs the program in the interpreter here.
func newCase(t testing.TB, name string, p *fullspeed.Program, in fullspeed.Input) testCase {
	t.Helper()
	c := testCase{Name: name, Load: hex.EncodeToString(p.Append(nil)), Interpreted: hex.EncodeToString(in.Append(nil))}
	in.Compiled = true
	c.Compiled = hex.EncodeToString(in.Append(nil))
	typ, ok := hook.ByName(p.Type)
	if !ok {
		t.Fatalf("program type %q", p.Type)
	}
	insns, err := isa.DecodeAll(p.Insns)
	if err != nil {
		t.Fatal(err)
	}
	m, err := vm.New(vm.Config{Maps: p.Maps, World: &helper.World{CPUs: p.CPUs}, Seed: p.Seed, NoHistory: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(&vm.Program{Type: typ, Attach: hook.AttachType(p.Attach), License: p.License, Insns: insns}); err != nil {
		t.Fatal(err)
	}
	if err := m.Reset(vm.Input{Ctx: in.Ctx, Packet: in.Packet, R2: in.R2, CPU: in.CPU}); err != nil {
		t.Fatal(err)
	}
	switch m.Run(1 << 20) {
	case vm.StopExit:
		c.R0 = strconv.FormatUint(m.Reg(isa.R0), 16)
	case vm.StopFault:
		c.R0, c.Fault = "0", m.Fault().Error()
	}
	return c
}

// suite is every file of bpf_conformance that loads, and the runs of the
// gallery's packet programs, with and without checks.
func suite(t testing.TB) (cases []testCase) {
	t.Helper()
	_, err := conformance.Run(os.DirFS("../../vm/conformance/testdata"), "interp", func(prog []isa.Insn, mem []byte) (uint64, error) {
		r0, err := conformance.Interpreter(prog, mem)
		m, _ := vm.New(vm.Config{})
		if _, bad := m.Load(&vm.Program{Insns: prog}); bad == nil {
			p := &fullspeed.Program{Type: "socket_filter", Insns: isa.EncodeAll(prog)}
			cases = append(cases, newCase(t, "conformance "+strconv.Itoa(len(cases)), p, fullspeed.Input{Ctx: append([]byte{}, mem...), R2: uint64(len(mem))}))
		}
		return r0, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 313 {
		t.Fatalf("%d conformance programs", len(cases))
	}
	n := len(cases)
	for _, ex := range pagetest.Gallery(t) {
		cases = append(cases, galleryCases(t, &ex)...)
	}
	t.Logf("%d programs of the conformance suite, %d runs of the gallery", n, len(cases)-n)
	if len(cases) < n+10 {
		t.Errorf("only %d runs of the gallery", len(cases)-n)
	}
	return cases
}

// galleryCases is a program of the gallery over each of its packets, each with
// fresh maps; none for one that runs on events, or asks for a kernel's types.
func galleryCases(t testing.TB, ex *pagetest.Example) (cases []testCase) {
	t.Helper()
	if len(ex.Input) == 0 {
		return nil
	}
	name := ex.Name
	var l *verdict.Loaded
	for i := 0; l == nil || ex.Program != "" && l.Name != ex.Program; i++ {
		var problems []protocol.Problem
		if l, problems = verdict.Load(ex.Source, i, verdict.Options{}); l == nil {
			t.Fatalf("%s: %+v", name, problems)
		}
	}
	if l.Feature != "" {
		return nil
	}
	v := l.Program
	p := &fullspeed.Program{Type: v.Type.String(), Attach: uint32(v.Attach), License: "GPL", Seed: 1, CPUs: 3, Insns: isa.EncodeAll(v.Insns)}
	for i := range v.Maps {
		s := compiled.MapSpec(&v.Maps[i])
		for _, kv := range ex.Maps {
			if kv.Map == s.Name {
				s.Init = append(s.Init, maps.KV{Key: unhex(t, kv.Key), Value: unhex(t, kv.Value)})
			}
		}
		p.Maps = append(p.Maps, s)
	}
	res, err := verifier.Verify(v, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := packet.Parse(strings.Join(ex.Input, "\n"))
	if len(errs) > 0 {
		t.Fatalf("%s: %+v", name, errs)
	}
	for i, pkt := range packets {
		in := fullspeed.Input{Packet: pkt.Data, CPU: uint32(len(cases)) % p.CPUs}
		cases = append(cases, newCase(t, name+" "+strconv.Itoa(i), p, in))
		if c := &cases[len(cases)-1]; res.Verdict == verifier.Accepted && c.Fault == "" {
			accepted := *p
			accepted.Accepted = true
			cases = append(cases, newCase(t, name+" "+strconv.Itoa(i)+" accepted", &accepted, in))
		}
	}
	return cases
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func assemble(t testing.TB, text string) []byte {
	t.Helper()
	res := asm.Assemble(text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%v\n%s", res.Errors[0], text)
	}
	return isa.EncodeAll(res.Insns)
}

// wildText is a program that no verifier would accept: it writes all over the
// page's memory, 4 KiB apart.
const wildText = `
	r1 = 0
	r2 = -1
top:
	*(u64 *)(r1 +0) = r2
	*(u64 *)(r1 -32768) = r2
	*(u64 *)(r1 +32767) = r2
	r1 += 4096
	w3 = w1
	if r3 != 0 goto top
	r0 = 1
	exit`

// writeCases makes the file that the page's side reads.
func writeCases(t testing.TB, cases, speed []testCase) string {
	t.Helper()
	endless := newCase(t, "endless", &fullspeed.Program{Type: "xdp", Insns: assemble(t, "top:\nr0 += 1\ncall f\ngoto top\nf:\nr1 += 1\nif r1 != 0 goto f\nexit")}, fullspeed.Input{})
	wild := endless
	wild.Name = "wild"
	wild.Load = hex.EncodeToString((&fullspeed.Program{Type: "xdp", Accepted: true, Insns: assemble(t, wildText)}).Append(nil))
	b, err := json.Marshal(map[string]any{"cases": cases, "endless": endless, "wild": wild, "speed": speed})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func node(t testing.TB, cases string, args ...string) string {
	t.Helper()
	return pagetest.Node(t, []string{"SKEP_ENGINE=" + module(t), "SKEP_CASES=" + cases}, args...)
}

// In node every program does compiled what it does in the interpreter, there
// and here.
func TestNode(t *testing.T) {
	text := node(t, writeCases(t, suite(t), nil), "--test", pagetest.Bundle(t, "jit/fullspeed.test", pagetest.ForNode))
	if testing.Verbose() {
		t.Log(text)
	}
}

// The same in a browser, in a Worker, under the site's security policy.
func TestChromium(t *testing.T) {
	lines := pagetest.Chromium(t, pagetest.Bundle(t, "jit/cases-worker", pagetest.ForBrowser), map[string]string{
		"/jit.wasm": module(t), "/cases.json": writeCases(t, suite(t), nil),
	})
	if len(lines) != 1 || !strings.HasSuffix(lines[0], " programs") {
		t.Errorf("%d differ:\n%s", len(lines)-1, strings.Join(lines, "\n"))
	}
	t.Log(lines[0])
}

// BenchmarkNode is the programs of package workload in V8: ns of one run
// compiled with checks, without, and interpreted. skep bench has the other
// engines.
func BenchmarkNode(b *testing.B) {
	var keys []maps.KV
	for i := range uint32(200) {
		keys = append(keys, maps.KV{Key: binary.LittleEndian.AppendUint32(nil, i), Value: make([]byte, 8)})
	}
	specs := []maps.Spec{
		{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64},
		{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 256, Init: keys},
		{Name: "backends", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 16},
	}
	var speed []testCase
	for _, w := range workload.All() {
		p := &fullspeed.Program{Type: "sched_cls", License: "GPL", Seed: 1, Insns: assemble(b, w.Text), Maps: specs}
		in := fullspeed.Input{Packet: make([]byte, w.Packet)}
		speed = append(speed, newCase(b, w.Name, p, in))
		p.Accepted = true
		speed = append(speed, newCase(b, w.Name, p, in))
	}
	lines := strings.Split(strings.TrimSpace(node(b, writeCases(b, nil, speed), pagetest.Bundle(b, "jit/speed.test", pagetest.ForNode))), "\n")
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) != 4 {
			b.Fatalf("node printed %q", line)
		}
		b.Run(f[0], func(b *testing.B) {
			for i, unit := range []string{"ns-safe", "ns-facts", "ns-interp"} {
				v, err := strconv.ParseFloat(f[i+1], 64)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(v, unit)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
