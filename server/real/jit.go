package real

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"skep/server/sandbox"
)

// JIT answers POST /api/real/jit: the program as a kernel runs it. A slot is an instruction of the program by its
// number, of a wide load the first one.
type JIT struct {
	Kernel    string                 `json:"kernel"`
	Release   string                 `json:"release"`
	Arch      string                 `json:"arch"`
	OK        bool                   `json:"ok"` // the verifier accepts it; else why not
	Errno     int                    `json:"errno,omitempty"`
	ErrnoName string                 `json:"errno_name,omitempty"`
	Error     string                 `json:"error,omitempty"` // the program did not reach the verifier
	Log       string                 `json:"log,omitempty"`
	Note      string                 `json:"note,omitempty"` // what is missing in the rest, and why
	Functions []sandbox.DumpFunction `json:"functions,omitempty"`
	Xlated    []XlatedInsn           `json:"xlated,omitempty"`
}

// XlatedInsn is an instruction as the verifier rewrote it.
type XlatedInsn struct {
	PC   int    `json:"pc"`
	Slot int    `json:"slot"` // that it came from, -1 when that is not known
	Text string `json:"text"`
}

// maxRefusal bounds the log of a program that has no code to show.
const maxRefusal = 64 << 10

// jit is POST /api/real/jit with a Request, of which kernel and source count: a machine for one answer. What the visitor
// asked for before, and has not had yet, ends.
func (s *Service) jit(w http.ResponseWriter, r *http.Request) {
	var req Request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxFirst)).Decode(&req); err != nil {
		s.refuse(w, &endError{codeBad, "the request is not the JSON that is expected: " + err.Error()})
		return
	}
	req.Do, req.Replace = doJIT, true
	visitor, address := visitorOf(r)
	x, err := s.open(req, visitor, address)
	if err != nil {
		s.refuse(w, err)
		return
	}
	defer s.close(x)
	stop := context.AfterFunc(r.Context(), func() { x.cancel(&endError{codeCancelled, "the page asks no more"}) })
	defer stop()
	var answer *JIT
	err = x.guarded(func() error {
		answer, err = x.dump(req)
		return err
	})
	close(x.done)
	if err = x.cause(err); err != nil {
		s.refuse(w, err)
		return
	}
	respond(w, http.StatusOK, answer)
}

// dump asks a kernel.
func (x *session) dump(req Request) (*JIT, error) {
	k, err := x.s.kernel(req.Kernel)
	if err != nil {
		return nil, err
	}
	types, err := x.s.kernels.of(k)
	if err != nil {
		return nil, err
	}
	p, _, err := req.Source.load(types)
	if err != nil {
		return nil, err
	}
	a := &JIT{Kernel: k.Version, Release: k.Release, Arch: "amd64"}
	prog, err := req.Source.record(p, 1).Resolve(k, nil)
	if err != nil { // a kernel function that this kernel does not have
		a.Error = err.Error()
		return a, nil
	}
	prog.LogMax = maxRefusal
	vm, err := x.acquire(k.Version, sandbox.JobLimits)
	if err != nil {
		return nil, err
	}
	defer vm.Close()
	d, v, err := vm.Dump(x.ctx, prog)
	switch {
	case v != nil && !v.OK:
		o := opinion(k, v, 1)
		a.Errno, a.ErrnoName, a.Error, a.Log = o.Errno, o.ErrnoName, o.Error, o.Log
		return a, nil
	case errors.Is(err, sandbox.ErrNotCompiled):
		a.OK, a.Note = true, err.Error()
		return a, nil
	case err != nil:
		return nil, err
	}
	a.OK, a.Functions = true, d.Functions
	if d.Slots == nil {
		a.Note = "the kernel does not say which code is of which instruction"
	}
	eachXlated(d.Xlated, func(pc int, text string) {
		slot := -1
		if d.Slots != nil {
			slot = d.Slots[pc]
		}
		a.Xlated = append(a.Xlated, XlatedInsn{pc, slot, text})
	})
	return a, nil
}

// statuses of refusals; a machine that ended on its own is http.StatusBadGateway.
var statuses = map[string]int{
	codeBad: http.StatusBadRequest, codeSource: http.StatusUnprocessableEntity, codeNone: http.StatusNotImplemented, codeLevel: http.StatusNotImplemented,
	codeFull: http.StatusServiceUnavailable, codeGone: http.StatusServiceUnavailable, codeMine: http.StatusConflict,
	codeReplaced: http.StatusConflict, codeCancelled: http.StatusConflict, codeInternal: http.StatusInternalServerError,
}

// Refusal is the answer of POST /api/real/jit that is none, with the code of an end.
type Refusal struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

func (s *Service) refuse(w http.ResponseWriter, err error) {
	m := s.endMessage(err)
	status := statuses[m.Code]
	if status == 0 {
		status = http.StatusBadGateway
	}
	if m.Code == codeFull {
		w.Header().Set("Retry-After", "5")
	}
	respond(w, status, Refusal{m.Code, m.Text})
}

func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
