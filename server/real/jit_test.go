package real_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"skep/server/real"
	"skep/server/sandbox"
)

// ask posts a request for the kernel's code; answer gets what comes with 200, the refusal what comes with anything else.
// It may be called on any goroutine.
func (s *site) ask(req any) (status int, answer real.JIT, refusal real.Refusal) {
	body, err := json.Marshal(req)
	if err != nil {
		s.t.Error(err)
		return
	}
	resp, err := (&http.Client{Jar: s.jar}).Post(s.url+"/api/real/jit", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return
	}
	defer resp.Body.Close()
	to := any(&refusal)
	if resp.StatusCode == http.StatusOK {
		to = &answer
	}
	if err := json.NewDecoder(resp.Body).Decode(to); err != nil {
		s.t.Errorf("status %d: %v", resp.StatusCode, err)
	}
	return resp.StatusCode, answer, refusal
}

func TestJIT(t *testing.T) {
	s := serve(t, real.Config{Manager: manager(t, sandbox.Config{})})
	status, a, refusal := s.ask(real.Request{Source: &real.Source{Text: xdpCount}})
	if status != 200 || !a.OK || a.Kernel != "6.12" || a.Arch != "amd64" || a.Note != "" || len(a.Functions) != 1 {
		t.Fatalf("%d %+v %+v", status, a, refusal)
	}
	if f := a.Functions[0]; f.Start != 0 || len(f.Lines) < 11 || len(f.Code) < 40 || !strings.HasPrefix(string(f.Code), "\xf3\x0f\x1e\xfa") {
		t.Errorf("function %+v", f)
	}
	if len(a.Xlated) < 12 || a.Xlated[0] != (real.XlatedInsn{PC: 0, Slot: 0, Text: "(b7) r1 = 0"}) {
		t.Errorf("xlated %+v", a.Xlated)
	}
	if last := a.Xlated[len(a.Xlated)-1]; last.Text != "(95) exit" || last.Slot != 11 || last.PC <= last.Slot {
		t.Errorf("last of xlated %+v", last)
	}

	_, a, _ = s.ask(real.Request{Kernel: "6.1", Source: &real.Source{Text: ".prog xdp\nr0 = *(u64 *)(r1 + 200)\nexit\n"}})
	if a.OK || a.Kernel != "6.1" || a.ErrnoName != "EACCES" || !strings.Contains(a.Log, "invalid bpf_context access") || strings.Contains(a.Log, "; @") {
		t.Errorf("refused: %+v", a)
	}

	// Beside a session of the visitor's own, which goes on.
	p := s.open(real.Request{Do: "live", Source: &real.Source{Text: xdpCount}})
	p.is("attached")
	if status, a, refusal = s.ask(real.Request{Source: &real.Source{Text: xdpCount}}); !a.OK {
		t.Errorf("beside a live run: %d %+v", status, refusal)
	}
	p.send(real.Request{Do: "stop"})
	if end := p.is("end"); end.Code != "done" {
		t.Errorf("end %+v", end)
	}
}

func TestJITRefusals(t *testing.T) {
	there := serve(t, real.Config{Manager: manager(t, sandbox.Config{})})
	none := serve(t, real.Config{})
	src := &real.Source{Text: xdpCount}
	for _, tt := range []struct {
		name   string
		site   *site
		req    any
		status int
		code   string
	}{
		{"not JSON", there, "x", 400, "bad-request"},
		{"no program", there, real.Request{}, 422, "source"},
		{"not a program", there, real.Request{Source: &real.Source{Text: "r0 ="}}, 422, "source"},
		{"no such kernel", there, real.Request{Kernel: "2.4", Source: src}, 400, "bad-request"},
		{"no machines", none, real.Request{Source: src}, 501, "no-machines"},
	} {
		if status, _, r := tt.site.ask(tt.req); status != tt.status || r.Code != tt.code || r.Text == "" {
			t.Errorf("%s: %d %+v", tt.name, status, r)
		}
	}
}

// Who asks again has not waited for the first answer: it ends. Who goes away leaves no job behind.
func TestJITAgain(t *testing.T) {
	m := manager(t, sandbox.Config{MaxVMs: 1})
	s := serve(t, real.Config{Manager: m})
	vm, err := m.Oracle(t.Context(), "6.12")
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	waiting := func(n int) {
		t.Helper()
		for end := time.Now().Add(time.Minute); s.status().Waiting != n; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d jobs wait, not %d", s.status().Waiting, n)
			}
		}
	}
	type reply struct {
		status  int
		answer  real.JIT
		refusal real.Refusal
	}
	ask := func() <-chan reply {
		ch := make(chan reply, 1)
		go func() {
			var r reply
			r.status, r.answer, r.refusal = s.ask(real.Request{Source: &real.Source{Text: xdpCount}})
			ch <- r
		}()
		return ch
	}
	first := ask()
	waiting(1)
	second := ask()
	if r := <-first; r.status != http.StatusConflict || r.refusal.Code != "replaced" {
		t.Errorf("the first: %d %+v", r.status, r.refusal)
	}
	waiting(1)
	vm.Close()
	if r := <-second; !r.answer.OK {
		t.Errorf("the second: %d %+v", r.status, r.refusal)
	}

	if vm, err = m.Oracle(t.Context(), "6.12"); err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", s.url+"/api/real/jit", strings.NewReader(`{"source":{"text":"r0 = 2\nexit"}}`))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(req)
		gone <- err
	}()
	waiting(1)
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the page that left: %v", err)
	}
	waiting(0)
}
