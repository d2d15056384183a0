package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"

	"skep/labs"
	"skep/server"
	"skep/server/auth"
	"skep/server/compile"
	"skep/server/course"
	"skep/server/real"
	"skep/server/reference"
	"skep/server/sandbox"
	"skep/web"
)

func runServe(ctx context.Context, sh *shell, args []string) int {
	fs := sh.flags("serve", "[-addr HOST:PORT] [-data DIR] [-url URL] [-trusted-proxies CIDR,...] [-isolation LEVEL] [-vms N] [-log text|json] [-v]", "Serves the playground, the gallery and the API until it is interrupted.")
	addr := fs.String("addr", envOr("SKEP_ADDR", "127.0.0.1:8080"), "address to listen on; port 0 picks a free one (SKEP_ADDR)")
	data := fs.String("data", defaultData(), "`folder` of accounts and students' work; none: nobody can sign in")
	public := fs.String("url", os.Getenv("SKEP_URL"), "how people reach this server when a proxy stands before it, https://skep.example.org (SKEP_URL)")
	proxied := fs.String("trusted-proxies", os.Getenv("SKEP_TRUSTED_PROXIES"), "`networks` of the proxies before this server, 127.0.0.1,10.0.0.0/8: their X-Forwarded-For or Forwarded says where a visitor is, by whom\nqueues and tries are counted; without it all visitors behind a proxy share one address's limits (SKEP_TRUSTED_PROXIES)")
	format := fs.String("log", "text", "log format: text or json")
	verbose := fs.Bool("v", false, "log every request")
	isolation := fs.String("isolation", "full", "weakest isolation at which visitors' programs run on real kernels: none, seccomp, seccomp+uid or full")
	vms := fs.Int("vms", 0, "virtual machines at once, 0 is four a core; negative is none at all")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) > 0 || *format != "text" && *format != "json" {
		fs.Usage()
		return exitUsage
	}
	level, err := sandbox.ParseLevel(*isolation)
	if err != nil {
		return sh.broken("serve", err)
	}
	proxies, err := server.ParseProxies(*proxied)
	if err != nil {
		return sh.broken("serve", err)
	}
	log := newLog(sh, *format, *verbose)
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return sh.broken("serve", fmt.Errorf("%w; another address: skep serve -addr 127.0.0.1:0", err))
	}
	all, err := course.Read(labs.Content())
	if err != nil {
		return sh.broken("serve", err)
	}
	cfg := server.Config{
		Assets: web.Assets(), Pages: web.Pages(reference.Data(), course.Pages(all)...), NotFound: web.NotFound(), Proxies: proxies, Log: log, Version: version(),
	}
	cfg.Compiler, cfg.NoCompiler = newCompiler(ctx, log)
	if cfg.NoCompiler != nil {
		log.Warn("C cannot be compiled here", "reason", cfg.NoCompiler)
	}
	kernels, manager, end := newReal(ctx, log, level, *vms)
	defer end()
	cfg.Real = kernels
	if *data != noData {
		db, err := openData(*data)
		if err != nil {
			return sh.broken("serve", err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				log.Error("accounts", "error", err)
			}
		}()
		cfg.Auth = auth.New(auth.Config{DB: db, Secure: strings.HasPrefix(*public, "https:"), Log: log})
	}
	cfg.Course = newCourse(course.Config{Labs: all, Compiler: cfg.Compiler, Manager: manager, Students: cfg.Auth, Findings: findings(), Version: cfg.Version, Log: log})
	fmt.Fprintf(sh.out, "skep is at http://%s\n", l.Addr())
	if err := server.New(cfg).Serve(ctx, l); err != nil {
		return sh.broken("serve", err)
	}
	return exitOK
}

