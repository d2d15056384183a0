package real

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"skep/server/sandbox"
	"skep/server/sandbox/proto"
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/object"
	"skep/wasm/protocol"
	engine "skep/wasm/session"
	"skep/wasm/verdict"
)

// kernelTypes parses each kernel's BTF once.
type kernelTypes struct {
	mu    sync.Mutex
	specs map[string]*btf.Spec
}

func (t *kernelTypes) of(k *sandbox.Kernel) (*btf.Spec, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if spec, ok := t.specs[k.SHA256]; ok {
		return spec, nil
	}
	raw, err := os.ReadFile(k.BTFFile())
	if err != nil {
		return nil, fmt.Errorf("types of kernel %s: %w", k.Version, err)
	}
	spec, err := btf.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("types of kernel %s: %w", k.Version, err)
	}
	if t.specs == nil {
		t.specs = map[string]*btf.Spec{}
	}
	t.specs[k.SHA256] = spec
	return spec, nil
}

// wire is the source as the engine reads it.
func (s *Source) wire() protocol.WireSource {
	if len(s.Object) > 0 {
		return protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: s.Object, Name: s.Name}
	}
	return protocol.WireSource{Kind: protocol.SourceKindAsm, Text: s.Text}
}

var privileges = map[proto.Privilege]verifier.Privilege{
	proto.Root: verifier.Root, proto.CapBPF: verifier.CapBPF, proto.Unprivileged: verifier.Unprivileged,
}

// load prepares the program for a kernel: both verifiers, ours and the kernel's, get the same instructions, maps and
// types. feature is what ours does not model.
func (s *Source) load(types *btf.Spec) (p *verifier.Program, feature string, err error) {
	l, problems := verdict.Load(s.wire(), s.Program, verdict.Options{
		Hook: s.Hook, Privilege: privileges[s.Privilege],
		Relocate: func(o *object.Object) ([]object.Program, error) { return o.Relocate(types) },
	})
	if l == nil {
		text := "the program does not load"
		if len(problems) > 0 {
			text = problems[0].Message
			if problems[0].Line > 0 {
				text = fmt.Sprintf("line %d: %s", problems[0].Line, text)
			}
		}
		return nil, "", &endError{codeSource, text}
	}
	return l.Program, l.Feature, nil
}

// section is where the program asks to be attached, by libbpf's name; "" when it does not say.
func (s *Source) section() (string, error) {
	if len(s.Object) > 0 {
		o, err := object.LoadNamed(s.Object, s.Name)
		if err != nil {
			return "", err
		}
		if s.Program >= len(o.Programs) {
			return "", errors.New("there is no such program in the object")
		}
		return o.Programs[s.Program].Section, nil
	}
	res, _ := engine.Assemble(s.Text)
	if res == nil {
		return "", nil // load says why
	}
	for _, f := range res.Funcs {
		if f.Start == 0 && f.Section != "" {
			if sec, target, ok := hook.ParseSection(f.Section); ok && target == "" {
				return sectionName(sec)
			}
			return f.Section, nil
		}
	}
	t, ok := hook.ByName(cmp.Or(s.Hook, res.ProgType, "xdp"))
	if !ok {
		return "", nil // load says why
	}
	for _, sec := range hook.Sections() {
		if sec.Type == t {
			return sectionName(sec)
		}
	}
	return "", nil
}

// sectionName is the name of a section that needs no target.
func sectionName(sec hook.Section) (string, error) {
	name, needsTarget := strings.CutSuffix(sec.Name, "+")
	if needsTarget {
		return "", fmt.Errorf("a %v program has to say what it attaches to: put .section \"%s/TARGET\" and .func NAME in front of it", sec.Type, name)
	}
	return name, nil
}

// record is the program in the batch format.
func (s *Source) record(p *verifier.Program, level int) *sandbox.Record {
	r := sandbox.RecordOf(p)
	r.ID, r.LogLevel, r.Privilege = "p", uint32(level), s.Privilege
	return r
}

// maxJudge bounds the memory of one verification of ours.
const maxJudge = 256 << 20

// maxLog is how much of a log is shown: with more the level is lowered instead, for a log that was cut cannot be laid
// beside another one.
const maxLog = 512 << 10

// judge asks our verifier, at the highest log level whose log can be shown.
func (s *Source) judge(ctx context.Context, p *verifier.Program, feature string, types *btf.Spec) (*Opinion, error) {
	o := &Opinion{Kernel: sandbox.DefaultKernel, Release: "skep's verifier, profile of Linux " + sandbox.DefaultKernel, First: -1}
	for _, level := range []int{verifier.LogLevel2 | verifier.LogStats, verifier.LogLevel1 | verifier.LogStats, verifier.LogStats} {
		cfg := verifier.Config{Kernel: verifier.Linux612, Privilege: privileges[s.Privilege], LogLevel: level, LogMax: maxLog + 1, KernelBTF: types, Context: ctx, MaxMemory: maxJudge}
		if feature != "" {
			o.Level, o.NotModelled = level, feature
			return o, nil
		}
		res, err := verifier.Verify(p, cfg)
		if err != nil {
			return nil, &endError{codeSource, "our verifier was stopped: " + err.Error()}
		}
		o.Level = level
		if len(res.Log) > maxLog {
			continue
		}
		o.OK, o.NotModelled, o.Log = res.Verdict == verifier.Accepted, res.Feature, string(res.Log)
		o.Insns, o.States, o.Peak = res.InsnProcessed, res.TotalStates, res.PeakStates
		if res.Verdict == verifier.Rejected {
			o.Errno, o.ErrnoName = int(res.Errno), res.Errno.String()
		}
		return o, nil
	}
	return nil, &endError{codeSource, "the statistics of the verification are longer than can be shown"}
}
