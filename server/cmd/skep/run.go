package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"skep/vm/packet"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

// event is how one packet fared, for --json.
type event struct {
	Packet  int      `json:"packet"`
	Summary string   `json:"summary"`
	Ret     *uint64  `json:"ret,omitempty"`
	Name    string   `json:"name,omitempty"`
	Meaning string   `json:"meaning,omitempty"`
	Steps   uint32   `json:"steps"`
	Data    string   `json:"data"` // the packet afterwards, hex
	Output  []string `json:"output,omitempty"`
	Fault   *fault   `json:"fault,omitempty"`
}

type fault struct {
	Code    string `json:"code"`
	PC      uint32 `json:"pc"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// mapState is a map after the run, for --json.
type mapState struct {
	Name    string      `json:"map"`
	Type    string      `json:"type"`
	Entries []mapEntry  `json:"entries"`
	Records []mapRecord `json:"records,omitempty"`
}

type mapEntry struct {
	Key       string   `json:"key"`
	Values    []string `json:"values"`
	KeyText   string   `json:"key_text,omitempty"`
	ValueText []string `json:"value_text,omitempty"`

	Formatted *formatted `json:"formatted,omitempty"` // by the types in the object
}

// formatted is an element as bpftool prints it.
type formatted struct {
	Key    json.RawMessage   `json:"key,omitempty"`
	Values []json.RawMessage `json:"values,omitempty"`
}

type mapRecord struct {
	Data  string `json:"data"`
	State string `json:"state"`
	CPU   *int32 `json:"cpu,omitempty"` // of a perf event array
	Text  string `json:"text,omitempty"`
	Type  string `json:"type,omitempty"` // of the program's, that the record has

	Formatted json.RawMessage `json:"formatted,omitempty"` // by that type
}

func runRun(ctx context.Context, sh *shell, args []string) int {
	fs := sh.flags("run", "[-p PACKETS | -pcap FILE | -events FILE | -event LINE] [-w FILE] [--json] FILE | --batch",
		"Runs FILE (an object of clang, C, or assembly in a file that ends in .s) over packets, or over\nevents of a simulated machine, and prints what it returned. With --batch programs are read as\nJSON lines. With -engine, -repeat or -facts it runs over each packet as often as wanted, maps and\npacket going on as the run before left them, and prints the time that a run takes.")
	text := fs.String("p", "", "packets in the packet language, separated by ;")
	pcapFile := fs.String("pcap", "", "read packets from a pcap or pcapng file")
	out := fs.String("w", "", "write the packets as they left the program to this pcap file")
	prog := fs.String("prog", "", "name of the program in the object; the first otherwise")
	seed := fs.Uint64("seed", 1, "seed of the random numbers")
	cpus := fs.Uint("cpus", 2, "number of CPUs")
	budget := fs.Uint("budget", 1_000_000, "instructions for each packet")
	inits := mapFlag{}
	fs.Var(&inits, "map", "`NAME:KEY:VALUE` in hex: an element that is there before the first packet; repeatable")
	batch := fs.Bool("batch", false, "read batch records from standard input")
	engine := fs.String("engine", "interp", "interp, native or wasm")
	repeat := fs.Int("repeat", 1, "runs over each packet, or of each batch record")
	factsFlag := fs.String("facts", "", factsHelp)
	asJSON := fs.Bool("json", false, "a line of JSON a packet, then one a map")
	var ev eventFlags
	ev.register(fs)
	files, code, ok := parse(fs, args)
	switch {
	case !ok:
		return code
	case *repeat < 1 || *repeat > 1_000_000_000:
		return sh.broken("run", errors.New("-repeat is 1 to 1,000,000,000"))
	case *batch && *factsFlag != "" && *factsFlag != factsVerify:
		return sh.broken("run", errors.New("the facts of a batch are those of -facts verify"))
	case *batch:
		return sh.runBatch(ctx, *engine, *repeat, *factsFlag != "")
	case len(files) != 1:
		return sh.broken("run", errors.New("one FILE is needed, or --batch"))
	case ev.given() && (*text != "" || *pcapFile != "" || *out != ""):
		return sh.broken("run", errors.New("-events and -event do not go with packets: a line `pkt ...` is an event too"))
	case *text != "" && *pcapFile != "":
		return sh.broken("run", errors.New("packets come from -p or from -pcap, not both"))
	}
	in := protocol.WireInput{Kind: protocol.InputKindText, Text: strings.ReplaceAll(*text, ";", "\n")}
	if *text == "" {
		in.Text = "eth / ipv4 / udp"
	}
	if *pcapFile != "" {
		b, err := sh.read(*pcapFile)
		if err != nil {
			return sh.broken("run", err)
		}
		in = protocol.WireInput{Kind: protocol.InputKindPcap, Bytes: b}
	}
	if *engine != "interp" || *repeat > 1 || *factsFlag != "" {
		switch {
		case ev.given():
			return sh.broken("run", errors.New("-engine, -repeat and -facts go with packets, not with events"))
		case *out != "":
			return sh.broken("run", errors.New("-w does not go with -engine, -repeat and -facts"))
		}
		r := &plainRun{engine: *engine, facts: *factsFlag, cpus: int(*cpus), repeat: *repeat, budget: int(*budget), seed: *seed, inits: inits.list, json: *asJSON}
		return r.run(ctx, sh, files[0], *prog, in)
	}
	s, listing, err := sh.loadSession(ctx, files[0], *prog)
	if err != nil {
		return sh.broken("run", err)
	}
	opts := session.DefaultOptions()
	opts.Seed, opts.CPUs, opts.Budget, opts.Hook = *seed, uint32(*cpus), uint32(*budget), ev.hook
	if ev.given() {
		return sh.runEvents(s, listing, &ev, opts, inits.list, *asJSON)
	}
	started := s.Start(in, opts, inits.list)
	if started.View == nil {
		return sh.broken("run", problemError(started.Problems))
	}
	v := started.View
	var left []packet.Packet
	failed := false
	for {
		v = finishEvent(s, v)
		ev := describe(v)
		failed = failed || ev.Fault != nil
		if v.Packet != nil {
			left = append(left, packet.Packet{Data: bytes.Clone(v.Packet.Bytes)})
		}
		sh.printEvent(ev, *asJSON)
		if ev.Fault != nil || v.Event+1 >= v.Events {
			break // a machine that faulted does not go on
		}
		v = move(s, protocol.MovementNextEvent, 0)
	}
	sh.printMaps(listing, v, *asJSON)
	if *out != "" {
		if err := os.WriteFile(*out, packet.AppendPcap(nil, left), 0o644); err != nil {
			return sh.broken("run", err)
		}
	}
	if failed {
		return exitRejected
	}
	return exitOK
}

// runSlice is how many instructions a call of the session does at most.
const runSlice = 1_000_000

// move moves the session, slice by slice.
func move(s *session.Session, how protocol.Movement, n uint32) *protocol.View {
	m := s.Move(how, n, protocol.WireWatch{}, runSlice)
	for m.View == nil {
		m = s.Continue(runSlice)
	}
	return m.View
}

// finishEvent runs the packet that has arrived to its end: the state before
// the next one arrives.
func finishEvent(s *session.Session, v *protocol.View) *protocol.View {
	if v.Event+1 >= v.Events {
		return move(s, protocol.MovementRun, 0)
	}
	next := move(s, protocol.MovementNextEvent, 0)
	if next.Event == v.Event {
		return next // it faulted
	}
	return move(s, protocol.MovementBack, 1)
}

// loadSession loads an object, C or assembly.
func (sh *shell) loadSession(ctx context.Context, file, prog string) (*session.Session, *protocol.Listing, error) {
	b, err := sh.read(file)
	if err != nil {
		return nil, nil, err
	}
	src := protocol.WireSource{Kind: protocol.SourceKindAsm, Text: string(b), Name: filepath.Base(file)}
	if filepath.Ext(file) == ".c" {
		src.Files = []protocol.WireFile{{Name: filepath.Base(file), Text: string(b)}}
		if b, err = compileC(ctx, string(b)); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if bytes.HasPrefix(b, []byte("\x7fELF")) {
		src.Kind, src.Text, src.Bytes = protocol.SourceKindObject, "", b
	}
	s := session.New()
	loaded := s.Load(src)
	if loaded.Listing == nil {
		return nil, nil, fmt.Errorf("%s:%w", file, problemError(loaded.Problems))
	}
	if prog == "" {
		return s, loaded.Listing, nil
	}
	var names []string
	for i, p := range loaded.Listing.Programs {
		if p.Name == prog {
			loaded = s.Choose(i)
			if loaded.Listing == nil {
				return nil, nil, problemError(loaded.Problems)
			}
			return s, loaded.Listing, nil
		}
		names = append(names, p.Name)
	}
	return nil, nil, fmt.Errorf("%s: no program %q; there are %s", file, prog, strings.Join(names, ", "))
}

// problemError is problems as one error, a line each.
func problemError(list []protocol.Problem) error {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		if p.Line > 0 {
			fmt.Fprintf(&b, "%d:%d: ", p.Line, p.Col)
		}
		b.WriteString(p.Message)
		if p.Hint != "" {
			fmt.Fprintf(&b, "; %s", p.Hint)
		}
	}
	return errors.New(b.String())
}

func describe(v *protocol.View) event {
	ev := event{Packet: int(v.Event), Steps: v.Step - v.EventStep}
	if v.Packet != nil {
		ev.Summary, ev.Data = v.Packet.Summary, hex.EncodeToString(v.Packet.Bytes)
	}
	for _, l := range v.Trace {
		if l.Event == v.Event {
			ev.Output = append(ev.Output, l.Text)
		}
	}
	if v.Fault != nil {
		ev.Fault = &fault{v.Fault.Code, v.Fault.PC, v.Fault.Message, v.Fault.Hint}
		return ev
	}
	if n := len(v.Verdicts); n > 0 {
		d := v.Verdicts[n-1]
		ev.Ret, ev.Name, ev.Meaning = &d.Value, d.Name, d.Meaning
	}
	return ev
}

func (sh *shell) printEvent(ev event, asJSON bool) {
	if asJSON {
		sh.out.Write(marshal(ev))
		return
	}
	fmt.Fprintf(sh.out, "packet %d: %s\n", ev.Packet, ev.Summary)
	for _, l := range ev.Output {
		fmt.Fprintf(sh.out, "  printed  %s\n", l)
	}
	if f := ev.Fault; f != nil {
		fmt.Fprintf(sh.out, "  fault    at instruction %d after %d steps: %s\n", f.PC, ev.Steps, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(sh.out, "           %s\n", f.Hint)
		}
		return
	}
	fmt.Fprintf(sh.out, "  returned %s after %d steps: %s\n", ev.Name, ev.Steps, ev.Meaning)
}

func (sh *shell) printMaps(l *protocol.Listing, v *protocol.View, asJSON bool) {
	for _, mv := range v.Maps {
		info := l.Maps[mv.Map]
		if strings.HasPrefix(info.Name, "__bpf_usdt_") {
			continue // of <bpf/usdt.bpf.h>: the loader's own
		}
		st := mapState{Name: info.Name, Type: info.Type, Entries: []mapEntry{}}
		for _, e := range mv.Entries {
			me := mapEntry{Key: hex.EncodeToString(e.Key), KeyText: e.KeyText, ValueText: e.ValueTexts}
			for _, val := range e.Values {
				me.Values = append(me.Values, hex.EncodeToString(val))
			}
			me.Formatted = format(&info, &e)
			st.Entries = append(st.Entries, me)
		}
		for _, r := range mv.Records {
			rec := mapRecord{Data: hex.EncodeToString(r.Bytes), State: recordStates[r.State], Type: r.Type, Text: r.Text}
			if r.CPU >= 0 {
				rec.CPU = &r.CPU
			}
			if r.Type != "" {
				rec.Formatted = json.RawMessage(r.Text)
			}
			st.Records = append(st.Records, rec)
		}
		if asJSON {
			sh.out.Write(marshal(st))
			continue
		}
		fmt.Fprintf(sh.out, "map %s (%s)\n", st.Name, st.Type)
		for _, e := range st.Entries {
			fmt.Fprintf(sh.out, "  %s: %s\n", e.KeyText, strings.Join(e.ValueText, " | "))
		}
		for _, r := range st.Records {
			text := r.Data
			if r.Type != "" {
				text = r.Type + " " + r.Text
			}
			if r.CPU != nil {
				text = fmt.Sprintf("%s on CPU %d", text, *r.CPU)
			}
			fmt.Fprintf(sh.out, "  %s %s\n", r.State, text)
		}
	}
}

// format is an element whose types are known; their text is JSON already.
func format(info *protocol.MapInfo, e *protocol.MapEntry) *formatted {
	var f formatted
	if info.KeyType != "" && e.KeyText != "" {
		f.Key = json.RawMessage(e.KeyText)
	}
	for _, text := range e.ValueTexts {
		if info.ValueType != "" && text != "" {
			f.Values = append(f.Values, json.RawMessage(text))
		}
	}
	if f.Key == nil && f.Values == nil {
		return nil
	}
	return &f
}

var recordStates = map[protocol.RecordState]string{
	protocol.RecordStateReserved: "reserved", protocol.RecordStateSubmitted: "submitted", protocol.RecordStateDiscarded: "discarded",
}

// mapFlag collects -map NAME:KEY:VALUE.
type mapFlag struct{ list []protocol.MapInit }

func (f *mapFlag) String() string { return "" }

func (f *mapFlag) Set(s string) error {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return errors.New("expected NAME:KEY:VALUE")
	}
	key, err := unhex(parts[1])
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	value, err := unhex(parts[2])
	if err != nil {
		return fmt.Errorf("value: %w", err)
	}
	f.list = append(f.list, protocol.MapInit{Map: parts[0], Key: key, Value: value})
	return nil
}
