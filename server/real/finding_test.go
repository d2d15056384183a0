package real

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"skep/server/sandbox"
)

// A difference with the reference kernel is kept and can be downloaded; one with another kernel, or with a program that
// we do not model, is no finding.
func TestFinding(t *testing.T) {
	s := New(Config{Findings: &sandbox.Findings{Dir: t.TempDir()}, Log: slog.New(slog.DiscardHandler), Version: "test"})
	x := &session{s: s}
	accepted := Opinion{Kernel: "6.12", OK: true, Log: "0: (95) exit\n", First: -1}
	with := func(f func(*Opinion)) Opinion { o := accepted; f(&o); return o }
	for _, tt := range []struct {
		name         string
		ours, theirs Opinion
		kernel, kind string
	}{
		{"agreement", accepted, accepted, "6.12", ""},
		{"verdict", with(func(o *Opinion) { o.OK, o.Errno = false, 13 }), accepted, "6.12", "verdict"},
		{"errno", with(func(o *Opinion) { o.OK, o.Errno = false, 13 }), with(func(o *Opinion) { o.OK, o.Errno = false, 22 }), "6.12", "errno"},
		{"log", accepted, with(func(o *Opinion) { o.Log = "0: (95) exit ; R0=1\n" }), "6.12", "log"},
		{"another kernel", accepted, with(func(o *Opinion) { o.OK = false }), "6.1", ""},
		{"not modelled", with(func(o *Opinion) { o.OK, o.NotModelled = false, "arenas" }), accepted, "6.12", ""},
		{"not loaded there", accepted, with(func(o *Opinion) { o.OK, o.Error = false, "map 0: EINVAL" }), "6.12", ""},
	} {
		ours, theirs := tt.ours, tt.theirs
		x.compare(&Source{Text: "exit"}, &sandbox.Record{ProgType: "xdp", License: tt.name}, &sandbox.Kernel{Version: tt.kernel, Release: tt.kernel + ".1"}, &ours, &theirs)
		f := theirs.Finding
		if (f == nil) != (tt.kind == "") || f != nil && (f.Kind != tt.kind || f.ID == "") {
			t.Errorf("%s: finding %+v, want %q", tt.name, f, tt.kind)
		}
		if f == nil {
			continue
		}
		r := httptest.NewRequest("GET", "/api/real/finding/"+f.ID, nil)
		r.SetPathValue("id", f.ID)
		w := httptest.NewRecorder()
		s.finding(w, r)
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "PK") {
			t.Errorf("%s: the bundle is answered by %d", tt.name, w.Code)
		}
	}
	if all, err := s.cfg.Findings.List(); err != nil || len(all) != 3 {
		t.Errorf("%d findings are kept, %v", len(all), err)
	}
}
