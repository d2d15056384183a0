package real

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"skep/server/sandbox"
	"skep/verifier"
)

// judgeTimeout bounds our own verifier: a million instructions take it well under this.
const judgeTimeout = 30 * time.Second

// confirm asks our verifier and then each kernel, one machine at a time.
func (x *session) confirm(req Request) error {
	var kernels []*sandbox.Kernel
	for _, k := range x.s.cfg.Manager.Kernels() {
		if req.Kernel == "" || req.Kernel == k.Version {
			kernels = append(kernels, k)
		}
	}
	if len(kernels) == 0 {
		return &endError{codeBad, fmt.Sprintf("kernel %q: this server has none", req.Kernel)}
	}
	go x.listen()
	ours, err := x.ours(req.Source)
	if err != nil {
		return err
	}
	for _, k := range kernels {
		theirs, err := x.theirs(req.Source, k, ours)
		if err != nil {
			return err
		}
		x.send(Message{Is: isVerdict, Kernel: k.Version, Theirs: theirs})
	}
	return nil
}

// listen lets the page stop a job that asks nothing else of it.
func (x *session) listen() {
	for {
		select {
		case r := <-x.requests:
			if r.Do == doStop {
				x.cancel(&endError{codeCancelled, "stopped"})
			}
		case <-x.typed:
		case <-x.done:
			return
		}
	}
}

// ours is our verdict for the reference kernel; it is sent before a machine is waited for.
func (x *session) ours(src *Source) (*Opinion, error) {
	k, err := sandbox.FindKernel(sandbox.DefaultKernel)
	if err != nil {
		return nil, err
	}
	types, err := x.s.kernels.of(k)
	if err != nil {
		return nil, err
	}
	select { // one program can keep a processor busy and hold much memory
	case x.s.verifier <- struct{}{}:
		defer func() { <-x.s.verifier }()
	case <-x.ctx.Done():
		return nil, context.Cause(x.ctx)
	}
	p, feature, err := src.load(types)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(x.ctx, judgeTimeout)
	defer cancel()
	o, err := src.judge(ctx, p, feature, types)
	if err == nil {
		x.send(Message{Is: isOurs, Ours: o})
	}
	return o, err
}

// theirs is a kernel's verdict, test run and code, compared with ours.
func (x *session) theirs(src *Source, k *sandbox.Kernel, ours *Opinion) (*Opinion, error) {
	types, err := x.s.kernels.of(k)
	if err != nil {
		return nil, err
	}
	p, _, err := src.load(types)
	if err != nil {
		return nil, err
	}
	rec := src.record(p, ours.Level)
	prog, err := rec.Resolve(k, nil)
	if err != nil { // a kernel function that this kernel does not have
		return &Opinion{Kernel: k.Version, Release: k.Release, Error: err.Error(), First: -1}, nil
	}
	prog.Keep, prog.LogMax = "p", 2*maxLog
	if prog.Run = sandbox.DefaultRun(prog); prog.Run != nil {
		if len(src.Packets) > 0 && len(prog.Run.Data) > 0 {
			prog.Run.Data = src.Packets[0]
		}
		prog.Run.Repeat = src.Repeat
	}
	vm, err := x.acquire(k.Version, sandbox.JobLimits)
	if err != nil {
		if x.ctx.Err() == nil && x.s.endMessage(err).Code == codeInternal { // one kernel that does not boot must not hide the others
			return &Opinion{Kernel: k.Version, Release: k.Release, Error: "its virtual machine does not start on this server", First: -1}, nil
		}
		return nil, err
	}
	defer vm.Close()
	v, err := vm.Load(x.ctx, prog)
	if err != nil {
		return nil, err
	}
	o := opinion(k, v, ours.Level)
	if prog.Run != nil && v.OK {
		o.Run = &RunResult{NS: v.RunNS, Repeat: prog.Run.Repeat, Errno: v.RunErrno, In: prog.Run.Data}
		if v.Ret != nil {
			o.Run.Ret = *v.Ret
		}
		if v.Data != nil {
			o.Run.Out = *v.Data
		}
	}
	if v.OK {
		if j, err := vm.JIT(x.ctx, "p"); err == nil {
			o.Xlated, o.JIT = xlatedText(j.Xlated), machineText(j)
		} else if vm.End() != nil {
			return nil, err
		} else {
			o.Notes = append(o.Notes, "the kernel does not show the code: "+err.Error())
		}
	}
	x.compare(src, rec, k, ours, o)
	return o, nil
}

func opinion(k *sandbox.Kernel, v *sandbox.Verdict, level int) *Opinion {
	o := &Opinion{Kernel: k.Version, Release: k.Release, OK: v.OK, Error: v.Error, Errno: v.Errno, Level: level, Log: v.Log,
		Insns: v.InsnsProcessed, States: v.TotalStates, Peak: v.PeakStates, LoadUS: v.LoadUsec, Notes: v.Notes, Maps: v.Maps, First: -1}
	if v.Errno != 0 {
		o.ErrnoName = verifier.Errno(v.Errno).String()
	}
	return o
}

// compare lays the logs side by side, and keeps a difference with the reference kernel as a finding.
func (x *session) compare(src *Source, rec *sandbox.Record, k *sandbox.Kernel, ours, theirs *Opinion) {
	if ours.NotModelled != "" || theirs.Error != "" {
		return
	}
	theirs.Segments, theirs.First = align(ours.Log, theirs.Log)
	if k.Version != sandbox.DefaultKernel {
		return
	}
	kind := ""
	switch {
	case ours.OK != theirs.OK:
		kind = "verdict"
	case ours.Errno != theirs.Errno:
		kind = "errno"
	case theirs.First >= 0:
		kind = "log"
	default:
		return
	}
	theirs.Finding = &Finding{Kind: kind}
	if x.s.cfg.Findings == nil {
		return
	}
	f := sandbox.Finding{Kind: kind, Kernel: k.Release, Version: x.s.cfg.Version, Privilege: string(src.Privilege), Files: map[string][]byte{
		"skep.log": []byte(ours.Log), "kernel.log": []byte(theirs.Log),
	}}
	record, err := json.MarshalIndent(rec, "", " ")
	if err == nil {
		f.Program = append(record, '\n')
		f.Files["verdicts.txt"] = []byte(verdictText(ours) + verdictText(theirs))
		if len(src.Object) > 0 {
			f.Files["program.o"] = src.Object
		} else {
			f.Files["program.s"] = []byte(src.Text)
		}
		if src.CSource != "" {
			f.Files["program.bpf.c"] = []byte(src.CSource)
		}
		theirs.Finding.ID, err = x.s.cfg.Findings.Keep(f)
	}
	if err != nil {
		x.s.cfg.Log.Error("real: finding", "error", err)
		return
	}
	x.s.cfg.Log.Warn("our verdict and the kernel's differ", "kind", kind, "finding", theirs.Finding.ID, "kernel", k.Release)
}

// verdictText is a verdict in one line.
func verdictText(o *Opinion) string {
	word := "rejected " + o.ErrnoName
	if o.OK {
		word = "accepted"
	}
	return fmt.Sprintf("%s: %s, log level %d, %d instructions processed, %d states\n", o.Release, strings.TrimSpace(word), o.Level, o.Insns, o.States)
}
