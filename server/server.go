// Package server joins the parts of skep into one HTTP server: the pages and
// scripts of package web, and the API that needs a machine: compiling C, real kernels.
//
//	srv := server.New(server.Config{Assets: web.Assets(), Compiler: c})
//	err := srv.Serve(ctx, listener)
//
// Read next: static.go, compile/compile.go.
package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"skep/server/auth"
	"skep/server/compile"
	"skep/server/course"
	"skep/server/real"
)

// Config is what a Server is made of.
type Config struct {
	// Assets holds the built files of the pages; x.br and x.gz beside x are
	// its compressed forms.
	Assets fs.FS
	// Pages serves what is no asset, by path: "/", "/gallery".
	Pages map[string]http.Handler
	// NotFound answers every other path.
	NotFound http.Handler
	// Compiler is nil when this machine cannot compile; NoCompiler says why.
	Compiler   *compile.Compiler
	NoCompiler error
	// Real answers for real kernels; nil has no routes for them. The caller closes it.
	Real *real.Service
	// Course grades submissions of labs; nil has no routes for them.
	Course *course.Service
	// Auth lets students sign in; nil has no accounts.
	Auth *auth.Service
	// Proxies are believed when they say whom they speak for.
	Proxies Proxies
	Log     *slog.Logger
	Version string
}

// Server is one instance of skep.
type Server struct {
	cfg     Config
	handler http.Handler
	started time.Time
}

// New wires the routes.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, started: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("POST /api/compile", s.compile)
	mux.HandleFunc("GET /api/compile", s.compiler)
	if cfg.Real != nil {
		cfg.Real.Register(mux)
	}
	if cfg.Course != nil {
		cfg.Course.Register(mux)
	}
	if cfg.Auth != nil {
		cfg.Auth.Register(mux)
	}
	mux.HandleFunc("/api/", apiNotFound)
	for path, page := range cfg.Pages {
		if path == "/" {
			path = "/{$}"
		}
		mux.Handle("GET "+path, page)
	}
	mux.Handle("/", &static{files: cfg.Assets, otherwise: cfg.NotFound})
	protect := http.NewCrossOriginProtection()
	s.handler = cfg.Proxies.seen(s.logged(secured(recovered(cfg.Log, protect.Handler(mux)))))
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Times that a client may take; compiling has its own limit.
const (
	readTimeout  = 20 * time.Second
	writeTimeout = 60 * time.Second
	idleTimeout  = 2 * time.Minute
	stopTimeout  = 15 * time.Second
	maxHeader    = 64 << 10
)

// Serve answers on l until ctx ends, then lets the requests that run finish
// (15 seconds at most) and returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		s.cfg.Log.Info("stopping", "grace", stopTimeout)
		done <- hs.Shutdown(stop)
	}()
	if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}
