package real_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"skep/server/real"
	"skep/server/sandbox"
)

// manager returns virtual machines of its own; tests that need none of them do not call it.
func manager(t *testing.T, cfg sandbox.Config) *sandbox.Manager {
	t.Helper()
	if cfg.Kernels == nil {
		cfg.Kernels = []string{"6.12", "6.1"} // whatever else is installed
	}
	if cfg.Warm == 0 {
		cfg.Warm = -1
	}
	m, err := sandbox.NewManager(cfg)
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// site is a service behind a real HTTP server.
type site struct {
	t   *testing.T
	url string
	jar http.CookieJar
}

func serve(t *testing.T, cfg real.Config) *site {
	t.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := real.New(cfg)
	mux := http.NewServeMux()
	s.Register(mux)
	h := httptest.NewServer(mux)
	t.Cleanup(func() { s.Close(); h.Close() })
	x := &site{t: t, url: h.URL}
	x.newVisitor()
	return x
}

func (s *site) newVisitor() {
	s.t.Helper()
	s.jar, _ = cookiejar.New(nil)
	s.status()
}

func (s *site) status() (st real.Status) {
	s.t.Helper()
	resp, err := (&http.Client{Jar: s.jar}).Get(s.url + "/api/real")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
		s.t.Fatal(err)
	}
	return st
}

// page is one socket.
type page struct {
	t *testing.T
	c *websocket.Conn
	n int // messages so far
}

