package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"skep/verifier"
	"skep/vm/object"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

// verifyOutput is what to print of a verification.
type verifyOutput struct {
	json  bool   // verdict records
	trace bool   // JSON lines of the steps in place of the log
	html  string // file for a report
	facts string // file for facts
}

// verifyFile verifies the programs of an object, or assembly. The exit code is
// 1 when the kernel would refuse one, 2 when one cannot be judged.
func (sh *shell) verifyFile(file, prog string, cfg verifier.Config, out verifyOutput) int {
	b, err := sh.read(file)
	if err != nil {
		return sh.broken("verify", err)
	}
	src := protocol.WireSource{Kind: protocol.SourceKindAsm, Text: string(b), Name: filepath.Base(file)}
	names := []string{strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))}
	if bytes.HasPrefix(b, []byte("\x7fELF")) {
		src = protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: filepath.Base(file)}
		obj, err := object.LoadNamed(b, src.Name)
		if err != nil {
			return sh.broken("verify", fmt.Errorf("%s: %w", file, err))
		}
		names = nil
		for i := range obj.Programs {
			names = append(names, obj.Programs[i].Name)
		}
	}
	if prog != "" && !slices.Contains(names, prog) {
		return sh.broken("verify", fmt.Errorf("%s: no program %q; there are %s", file, prog, strings.Join(names, ", ")))
	}
	if out.facts != "" && len(names) > 1 && prog == "" {
		return sh.broken("verify", errFactsOfOne)
	}
	cfg.Facts = out.facts != ""
	opts := verdict.Options{Privilege: cfg.Privilege, Relocate: relocate}
	code := exitOK
	for i, name := range names {
		if prog != "" && name != prog {
			continue
		}
		a := verifyAnswer{ID: name}
		l, problems := verdict.Load(src, i, opts)
		switch {
		case l == nil:
			return sh.broken("verify", fmt.Errorf("%s:%w", file, problemError(problems)))
		case l.Feature != "":
			a.NotModelled = l.Feature
		case out.trace || out.html != "":
			if out.html != "" && len(names) > 1 && prog == "" {
				return sh.broken("verify", fmt.Errorf("%s has several programs: name one with -prog, there are %s", file, strings.Join(names, ", ")))
			}
			t, err := recordTrace(name, l, cfg)
			if err != nil {
				return sh.broken("verify", err)
			}
			a = answerOf(name, t.res)
			a.Log = "" // the steps and the report say more
			if out.html != "" {
				if err := t.writeReport(out.html); err != nil {
					return sh.broken("verify", err)
				}
			}
			if out.trace {
				sh.printTrace(t)
			}
		default:
			res, err := verifier.Verify(l.Program, cfg)
			if err == nil && out.facts != "" {
				err = writeFacts(out.facts, res.Facts)
			}
			if err != nil {
				return sh.broken("verify", err)
			}
			a = answerOf(name, res)
		}
		if !out.trace {
			sh.printVerdict(a, out.json)
		}
		switch {
		case a.NotModelled != "":
			code = exitUsage
		case !a.OK && code == exitOK:
			code = exitRejected
		}
	}
	return code
}

// relocate adjusts an object to the installed reference kernel.
func relocate(o *object.Object) ([]object.Program, error) {
	k := kernelBTF()
	if k == nil {
		return nil, errors.New("CO-RE needs a kernel's types; run skep sandbox install")
	}
	return o.Relocate(k)
}

func (sh *shell) printVerdict(a verifyAnswer, asJSON bool) {
	if asJSON {
		sh.out.Write(marshal(a))
		return
	}
	fmt.Fprint(sh.out, a.Log)
	switch {
	case a.NotModelled != "":
		fmt.Fprintf(sh.out, "%s: not modelled: it uses %s\n", a.ID, a.NotModelled)
	case a.OK:
		fmt.Fprintf(sh.out, "%s: accepted, %d instructions processed\n", a.ID, a.InsnsProcessed)
	default:
		fmt.Fprintf(sh.out, "%s: rejected: %s (errno %d)\n", a.ID, a.Message, a.Errno)
	}
}