// newCompiler finds clang, and the kernel's types for vmlinux.h when a sandbox
// kernel is installed.
func newCompiler(ctx context.Context, log *slog.Logger) (*compile.Compiler, error) {
	var cfg compile.Config
	if k, err := sandbox.FindKernel(sandbox.DefaultKernel); err != nil {
		log.Info("no vmlinux.h: no kernel is installed", "do", "skep sandbox install")
	} else if cache, err := sandbox.CacheDir(); err != nil {
		log.Warn("no vmlinux.h", "error", err)
	} else if cfg.Headers, err = compile.Headers(ctx, cache, k.BTFFile()); err != nil {
		log.Warn("no vmlinux.h", "error", err)
	}
	return compile.New(cfg)
}

// newReal makes virtual machines available to the page, and their templates in the background.
func newReal(ctx context.Context, log *slog.Logger, level sandbox.Level, vms int) (s *real.Service, m *sandbox.Manager, end func()) {
	cfg := real.Config{MinLevel: level, Log: log, Version: version()}
	cfg.Findings = findings()
	if vms >= 0 {
		cfg.Manager, cfg.Why = sandbox.NewManager(sandbox.Config{MaxVMs: vms, MinLevel: level})
	} else {
		cfg.Why = errors.New("this server was started without virtual machines")
	}
	s = real.New(cfg)
	if m = cfg.Manager; m == nil {
		log.Info("no real kernels", "reason", cfg.Why)
		return s, nil, s.Close
	}
	if m.Level() < level {
		log.Warn("visitors' programs are not run: isolation is too weak", "level", m.Level(), "wanted", level, "do", "skep sandbox doctor")
	}
	ready := make(chan struct{})
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer close(ready)
		if err := m.Prepare(ctx); err != nil && ctx.Err() == nil {
			log.Error("real kernels", "error", err)
		}
	}()
	return s, m, func() {
		stop()
		s.Close()
		<-ready
		if err := m.Close(); err != nil {
			log.Warn("real kernels", "error", err)
		}
	}
}

// findings is where differences between us and a kernel are kept, nil for nowhere.
func findings() *sandbox.Findings {
	dir, err := sandbox.FindingsDir()
	if err != nil {
		return nil
	}
	return &sandbox.Findings{Dir: dir}
}

// newCourse grades submissions; the grader's module is made ready in the background.
func newCourse(cfg course.Config) *course.Service {
	if built, err := web.ReadManifest(web.Assets()); err == nil && built.Grade != "" {
		cfg.Module, err = fs.ReadFile(web.Assets(), built.Grade)
		if err != nil {
			cfg.Log.Error("grader", "error", err)
		}
	}
	s := course.New(cfg)
	go func() {
		if err := s.Prepare(); err != nil {
			cfg.Log.Error("grader", "error", err)
		}
	}()
	return s
}

func newLog(sh *shell, format string, verbose bool) *slog.Logger {
	opt := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		opt.Level = slog.LevelDebug
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(sh.err, opt))
	}
	return slog.New(slog.NewTextHandler(sh.err, opt))
}

func envOr(name, def string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return def
}

// version is the module's version and the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 && v == "(devel)" {
			v = s.Value[:12]
		}
	}
	return v
}

func runSite(_ context.Context, sh *shell, args []string) int {
	fs := sh.flags("site", "[-plain] OUT", "Writes playground, gallery and labs as files below OUT: they work from any web server,\nfrom any folder of it, without skep. C is not compiled there; examples are built in.")
	plain := fs.Bool("plain", false, "leave out the .br and .gz forms, which only some servers know how to use")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) != 1 {
		return sh.broken("site", errors.New("one folder OUT is needed"))
	}
	all, err := course.Read(labs.Content())
	if err != nil {
		return sh.broken("site", err)
	}
	if err := web.WriteSite(rest[0], web.SiteOptions{NoCompressed: *plain, Reference: reference.Data(), Labs: course.Pages(all)}); err != nil {
		return sh.broken("site", err)
	}
	fmt.Fprintf(sh.out, "wrote %s; try it: python3 -m http.server -d %s\n", rest[0], rest[0])
	return exitOK
}