func (s *site) open(first real.Request) *page {
	s.t.Helper()
	d := websocket.Dialer{Jar: s.jar}
	c, _, err := d.Dial("ws"+strings.TrimPrefix(s.url, "http")+"/api/real/socket", http.Header{"Origin": {s.url}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	p := &page{t: s.t, c: c, n: first.Seen}
	p.send(first)
	return p
}

func (p *page) send(r real.Request) {
	p.t.Helper()
	if err := p.c.WriteJSON(r); err != nil {
		p.t.Fatal(err)
	}
}

// until reads messages to the one that f accepts; screen collects what a terminal shows.
func (p *page) until(what string, f func(m real.Message, screen string) bool) real.Message {
	p.t.Helper()
	p.c.SetReadDeadline(time.Now().Add(90 * time.Second))
	screen, last := "", ""
	for {
		kind, b, err := p.c.ReadMessage()
		if err != nil {
			p.t.Fatalf("%s: %v; last %.300s; screen %q", what, err, last, screen)
		}
		p.n++
		var m real.Message
		if kind == websocket.BinaryMessage {
			screen += string(b)
		} else if err := json.Unmarshal(b, &m); err != nil {
			p.t.Fatal(err)
		} else {
			last = string(b)
		}
		if f(m, screen) {
			return m
		}
	}
}

func (p *page) is(is string) real.Message {
	p.t.Helper()
	return p.until(is, func(m real.Message, _ string) bool {
		if m.Is == "end" && is != "end" {
			p.t.Fatalf("ended before %s: %s %s", is, m.Code, m.Text)
		}
		return m.Is == is
	})
}

const xdpCount = ".prog xdp\n.license GPL\n.map hits array key=4 value=8 entries=1\n" +
	"r1 = 0\n*(u32 *)(r10 - 4) = r1\nr2 = r10\nr2 += -4\nr1 = map[hits]\ncall bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = 1\nlock *(u64 *)(r0 + 0) += r1\nout:\nr0 = 2\nexit\n"

func TestConfirm(t *testing.T) {
	s := serve(t, real.Config{Manager: manager(t, sandbox.Config{})})
	p := s.open(real.Request{Do: "confirm", Source: &real.Source{Text: xdpCount, Packets: [][]byte{make([]byte, 64)}, Repeat: 5}})
	if o := p.is("ours").Ours; !o.OK || !strings.Contains(o.Log, "processed ") {
		t.Errorf("ours: %+v", o)
	}
	for _, k := range s.status().Kernels {
		v := p.is("verdict").Theirs
		if !v.OK || v.Kernel != k.Version || v.Run == nil || v.Run.Ret != 2 || len(v.Xlated) < 10 || len(v.JIT) < 10 || len(v.Segments) == 0 {
			t.Errorf("%s: %+v", k.Version, v)
		}
		if got := v.Maps[0].Entries[0].Value[0]; got != 5 {
			t.Errorf("%s: %d packets counted in 5 runs", k.Version, got)
		}
		if k.Reference && (v.First >= 0 || v.Finding != nil) {
			t.Errorf("our log differs from segment %d on: %+v\n%s", v.First, v.Segments, v.Log)
		}
	}
	if end := p.is("end"); end.Code != "done" {
		t.Errorf("end %+v", end)
	}

	p = s.open(real.Request{Do: "confirm", Kernel: "6.12", Source: &real.Source{Text: ".prog xdp\nr0 = *(u64 *)(r1 + 200)\nexit\n"}})
	if v := p.is("verdict").Theirs; v.OK || v.ErrnoName != "EACCES" || v.First >= 0 || !strings.Contains(v.Log, "invalid bpf_context access") {
		t.Errorf("rejected: %+v", v)
	}
}

func TestLive(t *testing.T) {
	s := serve(t, real.Config{Manager: manager(t, sandbox.Config{})})
	p := s.open(real.Request{Do: "live", Source: &real.Source{Text: xdpCount, Packets: [][]byte{make([]byte, 64), make([]byte, 80)}}})
	if l := p.is("attached").Links; l[0].Error != "" || l[0].How != "generic" {
		t.Fatalf("links %+v", l)
	}
	p.send(real.Request{Do: "fire", Workload: "packets", Count: 3})
	p.until("six packets counted", func(m real.Message, _ string) bool { return m.Is == "maps" && m.Maps[0].Entries[0].Value[0] >= 6 })
	p.send(real.Request{Do: "stop"})
	if end := p.is("end"); end.Code != "done" {
		t.Errorf("end %+v", end)
	}

	const trace = ".prog tracepoint\n.section \"tracepoint/syscalls/sys_enter_execve\"\n.license GPL\n.func trace\nr1 = 0x0a6465636578 ll\n*(u64 *)(r10 - 8) = r1\nr1 = r10\nr1 += -8\nr2 = 8\ncall bpf_trace_printk\nr0 = 0\nexit\n"
	p = s.open(real.Request{Do: "live", Kernel: "6.1", Source: &real.Source{Text: trace}})
	p.is("attached")
	p.send(real.Request{Do: "fire", Workload: "exec"})
	p.until("a line of the program", func(m real.Message, _ string) bool {
		return m.Is == "event" && m.Event.Kind == "trace_pipe" && strings.Contains(m.Event.Text, "xeced")
	})
}

// A terminal shows what commands print, survives its socket, and says how it ends.
func TestTerminal(t *testing.T) {
	s := serve(t, real.Config{Manager: manager(t, sandbox.Config{}), Reconnect: 20 * time.Second})
	p := s.open(real.Request{Do: "terminal", Rows: 30, Cols: 100})
	token := p.is("hello").Token
	p.until("a prompt", func(_ real.Message, screen string) bool { return strings.Contains(screen, "#") })
	p.c.WriteMessage(websocket.BinaryMessage, []byte("stty size; echo $((6*7))answer\n"))
	p.until("the answer", func(_ real.Message, screen string) bool {
		return strings.Contains(screen, "30 100") && strings.Contains(screen, "42answer")
	})
	p.send(real.Request{Do: "resize", Rows: 40, Cols: 132})
	p.c.Close()

	p = s.open(real.Request{Do: "resume", Token: token, Seen: p.n})
	p.c.WriteMessage(websocket.BinaryMessage, []byte("stty size\n"))
	p.until("the new size", func(_ real.Message, screen string) bool { return strings.Contains(screen, "40 132") })

	other := s.open(real.Request{Do: "confirm", Source: &real.Source{Text: xdpCount}})
	if end := other.is("end"); end.Code != "have-one" {
		t.Errorf("a second session: %+v", end)
	}
	s2 := *s
	s2.newVisitor()
	if end := s2.open(real.Request{Do: "resume", Token: token}).is("end"); end.Code != "gone" {
		t.Errorf("somebody else's session: %+v", end)
	}

	p.c.WriteMessage(websocket.BinaryMessage, []byte("echo c > /proc/sysrq-trigger\n"))
	if end := p.is("end"); end.Code != "panic" || !strings.Contains(end.Text, "sysrq triggered crash") {
		t.Errorf("end %+v", end)
	}
}

func TestEnds(t *testing.T) {
	asm := &real.Source{Text: xdpCount}
	t.Run("no machines", func(t *testing.T) {
		s := serve(t, real.Config{Why: errors.New("qemu: not installed")})
		if st := s.status(); st.There || st.Why != "qemu: not installed" {
			t.Errorf("status %+v", st)
		}
		if end := s.open(real.Request{Do: "confirm", Source: asm}).is("end"); end.Code != "no-machines" {
			t.Errorf("end %+v", end)
		}
	})
	t.Run("isolation", func(t *testing.T) {
		none := sandbox.LevelSeccomp
		s := serve(t, real.Config{Manager: manager(t, sandbox.Config{Level: &none, MinLevel: sandbox.LevelFull}), MinLevel: sandbox.LevelFull})
		if st := s.status(); st.Allowed || st.Level != "seccomp" || st.MinLevel != "full" {
			t.Errorf("status %+v", st)
		}
		if end := s.open(real.Request{Do: "confirm", Source: asm}).is("end"); end.Code != "level" {
			t.Errorf("end %+v", end)
		}
	})
	t.Run("queue", func(t *testing.T) {
		m := manager(t, sandbox.Config{MaxVMs: 1, MaxQueue: 1})
		s := serve(t, real.Config{Manager: m})
		vm, err := m.Acquire(context.Background(), sandbox.Job{Owner: "somebody", Limits: sandbox.Limits{Wall: 5 * time.Minute, CPU: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Close()
		waiting := s.open(real.Request{Do: "confirm", Source: asm})
		if q := waiting.is("queue"); q.Ahead != 1 || q.WaitMS == 0 {
			t.Errorf("queue %+v", q)
		}
		s.newVisitor()
		if end := s.open(real.Request{Do: "confirm", Source: asm}).is("end"); end.Code != "queue-full" {
			t.Errorf("end %+v", end)
		}
		waiting.send(real.Request{Do: "stop"})
		if end := waiting.is("end"); end.Code != "cancelled" {
			t.Errorf("end %+v", end)
		}
	})
	t.Run("limit", func(t *testing.T) {
		s := serve(t, real.Config{Manager: manager(t, sandbox.Config{}), Terminal: sandbox.Limits{Wall: time.Minute, CPU: time.Minute, Output: 64 << 10}})
		p := s.open(real.Request{Do: "terminal"})
		p.until("a prompt", func(_ real.Message, screen string) bool { return strings.Contains(screen, "#") })
		p.c.WriteMessage(websocket.BinaryMessage, []byte("yes\n"))
		if end := p.is("end"); end.Code != "output-limit" {
			t.Errorf("end %+v", end)
		}
	})
	t.Run("idle", func(t *testing.T) {
		s := serve(t, real.Config{Manager: manager(t, sandbox.Config{}), Idle: 4 * time.Second, IdleWarn: 3 * time.Second})
		p := s.open(real.Request{Do: "terminal"})
		if m := p.is("idle"); m.LeftMS == 0 {
			t.Errorf("warning %+v", m)
		}
		if end := p.is("end"); end.Code != "idle" {
			t.Errorf("end %+v", end)
		}
	})
	t.Run("bad source", func(t *testing.T) {
		s := serve(t, real.Config{Manager: manager(t, sandbox.Config{})})
		if end := s.open(real.Request{Do: "confirm", Source: &real.Source{Text: "r0 = \n"}}).is("end"); end.Code != "source" || !strings.Contains(end.Text, "line 1") {
			t.Errorf("end %+v", end)
		}
		if end := s.open(real.Request{Do: "dance"}).is("end"); end.Code != "bad-request" {
			t.Errorf("end %+v", end)
		}
	})
}

// Sockets of other sites, and messages that are too long, are refused.
func TestSocketBounds(t *testing.T) {
	s := serve(t, real.Config{})
	address := "ws" + strings.TrimPrefix(s.url, "http") + "/api/real/socket"
	_, resp, err := websocket.DefaultDialer.Dial(address, http.Header{"Origin": {"http://evil.example"}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("another origin: %v %v", err, resp)
	}
	c, _, err := websocket.DefaultDialer.Dial(address, http.Header{"Origin": {s.url}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.WriteMessage(websocket.TextMessage, make([]byte, 5<<20))
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, b, err := c.ReadMessage()
		if err != nil {
			break
		}
		if !strings.Contains(string(b), `"code":"bad-request"`) {
			t.Errorf("a message of 5 MiB: %.200s", b)
		}
	}
}

// A session without a socket ends after the window, and its machine with it.
func TestAway(t *testing.T) {
	m := manager(t, sandbox.Config{})
	s := serve(t, real.Config{Manager: m, Reconnect: -1})
	p := s.open(real.Request{Do: "terminal"})
	p.until("a prompt", func(_ real.Message, screen string) bool { return strings.Contains(screen, "#") })
	p.c.Close()
	for range 200 {
		if m.Stats().Busy == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the machine still runs")
}
