package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"

	"skep/server/sandbox"
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// verifyAnswer is the verdict record of the batch format.
type verifyAnswer struct {
	ID               string `json:"id"`
	OK               bool   `json:"ok"`
	Errno            int    `json:"errno,omitempty"`
	NotModelled      string `json:"not_modelled,omitempty"`
	Log              string `json:"log"`
	Message          string `json:"message,omitempty"`
	InsnsProcessed   int    `json:"insns_processed"`
	MaxStatesPerInsn int    `json:"max_states_per_insn"`
	TotalStates      int    `json:"total_states"`
	PeakStates       int    `json:"peak_states"`
	MarkRead         int    `json:"mark_read"`
	Error            string `json:"error,omitempty"`
}

func runVerify(ctx context.Context, sh *shell, args []string) int {
	fs := sh.flags("verify", "[-priv P] [-log N] [--json] FILE | --batch",
		"Says what the kernel's verifier would say of FILE: an object of clang, or assembly.\nWith --batch programs are read as JSON lines, and answered by verdict records.")
	level := fs.Int("log", 1, "log level: 0 no log, 1 or 2, plus 4 for statistics")
	priv := fs.String("priv", "root", "who loads it: root, cap_bpf or unprivileged")
	kernel := fs.String("kernel", "6.12", "kernel: 6.12")
	cpus := fs.Int("cpus", 1, "number of CPUs that the kernel may have")
	prog := fs.String("prog", "", "name of the program in the object; all otherwise")
	batch := fs.Bool("batch", false, "read batch records from standard input")
	store := fs.String("btf-store", "", "file with the BTF blobs that records name by hash")
	asJSON := fs.Bool("json", false, "print verdict records")
	steps := fs.Bool("trace", false, traceHelp)
	facts := fs.String("facts", "", "write what is proved of the program, for skep jit and skep run, to this `file`")
	html := fs.String("html", "", "write a report to this `file`: source, paths, states, log and what the failing step needed, on a page that needs nothing else")
	files, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	privilege, known := privileges[*priv]
	switch {
	case !known:
		return sh.broken("verify", fmt.Errorf("there is no privilege %q: root, cap_bpf and unprivileged are known", *priv))
	case *kernel != "6.12":
		return sh.broken("verify", fmt.Errorf("there is no profile of kernel %q: 6.12 is known", *kernel))
	case *cpus < 1 || *cpus > 256:
		return sh.broken("verify", errors.New("-cpus is 1 to 256"))
	case *level < 0 || *level > 7:
		return sh.broken("verify", errors.New("the log level is 0 to 7"))
	case *batch && (*steps || *html != "" || *facts != ""):
		return sh.broken("verify", errors.New("--trace, --html and --facts take a FILE, not --batch"))
	case *facts != "" && (*steps || *html != ""):
		return sh.broken("verify", errors.New("--facts does not go with --trace and --html"))
	case !*batch && len(files) != 1:
		return sh.broken("verify", errors.New("one FILE is needed, or --batch"))
	}
	cfg := verifier.Config{Kernel: verifier.Linux612, Privilege: privilege, LogLevel: *level, CPUs: *cpus, Context: ctx, KernelBTF: kernelBTF()}
	if *batch {
		return sh.verifyBatch(ctx, *store, cfg)
	}
	if *html != "" {
		cfg.LogLevel |= verifier.LogLevel2
	}
	return sh.verifyFile(files[0], *prog, cfg, verifyOutput{json: *asJSON, trace: *steps, html: *html, facts: *facts})
}

var privileges = map[string]verifier.Privilege{
	"root": verifier.Root, "cap_bpf": verifier.CapBPF, "unprivileged": verifier.Unprivileged,
}

// kernelBTF is the BTF of the installed reference kernel, nil when there is
// none: programs that need it are not modelled then.
var kernelBTF = sync.OnceValue(func() *btf.Spec {
	k, err := sandbox.FindKernel(sandbox.DefaultKernel)
	if err != nil {
		return nil
	}
	raw, err := os.ReadFile(k.BTFFile())
	if err != nil {
		return nil
	}
	spec, err := btf.Parse(raw)
	if err != nil {
		return nil
	}
	return spec
})

// answer verifies p and makes the record.
func answer(id string, p *verifier.Program, cfg verifier.Config) (verifyAnswer, error) {
	res, err := verifier.Verify(p, cfg)
	if err != nil {
		return verifyAnswer{}, err
	}
	return answerOf(id, res), nil
}

func answerOf(id string, res *verifier.Result) verifyAnswer {
	a := verifyAnswer{
		ID: id, OK: res.Verdict == verifier.Accepted, NotModelled: res.Feature, Log: string(res.Log), Message: res.Message,
		InsnsProcessed: res.InsnProcessed, MaxStatesPerInsn: res.MaxStatesPerInsn, TotalStates: res.TotalStates,
		PeakStates: res.PeakStates, MarkRead: res.MarkRead,
	}
	if res.Verdict == verifier.Rejected {
		a.Errno = int(res.Errno)
	}
	return a
}

