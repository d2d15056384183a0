// Package real lets a page use real kernels: "Confirm on a real kernel", "Run it live" and a terminal, each in a
// throw-away virtual machine of package sandbox, each over one WebSocket.
//
//	s := real.New(real.Config{Manager: m, Findings: f})
//	defer s.Close()
//	s.Register(mux) // GET /api/real, GET /api/real/socket, GET /api/real/finding/{id}, POST /api/real/jit
//
// What a visitor may do is bounded here: one session a visitor, a few an address, half of the machines for sessions
// that last minutes, so many messages a second of so many bytes. A session outlives its socket by a short window, so
// that a reload or a lost network does not end it; then everything ends.
//
// Why our verdict is computed here again, although the page has one: a finding must not depend on what a page claims.
// Why a lower log level and not a cut log: a log that lost its middle cannot be laid beside another one.
// Why confirm has no window to come back: it lasts a second, and a page that is gone wants nothing any more.
//
// Read next: message.go (what goes over the socket), session.go (who lives how long), confirm.go, live.go, terminal.go,
// and jit.go, which answers one request.
package real

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"

	"skep/server/sandbox"
)

// Config is what a Service is made of. Zero fields get the defaults that are named.
type Config struct {
	// Manager is nil when this machine has no virtual machines; Why says what is missing.
	Manager *sandbox.Manager
	Why     error
	// MinLevel is the isolation below which the manager refuses strangers; only shown here.
	MinLevel sandbox.Level
	Findings *sandbox.Findings // nil keeps none
	Log      *slog.Logger
	Version  string // of skep, for findings

	Reconnect  time.Duration // a session without a socket lives on; 30 s, negative is not at all
	Idle       time.Duration // a terminal into which nobody types ends; 5 min
	IdleWarn   time.Duration // and is warned so long before; 1 min
	Live       sandbox.Limits
	Terminal   sandbox.Limits
	MaxSession int // sessions in all; 64
	MaxAddress int // sessions of one network address; 16
	MaxLong    int // live runs and terminals; half of the manager's machines, at least 1
}

// LiveLimits are the limits of a live run.
var LiveLimits = sandbox.Limits{Wall: 5 * time.Minute, CPU: 60 * time.Second, Output: 16 << 20}

// Service answers the page.
type Service struct {
	cfg     Config
	kernels kernelTypes

	mu       sync.Mutex
	sessions map[string]*session // by token
	stopping chan struct{}       // closed by Close
	verifier chan struct{}       // a place in it is the right to run our verifier
	running  sync.WaitGroup
}

// New makes a Service.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&cfg.Reconnect, 30 * time.Second}, {&cfg.Idle, 5 * time.Minute}, {&cfg.IdleWarn, time.Minute}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if cfg.Live == (sandbox.Limits{}) {
		cfg.Live = LiveLimits
	}
	if cfg.Terminal == (sandbox.Limits{}) {
		cfg.Terminal = sandbox.SessionLimits
	}
	if cfg.MaxSession == 0 {
		cfg.MaxSession = 64
	}
	if cfg.MaxAddress == 0 {
		cfg.MaxAddress = 16
	}
	if cfg.MaxLong == 0 && cfg.Manager != nil {
		cfg.MaxLong = max(1, cfg.Manager.Stats().MaxVMs/2)
	}
	if cfg.Manager == nil && cfg.Why == nil {
		cfg.Why = errors.New("this server was started without virtual machines")
	}
	return &Service{cfg: cfg, sessions: map[string]*session{}, stopping: make(chan struct{}),
		verifier: make(chan struct{}, max(1, runtime.NumCPU()/2))}
}

// Register adds the routes.
func (s *Service) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/real", s.status)
	mux.HandleFunc("GET /api/real/socket", s.socket)
	mux.HandleFunc("GET /api/real/finding/{id}", s.finding)
	mux.HandleFunc("POST /api/real/jit", s.jit)
}

