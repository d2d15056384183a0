// Package verdict answers what the kernel would say about a source: it loads
// assembly text or an object as libbpf would, verifies one of its programs,
// and says where the answer points to. There is no WebAssembly in it, so it is
// tested natively; package wasm/verify adds the exports.
//
//	v := verdict.Verify(&protocol.Verify{Source: protocol.WireSource{Text: "exit"}})
//	// rejected, EACCES, "R0 !read_ok", slot 0, line 1
//
// # Why a module of its own
//
// The first load has a budget of 0.8 MB and no byte to spare. The verifier is
// wanted a moment later than the first step, so it comes by itself once the
// page has settled, with a second copy of Go's run time; a Worker of its own
// besides means that a program that takes seconds to verify does not stop
// anyone from stepping.
//
// Read next: load.go, then log.go.
package verdict

import (
	"skep/verifier"
	"skep/verifier/klog"
	"skep/vm/kernel"
	"skep/wasm/protocol"
)

// Kernel is whose verdicts these are.
const Kernel = "6.12"

// DefaultLogMax is how much of a log is handed out when the request does not say.
const DefaultLogMax = 1 << 20

// keepLog bounds the log inside of the verifier: more than is handed out,
// because the front is wanted too.
const keepLog = 8 << 20

// againBelow bounds the programs that are verified a second time for the lines
// of their error; of longer ones the last line has to do.
const againBelow = 50_000

// Verify answers a request.
func Verify(q *protocol.Verify) *protocol.Verified {
	l, cfg, v := prepare(q.Source, q.Program, &q.Options)
	if v != nil {
		return v
	}
	res, err := verifier.Verify(l.Program, *cfg)
	told := res // the result whose log has the lines of the error
	if err == nil && res.Verdict == verifier.Rejected && cfg.LogLevel&(verifier.LogLevel1|verifier.LogLevel2) == 0 && res.InsnProcessed < againBelow {
		// As libbpf does: load again with a log when the kernel says no.
		again := *cfg
		again.LogLevel = verifier.LogLevel1
		told, err = verifier.Verify(l.Program, again)
	}
	if err != nil { // only a cancelled context, and there is none
		return &protocol.Verified{Outcome: protocol.OutcomeNotModelled, Feature: err.Error(), PC: -1}
	}
	return verified(l, res, told, &q.Options)
}

// prepare loads a program and says how to verify it; without a program the
// answer says why.
func prepare(src protocol.WireSource, program uint32, o *protocol.VerifyOptions) (*Loaded, *verifier.Config, *protocol.Verified) {
	p := PrivilegeOf(o.Privilege)
	l, problems := Load(src, int(program), Options{Hook: o.Hook, Privilege: p})
	if l == nil {
		return nil, nil, &protocol.Verified{Outcome: protocol.OutcomeUnreadable, Problems: problems, PC: -1}
	}
	if l.Feature != "" {
		return nil, nil, &protocol.Verified{Outcome: protocol.OutcomeNotModelled, Feature: l.Feature, PC: -1}
	}
	return l, &verifier.Config{Privilege: p, LogLevel: int(o.Level & 7), LogMax: keepLog, KernelBTF: kernel.WithFunctions()}, nil
}

// verified says what the verification of a program came to; told is the result
// whose log has the lines of the error.
func verified(l *Loaded, res, told *verifier.Result, o *protocol.VerifyOptions) *protocol.Verified {
	v := &protocol.Verified{
		PC: -1, Processed: uint32(res.InsnProcessed), MaxStates: uint32(res.MaxStatesPerInsn),
		TotalStates: uint32(res.TotalStates), PeakStates: uint32(res.PeakStates), MarkRead: uint32(res.MarkRead),
	}
	for _, d := range res.StackDepth {
		v.StackDepths = append(v.StackDepths, uint32(d))
	}
	switch res.Verdict {
	case verifier.Accepted:
		v.Outcome = protocol.OutcomeAccepted
	case verifier.NotModelled:
		v.Outcome, v.Feature = protocol.OutcomeNotModelled, res.Feature
	default:
		v.Outcome, v.Errno, v.ErrnoName = protocol.OutcomeRejected, uint32(res.Errno), res.Errno.String()
		v.Errors = klog.Errors(told.Log)
		if len(v.Errors) == 0 && res.Message != "" {
			v.Errors = []string{valid(res.Message)}
		}
		v.PC = int32(refused(res, v.Errors, len(l.Program.Insns)))
		if v.PC >= 0 {
			v.File, v.Line = l.line(int(v.PC))
		}
	}
	if o.Level&7 == 0 {
		return v
	}
	limit := int(o.LogMax)
	if limit <= 0 || limit > keepLog {
		limit = DefaultLogMax
	}
	text, cut := cutMiddle(res.Log, limit)
	v.Log, v.LogCut = valid(string(text)), uint32(cut)
	v.LinePCs = linePCs(v.Log, v.Errors, v.PC)
	return v
}

// PrivilegeOf is a privilege in the verifier's words.
func PrivilegeOf(p protocol.Privilege) verifier.Privilege {
	switch p {
	case protocol.PrivilegeCapBpf:
		return verifier.CapBPF
	case protocol.PrivilegeUnprivileged:
		return verifier.Unprivileged
	}
	return verifier.Root
}