// verifyBatch answers each record of standard input. Records say their log
// level and privilege themselves.
func (sh *shell) verifyBatch(ctx context.Context, store string, cfg verifier.Config) int {
	blobs := &btfStore{specs: map[string]*btf.Spec{}}
	if store != "" {
		raw, err := sandbox.ReadBTFStore(store)
		if err != nil {
			return sh.broken("verify", err)
		}
		blobs.raw = raw
	}
	return sh.eachRecord(ctx, "verify", func(rec *sandbox.Record) (any, bool) {
		c := cfg
		c.LogLevel = int(rec.LogLevel)
		if rec.Privileged != nil && !*rec.Privileged || rec.Privilege == "unprivileged" {
			c.Privilege = verifier.Unprivileged
		} else if rec.Privilege == "cap_bpf" {
			c.Privilege = verifier.CapBPF
		}
		p, err := verifierProgram(rec, blobs)
		if err != nil {
			return verifyAnswer{ID: rec.ID, Error: err.Error()}, false
		}
		if c.Privilege == verifier.Unprivileged { // BPF_BTF_LOAD takes CAP_BPF
			for i := range p.Maps {
				p.Maps[i].BTF = nil
			}
		}
		a, err := answer(rec.ID, p, c)
		if err != nil {
			return verifyAnswer{ID: rec.ID, Error: err.Error()}, false
		}
		return a, a.OK
	})
}

// btfStore parses each blob once.
type btfStore struct {
	raw   sandbox.BTFStore
	specs map[string]*btf.Spec
}

// get finds BTF by hash, or parses hex.
func (s *btfStore) get(ref string) (*btf.Spec, error) {
	if ref == "" {
		return nil, nil
	}
	if spec, ok := s.specs[ref]; ok {
		return spec, nil
	}
	raw, ok := s.raw[ref]
	if !ok {
		var err error
		if raw, err = hex.DecodeString(ref); err != nil || !bytes.HasPrefix(raw, []byte{0x9f, 0xeb}) {
			return nil, fmt.Errorf("btf %.20s: not in the store; pass -btf-store FILE", ref)
		}
	}
	spec, err := btf.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("btf %.20s: %w", ref, err)
	}
	s.specs[ref] = spec
	return spec, nil
}

func verifierProgram(rec *sandbox.Record, blobs *btfStore) (*verifier.Program, error) {
	typ, ok := hook.ByName(rec.ProgType)
	if !ok {
		return nil, fmt.Errorf("prog_type: there is no program type %q", rec.ProgType)
	}
	insns, err := isa.DecodeAll(rec.Insns)
	if err != nil {
		return nil, err
	}
	p := &verifier.Program{
		Type: typ, Attach: hook.AttachType(rec.ExpectedAttachType), Flags: rec.ProgFlags, GPL: verifier.GPLCompatible(rec.License),
		Insns: insns, FuncInfo: rec.FuncInfo, FuncInfoSize: int(rec.FuncInfoRecSize),
		LineInfo: rec.LineInfo, LineInfoSize: int(rec.LineInfoRecSize), AttachTo: rec.AttachTo,
	}
	if p.BTF, err = blobs.get(rec.BTF); err != nil {
		return nil, err
	}
	for i := range rec.Maps {
		m, err := verifierMap(&rec.Maps[i], blobs)
		if err != nil {
			return nil, fmt.Errorf("map %d: %w", i, err)
		}
		p.Maps = append(p.Maps, *m)
	}
	symbols := func(refs []sandbox.SymbolRef) (out []verifier.Symbol) {
		for _, r := range refs {
			out = append(out, verifier.Symbol{Insn: r.Insn, ID: r.ID, Name: r.Name})
		}
		return out
	}
	p.Kfuncs, p.Ksyms = symbols(rec.KfuncRefs()), symbols(rec.KsymRefs())
	return p, nil
}

func verifierMap(r *sandbox.RecordMap, blobs *btfStore) (*verifier.MapInfo, error) {
	typ, ok := maps.ByName(r.Type)
	if !ok {
		return nil, fmt.Errorf("type: there is no map type %q", r.Type)
	}
	spec, err := blobs.get(r.BTF)
	if err != nil {
		return nil, err
	}
	const nameLen = 15 // BPF_OBJ_NAME_LEN without its zero
	m := &verifier.MapInfo{
		Name: r.Name[:min(len(r.Name), nameLen)], Type: typ, KeySize: r.KeySize, ValueSize: r.ValueSize, MaxEntries: r.MaxEntries,
		Flags: r.MapFlags, Extra: r.MapExtra, Frozen: r.Frozen, Data: r.Data,
		BTF: spec, KeyType: btf.ID(r.KeyTypeID), ValueType: btf.ID(r.ValueTypeID),
	}
	if r.Inner != nil {
		if m.Inner, err = verifierMap(r.Inner, blobs); err != nil {
			return nil, fmt.Errorf("inner: %w", err)
		}
	}
	return m, nil
}