// kernel is the one of that version, or the reference kernel.
func (s *Service) kernel(version string) (*sandbox.Kernel, error) {
	version = cmp.Or(version, sandbox.DefaultKernel)
	kernels := s.cfg.Manager.Kernels()
	i := slices.IndexFunc(kernels, func(k *sandbox.Kernel) bool { return k.Version == version })
	if i < 0 {
		return nil, &endError{codeBad, fmt.Sprintf("kernel %q: this server has none", version)}
	}
	return kernels[i], nil
}

// Close ends every session and waits for them.
func (s *Service) Close() {
	s.mu.Lock()
	if !s.isClosed() {
		close(s.stopping)
	}
	for _, x := range s.sessions {
		x.cancel(errStopping)
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Service) isClosed() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

var errStopping = errors.New("the server is stopping")

// Status is what GET /api/real answers.
type Status struct {
	There     bool           `json:"there"`
	Why       string         `json:"why,omitempty"` // why not
	Level     string         `json:"level,omitempty"`
	MinLevel  string         `json:"min_level,omitempty"`
	Allowed   bool           `json:"allowed"` // the level is high enough
	Kernels   []KernelInfo   `json:"kernels"`
	Machines  int            `json:"machines"`
	Busy      int            `json:"busy"`
	Waiting   int            `json:"waiting"`
	Workloads []WorkloadInfo `json:"workloads"`
	Limits    []LimitInfo    `json:"limits"`
}

// KernelInfo is a kernel that jobs may name.
type KernelInfo struct {
	Version   string `json:"version"`
	Release   string `json:"release"`
	Reference bool   `json:"reference,omitempty"` // the one that our verifier follows
}

// LimitInfo is what ends a machine.
type LimitInfo struct {
	Do     string `json:"do"`
	WallMS int64  `json:"wall_ms"`
	CPUMS  int64  `json:"cpu_ms"`
	Output int64  `json:"output"`
	IdleMS int64  `json:"idle_ms,omitempty"`
}

// status tells the page what there is, and gives the visitor a name.
func (s *Service) status(w http.ResponseWriter, r *http.Request) {
	nameVisitor(w, r)
	st := Status{Kernels: []KernelInfo{}, Workloads: []WorkloadInfo{}, MinLevel: s.cfg.MinLevel.String()}
	if m := s.cfg.Manager; m == nil {
		st.Why = s.cfg.Why.Error()
	} else {
		load := m.Stats()
		st.There, st.Level, st.Allowed = true, m.Level().String(), m.Level() >= s.cfg.MinLevel
		st.Machines, st.Busy, st.Waiting = load.MaxVMs, load.Busy, load.Waiting
		for _, k := range m.Kernels() {
			st.Kernels = append(st.Kernels, KernelInfo{k.Version, k.Release, k.Version == sandbox.DefaultKernel})
		}
		for _, w := range workloads {
			st.Workloads = append(st.Workloads, w.WorkloadInfo)
		}
		for _, l := range []struct {
			do     string
			limits sandbox.Limits
			idle   time.Duration
		}{{doConfirm, sandbox.JobLimits, 0}, {doLive, s.cfg.Live, 0}, {doTerminal, s.cfg.Terminal, s.cfg.Idle}} {
			st.Limits = append(st.Limits, LimitInfo{l.do, l.limits.Wall.Milliseconds(), l.limits.CPU.Milliseconds(), l.limits.Output, l.idle.Milliseconds()})
		}
	}
	respond(w, http.StatusOK, st)
}

// finding sends the bundle of a difference that was found.
func (s *Service) finding(w http.ResponseWriter, r *http.Request) {
	b, err := s.cfg.Findings.Bundle(r.PathValue("id"))
	if err != nil {
		http.Error(w, "there is no such finding here", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="skep-finding-`+r.PathValue("id")+`.zip"`)
	w.Header().Set("Cache-Control", "no-store")
	w.Write(b)
}
