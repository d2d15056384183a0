// Package compile turns C into a BPF object with Debian's clang, for people
// whom the server does not trust.
//
// What crosses the boundary: the source text goes in as one read-only file;
// the object and clang's diagnostics come out through two pipes with a limit
// on their length. Nothing else of the machine is seen from inside: see
// jail_linux.go.
//
//	c, err := compile.New(compile.Config{})
//	res, err := c.Compile(ctx, compile.Request{Source: src})
//
// Read next: jail_linux.go, diagnostic.go.
package compile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// Limits of one compilation. A bomb meets one of them and gets an answer that
// names it.
const (
	MaxSource = 256 << 10        // bytes of source
	MaxObject = 4 << 20          // bytes of object
	MaxOutput = 64 << 10         // bytes of diagnostics
	MaxMemory = 512 << 20        // bytes of address space
	MaxTime   = 10 * time.Second // of wall time and of CPU time
	MaxQueue  = 200              // requests that wait for a free core
)

// Request is one source to compile.
type Request struct {
	Source string `json:"source"`
	// CPU is clang's -mcpu: v1 to v4. Empty means v3.
	CPU string `json:"cpu,omitempty"`
}

// Result is what clang made of a request. OK with diagnostics means warnings.
type Result struct {
	OK          bool         `json:"ok"`
	Object      []byte       `json:"object,omitempty"`
	Diagnostics []Diagnostic `json:"diagnostics"`
	Compiler    string       `json:"compiler"` // clang's version line
	Cached      bool         `json:"cached"`
	Millis      int64        `json:"ms"`
}

// Errors of the service, as opposed to errors in the source.
var (
	// ErrTooLarge: the source is longer than MaxSource.
	ErrTooLarge = fmt.Errorf("the source is longer than %d KiB", MaxSource>>10)
	// ErrBusy: MaxQueue requests wait already.
	ErrBusy = errors.New("the compiler is busy; try again in a few seconds")
	// ErrOption: an option is not among those offered.
	ErrOption = errors.New("cpu must be v1, v2, v3 or v4")
	// ErrUnavailable: there is no clang or no jail on this machine.
	ErrUnavailable = errors.New("compiling C is not possible on this server")
)

// Config of a Compiler. The zero value looks for everything itself.
type Config struct {
	Clang   string // path of clang; empty: the newest of clang-19 ... clang-14
	Headers string // folder with vmlinux.h; empty: none
	Workers int    // compilations at once; 0: a core each
	Cache   int    // bytes of results kept in memory; 0: 64 MiB
}

// Compiler compiles in jails, at most Workers at once.
type Compiler struct {
	cfg     Config
	version string
	slots   chan struct{}
	waiting atomic.Int64
	cache   *cache
}

// New finds clang and tries the jail once. Its error wraps ErrUnavailable and
// says what is missing and what to install.
func New(cfg Config) (*Compiler, error) {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.NumCPU()
	}
	if cfg.Cache <= 0 {
		cfg.Cache = 64 << 20
	}
	if cfg.Clang == "" {
		path, err := findClang()
		if err != nil {
			return nil, err
		}
		cfg.Clang = path
	}
	version, err := probe(cfg)
	if err != nil {
		return nil, err
	}
	return &Compiler{
		cfg:     cfg,
		version: version,
		slots:   make(chan struct{}, cfg.Workers),
		cache:   newCache(cfg.Cache),
	}, nil
}

// Version is the first line of clang --version.
func (c *Compiler) Version() string { return c.version }

// Compile compiles one source. Errors in the source are diagnostics in the
// result; err is for the service: ErrTooLarge, ErrBusy, ErrOption or the
// context's error.
func (c *Compiler) Compile(ctx context.Context, req Request) (*Result, error) {
	if len(req.Source) > MaxSource {
		return nil, ErrTooLarge
	}
	switch req.CPU {
	case "":
		req.CPU = "v3"
	case "v1", "v2", "v3", "v4":
	default:
		return nil, ErrOption
	}
	key := c.key(req)
	if res, ok := c.cache.get(key); ok {
		hit := *res
		hit.Cached = true
		return &hit, nil
	}
	if c.waiting.Add(1) > MaxQueue {
		c.waiting.Add(-1)
		return nil, ErrBusy
	}
	select {
	case c.slots <- struct{}{}:
		c.waiting.Add(-1)
	case <-ctx.Done():
		c.waiting.Add(-1)
		return nil, ctx.Err()
	}
	defer func() { <-c.slots }()

	start := time.Now()
	out, err := c.run(ctx, req)
	if err != nil {
		return nil, err
	}
	res := &Result{
		OK:          out.reason == "" && out.exit == 0,
		Diagnostics: parseDiagnostics(out.stderr),
		Compiler:    c.version,
		Millis:      time.Since(start).Milliseconds(),
	}
	switch {
	case res.OK:
		res.Object = out.stdout
	case out.reason != "":
		res.Diagnostics = append(res.Diagnostics, Diagnostic{Line: 1, Col: 1, Severity: "error", Message: out.reason})
	case !hasError(res.Diagnostics):
		// clang died without a word that the parser knows: show what it said.
		res.Diagnostics = append(res.Diagnostics, Diagnostic{Line: 1, Col: 1, Severity: "error", Message: died(out)})
	}
	if out.reason == "" { // a time-out may go better next time
		c.cache.put(key, res)
	}
	return res, nil
}

// key is the content hash under which a result is cached.
func (c *Compiler) key(req Request) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s", c.version, c.cfg.Headers, req.CPU, req.Source)
	return hex.EncodeToString(h.Sum(nil))
}

func died(out *output) string {
	msg := fmt.Sprintf("clang ended with code %d", out.exit)
	if out.stderr != "" {
		msg += ": " + firstLine(out.stderr)
	}
	return msg
}
